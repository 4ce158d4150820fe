# %% [markdown]
# # 07b · The optimal teacher, scenario by scenario
#
# *Sections 5.3 and D.4.* Notebook `07` asks what a budget buys; here is what it is spent on: the
# best student's tokens $D_S^*$, its teacher's size $N_T^*$ and tokens $D_T^*$ (Equation 10), in the
# four scenarios of Table 2, that is
#
# $$
# \begin{aligned}
# \text{FLOPs}_\text{best case} &= 3 F(N_S) D_S &\qquad (30) \\
# \text{FLOPs}_\text{teacher inference} &= 3 F(N_S) D_S + F(N_T) D_S & (31) \\
# \text{FLOPs}_\text{teacher pretraining} &= 3 F(N_S) D_S + 3 F(N_T) D_T & (32) \\
# \text{FLOPs}_\text{both} &= 3 F(N_S) D_S + F(N_T) D_S + 3 F(N_T) D_T & (33)
# \end{aligned}
# $$
#
# The search goes over the paper's box: $N_T$, $D_S$ and $D_T$ between $10^6$ and $10^{17}$
# (Section D.4.1). Where an optimum is a bound of that box, its curve is dashed. All optima are of
# Table 6's law with the corrected $B'$.

# %% tags=["parameters"]
profile = "full"

# %%
import numpy as np
import pandas as pd

from scalinglib import allocate, laws
from scalinglib.report import claims, figures, maps, paths, profiles

settings = profiles.load(profile)
save = figures.saver(settings)
figures.use_style()
law = laws.load("corrected")
scenarios = list(allocate.SCENARIOS)
students = np.array([300e6, 500e6, 1e9, 3e9, 5e9, 10e9, 30e9, 50e9])
titles = [figures.named("N_S", n) for n in students]
budgets = np.geomspace(1e20, 1e26, settings.curve_points)
keep = ["student_params", "compute", "scenario"]
COMPUTE = "total compute $C$ (FLOPs)"
QUANTITIES = {
    "student_tokens": ("$D_S$", "#332288"),
    "teacher_tokens": ("$D_T$", "#882255"),
    "teacher_params": ("$N_T$", "#999933"),
}


# %%
def at_bound(table, column):
    low, high = allocate.TOKENS_BOX if "tokens" in column else allocate.TEACHER_PARAMS_BOX
    return (table[column] <= low * 1.001) | (table[column] >= high * 0.999)


optima = allocate.optima(law, students, budgets)
pd.DataFrame(
    {q: at_bound(optima, q).groupby(optima.scenario, sort=False).mean() for q in QUANTITIES}
).rename_axis("share of optima at a bound")


# %%
def by_student(table):
    return [group for _, group in table.groupby("student_params")]


def draw_scenarios(ax, table, column):
    for name, curve in table.groupby("scenario", sort=False):
        bound = at_bound(curve, column) if column in QUANTITIES else None
        maps.scenario(ax, curve.compute, curve[column], name, bound)


def scenario_panels(column, ylabel, **scales):
    fig, axes = figures.panels(titles, COMPUTE, ylabel, columns=4)
    for ax, table in zip(axes, by_student(optima), strict=True):
        draw_scenarios(ax, table, column)
        ax.set(xscale="log", **scales)
        ax.minorticks_off()
    return fig, axes


# %% [markdown]
# ## Figure 18: the teacher's loss
#
# The loss of the compute-optimal teacher. It falls with compute in all scenarios but for the dip
# of the best case at low compute, where there are fewer student tokens than the rule of thumb (20 a
# parameter) and the best teacher is first better and then worse (notebook `06`, Figure 15).

# %%
fig, _ = scenario_panels("teacher_loss", "teacher loss $L_T^*$ (nats)")
maps.scenario_key(fig, scenarios)
save(fig, "fig18_compute_optimal_teacher_loss", optima[[*keep, "teacher_loss"]])

# %% [markdown]
# ## Three views of each scenario
#
# Maps of the optimum over compute and student size, slices of these maps, and the shares of the
# budget. The maps of all four scenarios are solved together.

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
# ## The best case
#
# ### Figure 19: the best case, maps
#
# All compute buys student tokens. The teacher is free, so only its loss is
# determined; shown is the cheapest model that has it, on about 15 tokens per parameter. For the
# largest students on middling budgets the best teacher is far larger than any ever trained: the
# law is asked there what it was not fitted for.

# %%
fig, table = scenario_maps("best_case")
save(fig, "fig19_best_case_maps", table)

# %% [markdown]
# ### Figure 20: the best case, eight students
#
# Student tokens rise as in supervised training. The teacher follows the student's
# best teacher loss, $N_T$ and $D_T$ together: better first, then worse, then settled. No optimum
# is at a bound of the box.

# %%
fig, table = slices("best_case")
save(fig, "fig20_best_case_optima", table)

# %% [markdown]
# ## Teacher inference
#
# ### Figure 21: teacher inference, maps
#
# Four maps, for the fifth is constant: the teacher is overtrained without limit,
# its training not being counted. Its size is what has a price, and follows the student's.

# %%
fig, table = scenario_maps("teacher_inference", tuple(LEVELS)[:4])
save(fig, "fig21_inference_maps", table)

