# %% [markdown]
# # 07 · Compute-optimal distillation
#
# *Sections 5.3 and D.4, D.5.* For a student of $N_S$ parameters and a budget $C$, choose the
# teacher $(N_T, D_T)$ and the distillation tokens $D_S$ that give the best student (Equations 10,
# 28, 29):
#
# $$
# \min_{D_S, N_T, D_T} L_S \quad \text{subject to} \quad
# 3 F(N_S) D_S + F(N_T) \big(\delta_{\text{lgt}} D_S + \delta_{\text{pre}}\, 3 D_T\big) \le C .
# $$
#
# What counts as cost decides the answer. The box is the paper's: $N_T$, $D_S$ and $D_T$ between
# $10^6$ and $10^{17}$. Where an optimum is a bound of that box, its curve is dashed.

# %% tags=["parameters"]
profile = "full"

# %%
import matplotlib.pyplot as plt
import numpy as np
import pandas as pd

from scalinglib import allocate, flops, laws
from scalinglib.report import claims, figures, maps, paths, profiles

settings = profiles.load(profile)
save = figures.saver(settings)
figures.use_style()
law = laws.load("corrected")
fifty = laws.ensemble("figure1").thin(50)  # of 107, drawn by weight
scenarios = list(allocate.SCENARIOS)
students = np.array([300e6, 500e6, 1e9, 3e9, 5e9, 10e9, 30e9, 50e9])
titles = [f"$N_S$ = {figures.label_size(n)}" for n in students]
budgets = np.geomspace(1e20, 1e26, settings.curve_points)

# %% [markdown]
# ## Tables 2 and 5: the scenarios
#
# The two $\delta$ say whether the teacher's logits and its training are paid for. They need not
# be 0 or 1: logits stored and used by $k$ students cost $\delta_{\text{lgt}} = 1/k$, a shared
# teacher $\delta_{\text{pre}} = 1/k$, and `allocate.optimal` takes any pair in $[0, 1]$. Table 5
# repeats Table 2 but for three words.

# %%
table2 = pd.read_csv(paths.DATA / "published" / "table2.csv")
table5 = pd.read_csv(paths.DATA / "published" / "table5.csv")
save(None, "table02_scenarios", table2)
save(None, "table05_scenarios", table5)
table2

# %% [markdown]
# All optima of this notebook come from one call per scenario.


# %%
def at_bound(table, column):
    low, high = allocate.TOKENS_BOX if "tokens" in column else allocate.TEACHER_PARAMS_BOX
    return (table[column] <= low * 1.001) | (table[column] >= high * 0.999)


optima = allocate.optima(law, students, budgets)
keep = ["student_params", "compute", "scenario"]
COMPUTE = "total compute $C$ (FLOPs)"
pd.DataFrame(
    {q: at_bound(optima, q).groupby(optima.scenario, sort=False).mean()
     for q in ("teacher_params", "teacher_tokens", "student_tokens")}
).rename_axis("share of optima at a bound")  # fmt: skip


# %%
def by_student(table):
    return [group for _, group in table.groupby("student_params")]


def draw(ax, x, y, name, bound=None):
    style = {"linestyle": "--", "linewidth": 1.4} if name == "supervised" else {}
    style["color"] = figures.SCENARIO_COLORS[name]
    maps.optimum(ax, x, y, np.zeros(len(x), bool) if bound is None else bound, **style)


def draw_scenarios(ax, table, column, supervised=None, bounded=False):
    for name, curve in table.groupby("scenario", sort=False):
        draw(ax, curve.compute, curve[column], name, at_bound(curve, column) if bounded else None)
    if supervised:
        draw(ax, curve.compute, curve[supervised], "supervised")


def scenario_key(fig, names=(*scenarios, "supervised"), **extra):
    handles = [
        plt.Line2D([], [], color=figures.SCENARIO_COLORS[s], ls="--" if s == "supervised" else "-")
        for s in names
    ]
    labels = [figures.SCENARIO_LABELS[s].removeprefix("distillation, ") for s in names]
    for label, style in extra.items():
        handles.append(plt.Line2D([], [], **({"color": "#555555"} | style)))
        labels.append(label.replace("_", " "))
    fig.legend(handles, labels, loc="outside lower center", ncols=len(labels))


