# %% [markdown]
# # 04 · The distillation scaling law
#
# [← 00](00_start_here.ipynb)
# · [README](../README.md) · [05 →](05_fitting_the_law.ipynb) · *The law*
#
# *Sections 2, 4.3, E.6, E.7.* The law predicts the loss of a student of $N_S$ parameters distilled
# on $D_S$ tokens from a teacher of loss $L_T$, all in nats per token:
#
# $$
# L_S = L_T + \frac{1}{L_T^{c_0}}
#   \Big(1 + \Big(\frac{L_T}{\tilde L_S d_1}\Big)^{1/f_1}\Big)^{-c_1 f_1}
#   \Big(\frac{A'}{N_S^{\alpha'}} + \frac{B'}{D_S^{\beta'}}\Big)^{\gamma'},
# \tag{8}
# $$
#
# where $\tilde L_S = L(N_S, D_S)$ is what the student would reach on data alone, by the
# *supervised law*
#
# $$
# L(N, D) = E + \Big(\frac{A}{N^\alpha} + \frac{B}{D^\beta}\Big)^\gamma .
# \tag{1}
# $$
#
# $N$ counts non-embedding parameters, $D$ tokens. The teacher
# enters through its loss only, and a teacher can be too good.

# %% tags=["parameters"]
profile = "full"

# %%
import warnings
from inspect import signature

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from matplotlib.colors import LogNorm

from scalinglib import allocate, flops, laws, sentences
from scalinglib.report import claims, figures, paths, profiles

settings = profiles.load(profile)
save = figures.saver(settings)
figures.use_style()
law = laws.load("corrected")
printed = laws.load("table6")
runs = pd.read_csv(paths.DATA / "published" / "figure1_runs.csv")
refit, drawn_law = laws.load("refit"), laws.load("figure1")

# %% [markdown]
# ## Coefficients (Table 6)
#
# Four sets: `table6`, as printed; `corrected`, which differs in $B'$ alone; a free fit of all nine
# coefficients to the 328 runs read off the paper's Figure 1 (those above 2.3 nats); and the law
# whose curves are drawn there, from 40 readings of them (both made by `05_fitting_the_law`).
# The printed $B' = 24181$ cannot be right; the end of this notebook shows why, and
# `05_fitting_the_law` fits the value. Claims that hang on the choice are put to twenty laws that
# suit the runs as well, of this form and of others; where fewer than nine in ten agree the answer
# is *undecided by the evidence*.

# %%
supervised = law.supervised._asdict()
flat = {
    name: {f"{k}'" if k in supervised else k: v for k, v in s._asdict().items()}
    for name, s in (
        ("table6", printed),
        ("corrected", law),
        ("free fit", refit),
        ("drawn", drawn_law),
    )
}
pd.DataFrame({name: {**supervised, **s} for name, s in flat.items()}).drop("supervised").astype(
    float
)

# %%
ensemble = laws.ensemble("figure1")
jury = sentences.jury()
same_form = sentences.Jury(
    jury.authors, tuple(m for m in ensemble.members if isinstance(m, laws.DistillationLaw))
)


def ratio_of_slopes(s):
    return s.beta * s.gamma / (s.supervised.beta * s.supervised.gamma)


claims.check("data-exponent", **same_form.ask(ratio_of_slopes))
claims.check("article-stable-exponents", float(refit.beta / printed.beta))

# %% [markdown]
# ## Figure 1: student loss against teacher loss
#
# One panel a student size, colour for the number of distillation tokens, points for the runs.
# Curves are solid where the paper fitted, that is above 2.3 nats and under teachers that it had,
# and dashed beyond. Read each from right to left: a better teacher helps, up to a point; past it
# the student gets worse. Points below the dashed diagonal are students better than their teacher,
# which the law cannot follow. The runs of the two largest students, all below 2.3, are not known.

