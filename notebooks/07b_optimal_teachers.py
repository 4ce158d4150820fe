# %% [markdown]
# # 07b · The optimal teacher, scenario by scenario
#
# [← 03](03_parameters_and_flops.ipynb)
# · [README](../README.md)
# · [14 →](14_a_better_law.ipynb)
# · *To look up*
#
# *Sections 5.3 and D.4.* Notebook `07` asks what a budget buys; here is what it is spent on: the
# best student's tokens $D_S^*$, its teacher's size $N_T^*$ and tokens $D_T^*$ (Equation 10), in the
# four scenarios of Table 2. What is paid in each of them:
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
# All optima are those of the corrected law (Table 6 with $B'$ mended). **Most of what follows is
# extrapolated**: the paper trained models of 143M to 12.6B parameters on 2B to 512B tokens. Where a
# student, a teacher or their tokens are beyond that, lines are dotted and maps are pale. (Tokens of
# a teacher that have no end are said in words instead.)

# %% tags=["parameters"]
profile = "full"

# %% jupyter={"source_hidden": true} tags=["hide-input"]
import numpy as np
import pandas as pd

from scalinglib import allocate, laws, sentences
from scalinglib.report import claims, columns, figures, maps, panels, paths, profiles
from scalinglib.report.panels import Panels

settings = profiles.load(profile)
save = figures.saver(settings)
figures.use_style()

# %% [markdown]
# ## The optima
#
# Eight students on budgets from $10^{20}$ to $10^{26}$ FLOPs. The search goes over the paper's box:
# $N_T$, $D_S$ and $D_T$ between $10^6$ and $10^{17}$ (Section D.4.1). An optimum may be a bound of
# that box; then it says only that there is no end.


# %%
def trained(table):
    """Where the paper trained such models; a teacher's tokens without end are not looked at."""
    tokens = table.teacher_tokens
    endless = tokens >= 0.999 * allocate.TOKENS_BOX[1]
    return laws.inside_trained_range(table.assign(teacher_tokens=tokens.mask(endless)))


law = laws.load("corrected")
scenarios = list(allocate.SCENARIOS)
students = np.array([300e6, 500e6, 1e9, 3e9, 5e9, 10e9, 30e9, 50e9])
budgets = np.geomspace(1e20, 1e26, settings.curve_points)
optima = allocate.optima(law, students, budgets)
optima["inside"] = trained(optima)
keep = ["student_params", "compute", "scenario"]
optima.groupby("scenario", sort=False).at_bound.agg(lambda bound: (bound != "").mean()).to_frame(
    "share of optima at a bound"
)

# %%
few = students[[0, 3, 5, 6]]  # four curves a panel can be told apart; the tables have all eight
optima["size_ratio"] = optima.teacher_params / optima.student_params
drawn = optima[optima.student_params.isin(few)]
SETTING = "By the paper's law, its one misprint corrected"


def by_student(table, column, title, **grid):
    """A quantity over compute, a curve a student."""
    grid = Panels(table, "compute", column, title, **grid).setting(SETTING)
    return grid.draw(panels.curve, hue="student_params")


# %% [markdown]
# ## Figure 18: the teacher's loss
#
# The loss of the compute-optimal teacher. In all scenarios it falls with compute. The one exception
# is the best case: over some budgets, larger ones for larger students, the best teacher gets worse
# again (notebook `06`, Figure 15). Drawn are four of the
# eight students, here and below; the table of each figure has all eight.

# %%
title = (
    "A larger budget wants a better teacher; only where it is free does the best one "
    "get weaker for a while, mostly beyond the runs (dotted)"
)
grid = by_student(drawn, "teacher_loss", title, col="scenario")
save(grid, "fig18_compute_optimal_teacher_loss", optima[[*keep, "teacher_loss"]])

# %% [markdown]
# ## Three views of each scenario
#
# A map of the best teacher over compute and student size, curves for single students, and the
# shares of the budget. The maps of all four scenarios are solved together. Each picture shows the
# teacher; its table has the losses and tokens besides.

