# %% [markdown]
# # 00 · Start here
#
# Five minutes with *Distillation Scaling Laws* (Busbridge et al., ICML 2025): what the law says,
# why a teacher can be too good, and one decision worked through. The other notebooks take the
# paper section by section; the README lists them.

# %% tags=["parameters"]
profile = "full"

# %%
import matplotlib.pyplot as plt
import numpy as np
import pandas as pd

from scalinglib import allocate, flops, laws
from scalinglib.report import claims, figures, profiles

settings = profiles.load(profile)
save = figures.saver(settings)
figures.use_style()
law = laws.load("corrected")
ensemble = laws.ensemble("figure1")

# %% [markdown]
# ## The law in one picture, and the U
#
# A student of $N_S$ parameters is distilled on $D_S$ tokens from a teacher whose loss is $L_T$.
# Its own loss depends on the teacher through $L_T$ alone:
#
# $$
# L_S = L_T + \frac{1}{L_T^{c_0}}
#   \Big(1 + \Big(\frac{L_T}{\tilde L_S d_1}\Big)^{1/f_1}\Big)^{-c_1 f_1}
#   \Big(\frac{A'}{N_S^{\alpha'}} + \frac{B'}{D_S^{\beta'}}\Big)^{\gamma'} .
# $$
#
# Students on 20 tokens per parameter. From right to left the teacher gets better: at first the
# student simply copies it ($L_S = L_T$, grey), then it falls behind, reaches its best (dot), and
# from there a better teacher makes a *worse* student. Dotted: the same student trained on data.

# %%
students = [198e6, 546e6, 1.82e9, 7.75e9]
teacher_loss = np.linspace(1.5, 3.0, 2 * settings.curve_points)
curves = pd.DataFrame(
    [(n, t) for n in students for t in teacher_loss], columns=["student_params", "teacher_loss"]
)
tokens = 20 * curves.student_params
curves["student_loss"] = law.loss(curves.student_params, tokens, curves.teacher_loss)
curves["supervised_loss"] = law.supervised.loss(curves.student_params, tokens)
fig, ax = plt.subplots()
for n, curve in curves.groupby("student_params"):
    color = figures.student_color(n)
    ax.plot(curve.teacher_loss, curve.student_loss, color=color)
    start = curve[["teacher_loss", "student_loss"]].iloc[0]
    ax.annotate(f"{figures.label_size(n)} ", start, color=color, ha="right", va="center")
    ax.plot(curve.teacher_loss, curve.supervised_loss, ":", color=color, linewidth=1)
    best = curve.student_loss.idxmin()
    ax.plot(curve.teacher_loss[best], curve.student_loss[best], "o", color=color)
ax.plot([1.5, 3], [1.5, 3], color="grey", linewidth=1)
ax.text(2.83, 2.9, "$L_S = L_T$", color="grey", ha="right")
ax.text(2.15, 2.8, "trained on data", color=figures.student_color(198e6))
ax.set(xlabel="teacher loss $L_T$ (nats)", ylabel="student loss $L_S$ (nats)")
ax.set(xlim=(1.38, 3.05), ylim=(1.8, 3.0))
save(fig, "start_the_u", curves)

# %% [markdown]
# ## One decision
#
# *I want a 1B student and have $10^{21}$ FLOPs: distil or not, from which teacher, on how many
# tokens?* Change the two numbers and run the notebook again.

# %%
student_params = 1e9
compute = 1e21

# %%
answers = pd.concat(
    allocate.under_ensemble(law, ensemble, student_params, compute, s, level=0.8)
    for s in allocate.SCENARIOS
).set_index("scenario")
shown = ["student_loss", "gap", "gap_low", "gap_high", "share_distil"]
answers[[*shown, "student_tokens", "teacher_params", "teacher_tokens"]].map("{:.3g}".format)

# %% [markdown]
# `gap` is the student's loss less that of the same student trained on data with the same budget, in
# nats: negative where distilling is better. One law cannot say how sure that is; so beside Table
# 6's law stand 107 that fit the paper's runs about equally well. Eight in ten of them lie between
# low and high, Table 6's law always with them, and under `share_distil` of them distilling wins:
# from 0.1 to 0.9 the evidence does not decide.
#
# In *teacher inference* the law asks for a teacher trained without end (someone else pays): read it
# as the best a small overtrained teacher could do. Teachers that exist are the usual case:

# %%
shelf = pd.DataFrame({"teacher_params": [546e6, 1.15e9, 3.08e9, 7.75e9]})
shelf["student_tokens"] = allocate.tokens_with_teacher(
    student_params, shelf.teacher_params, compute
)
supervised_tokens = compute / (3 * flops.forward_flops(student_params))


def shelf_gaps(law):
    teacher_loss = law.supervised.loss(shelf.teacher_params, 20 * shelf.teacher_params)
    student_loss = law.loss(student_params, shelf.student_tokens, teacher_loss)
    return student_loss - law.supervised.loss(student_params, supervised_tokens)


