# %% [markdown]
# # 00 · Start here
#
# [README](../README.md) · [04 →](04_scaling_law.ipynb) · *The law*
#
# Five minutes with *Distillation Scaling Laws* (Busbridge et al., ICML 2025): why a teacher can be
# too good, what the law says, and one decision worked through. The other notebooks take the paper
# section by section.

# %% tags=["parameters"]
profile = "full"

# %% jupyter={"source_hidden": true} tags=["hide-input"]
import numpy as np
import pandas as pd

from scalinglib import allocate, flops, laws, sentences
from scalinglib.allocate import Problem, Teacher
from scalinglib.gap import published
from scalinglib.report import claims, columns, figures, panels, paths, profiles
from scalinglib.report.panels import Panels

settings = profiles.load(profile)
save = figures.saver(settings)
figures.use_style()

# %% [markdown]
# ## A teacher can be too good
#
# A student model can learn from data, or be *distilled*: it learns to predict what a teacher model
# predicts. The paper distilled students of one size, on one number of tokens, from eleven teachers,
# and its Figure 1 shows the losses that came out.
#
# **Before you look:** the teachers below get better from right to left. What do you expect of the
# loss of a student of 198M parameters?

# %%
runs = published.sorted_runs(pd.read_csv(paths.DATA / "published" / "figure1_runs.csv"))
fixed = published.fixed_ratio(runs)
fixed["above_best_mnats"] = 1e3 * published.above_best(fixed)
strongest = fixed.groupby(["student_params", "student_tokens"], as_index=False).first()
measured = fixed[fixed.student_params == 198e6]
lowest = measured.groupby("student_tokens").teacher_loss.transform("min")
met = measured[lowest == fixed.teacher_loss.min()]
cost = met.above_best_mnats[met.teacher_loss == met.teacher_loss.min()]

# %%
title = (
    "A teacher can be too good: the strongest costs "
    f"a student {cost.min():.0f} to {cost.max():.0f} thousandths of a nat"
)
grid = Panels(met, "teacher_loss", "above_best_mnats", title)
grid.draw(panels.curve, hue="student_tokens", marker="o", key="left")
best = met[met.above_best_mnats == 0]
said = f"best teacher; {len(best)} dots in {best.teacher_loss.nunique()} rings"
grid.draw(panels.rings, best, label=said)
grid.set(xlim=(1.76, 2.42), ylim=(-1, 25))
grid.setting("The paper's student of 198M parameters; a dot is one run, and no run was repeated")
save(grid, "start_the_u", measured.drop(columns="isoflop"))

# %% [markdown]
# Each line is one number of tokens, each dot one training run; no run was repeated. At first a
# better teacher helps, by far more than fits into the picture. Then the student is at its best, and
# from there a *better* teacher makes a *worse* student. The rise is real and small. The numbers
# have a fourth line, of a student that did not meet the strongest teacher. Over all students under
# the strongest that they met the rise comes to:

# %%
print(
    f"{strongest.above_best_mnats.min():.0f} to {strongest.above_best_mnats.max():.0f} thousandths"
    f" of a nat per token, {len(strongest)} curves"
)

# %% [markdown]
# The more tokens the student sees, the smaller the rise and the better its best teacher. A theory
# of it is in notebook `01`, networks that show it within a minute in `02`.
#
# ## The law
#
# A student of $N_S$ parameters is distilled on $D_S$ tokens from a teacher whose loss is $L_T$ (all
# losses are cross-entropies in nats per token). The paper predicts the student's loss from these
# three numbers; of the teacher only its loss counts:
#
# $$
# L_S = L_T + \frac{1}{L_T^{c_0}}
#   \Big(1 + \Big(\frac{L_T}{\tilde L_S d_1}\Big)^{1/f_1}\Big)^{-c_1 f_1}
#   \Big(\frac{A'}{N_S^{\alpha'}} + \frac{B'}{D_S^{\beta'}}\Big)^{\gamma'} .
# \tag{8}
# $$
#
# $\tilde L_S$ is the loss that the same student reaches when it is *trained on data*, on the same
# number of tokens. The other letters are coefficients, which the paper fitted to its runs and
# prints in its Table 6. The last bracket shrinks as the student gets larger and sees more tokens;
# the bracket before it is what makes a teacher too good.
#
# > **Do not compute with Table 6 as it is printed.** Its $B' = 24181$ is a misprint: the runs, the
# > drawn curves and the examples of the paper all need about $2.0 \times 10^6$ (notebooks `04` and
# > `05` have the evidence). *The corrected law*, here and in all notebooks, is Table 6 with that
# > one number mended.