# %%
n = settings.map_points
wide = allocate.optima(law, np.geomspace(300e6, 50e9, n), np.geomspace(1e20, 1e26, n))
wide["inside"] = trained(wide)
wide["size_ratio"] = wide.teacher_params / wide.student_params
MAPPED = ["student_loss", "teacher_loss", "student_tokens", "teacher_params", "teacher_tokens"]
TOLD = ["student_tokens", "teacher_tokens", "teacher_params"]
OVER = {"colors": figures.MARKS["optimum"], "linewidths": 2.2}


# %%
def teacher_map(name, title, column, levels, words, most=None):
    """The best teacher's size, pale where no model was trained, and red lines of a `column`."""
    rows = wide[wide.scenario == name]
    grid = Panels(rows, "compute", "student_params", title).setting(SETTING)
    ticks = [3e8, 1e9, 3e9, 1e10, 3e10]
    grid.set(yticks=ticks, yticklabels=map(columns.count, ticks))
    lines = grid.draw(maps.contour_map, column="teacher_params").drawn
    lines += grid.draw(maps.beyond).draw(maps.lines, column=column, levels=levels, **OVER).drawn
    grid.key({"contours: best teacher's parameters": {"color": "#222222", "lw": 0.8}})
    grid.key({words: {"color": figures.MARKS["optimum"], "lw": 2.2}})
    if most:
        grid.draw(panels.rings, rows.nlargest(1, "teacher_params"), label=most, clip_on=False)
    maps.label_contours(grid.finish(), lines if len(levels) > 1 else lines[:1])
    return grid, rows[[*keep, *MAPPED]]


def ratios(name, title, told):
    """How many times its student's size the best teacher has; the line: as large; ticks: `told`."""
    rows = drawn[drawn.scenario == name]
    grid = by_student(rows, "size_ratio", title).mark("y", 1, "as large as its student")
    ticks = [*told, *(t for t in (0.01, 0.1, 1, 10, 100) if np.abs(np.log(t / told)).min() > 0.5)]
    low, high = grid.ax.get_ylim()
    ticks = [t for t in ticks if low < t < high]
    grid.set(yticks=ticks, yticklabels=[f"{t:.0f}" if t >= 1 else f"{t:g}" for t in ticks])
    return grid, optima.loc[optima.scenario == name, [*keep, *TOLD]]


# %%
PARTS = {
    "share_student": "student training",
    "share_inference": "teacher inference",
    "share_pretraining": "teacher pretraining",
}


def share(name, column, title):
    """The teacher's share of the compute in a scenario."""
    label = columns.axis_label("compute"), "teacher's share of the compute"
    grid = by_student(drawn[drawn.scenario == name], column, title, labels=label)
    grid.set(ylim=(0, 0.7)).each(lambda ax: ax.yaxis.set_major_formatter("{x:.0%}"))
    return grid, optima.loc[optima.scenario == name, [*keep, "share_student", column]]


# %% [markdown]
# ## The best case
#
# ### Figure 19: the best case, map
#
# All compute buys student tokens. The teacher is free, so only its loss is determined; shown is the
# cheapest model that has it, on about 15 tokens per parameter. For the largest students on middling
# budgets the law asks for a teacher of many trillions of parameters. No such model exists, and no
# run says that it would help: above the red line everything is pale.

# %%
asked = wide[wide.scenario == "best_case"].teacher_params.max()
largest = laws.FITTED_RANGE["params"][1]
title = (
    f"Teacher free: the law asks for teachers of up to {columns.count(asked)} parameters; "
    f"the largest one trained has {columns.count(largest)}"
)
words = "as large as the largest one trained"
most = f"best teacher of {columns.count(asked)}"
grid, table = teacher_map("best_case", title, "teacher_params", [largest], words, most=most)
save(grid, "fig19_best_case_maps", table)

# %% [markdown]
# ### Figure 20: the best case, single students
#
# Student tokens rise as if the student were trained on data. The teacher's size and tokens follow
# the loss that is best for the student: the teacher gets larger first, then smaller, then settles.
# The rise and fall lie where no teacher was trained, and no optimum is at a bound of the box.

