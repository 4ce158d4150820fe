# %% [markdown]
# # 06 · Distil or supervise, with fixed tokens or compute
#
# *Sections 5.1, 5.2, D.1 to D.3.* If the teacher costs nothing, when does a student learn more
# from it than from data? The question is the sign of $L_S - \tilde L_S$: the distilled student
# against the same student, trained on data with the same tokens or FLOPs. The answer of the law:
# distil while tokens are few and the teacher fits; given enough of them, supervise.

# %% tags=["parameters"]
profile = "full"

# %%
import matplotlib.pyplot as plt
import numpy as np
import pandas as pd

from scalinglib import allocate, flops, laws, simulate
from scalinglib.report import claims, figures, paths, profiles

settings = profiles.load(profile)
save = figures.saver(settings)
figures.use_style()
law = laws.load("corrected")
students = [300e6, 1e9, 3e9, 10e9]
titles = [f"$N_S$ = {figures.label_size(n)}" for n in students]
levels = np.array([-0.3, -0.2, -0.1, -0.05, -0.02, 0, 0.02, 0.05, 0.1, 0.2, 0.3])


# %%
def mesh(**axes):
    """Flat table over the product of two named axes, the last one running fastest."""
    names, values = zip(*axes.items(), strict=True)
    return pd.DataFrame(
        np.stack(np.meshgrid(*values, indexing="ij"), -1).reshape(-1, 2), columns=names
    )


def gain_panels(tables, x, y, xlabel, ylabel, **scales):
    fig, axes = figures.panels(titles, xlabel, ylabel, columns=2)
    for ax, (_, table) in zip(axes, tables.groupby("student_params"), strict=True):
        grid = table.pivot_table(index=y, columns=x, values="gain")
        filled = figures.contours(ax, grid.columns, grid.index, grid.to_numpy(), levels)
        ax.set(**scales)
        ax.grid(False)
    fig.colorbar(filled, ax=axes, label=r"$L_S - \tilde L_S$ (nats)", ticks=levels)
    return fig, axes


# %% [markdown]
# ## Figure 6: fixed tokens, best case
#
# $L_S - \tilde L_S$ over distillation tokens and teacher loss, one panel per student. Blue:
# distilling wins; thick line: no difference. Few tokens favour distillation from a wide range of
# teachers; with more tokens the range narrows around the best teacher, and then closes. Dots mark
# teachers of 20 tokens per parameter, by size.

# %%
n = settings.map_points
fig6 = pd.concat(
    mesh(student_tokens=np.geomspace(1e9, 1e13, n), teacher_loss=np.linspace(1.6, 2.9, n)).assign(
        student_params=s
    )
    for s in students
)
fig6["gain"] = law.loss(
    fig6.student_params, fig6.student_tokens, fig6.teacher_loss
) - law.supervised.loss(fig6.student_params, fig6.student_tokens)
fig, axes = gain_panels(
    fig6, "student_tokens", "teacher_loss", "student tokens $D_S$", "teacher loss $L_T$ (nats)",
    xscale="log",
)  # fmt: skip
known = np.array([198e6, 546e6, 1.82e9, 7.75e9])
for ax in axes:
    for size, loss in zip(known, law.supervised.loss(known, 20 * known), strict=True):
        ax.plot(1.4e9, loss, "wo", markersize=3.5, markeredgecolor="black")
        box = {"facecolor": "white", "alpha": 0.8, "linewidth": 0, "pad": 0.6}
        ax.text(1.8e9, loss, figures.label_size(size), fontsize=7, va="center", bbox=box)
save(fig, "fig06_fixed_tokens_best_case", fig6)

# %% [markdown]
# ## Figure 13a: a teacher needs size and tokens
#
# Students at 20 tokens per parameter; the teacher varies in tokens and size. The zero line bends:
# a teacher below a certain size helps on no number of tokens, one below a certain number of tokens
# helps at no size. For the smallest student the best teachers are a band, not the far corner.