# %%
law = laws.load("corrected")
two = runs[runs.student_params.isin([198e6, 546e6])]
two = two[two.student_tokens < 30 * two.student_params]
teacher_loss = np.linspace(*two.teacher_loss.agg(["min", "max"]), settings.curve_points)
curves = pd.DataFrame(
    [(n, t) for n in two.student_params.unique() for t in teacher_loss],
    columns=["student_params", "teacher_loss"],
)
curves["student_tokens"] = 20 * flops.total_params(curves.student_params)
curves["student_loss"] = law.loss(curves.student_params, curves.student_tokens, curves.teacher_loss)
off = 100 * published.relative_error(law, runs).abs().max()

# %%
title = f"The paper's law comes within {off:.1f}% of each of its {len(runs)} known runs"
near = {"student_loss_low": 1 - off / 100, "student_loss_high": 1 + off / 100}
band = curves.assign(**{end: curves.student_loss * part for end, part in near.items()})
grid = Panels(band, "teacher_loss", "student_loss", title, size=(7, 4))
look = {"hue": "student_params", "palette": columns.palette("any", curves.student_params)}
grid.draw(panels.curve, **look).draw(panels.dots, two, key=False, **look)
grid.draw(panels.span, **look | {"key": False}).key(band=f"law ± {off:.1f}%")
grid.setting("Dots: two students on 20 tokens a parameter. Lines: Table 6, one misprint corrected")
save(grid, "start_the_law", curves)

# %% [markdown]
# Under weak teachers, on the right, a student follows its teacher; further left it cannot, and the
# curve turns flat and then up. The rise that was measured above is so small on this scale that it
# can hardly be seen. Curves go as far as the teachers of these students.
#
# ## Who pays for the teacher
#
# Whether distilling is worth it depends on what of the teacher is counted as cost. The paper has
# four scenarios (Table 2); $\delta^\text{Lgt}$ and $\delta^\text{Pre}$ are the shares of the
# teacher's inference and of its training that are paid:

# %%
paid = pd.DataFrame(allocate.SCENARIOS, index=["inference paid", "training paid"]).T
paid["in words"] = [
    "the teacher is free: it exists, and its outputs are stored",
    "the teacher exists, but runs beside the student all the time",
    "the teacher is trained for this, its outputs are stored for many students",
    "the teacher is trained for this one student and runs beside it",
]
paid.rename(columns.SCENARIO_WORDS)

# %% [markdown]
# ## One decision
#
# *I want a 1B student and have $10^{21}$ FLOPs: distil or not, from which teacher, on how many
# tokens?* Change the two numbers and run the notebook again.

# %%
student_params = 1e9
compute = 1e21

# %% [markdown]
# One law cannot say how sure its answer is. So beside the corrected law stand the others of an
# *ensemble*: laws of this form and of others that fit the paper's runs about equally well. Losses
# and gains below are the middle of all; the brackets hold nine in ten of their answers, widened by
# how far such laws were off on runs that were kept from their fit. A verdict needs brackets without
# zero; else the evidence does not decide.


# %%
ANSWER = ["", "verdict", "gain by distilling (nats)", "laws in which distilling wins"]
ANSWER += ["student loss (nats)", "student tokens", "teacher"]


def answer(name, **what):
    """One row of the answer: the corrected law's plan, the laws' middle, and how many agree."""
    found = allocate.advise(law, ensemble, Problem(student_params, compute=compute, **what))
    low, high = found.ranges["gain"]
    gain = f"{found.gain:+.3f} ({low:+.3f} to {high:+.3f})"
    sizes = found.best.student_tokens, found.best.teacher.params
    row = [name, found.verdict, gain, f"{found.share_distil:.0%}", f"{found.best.loss:.3f}"]
    return dict(zip(ANSWER, [*row, *map(columns.count, sizes)], strict=True))


ensemble = laws.ensemble("figure1")
print(f"{len(ensemble.members)} laws")