# %%
sizes = [143e6, 198e6, 546e6, 975e6, 1.82e9, 4.82e9, 7.75e9]
token_counts = [4e9 * 2**i for i in range(8)]
teacher_loss = np.linspace(1.8, 2.8, 2 * settings.curve_points)
fig1 = pd.DataFrame(
    [(n, d, t) for n in sizes for d in token_counts for t in teacher_loss],
    columns=["student_params", "student_tokens", "teacher_loss"],
)
fig1["student_loss"] = law.loss(fig1.student_params, fig1.student_tokens, fig1.teacher_loss)
seen = fig1.teacher_loss.between(runs.teacher_loss.min(), runs.teacher_loss.max())
fig1["fitted"] = seen & (fig1.student_loss > 2.3)

# %%
TOKENS = {"cmap": plt.get_cmap("viridis_r"), "norm": LogNorm(4e9, 512e9)}
PANELS = {"xlabel": "teacher loss $L_T$ (nats)", "ylabel": "student loss $L_S$ (nats)"}


def draw_curve(ax, curve):
    """One law curve: dashed throughout, solid where it was fitted."""
    x, y = curve.teacher_loss.to_numpy(), curve.student_loss.to_numpy()
    color = TOKENS["cmap"](TOKENS["norm"](curve.student_tokens.iloc[0]))
    ax.plot(x, np.where(curve.fitted, np.nan, y), "--", color=color, linewidth=1)
    ax.plot(x, np.where(curve.fitted, y, np.nan), color=color, linewidth=1.5)


def draw_student(ax, n):
    for _, curve in fig1[fig1.student_params == n].groupby("student_tokens"):
        draw_curve(ax, curve)
    own = runs[runs.student_params == n]
    style = {"c": own.student_tokens, "s": 14, "edgecolors": "black", "linewidths": 0.3}
    drawn = ax.scatter(own.teacher_loss, own.student_loss, **style, **TOKENS, zorder=3)
    ax.plot([1.8, 2.8], [1.8, 2.8], "--", color="black", linewidth=0.8)
    ax.set(xlim=(1.8, 2.8), ylim=(2.0, 3.0))
    return drawn


titles = [f"$N_S$ = {figures.label_size(n)}" for n in sizes]
fig, axes = figures.panels([*titles, ""], **PANELS, columns=4)
drawn = [draw_student(ax, n) for ax, n in zip(axes, sizes, strict=False)]
axes[3].tick_params(labelbottom=True)
axes[-1].set_axis_off()
KEYS = {
    "run": {"marker": "o", "ls": "none", "ms": 4, "color": "#777777", "mec": "black", "mew": 0.3},
    "law, where it was fitted": {"color": "#777777"},
    "law, beyond": {"color": "#777777", "ls": "--", "lw": 1},
    "$L_S = L_T$": {"color": "black", "ls": "--", "lw": 0.8},
}
for label, style in KEYS.items():
    axes[-1].plot([], [], **style, label=label)
axes[-1].legend(loc="center right")
place = axes[-1].inset_axes([0, 0, 0.06, 1])
bar = fig.colorbar(drawn[0], cax=place, label="student tokens $D_S$")
bar.set_ticks(token_counts, labels=[f"{d / 1e9:.0f}B" for d in token_counts])
save(fig, "fig01_law", fig1)

# %%
allowed = runs.student_params.isin(sizes) & runs.teacher_loss.between(1.8, 2.8)
allowed &= runs.student_tokens.between(4e9, 512e9)
claims.check("figure1-ranges", float(allowed.mean()))
claims.check("sizes-from-143m", float(runs.student_params.min() / 1e6))
one_teacher = law.loss(sizes, 64e9, 2.2)
claims.check("one-teacher-smaller-worse", bool((np.diff(one_teacher) < 0).all()))

# %% [markdown]
# ## The three properties it was built to have (Section 4.3)
#
# 1. An infinitely capable student becomes its teacher.
# 2. A random teacher makes a random student, however capable.
# 3. Each finite student has a best teacher inside the range: the capacity gap.

# %%
limit = law.loss(1e30, 1e40, [2.0, 2.5, 3.0]) - [2.0, 2.5, 3.0]
with warnings.catch_warnings(action="ignore"):  # that no model has such a loss is the point
    random = law.loss([198e6, 7.75e9], 20e9, 1e3) / 1e3