BOUND = {"linestyle": (0, (2, 1.5))}

# %% [markdown]
# ## Figure 8: what a budget buys
#
# Above, the loss of the best student against total compute; below, what separates the curves, the
# same less the supervised loss of the same budget. Bands hold the line and the middle 80% of fifty
# laws that fit the paper's runs about equally well: where a band is on one side of zero nine laws
# in ten agree, where it has zero inside they do not decide. With a free teacher (blue), or one
# whose inference alone is paid (orange), distillation wins on small budgets. On large ones nobody
# knows: some laws have it win for ever. If the teacher must be trained for this one student (green,
# vermilion), nearly all laws say that data alone does better, until the budget is large.

# %%
coarse = budgets[::4]
each_gap = np.array([allocate.optima(m, students, coarse).gap for m in fifty.members])
decided = allocate.optima(law, students, coarse)[[*keep, "gap"]]
ends_of_gap = allocate.interval(fifty, each_gap, decided.gap, 0.8)
decided["gap_low"], decided["gap_high"] = ends_of_gap
decided["share_distil"] = fifty.share(each_gap < 0)
save(None, "distil_or_supervise_by_law", decided)
shown = decided[decided.student_params.isin(students[[0, 2, 3, 5]])]
shown = shown[np.isclose(np.log10(shown.compute) % 1, 0) & (shown.scenario != scenarios[2])]
shown.pivot_table(
    index=["scenario", "student_params"], columns="compute", values="share_distil", sort=False
).rename_axis(columns="share of the laws under which distilling wins").round(2)


# %%
def loss_panels(only):
    names = [f"$N_S$ = {figures.label_size(n)}" for n in only]
    ylabels = ["student loss $L_S$ (nats)", r"$L_S - \tilde L_S$ (nats)"]
    fig, pairs = maps.stacked(names, COMPUTE, ylabels)
    shown = optima[optima.student_params.isin(only)]
    for pair, table in zip(pairs, by_student(shown), strict=True):
        draw_losses(*pair, table)
    scenario_key(fig)
    return fig, shown[[*keep, "student_loss", "supervised_loss"]]


def draw_losses(upper, lower, table):
    draw_scenarios(upper, table, "student_loss", "supervised_loss")
    draw_scenarios(lower, table, "gap")
    laws_here = decided[decided.student_params == table.student_params.iloc[0]]
    for name, band in laws_here.groupby("scenario", sort=False):
        color = figures.SCENARIO_COLORS[name]
        lower.fill_between(band.compute, band.gap_low, band.gap_high, color=color, alpha=0.22, lw=0)
    lower.axhline(0, color="#333333", linewidth=1.4, linestyle="--")
    lower.set(xscale="log", ylim=(-0.27, 0.15))
    lower.minorticks_off()


# %%
fig, table = loss_panels(students[[0, 2, 3, 5]])
save(fig, "fig08_compute_optimal_loss", table)

# %% [markdown]
# ## Figure 17: all eight students
#
# The larger the student, the more there is to win and the larger the budget up to which it is won.
# Training the teacher for one student costs some 0.1 nats at its worst budget. Under Table 6's law
# it pays only for the 30B and 50B students on so small a budget that they see less than a tenth of
# a token a parameter, where the law is far from any run.

# %%
fig, table = loss_panels(students)
save(fig, "fig17_compute_optimal_loss_all", table)

# %% [markdown]
# ## Where supervised training catches up
#
# The crossing is where two laws meet on a nearly flat approach, and hangs on the few mnats by which
# their floors differ (Figure 40). So it has no value but an interval: nine in ten of the fifty laws
# lie between low and high, inf stands for "never", and `share_never` says how many say that.
# `ends` is the same for the last budget, up to $10^{26}$, on which distilling gains more than 0.01
# nats, which is what a decision should use; 0: on no budget from $10^{20}$.


# %%
def interval(values, prefix=""):
    low, median, high = fifty.quantiles(values, [0.05, 0.5, 0.95])
    found = {"low": low, "median": median, "high": high}
    return {prefix + k: v for k, v in found.items()}


def ends(gaps):
    """Last budget of `coarse` with a gain of more than 0.01 nats; gaps (..., budgets)."""
    last = np.where(gaps < -0.01, coarse, 0).max(axis=-1)
    return np.where(last == coarse[-1], np.inf, last)


