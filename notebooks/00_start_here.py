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
    ax.plot(curve.teacher_loss, curve.student_loss, color=color, label=figures.label_size(n))
    ax.plot(curve.teacher_loss, curve.supervised_loss, ":", color=color, linewidth=1)
    best = curve.student_loss.idxmin()
    ax.plot(curve.teacher_loss[best], curve.student_loss[best], "o", color=color)
ax.plot([1.5, 3], [1.5, 3], color="grey", linewidth=1)
ax.text(2.83, 2.9, "$L_S = L_T$", color="grey", ha="right")
ax.text(2.15, 2.8, "trained on data", color=figures.student_color(198e6))
ax.set(xlabel="teacher loss $L_T$ (nats)", ylabel="student loss $L_S$ (nats)", ylim=(1.8, 3.0))
ax.legend(title="student", loc="lower right", ncols=4)
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
    allocate.optimal(law, student_params, compute, s) for s in allocate.SCENARIOS
).set_index("scenario")
answers["gain"] = answers.supervised_loss - answers.student_loss
shown = ["student_loss", "gain", "student_tokens", "teacher_params", "teacher_tokens"]
answers[[*shown, "teacher_loss"]].map("{:.4g}".format)

# %% [markdown]
# `gain` is what distilling wins over training the same student on data with the same budget, in
# nats. In *teacher inference* the law asks for a teacher trained without end (someone else pays):
# read it as the best a small overtrained teacher could do. Teachers that exist are the usual case:

# %%
shelf = pd.DataFrame({"teacher_params": [546e6, 1.15e9, 3.08e9, 7.75e9]})
shelf["teacher_loss"] = law.supervised.loss(shelf.teacher_params, 20 * shelf.teacher_params)
shelf["student_tokens"] = allocate.tokens_with_teacher(
    student_params, shelf.teacher_params, compute
)
shelf["student_loss"] = law.loss(student_params, shelf.student_tokens, shelf.teacher_loss)
supervised_tokens = compute / (3 * flops.forward_flops(student_params))
supervised_loss = law.supervised.loss(student_params, supervised_tokens)
shelf["gain"] = supervised_loss - shelf.student_loss
shelf.map("{:.4g}".format)


# %%
def verdict(gain):
    if abs(gain) < resolution:
        return f"makes no difference ({gain:+.3f} nats)"
    return f"{'gains' if gain > 0 else 'loses'} {abs(gain):.3f} nats"


resolution = 0.003 * supervised_loss
ideal = answers.loc["best_case"]
best = shelf.loc[shelf.gain.idxmax()]
alone = answers.loc["teacher_pretraining_inference"]
print(f"Supervised: {supervised_tokens / 1e9:.0f}B tokens give {supervised_loss:.3f} nats.")
print(f"A free, ideal teacher of loss {ideal.teacher_loss:.2f} {verdict(ideal.gain)}.")
print(f"The best of the shelf, {figures.label_size(best.teacher_params)}, inference paid, on")
print(f"  {best.student_tokens / 1e9:.0f}B tokens {verdict(best.gain)}.")
print(f"A teacher trained for this student alone {verdict(alone.gain)}.")

# %% [markdown]
# The law's mean error on the runs of the paper's Figure 1 is about 0.3% of the loss (notebook
# `05`); a gain smaller than that is called no difference.
#
# ## The answer over all budgets
#
# Student loss less that of supervised training, against budget: below zero distilling is better,
# and the answer flips where a curve crosses it. The dashed line is the budget above; the shaded
# band is the law's own error.

# %%
budgets = np.geomspace(1e19, 1e24, settings.curve_points)
flips = pd.concat(
    allocate.optimal(law, student_params, budgets, s) for s in allocate.SCENARIOS
).reset_index(drop=True)
flips["difference"] = flips.student_loss - flips.supervised_loss
fig, ax = plt.subplots()
for name, curve in flips.groupby("scenario", sort=False):
    label = figures.SCENARIO_LABELS[name]
    ax.plot(curve.compute, curve.difference, color=figures.SCENARIO_COLORS[name], label=label)
ax.axhspan(-resolution, resolution, color="#dddddd", zorder=0)
ax.axhline(0, color="black", linewidth=0.8)
ax.axvline(compute, color="grey", linestyle="--", linewidth=1)
ax.set(xscale="log", xlabel="total compute $C$ (FLOPs)", ylabel=r"$L_S - \tilde L_S$ (nats)")
ax.legend()
save(fig, "start_the_decision", flips[["student_params", "compute", "scenario", "difference"]])

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