# %%
fig13 = pd.concat(
    mesh(
        teacher_tokens=np.geomspace(1e9, 1e13, n), teacher_params=np.geomspace(1e8, 3e10, n)
    ).assign(student_params=s)
    for s in students
)
fig13["teacher_loss"] = law.supervised.loss(fig13.teacher_params, fig13.teacher_tokens)
tokens = 20 * fig13.student_params
fig13["gain"] = law.loss(fig13.student_params, tokens, fig13.teacher_loss) - law.supervised.loss(
    fig13.student_params, tokens
)
fig, axes = gain_panels(
    fig13, "teacher_tokens", "teacher_params", "teacher tokens $D_T$", "teacher size $N_T$",
    xscale="log", yscale="log",
)  # fmt: skip
save(fig, "fig13a_teacher_tokens_size", fig13)

# %% [markdown]
# ## Figure 13b: the same along teacher budgets
#
# Each curve spends one training budget on teachers of different size. Too small or too large a
# teacher wastes it; a larger budget helps until the teacher is good enough: for the 300M student
# the last factor of ten brings nothing. Budgets too small for a student lie above the frame.

# %%
budgets = [1e19, 1e20, 1e21, 1e22]
fig13b = pd.DataFrame(
    [(s, c, t) for s in students for c in budgets
     for t in np.geomspace(1e8, 3e10, settings.curve_points)],
    columns=["student_params", "teacher_compute", "teacher_params"],
)  # fmt: skip
fig13b["teacher_tokens"] = fig13b.teacher_compute / (3 * flops.forward_flops(fig13b.teacher_params))
teacher = law.supervised.loss(fig13b.teacher_params, fig13b.teacher_tokens)
tokens = 20 * fig13b.student_params
fig13b["gain"] = law.loss(fig13b.student_params, tokens, teacher) - law.supervised.loss(
    fig13b.student_params, tokens
)
fig, axes = figures.panels(titles, "teacher size $N_T$", r"$L_S - \tilde L_S$ (nats)", columns=2)
for ax, (s, table) in zip(axes, fig13b.groupby("student_params"), strict=True):
    for i, (budget, curve) in enumerate(table.groupby("teacher_compute")):
        style = {"color": figures.student_color(s), "alpha": 0.25 + 0.25 * i}
        ax.plot(curve.teacher_params, curve.gain, **style, label=f"$10^{{{np.log10(budget):.0f}}}$")
    ax.axhline(0, color="black", linewidth=1.2)
    ax.set(xscale="log", ylim=(-0.15, 0.45))
axes[1].legend(title="teacher FLOPs")
save(fig, "fig13b_teacher_budgets", fig13b)

# %% [markdown]
# ## Figure 14: fixed student compute, best case
#
# Figure 6 with student FLOPs across. The budget at which the blue region closes grows with student
# size.

# %%
fig14 = pd.concat(
    mesh(student_compute=np.geomspace(1e19, 1e25, n), teacher_loss=np.linspace(1.6, 2.9, n)).assign(
        student_params=s
    )
    for s in students
)
tokens = fig14.student_compute / (3 * flops.forward_flops(fig14.student_params))
fig14["gain"] = law.loss(fig14.student_params, tokens, fig14.teacher_loss) - law.supervised.loss(
    fig14.student_params, tokens
)
fig, axes = gain_panels(
    fig14, "student_compute", "teacher_loss", "student compute (FLOPs)",
    "teacher loss $L_T$ (nats)", xscale="log",
)  # fmt: skip
save(fig, "fig14_fixed_compute_best_case", fig14)

# %% [markdown]
# ## Where supervised training takes over
#
# With the best possible teacher for free, the tokens from which data alone is at least as good.


# %%
def advantage(student, tokens):
    best = allocate.best_teacher_loss(law, student, tokens)
    return law.supervised.loss(student, tokens) - law.loss(student, tokens, best)


wide = np.geomspace(1e9, 1e16, 4 * settings.curve_points)
rows = []
for s in [143e6, *students]:
    gap = advantage(s, wide)
    last = np.flatnonzero(gap > 0).max()
    rows.append((figures.label_size(s), gap.max(), wide[gap.argmax()], wide[last]))