# %%
free = drawn[drawn.scenario == "best_case"]
ends = free[free.compute == free.compute.max()].size_ratio
title = (
    "Teacher free: beyond the runs (dotted) the law wants teachers up to "
    f"{free.size_ratio.max():.0f} times their student's size, then {ends.min():.0f} to "
    f"{ends.max():.0f} times"
)
told = np.array([ends.min(), ends.max(), free.size_ratio.max()])
grid, table = ratios("best_case", title, told)
grid.draw(panels.rings, free.nlargest(1, "size_ratio"), label="largest ratio")
save(grid, "fig20_best_case_optima", table)

# %% [markdown]
# ## Teacher inference
#
# ### Figure 21: teacher inference, map
#
# The teacher's training is not counted, so the law trains it without end, beyond any tokens there
# are. Only the teacher's size has a price, and it follows the student's. On small budgets students
# of more than half a billion parameters do best with a teacher smaller than themselves.

# %%
title = "Teacher inference paid: the best teacher outgrows its student as the budget grows"
words = "teacher as large as its student (right of it: larger)"
grid, table = teacher_map("teacher_inference", title, "size_ratio", [1], words)
save(grid, "fig21_inference_maps", table.drop(columns="teacher_tokens"))

# %% [markdown]
# ### Figure 22: teacher inference, single students
#
# Teacher tokens are at the bound of the box everywhere ($10^{17}$). Read the result as advice to
# take a small teacher that somebody else has trained for long. Its size grows slowly with compute
# and stays within a small multiple of the student's.

# %%
most = drawn[drawn.scenario == "teacher_inference"].size_ratio.max()
title = (
    "Teacher inference paid: even on the largest budgets (dotted) the best teacher has "
    f"at most {most:.0f} times its student's size"
)
grid, table = ratios("teacher_inference", title, np.array([most]))
save(grid, "fig22_inference_optima", table.drop(columns="teacher_tokens"))

# %% [markdown]
# ### Figure 23: teacher inference, shares of compute
#
# As compute grows, a smaller share goes into training the student and a larger one into running its
# teacher, until the teacher stops growing.

# %%
seen = drawn[(drawn.scenario == "teacher_inference") & drawn.inside].share_inference
title = (
    "Teacher inference paid: the larger the budget, the larger the teacher's share, "
    f"{seen.min():.0%} to {seen.max():.0%} where models were trained"
)
grid, table = share("teacher_inference", "share_inference", title)
save(grid, "fig23_inference_shares", table)

# %% [markdown]
# ## Teacher pretraining
#
# ### Figure 24: teacher pretraining, map
#
# With its training paid, the teacher is a compute-optimal model: lines of equal size and lines of
# equal tokens have the same shape, and are not drawn. Tokens a parameter, least and most:

# %%
paid = wide[wide.scenario == "teacher_pretraining"]
save(None, "fig24_pretraining_maps", paid[[*keep, *MAPPED]])
(paid.teacher_tokens / paid.teacher_params).agg(["min", "max"]).round(1)

# %% [markdown]
# ### Figure 25: teacher pretraining, single students
#
# Where models were trained the teacher's size hardly depends on the student. Beyond, it levels off
# for students up to 10B, at a size that grows with the student. Its tokens do the same, while
# student tokens keep rising.

# %%
title = (
    "Teacher pretraining paid: the budget, not the student, sets the best teacher's size, "
    "until it levels off (dotted)"
)
one = drawn[drawn.scenario == "teacher_pretraining"]
table = optima.loc[optima.scenario == "teacher_pretraining", [*keep, *TOLD]]
save(by_student(one, "teacher_params", title), "fig25_pretraining_optima", table)

# %% [markdown]
# ### Figure 26: teacher pretraining, shares of compute
#
# The paper says that relatively less goes to the teacher as compute grows. The law agrees from a
# budget on. Below that budget the teacher's share *rises*, the longer the larger the student is.

# %%
peaks = one.loc[one.groupby("student_params").share_pretraining.idxmax()]
peaks = peaks[peaks.compute > budgets[0]]  # the smallest student's share falls from the start
title = (
    f"Teacher pretraining paid: its share peaks at {peaks.share_pretraining.min():.0%} "
    f"to {peaks.share_pretraining.max():.0%}, later for larger students (dotted: beyond the runs)"
)
grid, table = share("teacher_pretraining", "share_pretraining", title)
grid.draw(panels.rings, peaks, label="largest share")
save(grid, "fig26_pretraining_shares", table)