best = allocate.best_teacher_loss(law, sizes, 64e9)
pd.DataFrame(
    {
        "student": [figures.label_size(n) for n in sizes],
        "best $L_T$ on 64B tokens": best.round(3),
        "$L_S$ there": law.loss(sizes, 64e9, best).round(4),
        "$L_S$ at $L_T = 1.7$": law.loss(sizes, 64e9, 1.7).round(4),
        "supervised": law.supervised.loss(sizes, 64e9).round(4),
    }
)

# %%
print("L_S - L_T for N_S = 1e30, D_S = 1e40 at L_T = 2, 2.5, 3:", limit.round(12))
print("L_S / L_T at L_T = 1000:", random)

# %%
claims.check("law-infinite-student", float(np.abs(limit).max()))
claims.check("law-random-teacher", float(np.abs(random - 1).max()))
claims.check("law-capacity-gap", bool(((best > 1.3) & (best < 3.5)).all()))

# %% [markdown]
# ## Figure 40: infinite data
#
# With infinite data, supervised training ends at $E + (A / N_S^\alpha)^\gamma$ (Equation 35), and
# distillation from the best teacher should end there too (Equation 37). Under `corrected` it does,
# within 13 mnats over the range that the paper names (100M to 100B, shaded); the free fit to the
# runs goes 20 to 60 mnats below, where no training can go. So the agreement is the paper's
# coefficients' (E.6: "true only for certain coefficients"), and a gain of some mnats that the law
# predicts near the floor is an artefact.

# %%
params = np.geomspace(1e8, 1e12, settings.curve_points)


def floors(s):
    best = allocate.best_teacher_loss(s, params)
    return best, s.infinite_data_loss(params, best)


fig40 = pd.DataFrame(
    {"student_params": params, "supervised": law.supervised.infinite_data_loss(params)}
)
for name, s in (("", law), ("_free_fit", refit), ("_drawn", drawn_law)):
    fig40[f"best_teacher_loss{name}"], fig40[f"distilled{name}"] = floors(s)
    fig40[f"difference{name}"] = fig40[f"distilled{name}"] - fig40.supervised
fig, (left, right) = plt.subplots(1, 2, figsize=(9, 3.8))
left.plot(params, fig40.supervised, color=figures.SCENARIO_COLORS["supervised"], label="supervised")
style = {"color": figures.SCENARIO_COLORS["best_case"], "label": "distilled, best teacher"}
left.plot(params, fig40.distilled, "--", **style)
left.set(ylim=(1.5, 2.5), ylabel="cross-entropy (nats)")
left.legend()
lines = {
    "": ("corrected $B'$", "-"),
    "_drawn": ("drawn in Figure 1", "--"),
    "_free_fit": ("free fit", ":"),
}
for name, (label, style) in lines.items():
    color = figures.SCENARIO_COLORS["best_case"]
    right.plot(params, 1e3 * fig40[f"difference{name}"], style, color=color, label=label)
right.legend(loc="lower left")
right.axhline(0, color="black", linewidth=0.8)
right.axvspan(1e8, 1e11, color="#eeeeee", zorder=0)
right.text(1.3e8, 13, "the range that the paper names", fontsize=8)
right.set(ylim=(None, 20), ylabel="distilled − supervised (mnats)")
for ax in (left, right):
    ax.set(xscale="log", xlabel="student parameters $N_S$")
    ax.set_xticks(10.0 ** np.arange(8, 13), ["100M", "1B", "10B", "100B", "1T"])
save(fig, "fig40_infinite_data", fig40)

# %%
studied = np.geomspace(143e6, 12.6e9, 64)


def furthest_below(s):
    """How far the law goes below the supervised floor, 143M to 12.6B."""
    return float(max(-allocate.infinite_data_gap(s, studied).min(), 0))