takeover = pd.DataFrame(
    rows, columns=["student", "largest gain (nats)", "at tokens", "last tokens with a gain"]
)
takeover.map(lambda v: v if isinstance(v, str) else f"{v:.3g}")

# %% [markdown]
# The last column of the smallest students is the end of the search: there the law's floor for
# distillation lies below the supervised one (Figure 40), by less than the law is accurate.
#
# ## Figure 7: fixed tokens, which teacher for which student
#
# Student loss over student size and teacher loss at four token budgets. The red line is the best
# teacher of each size; straight in these axes is a power law. With many tokens it is nearly that;
# with few it bends down, at a larger student the more tokens there are. The paper puts the bend
# where $L_T$ meets $L_S$; under this law it lies well below. (Dashed: the student is within 0.01
# nats of its teacher; above that line it is its copy.)

# %%
token_budgets = [16e9, 64e9, 256e9, 1024e9]
sizes = np.geomspace(1e8, 1.5e10, n)
fig7 = pd.concat(
    mesh(student_params=sizes, teacher_loss=np.geomspace(1.45, 3.0, n)).assign(student_tokens=d)
    for d in token_budgets
)
fig7["student_loss"] = law.loss(fig7.student_params, fig7.student_tokens, fig7.teacher_loss)
fig, axes = figures.panels(
    [f"$D_S$ = {d / 1e9:.0f}B tokens" for d in token_budgets],
    "student size $N_S$", "teacher loss $L_T$ (nats)", columns=2,
)  # fmt: skip
loss_levels = np.arange(1.8, 3.01, 0.1)
for ax, (d, table) in zip(axes, fig7.groupby("student_tokens"), strict=True):
    grid = table.pivot_table(index="teacher_loss", columns="student_params", values="student_loss")
    filled = figures.contours(ax, grid.columns, grid.index, grid.to_numpy(), loss_levels, "viridis")
    best = allocate.best_teacher_loss(law, sizes, d)
    ax.plot(sizes, best, color=figures.MARKS["optimum"], label="best teacher")
    diagonal = grid.to_numpy() - grid.index.to_numpy()[:, None] - 0.01
    ax.contour(grid.columns, grid.index, diagonal, levels=[0], colors="white", linestyles="--")
    ax.set(xscale="log", yscale="log", ylim=(1.45, 3.0), yticks=[1.5, 2, 2.5, 3])
    ax.set_yticks([], minor=True)
    ax.set_yticklabels(["1.5", "2", "2.5", "3"])
    ax.grid(False)
fig.colorbar(filled, ax=axes, label="student loss $L_S$ (nats)")
save(fig, "fig07_fixed_tokens_teacher", fig7)

# %% [markdown]
# ## Figure 15: fixed student, growing tokens
#
# The paper reads a slight decrease of the best teacher loss with tokens. Under the law it is not
# monotone at any size: better teachers at first, worse ones over about a decade of tokens, then
# slowly better ones again. All this moves $L_S$ (dotted) little: the minimum over $L_T$ is flat.

# %%
d_axis = np.geomspace(1e9, 1e14, settings.curve_points)
fig15 = pd.DataFrame(
    [(s, d) for s in students for d in d_axis], columns=["student_params", "student_tokens"]
)
fig15["best_teacher_loss"] = allocate.best_teacher_loss(
    law, fig15.student_params, fig15.student_tokens
)
fig15["student_loss"] = law.loss(
    fig15.student_params, fig15.student_tokens, fig15.best_teacher_loss
)
fig, ax = plt.subplots()
for s, curve in fig15.groupby("student_params"):
    style = {"color": figures.student_color(s)}
    ax.plot(curve.student_tokens, curve.best_teacher_loss, label=figures.label_size(s), **style)
    ax.plot(curve.student_tokens, curve.student_loss, ":", linewidth=1.2, **style)