# %% [markdown]
# ## Teacher pretraining and inference
#
# ### Figure 27: both paid, map
#
# On small budgets the teacher is compute-optimal, on large ones it is overtrained: its tokens keep
# rising with compute where its size no longer does (for the largest students both still rise).

# %%
title = (
    "Pretraining and inference paid: right of the runs (pale) the student sets its teacher's size, "
    "the budget its tokens"
)
levels, words = 10.0 ** np.arange(10, 15), "contours: its training tokens"
grid, table = teacher_map("teacher_pretraining_inference", title, "teacher_tokens", levels, words)
save(grid, "fig27_both_maps", table)

# %% [markdown]
# ### Figure 28: both paid, single students
#
# Beyond what was trained, teacher size rises to a few times the student's, then levels off and, for
# students up to 10B, falls: from there on so many student tokens have to be labelled that a large
# teacher is too expensive to run.

# %%
both = drawn[drawn.scenario == "teacher_pretraining_inference"]
ends = both[both.compute == both.compute.max()].size_ratio
title = (
    "Pretraining and inference paid: beyond the runs (dotted) the best teacher ends at "
    f"{ends.min():.0f} to {ends.max():.0f} times its student's size"
)
told = np.array([ends.min(), ends.max()])
grid, table = ratios("teacher_pretraining_inference", title, told)
save(grid, "fig28_both_optima", table)

# %% [markdown]
# ### Figure 9: both paid, four students
#
# Four of these students, as in the paper's main text. Tokens are nearly straight lines, that is
# power laws of compute, and those of the student are the steeper ones. The teacher's size reaches
# its plateau later for larger students.

# %%
title = (
    "Teacher pretraining and inference paid: as the budget grows, the student's tokens grow most, "
    "its teacher's tokens less, the teacher's size least"
)
four = optima[optima.student_params.isin(students[[0, 2, 3, 5]])]
four = four[four.scenario == "teacher_pretraining_inference"]
words = ["student's tokens", "teacher's tokens", "teacher's size (parameters)"]
long = four.rename(columns=dict(zip(TOLD, words, strict=True))).melt(
    [*keep, "inside"], words, var_name="quantity", value_name="amount"
)
grid = Panels(long, "compute", "amount", title, col="student_params").setting(SETTING)
grid.draw(panels.curve, hue="quantity")
grid.mark("y", {size: size for size in four.student_params.unique()}, "student's own size")
save(grid, "fig09_both_optima", four[[*keep, *TOLD]])

# %% [markdown]
# ### Figure 29: both paid, shares of compute
#
# The teacher's training takes its largest share on a budget that grows with the student: for the
# smallest student the share falls from the start, for the largest it peaks far beyond any budget
# that was spent. On the largest budgets the teacher's inference takes its place. Drawn are two
# students.


# %%
def stacked(data, x, y, ax, **_):
    """The parts of the compute on one another, pale where nothing was trained."""
    ax.stackplot(data[x], data[list(PARTS)].to_numpy().T, colors=SHADES, linewidth=0)
    ax.fill_between(data[x], 1, where=~data.inside, color="white", alpha=0.5, linewidth=0)
    ax.yaxis.set_major_formatter("{x:.0%}")


SHADES = ["#BBBBBB", "#E69F00", "#009E73"]
title = (
    "Of the teacher's cost small budgets pay for its pretraining, "
    "large ones (pale) for its inference"
)
two = both[both.student_params.isin(students[[3, 5]])]
grid = Panels(two, "compute", "share", title, col="student_params").draw(stacked)
grid.key({part: {"color": c, "lw": 8} for part, c in zip(PARTS.values(), SHADES, strict=True)})
grid.key(pale="beyond what was trained").set(ylim=(0, 1), xlim=(1e20, 1e26))
grid.setting("Teacher pretraining and inference paid; the paper's law, its one misprint corrected")
table = optima[optima.scenario == "teacher_pretraining_inference"]
save(grid, "fig29_both_shares", table[[*keep, *PARTS]])