def catch_up(scenario):
    gaps = each_gap[:, decided.scenario == scenario].reshape(-1, len(students), len(coarse))
    return allocate.crossovers(fifty, students, scenario).assign(
        scenario=scenario,
        corrected=allocate.crossover(law, students, scenario, low=1e18),
        **interval(ends(gaps), "ends_"),
    )


crossovers = pd.concat(map(catch_up, scenarios[:2]), ignore_index=True)
first = ["student_params", "scenario", "corrected"]
crossovers = crossovers[first + [c for c in crossovers if c not in first]]
save(None, "crossovers", crossovers)
readable = crossovers.assign(student_params=crossovers.student_params.map(figures.label_size))
readable.set_index(["scenario", "student_params"]).map("{:.1e}".format).assign(
    share_never=crossovers.share_never.to_numpy().round(2)
)

# %% [markdown]
# ## Figure 18: the teacher's loss
#
# The loss of the compute-optimal teacher. It falls with compute in all scenarios but for the dip
# of the best case at low compute, where there are fewer student tokens than the rule of thumb and
# the best teacher is first better and then worse (notebook `06`, Figure 15).


# %%
def scenario_panels(column, ylabel, **scales):
    fig, axes = figures.panels(titles, COMPUTE, ylabel, columns=4)
    for ax, table in zip(axes, by_student(optima), strict=True):
        draw_scenarios(ax, table, column, bounded=column in QUANTITIES)
        ax.set(xscale="log", **scales)
        ax.minorticks_off()
    return fig, axes


QUANTITIES = {
    "student_tokens": ("$D_S$", "#332288"),
    "teacher_tokens": ("$D_T$", "#882255"),
    "teacher_params": ("$N_T$", "#999933"),
}
fig, _ = scenario_panels("teacher_loss", "teacher loss $L_T^*$ (nats)")
scenario_key(fig, scenarios)
save(fig, "fig18_compute_optimal_teacher_loss", optima[[*keep, "teacher_loss"]])

# %% [markdown]
# ## Optimal sizes and tokens, scenario by scenario
#
# Each scenario has three views: maps of the optimum over compute and student size, slices of these
# maps, and the shares of the budget. The maps of all four scenarios are solved together.

# %%
n = settings.map_points
wide = allocate.optima(law, np.geomspace(300e6, 50e9, n), np.geomspace(1e20, 1e26, n))
by_three = np.outer(10.0 ** np.arange(8, 17), [1, 3]).ravel()
LEVELS = {  # column: title, levels
    "student_loss": ("student loss $L_S^*$", np.arange(1.6, 3.01, 0.1)),
    "teacher_loss": ("teacher loss $L_T^*$", np.arange(1.3, 2.71, 0.1)),
    "student_tokens": ("student tokens $D_S^*$", by_three[::2]),
    "teacher_params": ("teacher size $N_T^*$", by_three),
    "teacher_tokens": ("teacher tokens $D_T^*$", by_three),
}


def draw_map(ax, column, table):
    levels = LEVELS[column][1]
    low, high = np.searchsorted(levels, [table[column].min(), table[column].max()])
    lines = maps.contour_map(
        ax, table, "compute", "student_params", column, levels[max(low - 1, 0) : high + 1]
    )
    ax.set(xscale="log", yscale="log")
    ax.minorticks_off()
    return lines