ax.set(xscale="log", xlabel="student tokens $D_S$", ylabel="loss (nats per token)")
ax.legend(title="best $L_T$ (dotted: $L_S$)", ncols=2)
save(fig, "fig15_best_teacher_tokens", fig15)

# %% [markdown]
# ## Figure 16: fixed compute, which existing teacher
#
# Now the teacher's inference is paid for: with teachers at hand and a budget $C$ (Equation 27),
#
# $$
# D_S = \frac{C}{3 F(N_S) + \delta_\text{lgt} F(N_T)}.
# $$
#
# Curves are teachers of 20 tokens per parameter; dashed is supervised training on the same budget.
# On a small budget small, cheap teachers win, and each is overtaken in turn (table below); with
# inference to pay for, the 300M student does better on data alone at almost every budget.

# %%
shelf = pd.DataFrame({"teacher_params": [198e6, 546e6, 1.15e9, 3.08e9, 7.75e9]})
shelf["teacher_loss"] = law.supervised.loss(shelf.teacher_params, 20 * shelf.teacher_params)
budget = np.geomspace(1e19, 1e24, settings.curve_points)
fig16 = shelf.merge(pd.DataFrame({"student_params": students}), how="cross")
fig16 = fig16.merge(pd.DataFrame({"compute": budget}), how="cross")
fig16["student_tokens"] = allocate.tokens_with_teacher(
    fig16.student_params, fig16.teacher_params, fig16.compute
)
fig16["student_loss"] = law.loss(fig16.student_params, fig16.student_tokens, fig16.teacher_loss)
data_tokens = fig16.compute / (3 * flops.forward_flops(fig16.student_params))
fig16["supervised_loss"] = law.supervised.loss(fig16.student_params, data_tokens)
fig, axes = figures.panels(titles, "compute $C$ (FLOPs)", "student loss $L_S$ (nats)", columns=2)
for ax, (_, table) in zip(axes, fig16.groupby("student_params"), strict=True):
    for i, (t, curve) in enumerate(table.groupby("teacher_params")):
        color = plt.cm.plasma(0.85 - 0.19 * i)
        ax.plot(curve.compute, curve.student_loss, color=color, label=figures.label_size(t))
    ax.plot(curve.compute, curve.supervised_loss, "k--", linewidth=1.2, label="supervised")
    ax.set(xscale="log", ylim=(1.9, 3.4))
axes[1].legend(title="teacher", ncols=2)
save(fig, "fig16_existing_teachers", fig16)

# %% [markdown]
# The best teacher of the shelf at each budget, and whether it beats data alone:

# %%
few = fig16[np.isin(fig16.compute, budget[:: (len(budget) - 1) // 4])]
best = few.loc[few.groupby(["student_params", "compute"]).student_loss.idxmin()].copy()
best["answer"] = best.teacher_params.map(figures.label_size) + np.where(
    best.student_loss < best.supervised_loss, "", " (data is better)"
)
best["budget"] = best.compute.map("{:.1e}".format)
best["student"] = best.student_params.map(figures.label_size)
best.pivot_table(index="student", columns="budget", values="answer", aggfunc="first", sort=False)

# %% [markdown]
# ## Table 4: this setting against Beyer et al. (2022)
#
# "A good teacher is patient" is not contradicted: longer distillation helps the student at all
# times. What the earlier work could not see, for want of a supervised baseline on the same data,
# is the number of tokens from which data alone does better.

# %%
table4 = pd.read_csv(paths.DATA / "published" / "table4.csv")
save(None, "table04_beyer", table4)
table4

# %% [markdown]
# ## Check

# %%
longer = law.loss(1e9, np.geomspace(1e9, 1e14, 50), 2.1)
small = fig15[fig15.student_params == 300e6].best_teacher_loss
claims.check("supervised-wins-tokens", bool((advantage(1e9, np.array([1e14, 1e15])) < 0).all()))
claims.check("distillation-wins-few-tokens", bool((advantage(np.array(students), 16e9) > 0).all()))
claims.check("patient-teacher", bool((np.diff(longer) < 0).all()))
claims.check("best-teacher-falls-with-tokens", bool((small.diff().dropna() <= 1e-9).all()))
best_by_size = allocate.best_teacher_loss(law, sizes, 64e9)
claims.check("best-teacher-falls-with-size", bool((np.diff(best_by_size) < 0).all()))

# %% [markdown]
# How the best teacher goes with size at fixed tokens: the deviation from a power law, where the
# line bends most, and there the student's loss over the teacher's. The exponent of the last row is
# that of the size of a compute-optimal teacher.

# %%
steps = np.geomspace(143e6, 12.6e9, settings.curve_points)
logs = np.log(steps)


def power_law(y):
    line = np.polynomial.Polynomial.fit(logs, np.log(y), 1)
    return float(np.abs(y / np.exp(line(logs)) - 1).max())


def at_bend(tokens):
    y = np.log(allocate.best_teacher_loss(law, steps, tokens))
    bend = np.argmin(np.gradient(np.gradient(y, logs), logs)[2:-2]) + 2
    return float(law.loss(steps[bend], tokens, np.exp(y[bend])) / np.exp(y[bend]))


bends = pd.DataFrame({"student tokens": [f"{d / 1e9:.0f}B" for d in token_budgets]})
bends["deviation"] = [power_law(allocate.best_teacher_loss(law, steps, d)) for d in token_budgets]
bends["$L_S / L_T$ at the bend"] = [at_bend(d) for d in token_budgets]
best_64b = allocate.best_teacher_loss(law, steps, 64e9)
inside = best_64b > law.supervised.loss(1e11, 2e12)
teacher_size = allocate.cheapest_model(law.supervised, best_64b[inside])[0]
exponent = float(
    np.polynomial.Polynomial.fit(logs[inside], np.log(teacher_size), 1).convert().coef[1]
)
print(f"compute-optimal teachers, 64B tokens: N_T grows as N_S to the {exponent:.2f}")
bends.round(3)

# %%
claims.check("best-teacher-power-law", float(bends["deviation"].max()))
claims.check("best-teacher-bend", float(bends["$L_S / L_T$ at the bend"].median()))
claims.check("teacher-scale-linear", exponent)
ends = advantage(np.array([143e6, *students]), 1e15)
claims.check("supervised-wins-every-size", bool((ends < 0).all()))
big = fig15[fig15.student_params == 10e9].best_teacher_loss
claims.check("best-teacher-large-student", float((big - big.cummin()).max()))

# %% [markdown]
# One teacher, all else held: the 7.75B model.

# %%
teacher_tokens = np.geomspace(1e9, 1e13, settings.curve_points)
trained = law.supervised.loss(7.75e9, teacher_tokens)


def best_tokens(student, tokens):
    return float(teacher_tokens[law.loss(student, tokens, trained).argmin()])


def last_budget(student):
    tokens = budget / (3 * flops.forward_flops(student))
    teacher = law.supervised.loss(7.75e9, 20 * 7.75e9)
    gains = law.supervised.loss(student, tokens) > law.loss(student, tokens, teacher)
    return float(budget[gains].max(initial=0))


paid = [[allocate.tokens_with_teacher(s, 7.75e9, c) for c in (1e20, 1e23)] for s in students]
choices = [[best_tokens(s, d) for d in row] for s, row in zip(students, paid, strict=True)]
one_teacher = pd.DataFrame(choices, columns=["best D_T at 1e20", "best D_T at 1e23"])
one_teacher["last budget with a gain"] = [last_budget(s) for s in students]
one_teacher.set_axis(map(figures.label_size, students)).map("{:.2g}".format)

# %%
claims.check("takeover-grows", bool((one_teacher["last budget with a gain"].diff()[1:] >= 0).all()))
early, late = one_teacher["best D_T at 1e20"], one_teacher["best D_T at 1e23"]
claims.check("large-weak-teacher", bool((late > early).all()))
by_tokens = fig13.sort_values("teacher_tokens", kind="stable").groupby(
    ["student_params", "teacher_params"]
)
claims.check("teacher-tokens-help", bool((by_tokens.gain.diff().dropna() <= 1e-9).all()))
few_tokens = fig13[fig13.teacher_tokens < 1.01e9].gain.min()
tiny = law.supervised.loss(10e6, teacher_tokens)
own = np.array(students)[:, None]
tiny_gain = law.loss(own, 20 * own, tiny) - law.supervised.loss(own, 20 * own)
claims.check("teacher-must-suffice", bool(min(few_tokens, tiny_gain.min()) > 0))
inner = best_tokens(198e6, 20 * 198e6)
claims.check("gap-by-teacher-tokens", bool(1.1e9 < inner < 0.9e13))
ends = np.array([1e19, 1e24])
share = flops.forward_flops(7.75e9) * allocate.tokens_with_teacher(1e9, 7.75e9, ends) / ends
claims.check("article-inference-dominates", bool(share[1] > share[0] * (1 + 1e-6)))

# %% [markdown]
# Teachers on IsoFLOP profiles (Section E.4; the budgets are ours), students on 20 tokens a
# parameter: how many of the teachers help, and the best gain.

# %%
profile_runs = simulate.distillation_runs(law, noise=0)
profile_runs = profile_runs[profile_runs.protocol.str.startswith("teacher IsoFLOP")].copy()
alone = law.supervised.loss(profile_runs.student_params, profile_runs.student_tokens)
profile_runs["gain"] = alone - profile_runs.student_loss
spent = 3 * flops.forward_flops(profile_runs.teacher_params) * profile_runs.teacher_tokens
profile_runs["teacher_budget"] = spent.map("{:.0e}".format)
helped = profile_runs.assign(helps=profile_runs.gain > 0).pivot_table(
    index="student_params", columns="teacher_budget", values="helps", sort=False
)
best_gain = profile_runs.groupby("student_params").gain.max()
helped.assign(best_gain=best_gain).set_axis(map(figures.label_size, helped.index)).round(3)

# %%
claims.check("weak-students-always-gain", float(helped.loc[198e6].mean()))
largest = helped.loc[1.82e9]
claims.check("strong-students-need-strong-teachers", bool(largest.iloc[0] == 0 < largest.iloc[-1]))
claims.check("weak-students-gain-more", bool((best_gain.diff().dropna() < 0).all()))

# %% [markdown]
# ## Rules of thumb of the articles
#
# "Benefits plateau past a 50x ratio": with teachers and students on 20 tokens a parameter, the
# size ratio of the best teacher, and what happens to the student between 50 and 500 times its size.

# %%
ratios = np.geomspace(0.3, 1000, 4 * settings.curve_points)


def from_ratio(student, ratio):
    teacher = law.supervised.loss(ratio * student, 20 * ratio * student)
    return law.loss(student, 20 * student, teacher)


rows = []
for s in known:
    losses = from_ratio(s, ratios)
    rise = from_ratio(s, 500.0) - from_ratio(s, 50.0)
    rows.append((figures.label_size(s), ratios[losses.argmin()], losses.min(), float(rise)))
by_ratio = pd.DataFrame(rows, columns=["student", "best N_T / N_S", "L_S there", "50x to 500x"])
by_ratio.round(3)

# %%
claims.check("article-50x", float(by_ratio["best N_T / N_S"].median()))
claims.check("article-plateau", float(by_ratio["50x to 500x"][:3].abs().max()))
small_strong, large_usual = law.supervised.loss([3e9, 7e9], [4e12, 20 * 7e9])
taught = law.loss(students, 64e9, large_usual) - law.loss(students, 64e9, small_strong)
claims.check("practitioner-3b-teacher", float(taught.max()))


def harm(student):
    best = allocate.best_teacher_loss(law, student, 20 * student)
    return float(np.diff(law.loss(student, 20 * student, np.array([float(best), 1.8])))[0])


claims.check("practitioner-small-students", harm(300e6))
claims.check("practitioner-large-students", harm(10e9))