# %%
every = {
    columns.SCENARIO_WORDS[name]: {"delta_lgt": logits, "delta_pre": training}
    for name, (logits, training) in allocate.SCENARIOS.items()
}
pd.DataFrame([answer(name, **what) for name, what in every.items()]).set_index("")

# %% [markdown]
# Positive gains are nats by which distilling is better than training the same student on data with
# the whole budget. In the second row the law asks for a teacher trained without end, since somebody
# else pays for that: read it as the best that a small overtrained teacher could do. Teachers that
# exist are the usual case, here on 20 tokens a parameter and with their inference paid:

# %%
sizes = [546e6, 1.15e9, 3.08e9, 7.75e9]
losses = published.teacher_loss(law.supervised, sizes, runs)
shelf = [Teacher(columns.count(n), n, loss) for n, loss in zip(sizes, losses, strict=True)]
pd.DataFrame(
    [answer(each.name, teachers=(each,), delta_lgt=1.0, delta_pre=0.0) for each in shelf]
).set_index("")

# %% [markdown]
# ## The answer over all budgets
#
# The same student on other budgets, with a teacher for which nothing is paid and with one for which
# everything is (the table has all four scenarios, from $10^{19}$ to $10^{24}$ FLOPs). Lines are the
# middle of some fifty laws; bands hold eight in ten of their answers, widened as above. Where a
# band has zero inside, the evidence does not decide. Where lines are dotted, student, teacher or
# tokens are beyond what the paper trained. (Left of the picture, at $10^{19}$ FLOPs, it is not
# decided either whether a teacher trained for this student harms.)

# %%
budgets = np.geomspace(1e19, 1e24, settings.curve_points // 3)
flips = pd.concat(
    allocate.under_ensemble(law, ensemble.thin(50), student_params, budgets, name, level=0.8)
    for name in allocate.SCENARIOS
).reset_index(drop=True)
flips["inside"] = laws.inside_trained_range(flips)

# %%
WHO = {
    "best_case": "the teacher is free",
    "teacher_pretraining_inference": "the teacher is trained for this student",
}
shown = flips.assign(who=flips.scenario.map(WHO)).dropna(subset="who")
name = columns.count(student_params)
title = f"On small budgets a free teacher helps a {name} student; one trained for it harms"
grid = Panels(shown, "compute", "gap", title, size=(7.6, 4))
grid.draw(panels.span, hue="who", key=False).draw(panels.curve, hue="who", key="right")
grid.each(panels.zero).set(xlim=(1e20, 1e23), ylim=(-0.1, 0.15))
grid.key(band="80% of the laws")
grid.setting("Lines: the middle of some fifty laws that fit the paper's runs")
keep = ["student_params", "compute", "scenario", "gap", "gap_low", "gap_high", "share_distil"]
save(grid, "start_the_decision", flips[keep])

# %% [markdown]
# ## Table 1: notation
#
# Losses are validation cross-entropies against data, whatever the model was trained on; parameters
# are those outside the embedding. The same names stand in the paper, in the code and in every table
# of this repository. (Table 8, the shapes of models, is in notebook `03`.)

# %%
notation = pd.DataFrame(
    [
        ("N, N_S, N_T", "params, student_params, teacher_params", "non-embedding parameters"),
        ("D, D_S, D_T", "tokens, student_tokens, teacher_tokens", "training tokens"),
        ("M = D / N", "tokens_per_param", "tokens per parameter"),
        ("L, L_S, L_T", "loss, student_loss, teacher_loss", "cross-entropy on data, nats a token"),
        ("L̃_S", "supervised_loss", "loss of the student trained on data"),
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
best = fixed.loc[fixed.groupby(["student_params", "student_tokens"]).above_best_mnats.idxmin()]
ends = fixed.groupby(["student_params", "student_tokens"]).teacher_loss.agg(["min", "max"])
inside = (best.teacher_loss.to_numpy() > ends["min"]) & (best.teacher_loss.to_numpy() < ends["max"])
claims.check("capacity-gap-u-runs", sentences.every(inside))

# %% [markdown]
# ## What to take away
#
# A teacher can be too good: each student has a best teacher, and a better one than that is money
# spent on a slightly worse student. Whether to distil at all depends on what of the teacher you
# pay. Near the budget where the answer turns, read the share of laws that agree and not the sign of
# one of them.