each_gap = np.array([shelf_gaps(member) for member in ensemble.members])
shelf["gap"] = shelf_gaps(law)
shelf["gap_low"], shelf["gap_high"] = allocate.interval(ensemble, each_gap, shelf.gap, 0.8)
shelf["share_distil"] = ensemble.share(each_gap < 0)
shelf.map("{:.3g}".format)


# %%
def verdict(row):
    decided = {True: "better", False: "worse"}.get(row.share_distil > 0.5)
    decided = decided if abs(row.share_distil - 0.5) >= 0.4 else "undecided"
    numbers = f"{row.gap:+.3f} nats ({row.gap_low:+.3f} to {row.gap_high:+.3f})"
    return f"{decided}, {numbers}, better in {10 * row.share_distil:.0f} of 10 laws"


best = shelf.loc[shelf.gap.idxmin()]
supervised_loss = float(law.supervised.loss(student_params, supervised_tokens))
print(f"Supervised: {supervised_tokens / 1e9:.0f}B tokens give {supervised_loss:.3f} nats.")
print(f"A free, ideal teacher: {verdict(answers.loc['best_case'])}.")
print(f"The best of the shelf, {figures.label_size(best.teacher_params)}, inference paid, on")
print(f"  {best.student_tokens / 1e9:.0f}B tokens: {verdict(best)}.")
print("A teacher trained for this student alone:")
print(f"  {verdict(answers.loc['teacher_pretraining_inference'])}.")

# %% [markdown]
# ## The answer over all budgets
#
# Student loss less that of supervised training, against budget: below zero distilling is better.
# Lines are Table 6's law, bands hold it and the middle 80% of the laws: where a band has zero
# inside, they do not decide. The dashed line is the budget above.

# %%
budgets = np.geomspace(1e19, 1e24, settings.curve_points // 3)
flips = pd.concat(
    allocate.under_ensemble(law, ensemble.thin(50), student_params, budgets, s, level=0.8)
    for s in allocate.SCENARIOS
).reset_index(drop=True)
beside = {  # where each line has its name: a budget, and points from the line
    "best_case": (1.5e20, (6, -14)),
    "teacher_inference": (1.2e20, (-6, 8)),
    "teacher_pretraining": (2.5e20, (-8, -12)),
    "teacher_pretraining_inference": (1.2e21, (8, 6)),
}
fig, ax = plt.subplots()
for name, curve in flips.groupby("scenario", sort=False):
    color, label = figures.SCENARIO_COLORS[name], figures.SCENARIO_LABELS[name]
    ax.plot(curve.compute, curve.gap, color=color)
    ax.fill_between(curve.compute, curve.gap_low, curve.gap_high, color=color, alpha=0.2, lw=0)
    budget, offset = beside[name]
    there = budget, np.interp(budget, curve.compute, curve.gap)
    align = {"textcoords": "offset points", "ha": "left" if offset[0] > 0 else "right"}
    ax.annotate(label.removeprefix("distillation, "), there, offset, color=color, **align)
ax.axhline(0, color="black", linewidth=0.8)
ax.axvline(compute, color="grey", linestyle="--", linewidth=1)
ax.set(xscale="log", xlabel="total compute $C$ (FLOPs)", ylabel=r"$L_S - \tilde L_S$ (nats)")
columns = ["student_params", "compute", "scenario", "gap", "gap_low", "gap_high", "share_distil"]
save(fig, "start_the_decision", flips[columns])

# %% [markdown]
# ## Table 1: notation
#
# Losses are validation cross-entropies against data, whatever the model was trained on; parameters
# are those outside the embedding. (Table 8, the shapes of models, is in notebook `03`.)
# The same names in the paper, in the code and in every table of this repository.

# %%
notation = pd.DataFrame(
    [
        ("N, N_S, N_T", "params, student_params, teacher_params", "non-embedding parameters"),
        ("D, D_S, D_T", "tokens, student_tokens, teacher_tokens", "training tokens"),
        ("M = D / N", "tokens_per_param", "tokens per parameter"),
        ("L, L_S, L_T", "loss, student_loss, teacher_loss", "cross-entropy on data, nats a token"),
        ("L̃_S", "supervised_loss", "loss of the student trained on data alone"),
        ("C", "compute", "FLOPs"),
        ("F(N)", "forward_flops", "forward FLOPs per token"),
        ("δ_lgt, δ_pre", "delta_lgt, delta_pre", "is teacher inference, pretraining paid for"),
        ("n_ctx, n_vocab", "n_ctx, n_vocab", "sequence length, vocabulary size"),
        ("n_layers, d_model, d_ffn", "the same", "depth, width, feed-forward width"),
    ],
    columns=["paper", "code", "meaning"],
)
save(None, "table01_notation", notation)
notation

# %% [markdown]
# ## Check

# %%
best = curves.loc[curves.groupby("student_params").student_loss.idxmin()]
claims.check("capacity-gap-u", bool(best.teacher_loss.between(1.55, 2.95).all()))

# %% [markdown]
# ## What to take away
#
# A teacher can be too good: each student has a best teacher loss, and a better teacher than that is
# money spent on a worse student. Whether to distil at all hangs on what of the teacher you pay;
# near the crossing read the share of laws that agree, not the sign of one of them.