def least_off(s):
    """The least that a teacher 5% off the best, if there is one, leaves above that floor."""
    best, floor = allocate.best_teacher_loss(s, studied), s.supervised.infinite_data_loss(studied)
    off = [
        s.infinite_data_loss(studied, np.maximum(f * best, s.supervised.E)) for f in (0.95, 1.05)
    ]
    exists = [0.95 * best >= s.supervised.E, np.full(len(best), True)]
    return float(np.where(exists, off - floor, np.inf).min())


named_range = fig40[params <= 1e11]
claims.check("law-infinite-data", float(named_range.difference.abs().max()))
claims.check("infinite-data-imposed", float(named_range.difference_free_fit.abs().max()))
claims.check("bound-not-crossed", **jury.ask(furthest_below))
claims.check("only-best-teacher", **jury.ask(least_off))
claims.check("weak-teacher-matched", float(law.infinite_data_loss(sizes, 2.6).max() - 2.6))

# %% [markdown]
# ## Figure 41: weak-to-strong, and what the law cannot say about it
#
# The paper's two pairs, 8B to 512B tokens: a smaller student than its teacher, and a larger one.
# In the paper's runs the strong student beats its weak teacher on finite data and falls back to it
# with much. The second half is in the law: every student tends to $L_T$. The first half is **not**:
# the term added to $L_T$ is positive, so $L_S > L_T$ always, while 41 of Figure 1's 328 runs are
# below their teacher. Points are its runs from a teacher within 20 mnats of the pair's; the right
# pair has none. The paper's lower row, KL(teacher, student), no law gives; notebook `08` has it.

# %%
pairs = [(1.82e9, 546e6), (546e6, 1.82e9)]
tokens = np.geomspace(8e9, 512e9, settings.curve_points)
fig41 = pd.DataFrame(
    [(*pair, d) for pair in pairs for d in tokens],
    columns=["teacher_params", "student_params", "student_tokens"],
)
fig41["teacher_loss"] = law.supervised.loss(fig41.teacher_params, 20 * fig41.teacher_params)
fig41["student_loss"] = law.loss(fig41.student_params, fig41.student_tokens, fig41.teacher_loss)
fig41["supervised_loss"] = law.supervised.loss(fig41.student_params, fig41.student_tokens)


def draw_pair(ax, pair):
    curve = fig41[(fig41.teacher_params == pair[0]) & (fig41.student_params == pair[1])]
    blue = figures.SCENARIO_COLORS["best_case"]
    ax.plot(curve.student_tokens, curve.student_loss, color=blue, label="student, the law")
    supervised = {"color": figures.SCENARIO_COLORS["supervised"], "label": "supervised"}
    ax.plot(curve.student_tokens, curve.supervised_loss, ":", **supervised)
    ax.plot(curve.student_tokens, curve.teacher_loss, "--", color="#888888", label="teacher")
    near = (runs.teacher_loss - curve.teacher_loss.iloc[0]).abs() < 0.02
    own = runs[near & (runs.student_params == pair[1])]
    ax.plot(own.student_tokens, own.student_loss, "o", color=blue, label="student, runs")


titles_41 = [f"$N_T$ = {figures.label_size(t)}, $N_S$ = {figures.label_size(s)}" for t, s in pairs]
fig, axes = figures.panels(titles_41, "student tokens $D_S$", "cross-entropy (nats)", columns=2)
for ax, pair in zip(axes, pairs, strict=True):
    draw_pair(ax, pair)
    ax.set(xscale="log", ylim=(2.0, 2.6))
    ax.set_xticks([8e9, 32e9, 128e9, 512e9], ["8B", "32B", "128B", "512B"], minor=False)
figures.legend_below(fig, axes[0], columns=4)
save(fig, "fig41_weak_to_strong_law", fig41)

# %%
claims.check("law-never-below-teacher", bool((fig41.student_loss > fig41.teacher_loss).all()))

# %% [markdown]
# ## The printed $B'$ does not give the paper's results
#
# With $B' = 24181$ the data term is lost beside the size term, so that distillation tokens hardly
# matter: below, its share of $A'/N_S^{\alpha'} + B'/D_S^{\beta'}$.