# %% [markdown]
# ### Table 3: who gets the compute
#
# With teacher pretraining and inference counted. The paper's small students are those up to some
# 3B, its large ones those from some 10B; small budgets end at some $10^{21}$ FLOPs, large ones
# begin at some $10^{25}$. For each quarter: the shares at its corner nearest to the other three
# quarters, and their range over our students and budgets in it.

# %%
table3 = pd.read_csv(paths.DATA / "published" / "table3.csv")
sizes, flop = ((0, 3e9), (10e9, 1e12)), ((0, 1.01e21), (0.99e25, 1e27))
both = optima[optima.scenario == "teacher_pretraining_inference"]
quarters = [
    both[both.student_params.between(*size) & both.compute.between(*budget)]
    for size in sizes
    for budget in flop
]

# %%
corners = allocate.optimal(law, [[3e9], [10e9]], [1e21, 1e25], "teacher_pretraining_inference")
for column, name in PARTS.items():
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
# The student's tokens over those that the same budget would buy for training it on data. In the
# best case, which is not drawn, they are the same. In the other scenarios the teacher takes its
# part; where only its pretraining is paid, that part vanishes as the budget grows.

# %%
shown = drawn.assign(of_supervised=drawn.student_tokens / drawn.supervised_tokens)
shown = shown[shown.scenario != "best_case"]
seen = shown[shown.inside].of_supervised
title = (
    f"Paying for its teacher leaves a student {seen.min():.0%} to {seen.max():.0%} of its tokens "
    "where models were trained (solid)"
)
labels = columns.axis_label("compute"), "student's tokens\n(% of those on data alone)"
grid = by_student(shown, "of_supervised", title, col="scenario", labels=labels)
grid.set(ylim=(0, 1.05)).each(lambda ax: ax.yaxis.set_major_formatter("{x:.0%}"))
save(grid, "fig30_student_tokens", optima[[*keep, "student_tokens", "supervised_tokens"]])

# %% [markdown]
# ### Figure 31: teacher tokens
#
# Where only inference is paid, teacher tokens have no end ($10^{17}$, the bound of the box). Paying
# for both starts like paying for pretraining alone (Figure 25), at about 15 tokens a parameter.
# From some budget on it asks for more teacher tokens (Figure 9): a small teacher trained for long
# is cheaper to run. The table has all scenarios.

# %%
save(None, "fig31_teacher_tokens", optima[[*keep, "teacher_tokens"]])

# %% [markdown]
# ### Figure 32: teacher size
#
# What holds for tokens is reversed for the teacher's size: whoever pays for inference wants a
# smaller teacher, whoever pays for pretraining alone a larger one. The hump of the best case is
# that of Figure 20, beyond all teachers that were trained. Drawn are three students.

# %%
title = (
    "A teacher that costs something is best smaller; on the largest budgets (dotted) "
    "its inference counts for more than its pretraining"
)
three = optima[optima.student_params.isin(students[[2, 3, 5]])]
grid = Panels(three, "compute", "teacher_params", title, col="student_params")
grid.draw(panels.curve, hue="scenario")
grid.setting(
    f"The free teacher's hump is extrapolated: none above {columns.count(largest)} was trained"
)
save(grid, "fig32_teacher_size", optima[[*keep, "teacher_params"]])

# %% [markdown]
# ## Check
#
# Section D.4.2 explains the order of these curves by how long a model trained on data goes on
# learning: the tokens that bring it to 10 mnats above its floor.

# %%
floors = law.supervised.infinite_data_loss(students)
saturated = law.supervised.tokens_for_loss(students, floors + 0.01)
claims.check("supervised-saturates-later", sentences.every(np.diff(saturated) > 0))

# %% [markdown]
# ## What to take away
#
# A teacher trained for one student is a compute-optimal model, a few times the student's size, and
# takes a small share of a large budget. A teacher that somebody else trains has no best size until
# its inference is paid. All of this is the law's, and most of it lies beyond any run.