def map_axes(columns):
    names = [LEVELS[column][0] for column in columns] + [""] * (len(columns) % 2)
    fig, axes = figures.panels(names, COMPUTE, "student size $N_S$", columns=len(names) // 2)
    if len(columns) % 2:
        axes[-1].set_visible(False)
        axes[len(names) // 2 - 1].tick_params(labelbottom=True)
    return fig, axes


def scenario_maps(scenario, columns=tuple(LEVELS)):
    table = wide[wide.scenario == scenario]
    fig, axes = map_axes(columns)
    lines = [draw_map(*part, table) for part in zip(axes, columns, strict=False)]
    maps.amounts(axes[0].yaxis, (1, 3))
    maps.label_contours(fig, lines[:2], "%.1f")
    maps.label_contours(fig, lines[2:], maps.amount)
    return fig, table[[*keep, *columns]]


def draw_slice(ax, curve):
    ax.axhline(curve.student_params.iloc[0], color="#888888", linestyle=":", linewidth=1.2)
    for column, (_, color) in QUANTITIES.items():
        maps.optimum(ax, curve.compute, curve[column], at_bound(curve, column), color=color)
    ax.set(xscale="log", yscale="log")
    ax.minorticks_off()


def slices(scenario):
    table = optima[optima.scenario == scenario]
    fig, axes = figures.panels(titles, COMPUTE, "parameters or tokens", columns=4)
    for ax, curve in zip(axes, by_student(table), strict=True):
        draw_slice(ax, curve)
    maps.amounts(axes[0].yaxis)
    label_slices(fig, axes, by_student(table))
    return fig, table[[*keep, *QUANTITIES]]


def label_slices(fig, axes, curves):
    fig.get_layout_engine().execute(fig)
    for ax, curve in zip(axes, curves, strict=True):
        last = curve.iloc[-1]
        ends = [(last[q], label, color) for q, (label, color) in QUANTITIES.items()]
        maps.end_labels(ax, [*ends, (last.student_params, "$N_S$", "#888888")])


SHARES = {
    "share_student": "student training",
    "share_inference": "teacher inference",
    "share_pretraining": "teacher pretraining",
}


def draw_shares(ax, curve, paid):
    colors, labels = [figures.SHARE_COLORS[c] for c in paid], [SHARES[c] for c in paid]
    ax.stackplot(curve.compute, curve[paid].T, colors=colors, labels=labels)
    ax.set(xscale="log", ylim=(0, 1), xlim=(budgets[0], budgets[-1]))
    ax.yaxis.set_major_formatter("{x:.0%}")
    ax.minorticks_off()


def share_panels(scenario):
    table = optima[optima.scenario == scenario]
    paid = [column for column in SHARES if table[column].max() > 0]
    fig, axes = figures.panels(titles, COMPUTE, "share of compute", columns=4)
    for ax, curve in zip(axes, by_student(table), strict=True):
        draw_shares(ax, curve, paid)
    figures.legend_below(fig, axes[0])
    return fig, table[[*keep, *paid]]


# %% [markdown]
# ### Best case
#
# **Figure 19.** All compute buys student tokens. The teacher is free, so only its loss is
# determined; shown is the cheapest model that has it, on about 15 tokens per parameter. For the
# largest students on middling budgets the best teacher is far larger than any ever trained: the
# law is asked there what it was not fitted for.

# %%
fig, table = scenario_maps("best_case")
save(fig, "fig19_best_case_maps", table)

# %% [markdown]
# **Figure 20.** Student tokens rise as in supervised training. The teacher follows the student's
# best teacher loss, $N_T$ and $D_T$ together: better first, then worse, then settled. No optimum
# is at a bound of the box.

# %%
fig, table = slices("best_case")
save(fig, "fig20_best_case_optima", table)

# %% [markdown]
# ### Teacher inference
#
# **Figure 21.** Four maps, for the fifth is constant: the teacher is overtrained without limit,
# its training not being counted. Its size is what has a price, and follows the student's.

# %%
fig, table = scenario_maps("teacher_inference", tuple(LEVELS)[:4])
save(fig, "fig21_inference_maps", table)

# %% [markdown]
# **Figure 22.** $D_T$ sits at the bound of the box ($10^{17}$, dashed). **That bound is no
# advice**, it says: a small teacher, trained for as long as someone else pays. $N_T$ grows slowly
# with compute and stays within a small multiple of the student.

# %%
fig, table = slices("teacher_inference")
save(fig, "fig22_inference_optima", table)

# %% [markdown]
# **Figure 23.** As compute grows relatively less goes into student training (blue) and more into
# teacher logits (yellow), until the teacher stops growing.

# %%
fig, table = share_panels("teacher_inference")
save(fig, "fig23_inference_shares", table)

# %% [markdown]
# ### Teacher pretraining
#
# **Figure 24.** With its training paid the teacher is a supervised compute-optimal model:
# the maps of its size and of its tokens have the same shape.

# %%
fig, table = scenario_maps("teacher_pretraining")
save(fig, "fig24_pretraining_maps", table)

# %% [markdown]
# **Figure 25.** Teacher size and tokens rise together and level off; student tokens keep rising.

# %%
fig, table = slices("teacher_pretraining")
save(fig, "fig25_pretraining_optima", table)

# %% [markdown]
# **Figure 26.** The paper reads: relatively less for the teacher (pink) as compute grows. The
# law agrees from a budget on; below it the teacher's share *rises*, the longer the larger the
# student.

# %%
fig, table = share_panels("teacher_pretraining")
save(fig, "fig26_pretraining_shares", table)

# %% [markdown]
# ### Teacher pretraining and inference
#
# **Figure 27.** From a compute-optimal teacher at low compute to an overtrained one at high
# compute: the lines of equal teacher tokens keep falling, those of equal size turn.

# %%
fig, table = scenario_maps("teacher_pretraining_inference")
save(fig, "fig27_both_maps", table)

# %% [markdown]
# **Figure 28.** Teacher size rises to a few times the student's, then levels off and falls: from
# there on logits for so many student tokens are what makes a large teacher expensive.

# %%
fig, table = slices("teacher_pretraining_inference")
save(fig, "fig28_both_optima", table)

# %% [markdown]
# **Figure 9.** Four of these students on the paper's scale: tokens are power laws of compute,
# student tokens the steeper one; teacher size reaches its plateau later for larger students.

# %%
four = students[[0, 2, 3, 5]]
both = optima[(optima.scenario == scenarios[3]) & optima.student_params.isin(four)]
fig, axes = figures.panels([titles[i] for i in (0, 2, 3, 5)], COMPUTE, "optimal value", columns=4)
for ax, curve in zip(axes, by_student(both), strict=True):
    draw_slice(ax, curve)
axes[0].set_ylim(2e8, 1e17)
maps.amounts(axes[0].yaxis)
label_slices(fig, axes, by_student(both))
save(fig, "fig09_both_optima", both[[*keep, *QUANTITIES]])

# %% [markdown]
# **Figure 29.** The shares behind Table 3.

# %%
fig, table = share_panels("teacher_pretraining_inference")
save(fig, "fig29_both_shares", table)

# %% [markdown]
# ## Table 3: who gets the compute
#
# With teacher pretraining and inference counted. The paper's small students are those up to some
# 3B, its large ones those from some 10B; small budgets end at some $10^{21}$ FLOPs, large ones
# begin at some $10^{25}$. For each quarter: the shares at its corner nearest to the other three
# quarters, and their range over our students and budgets in it.

# %%
table3 = pd.read_csv(paths.DATA / "published" / "table3.csv")
quarters = [
    (optima.student_params.between(*sizes) & optima.compute.between(*flop), sizes, flop)
    for sizes in ((0, 3e9), (10e9, 1e12))
    for flop in ((0, 1.01e21), (0.99e25, 1e27))
]
worst = optima.scenario == scenarios[3]
quarters = [optima[worst & inside] for inside, *_ in quarters]
corners = allocate.optimal(law, [[3e9], [10e9]], [1e21, 1e25], scenarios[3])
for column, name in SHARES.items():
    span = [q[column].agg(["min", "max"]).round(2) for q in quarters]
    table3[f"{name}, corner"] = corners[column].round(2)
    table3[f"{name}, range"] = [f"{s['min']:.2f} to {s['max']:.2f}" for s in span]
save(None, "table03_allocation", table3)
table3

# %% [markdown]
# ## All scenarios side by side
#
# **Figure 30.** Student tokens, and below the same over the supervised run's. The best case *is*
# the supervised line; the others run below it, teacher pretraining coming back to it.

# %%
ylabels = ["student tokens $D_S^*$", r"$D_S^*$ / supervised"]
fig, pairs = maps.stacked(titles, COMPUTE, ylabels)
for (upper, lower), table in zip(pairs, by_student(optima), strict=True):
    draw_scenarios(upper, table, "student_tokens", "supervised_tokens")
    draw_scenarios(lower, table.assign(ratio=table.student_tokens / table.supervised_tokens),
                   "ratio")  # fmt: skip
    lower.set(xscale="log", ylim=(0, 1.1))
    upper.set(yscale="log", ylim=(1e8, 1e17))
    upper.minorticks_off()
    maps.amounts(upper.yaxis)
scenario_key(fig)
save(fig, "fig30_student_tokens", optima[[*keep, "student_tokens", "supervised_tokens"]])

# %% [markdown]
# **Figure 31.** Teacher tokens. Paying for both (vermilion) starts with the pretraining scenario
# (green) and turns towards that of inference (orange, at the bound).

# %%
fig, axes = scenario_panels("teacher_tokens", "teacher tokens $D_T^*$", yscale="log")
maps.amounts(axes[0].yaxis)
scenario_key(fig, scenarios, at_the_bound=BOUND)
save(fig, "fig31_teacher_tokens", optima[[*keep, "teacher_tokens"]])

# %% [markdown]
# **Figure 32.** Teacher size: the same, the other way up.

# %%
fig, axes = scenario_panels("teacher_params", "teacher size $N_T^*$", yscale="log")
maps.amounts(axes[0].yaxis)
scenario_key(fig, scenarios)
save(fig, "fig32_teacher_size", optima[[*keep, "teacher_params"]])

# %% [markdown]
# ## Figures 33 and 34: cost of a target loss, as a multiple of supervised training
#
# Below 1 distillation is cheaper. Without the teacher's training (blue, orange) it is, except
# close to the lowest loss that data alone can give a student (vertical line). With it (green,
# vermilion) it is not, but for the largest students at losses so high that they mean less than a
# token a parameter. Stars are what Section D.5 says of the 500M student at 2.4 nats and of the
# 10B student at 2.2: they lie on the curve of teacher inference, not on that of pretraining +
# inference, which the text names. Tokens are counted as $D_S + \delta_{\text{pre}} D_T$
# (Equation 34).


# %%
above = np.geomspace(0.003, 1.02, settings.curve_points // 3)
targets = allocate.costs_of_losses(law, students, above)
targets = targets[np.isfinite(targets.compute_ratio)]
floors = law.supervised.infinite_data_loss(students)
STAR = {"marker": "*", "linestyle": "", "color": "#C1121F"}
SAID = {500e6: (2.4, 3 / 4, 2 / 3), 10e9: (2.2, 1 / 2, 1 / 2)}  # Section D.5


def ratio_panels(column, ylabel, said):
    fig, axes = figures.panels(titles, "target loss $L_S$ (nats)", ylabel, columns=4)
    for ax, table, low in zip(axes, by_student(targets), floors, strict=True):
        draw_ratios(ax, table, column, low)
    for size, numbers in SAID.items():
        star = axes[list(students).index(size)]
        star.plot(numbers[0], numbers[said], "*", color="#C1121F", markersize=11, zorder=4)
    scenario_key(fig, scenarios, **{"Section D.5": STAR})
    return fig


def draw_ratios(ax, table, column, floor):
    for name, curve in table.groupby("scenario", sort=False):
        draw(ax, curve.student_loss, curve[column], name)
    ax.axhline(1, color="black", linewidth=1, linestyle="--")
    ax.axvline(floor, color="grey", linewidth=1, linestyle="--")
    ax.set(yscale="log", ylim=(0.15, 10), xlim=(1.6, 2.65), yticks=[0.2, 0.5, 1, 2, 5, 10])
    ax.yaxis.set(major_formatter="{x:g}", minor_formatter="")


# %%
fig = ratio_panels("compute_ratio", "compute / supervised compute", 1)
save(fig, "fig33_compute_ratio", targets[[*keep[::2], "student_loss", "compute_ratio"]])

# %%
fig = ratio_panels("token_ratio", "tokens / supervised tokens", 2)
save(fig, "fig34_token_ratio", targets[[*keep[::2], "student_loss", "token_ratio"]])

# %% [markdown]
# ## The sheet
#
# `data/recipes.csv` holds the compute-optimal recipe for every student of Table 13 on budgets from
# $10^{19}$ to $10^{26}$ FLOPs in every scenario, and the supervised run on the same budget, for
# filtering in a spreadsheet; `data/README.md` explains its columns. Recipes are those of Table 6's
# law; the student's loss has a range that holds it and nine in ten of the fifty laws, each with the
# best recipe under it, and `share_distil` is the share of them under which distilling wins: between
# 0.1 and 0.9 it is undecided. `inside_fitted_range` is true where student, teacher and tokens are
# within what the paper trained (143M to 12.6B parameters, 2B to 512B tokens); elsewhere the law
# extrapolates. Where `max_tokens` is $10^{13}$, about what there is of good text, no model may see
# more: without it teachers whose training nobody pays for run to the bound of the search. Those
# rows are for powers of ten, their ranges from ten laws.

# %%
TOKEN_LIMIT = 1e13
models = pd.read_csv(paths.DATA / "published" / "table13.csv")
sizes, names = 1e9 * models.params_1e9.to_numpy(), models.name.to_numpy()
sheet_budgets = 10.0 ** np.arange(19, 26.1, 0.5)
few = sheet_budgets[::2] if settings.saves else sheet_budgets[4:5]


def sheet(scenario, budgets, ensemble, limit=None):
    table = allocate.under_ensemble(
        law, ensemble, sizes[:, None], budgets, scenario, max_tokens=limit
    )
    return table.assign(student=np.repeat(names, len(budgets)), max_tokens=limit or np.nan)


grid = [sheet(s, sheet_budgets, fifty) for s in scenarios]
grid += [sheet(s, few, fifty.thin(10), TOKEN_LIMIT) for s in scenarios]
ends_of_loss = ["student_loss_low", "student_loss_high"]
other_ends = [c for c in grid[0] if c.endswith(("_low", "_high")) and c not in ends_of_loss]
sheet_columns = grid[0].columns.drop([*other_ends, "at_bound"]).tolist()
no_teacher = [c for c in sheet_columns if c.startswith("teacher")]
unlimited, limited = grid[0], grid[len(scenarios)]
data_only = pd.concat([unlimited, limited], ignore_index=True)
data_only = data_only.drop(columns=[*no_teacher, "share_distil"])
data_only = data_only.assign(
    scenario="supervised",
    student_tokens=np.fmin(
        data_only.compute / (3 * flops.forward_flops(data_only.student_params)),
        data_only.max_tokens,
    ),
    student_loss=data_only.supervised_loss,
    student_loss_low=data_only.supervised_loss_low,
    student_loss_high=data_only.supervised_loss_high,
)
recipes = pd.concat([*grid, data_only], ignore_index=True)[sheet_columns]


# %%
def within(low, values, high):
    return values.isna() | ((values >= low) & (values <= high))


recipes["student_tokens_per_param"] = recipes.student_tokens / recipes.student_params
recipes["teacher_tokens_per_param"] = recipes.teacher_tokens / recipes.teacher_params
recipes["gap"] = recipes.student_loss - recipes.supervised_loss
most = recipes.max_tokens.fillna(allocate.TOKENS_BOX[1])
recipes["teacher_tokens_at_bound"] = recipes.teacher_tokens >= most * 0.999
recipes["inside_fitted_range"] = (
    within(143e6, recipes.student_params, 12.61e9)
    & within(143e6, recipes.teacher_params, 12.61e9)
    & within(2e9, recipes.student_tokens, 512e9)
    & within(2e9, recipes.teacher_tokens, 512e9)
)
first = ["student", "student_params", "compute", "scenario", "max_tokens"]
first += ["student_loss", *ends_of_loss]
first += ["supervised_loss", "gap", "share_distil", "inside_fitted_range"]
recipes = recipes[first + [c for c in recipes if c not in first]]
if settings.saves:
    figures.write_table(recipes, "data/recipes.csv")
print(f"{len(recipes)} recipes, {recipes.inside_fitted_range.mean():.0%} inside the fitted range")
recipes[(recipes.student == "1.15B") & (recipes.compute == 1e21) & recipes.max_tokens.isna()].T

# %% [markdown]
# ## Check
#
# Notebook `15` puts the paper's sentences about these figures to twenty laws, one by one. Two that
# need no law of distillation:

# %%
saturated = law.supervised.tokens_for_loss(students, floors + 0.01)
claims.check("supervised-saturates-later", bool((np.diff(saturated) > 0).all()))
claims.check("summary-assumes-teacher", all(pre == 0 for _, pre in allocate.SCENARIOS.values()))

# %% [markdown]
# ## What to take away
#
# What is paid for decides: a teacher that exists makes distilling cheap, one that is trained for a
# single student rarely pays. The budget from which training on data is better has no value but a
# range: for a 1B student with inference paid from about $2 \times 10^{21}$ FLOPs to never.