# %%
cases = [(198e6, 4e9), (198e6, 64e9), (1.82e9, 36e9), (7.75e9, 155e9)]
terms = pd.DataFrame({"student": [figures.label_size(n) for n, _ in cases]})
terms["tokens"] = [f"{d / 1e9:.0f}B" for _, d in cases]
for name, s in (("table6", printed), ("corrected", law)):
    terms[f"data share, {name}"] = [
        (s.B / d**s.beta) / (s.A / n**s.alpha + s.B / d**s.beta) for n, d in cases
    ]
terms.round(4)

# %% [markdown]
# Nor could Figures 19, 21, 24 and 27 of the paper be drawn with it: their printed contour labels go
# up to 2.75, 2.75, 2.85 and 2.85, and the law with $B' = 24181$ nowhere in their boxes exceeds
# 2.42, 2.44, 2.56 and 2.56 (`11_claims` has the ranges). Section D.5 can be checked without any
# run: "a 500M student with a cross-entropy of 2.4 has
# roughly 3/4 the compute cost" of supervised training, a 10B student with 2.2 "roughly 1/2". (The
# sentence says *pretrain + inference*; the paragraph before it says that this scenario always
# costs more than supervised training. *Teacher inference* is the one that fits; below are all
# four.)

# %%
d5 = pd.DataFrame(
    [(*case, s, name) for case in ((5e8, 2.4), (1e10, 2.2)) for s in allocate.SCENARIOS
     for name in ("table6", "corrected")],
    columns=["student_params", "student_loss", "scenario", "coefficients"],
)  # fmt: skip


def ratio(row):
    s = laws.load(row.coefficients)
    data_only = s.supervised.tokens_for_loss(row.student_params, row.student_loss)
    compute = allocate.compute_for_loss(s, row.student_params, row.student_loss, row.scenario)
    return float(compute / (3 * flops.forward_flops(row.student_params) * data_only))


d5["compute_ratio"] = d5.apply(ratio, axis=1)
save(None, "section_d5_compute_ratios", d5)
table = d5.pivot_table(
    index=["student_params", "student_loss", "scenario"],
    columns="coefficients",
    values="compute_ratio",
    sort=False,
)
table["too cheap by"] = table.corrected / table.table6
table.map("{:.4g}".format)

# %%
inference = d5[d5.scenario == "teacher_inference"].set_index(["student_params", "coefficients"])
reached = inference.compute_ratio
claims.check("d5-500m", reached[5e8, "corrected"])
claims.check("d5-10b", reached[1e10, "corrected"])
claims.check("d5-500m-table6", reached[5e8, "table6"])
claims.check("d5-10b-table6", reached[1e10, "table6"])

# %% [markdown]
# ## Two power laws, and where they meet
#
# $L_S - L_T$ has two log slopes in $L_T$: $-c_0$ well below $L_T = d_1 \tilde L_S$ and
# $-(c_0 + c_1)$ well above. An article about the paper (the practitioner's of notebook `11`) puts
# the capacity gap at that point; but there the second factor is $2^{-c_1 f_1} \approx 10^{-14}$:
# the second power law is never seen in a loss. The best teacher, where the curve turns, is at two
# thirds of it; as `05_fitting_the_law` finds, $c_1$ and $d_1$ have no meaning of their own.


# %%
def strong_slope(tokens):
    """Log slope of L_S - L_T at a quarter of the transition, 1B student."""
    ends = law.d1 * law.supervised.loss(1e9, tokens) * np.array([0.2499, 0.2501])
    gap = law.loss(1e9, tokens, ends) - ends
    return float(np.diff(np.log(gap))[0] / np.diff(np.log(ends))[0])


def weak_slope():
    """The same at four times the transition, where the gap itself is below any rounding error."""
    x = np.array([3.9999, 4.0001])
    log_gap = -law.c0 * np.log(x) - law.c1 * law.f1 * np.log1p(x ** (1 / law.f1))
    return float(np.diff(log_gap)[0] / np.diff(np.log(x))[0])


