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
law = laws.load("corrected")
scenarios = list(allocate.SCENARIOS)
students = np.array([300e6, 500e6, 1e9, 3e9, 5e9, 10e9, 30e9, 50e9])
budgets = np.geomspace(1e20, 1e26, settings.curve_points)
optima = allocate.optima(law, students, budgets)
optima["inside"] = allocate.inside_trained_range(optima)
keep = ["student_params", "compute", "scenario"]
optima.groupby("scenario", sort=False).at_bound.agg(lambda bound: (bound != "").mean()).to_frame(
    "share of optima at a bound"
)

# %%
few = students[[0, 3, 5]]  # three curves a panel can be told apart; the tables have all eight
drawn = optima[optima.student_params.isin(few)]
SETTING = "By the paper's law, its one misprint corrected"


def by_student(table, column, title, key="right", **grid):
    """A quantity over compute, a curve a student."""
    grid = Panels(table, "compute", column, title, **grid).setting(SETTING)
    return grid.draw(panels.curve, hue="student_params", key=key)


# %% [markdown]
# ## Figure 18: the teacher's loss
#
# The loss of the compute-optimal teacher. In all scenarios it falls with compute. The one exception
# is the best case: over some budgets, larger ones for larger students, the best teacher gets worse
# again (notebook `06`, Figure 15). Drawn are the best case and the other end, and three
# of the eight students, here and below; the table of each figure has all.

# %%
title = "Only a free teacher should get weaker again as the budget grows"
two = drawn[drawn.scenario.isin(scenarios[::3])]
grid = by_student(two, "teacher_loss", title, col="scenario", key=True)
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
wide["inside"] = allocate.inside_trained_range(wide)
MAPPED = ["student_loss", "teacher_loss", "student_tokens", "teacher_params", "teacher_tokens"]
TOLD = ["student_tokens", "teacher_tokens", "teacher_params"]
OVER = {"colors": figures.MARKS["optimum"], "linewidths": 2.2}


# %%
def teacher_map(name, title, column, level, words):
    """The best teacher's size, pale where no model was trained, and a red line of a `column`."""
    rows = wide[wide.scenario == name]
    grid = Panels(rows, "compute", "student_params", title).setting(SETTING)
    ticks = [3e8, 1e9, 3e9, 1e10, 3e10]
    grid.set(yticks=ticks, yticklabels=map(columns.count, ticks))
    lines = grid.draw(maps.contour_map, column="teacher_params").drawn
    grid.draw(maps.beyond).draw(maps.lines, column=column, levels=[level], **OVER)
    grid.key({"contours: best teacher's parameters": {"color": "#222222", "lw": 0.8}})
    grid.key({words: {"color": figures.MARKS["optimum"], "lw": 2.2}})
    maps.label_contours(grid.finish(), lines)
    return grid, rows[[*keep, *MAPPED]]


def ratios(name, title):
    """How many times its student's size the best teacher has; the line: as large."""
    rows = drawn[drawn.scenario == name]
    grid = by_student(rows, "size_ratio", title).mark("y", 1, "as large as its student")
    ticks = [t for t in (0.1, 0.3, 1, 3, 10, 30, 100) if t > 0.8 * rows.size_ratio.min()]
    ticks = [t for t in ticks if t < 1.3 * rows.size_ratio.max()]
    grid.set(yticks=ticks, yticklabels=[f"{t:g}" for t in ticks]).ax.minorticks_off()
    return grid, optima.loc[optima.scenario == name, [*keep, *TOLD]]


# %%
PARTS = {
    "share_student": "student training",
    "share_inference": "teacher inference",
    "share_pretraining": "teacher pretraining",
}


def share(name, column, title, key="right"):
    """The teacher's share of the compute in a scenario."""
    label = columns.axis_label("compute"), "teacher's part of the compute,\nat the optimum"
    grid = by_student(drawn[drawn.scenario == name], column, title, key, labels=label)
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
# run says that it would help: between the red lines everything is pale.

# %%
free = wide[wide.scenario == "best_case"]
largest = laws.FITTED_RANGE["params"][1]
title = (
    f"On {(free.teacher_params > largest).mean():.0%} of this map the best free teacher is larger "
    "than any teacher that was trained"
)
words = f"as large as the largest one trained, {columns.count(largest)} (larger between the lines)"
grid, table = teacher_map("best_case", title, "teacher_params", largest, words)
save(grid, "fig19_best_case_maps", table)