# %% [markdown]
# ### Figure 22: teacher inference, eight students
#
# $D_T$ sits at the bound of the box ($10^{17}$, dashed). **That bound is no
# advice**, it says: a small teacher, trained for as long as someone else pays. $N_T$ grows slowly
# with compute and stays within a small multiple of the student.

# %%
fig, table = slices("teacher_inference")
save(fig, "fig22_inference_optima", table)

# %% [markdown]
# ### Figure 23: teacher inference, shares of compute
#
# As compute grows relatively less goes into student training (blue) and more into
# teacher logits (yellow), until the teacher stops growing.

# %%
fig, table = share_panels("teacher_inference")
save(fig, "fig23_inference_shares", table)

# %% [markdown]
# ## Teacher pretraining
#
# ### Figure 24: teacher pretraining, maps
#
# With its training paid the teacher is a supervised compute-optimal model:
# the maps of its size and of its tokens have the same shape.

# %%
fig, table = scenario_maps("teacher_pretraining")
save(fig, "fig24_pretraining_maps", table)

# %% [markdown]
# ### Figure 25: teacher pretraining, eight students
#
# Teacher size and tokens rise together and level off; student tokens keep rising.

# %%
fig, table = slices("teacher_pretraining")
save(fig, "fig25_pretraining_optima", table)

# %% [markdown]
# ### Figure 26: teacher pretraining, shares of compute
#
# The paper reads: relatively less for the teacher (pink) as compute grows. The
# law agrees from a budget on; below it the teacher's share *rises*, the longer the larger the
# student.

# %%
fig, table = share_panels("teacher_pretraining")
save(fig, "fig26_pretraining_shares", table)

# %% [markdown]
# ## Teacher pretraining and inference
#
# ### Figure 27: both paid, maps
#
# From a compute-optimal teacher at low compute to an overtrained one at high
# compute: the lines of equal teacher tokens keep falling, those of equal size turn.

# %%
fig, table = scenario_maps("teacher_pretraining_inference")
save(fig, "fig27_both_maps", table)

# %% [markdown]
# ### Figure 28: both paid, eight students
#
# Teacher size rises to a few times the student's, then levels off and falls: from
# there on logits for so many student tokens are what makes a large teacher expensive.

# %%
fig, table = slices("teacher_pretraining_inference")
save(fig, "fig28_both_optima", table)

# %% [markdown]
# ### Figure 9: both paid, four students
#
# Four of these students on the paper's scale: tokens are power laws of compute,
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
# ### Figure 29: both paid, shares of compute
#
# The shares behind Table 3.

# %%
fig, table = share_panels("teacher_pretraining_inference")
save(fig, "fig29_both_shares", table)

# %% [markdown]
# ### Table 3: who gets the compute
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
# ### Figure 30: student tokens
#
# Above the tokens, and below the same over the supervised run's. The best case *is*
# the supervised line; the others run below it, teacher pretraining coming back to it.

# %%
ylabels = ["student tokens $D_S^*$", r"$D_S^*$ / supervised"]
fig, pairs = maps.stacked(titles, COMPUTE, ylabels)
for (upper, lower), table in zip(pairs, by_student(optima), strict=True):
    draw_scenarios(upper, table, "student_tokens")
    one = table[table.scenario == scenarios[0]]
    maps.scenario(upper, one.compute, one.supervised_tokens, "supervised")
    draw_scenarios(lower, table.assign(ratio=table.student_tokens / table.supervised_tokens),
                   "ratio")  # fmt: skip
    lower.set(xscale="log", ylim=(0, 1.1))
    upper.set(yscale="log", ylim=(1e8, 1e17))
    upper.minorticks_off()
    maps.amounts(upper.yaxis)
maps.scenario_key(fig, [*scenarios, "supervised"])
save(fig, "fig30_student_tokens", optima[[*keep, "student_tokens", "supervised_tokens"]])

# %% [markdown]
# ### Figure 31: teacher tokens
#
# Paying for both (vermilion) starts with the pretraining scenario
# (green) and turns towards that of inference (orange, at the bound).

# %%
fig, axes = scenario_panels("teacher_tokens", "teacher tokens $D_T^*$", yscale="log")
maps.amounts(axes[0].yaxis)
maps.scenario_key(fig, scenarios, {"a bound of the box": maps.AT_BOUND})
save(fig, "fig31_teacher_tokens", optima[[*keep, "teacher_tokens"]])

# %% [markdown]
# ### Figure 32: teacher size
#
# The same, the other way up.

# %%
fig, axes = scenario_panels("teacher_params", "teacher size $N_T^*$", yscale="log")
maps.amounts(axes[0].yaxis)
maps.scenario_key(fig, scenarios)
save(fig, "fig32_teacher_size", optima[[*keep, "teacher_params"]])

# %% [markdown]
# ## Check
#
# Section D.4.2 explains the order of these curves by how long a supervised model goes on learning:
# the tokens that bring a model to 10 mnats above its floor.

# %%
floors = law.supervised.infinite_data_loss(students)
saturated = law.supervised.tokens_for_loss(students, floors + 0.01)
claims.check("supervised-saturates-later", bool((np.diff(saturated) > 0).all()))

# %% [markdown]
# ## What to take away
#
# A teacher trained for one student is a compute-optimal model, a few times the student's size, and
# never takes more than its share of a large budget. A teacher that somebody else trains has no best
# size until its inference is paid: where $D_T$ is a bound of the box the curve says nothing else.