def as_printed(s, n, d, t):
    alone = (
        s.supervised.E
        + (s.supervised.A / n**s.supervised.alpha + s.supervised.B / d**s.supervised.beta)
        ** s.supervised.gamma
    )
    bend = (1 + (t / (alone * s.d1)) ** (1 / s.f1)) ** (-s.c1 * s.f1)
    return t + t**-s.c0 * bend * (s.A / n**s.alpha + s.B / d**s.beta) ** s.gamma


def where_it_turns(s):
    """The best L_T over d1 L̃_S, median of the seven students on 64B tokens."""
    alone = s.supervised.loss(sizes, 64e9)
    return float(np.median(allocate.best_teacher_loss(s, sizes, 64e9) / (s.d1 * alone)))


turn = best / (law.d1 * law.supervised.loss(sizes, 64e9))
factor = (law.loss(sizes, 64e9, 2.2) - 2.2) / (
    law.A / np.array(sizes) ** law.alpha + law.B / 64e9**law.beta
) ** law.gamma
pd.DataFrame({"best L_T / (d1 L̃_S)": turn, "factor at L_T = 2.2": factor}, titles).round(3)

# %%
ends = [strong_slope(2e10) / -law.c0 - 1, weak_slope() / -(law.c0 + law.c1) - 1]
claims.check("law-broken-power", float(np.abs(ends).max()))
claims.check("law-transition", **same_form.ask(where_it_turns))
plain = as_printed(law, fig1.student_params, fig1.student_tokens, fig1.teacher_loss)
claims.check("law-log-form", float((plain / fig1.student_loss - 1).abs().max().round(12)))
claims.check("poster-factorises", float(factor.max() / factor.min() - 1))
claims.check("article-variables", "teacher_params" in signature(law.loss).parameters)
claims.check("article-exponent", abs(strong_slope(1e12)) < abs(strong_slope(4e9)) * (1 - 1e-3))

# %% [markdown]
# ## What the supervised law says of compute-optimal models (Figure 36c)
#
# Along budgets $C$ the best size and tokens are powers of $C$, nearly the same: $D^* / N^*$ goes as
# $C^{b - a}$.

# %%
budgets = np.array([3e19, 1e20, 3e20, 1e21])
candidates = np.geomspace(1e8, 2e10, 100 * settings.curve_points)[:, None]
losses = law.supervised.loss(candidates, budgets / (3 * flops.forward_flops(candidates)))
optima = pd.DataFrame({"compute": budgets, "params": candidates[losses.argmin(axis=0), 0]})
optima["loss"] = losses.min(axis=0)
optima.map("{:.4g}".format)

# %% [markdown]
# ## Check: exponents against those of others

# %%
table6 = pd.read_csv(laws.COEFFICIENTS / "table6.csv")
stars = table6.pivot_table(index="law", columns="coefficient", values="estimate")
stars["total"] = stars.alpha + stars.beta
misses = [stars.beta / stars.total - stars.a_star, stars.alpha / stars.total - stars.b_star]
claims.check("a-star-follows", float(np.abs(misses).max()))
hoffmann = {
    "approach 1": (0.488, 0.502),
    "approach 2": (0.462, 0.534),
    "approach 3": (0.454, 0.455),
}
a_star = stars.a_star["supervised"]
claims.check("a-star-hoffmann", sum(low <= a_star <= high for low, high in hoffmann.values()))
floor = table6.set_index(["law", "coefficient"]).high["supervised", "E"]
claims.check("floor-below-hoffmann", float(floor))
claims.check("optimal-ratio-constant", float((stars.b_star - stars.a_star)["supervised"]))
outside = np.maximum(600e6 / optima.params, optima.params / 3e9).max()
claims.check("isoflop-optima", float(max(outside, 1)))

# %% [markdown]
# ## What to take away
#
# A better teacher helps a student up to a point and harms it past that, and with enough data every
# student tends to its teacher's loss. With $B'$ as printed, tokens hardly matter and the paper's
# own figures and text do not come out.