# %% [markdown]
# ### Figure 20: the best case, single students
#
# Student tokens rise as if the student were trained on data. The teacher's size and tokens follow
# the loss that is best for the student: the teacher gets larger first, then smaller, then settles.
# The rise and fall lie where no teacher was trained, and no optimum is at a bound of the box.

# %%
free = drawn[drawn.scenario == "best_case"]
title = (
    "By the law a free teacher is best at up to "
    f"{free.size_ratio.max():.0f} times its student's size, far beyond any run"
)
grid, table = ratios("best_case", title)
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
title = "The best teacher outgrows its student as the budget grows, if only inference is paid"
words = "teacher as large as its student (right of it: larger)"
grid, table = teacher_map("teacher_inference", title, "size_ratio", 1, words)
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
    "For students up to 10B the best teacher, if its inference is paid, "
    f"never has more than {most:.0f} times their size"
)
grid, table = ratios("teacher_inference", title)
save(grid, "fig22_inference_optima", table.drop(columns="teacher_tokens"))

# %% [markdown]
# ### Figure 23: teacher inference, shares of compute
#
# As compute grows, a smaller share goes into training the student and a larger one into running its
# teacher, until the teacher stops growing.

# %%
seen = drawn[(drawn.scenario == "teacher_inference") & drawn.inside].share_inference
title = (
    f"Running the best teacher takes {seen.min():.0%} to {seen.max():.0%} of the compute "
    "where models were trained (solid)"
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
title = "The budget, not the student, sets the size of the best teacher to pretrain, up to a point"
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
title = "The larger the student, the larger the budget on which pretraining its teacher takes most"
grid, table = share("teacher_pretraining", "share_pretraining", title, key=True)
grid.draw(panels.rings, peaks, label="largest share, of those drawn")
save(grid, "fig26_pretraining_shares", table)

# %% [markdown]
# ## Teacher pretraining and inference
#
# ### Figure 27: both paid, map
#
# On small budgets the teacher is compute-optimal, on large ones it is overtrained: its tokens keep
# rising with compute where its size no longer does (for the largest students both still rise).
# Figure 9 draws tokens; here is the size.

# %%
title = "The best teacher outgrows its student as the budget grows, if all costs are paid"
words = "teacher as large as its student (right of it: larger)"
grid, table = teacher_map("teacher_pretraining_inference", title, "size_ratio", 1, words)
save(grid, "fig27_both_maps", table)

# %% [markdown]
# ### Figure 28: both paid, single students
#
# Beyond what was trained, teacher size rises to a few times the student's, then levels off and, for
# students up to 10B, falls: from there on so many student tokens have to be labelled that a large
# teacher is too expensive to run.

# %%
both = drawn[drawn.scenario == "teacher_pretraining_inference"]
title = "If all costs are paid, the best teacher of a large student starts smaller than the student"
grid, table = ratios("teacher_pretraining_inference", title)
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
title = "As the budget grows, the teacher's inference takes the place of its pretraining"
two = both[both.student_params.isin(students[[3, 5]])]
grid = Panels(
    two, "compute", "share of the compute,\nat the optimum", title, col="student_params"
).draw(stacked)
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
# best case they are the same. In the other scenarios the teacher takes its part; where only its
# pretraining is paid, that part vanishes as the budget grows. Drawn are the two with one cost each.

# %%
shown = drawn.assign(of_supervised=drawn.student_tokens / drawn.supervised_tokens)
shown = shown[shown.scenario.isin(scenarios[1:3])]
title = (
    "On large budgets (dotted) the teacher's inference costs a student tokens, "
    "its pretraining hardly any"
)
labels = columns.axis_label("compute"), "student's tokens\n(% of those on data alone)"
grid = by_student(shown, "of_supervised", title, col="scenario", labels=labels, key=True)
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
# smaller teacher, whoever pays for pretraining alone a larger one on large budgets, and a smaller
# one for large students on small budgets. The table has the other scenarios.

# %%
title = (
    "On large budgets (dotted) paying for inference calls for a smaller teacher "
    "than paying for pretraining"
)
three = drawn[drawn.scenario.isin(scenarios[1:3])]
grid = Panels(three, "compute", "teacher_params", title, col="student_params")
grid.draw(panels.curve, hue="scenario", key=False, linestyle="-").setting(SETTING)
shades = columns.palette("scenario", scenarios[1:3])
grid.key({columns.SCENARIO_WORDS[name]: {"color": shade} for name, shade in shades.items()})
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
