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
DOTTED = {"dotted: beyond what was trained": panels.BEYOND}
few = students[[0, 2, 3, 5, 6]]  # five curves a panel can be told apart; the tables have all eight
drawn = optima[optima.student_params.isin(few)]


def by_scenario(table, column, title):
    """A quantity over compute: a panel a scenario, a curve a student."""
    grid = Panels(table, "compute", column, title, col="scenario")
    return grid.draw(panels.curve, hue="student_params").key(DOTTED)


def of_scenario(table, name, words, kind):
    """One scenario's rows, the columns named by words below one another as `kind` and amount."""
    rows = table[table.scenario == name].rename(columns=words)
    ids = ["student_params", "compute", "scenario", "inside"]
    return rows.melt(ids, words.values(), var_name=kind, value_name="amount")


# %% [markdown]
# ## Figure 18: the teacher's loss
#
# The loss of the compute-optimal teacher. In all scenarios it falls with compute. The one exception
# is the best case on small budgets: there the student sees less than 20 tokens a parameter, and the
# best teacher first gets better and then worse (notebook `06`, Figure 15). Drawn are five of the
# eight students, here and below; the table of each figure has all eight.

# %%
title = "A larger budget wants a better teacher, except in the best case on small budgets"
grid = by_scenario(drawn, "teacher_loss", title)
save(grid, "fig18_compute_optimal_teacher_loss", optima[[*keep, "teacher_loss"]])

# %% [markdown]
# ## Three views of each scenario
#
# Maps of the optimum over compute and student size, curves for single students, and the shares of
# the budget. The maps of all four scenarios are solved together.

# %%
n = settings.map_points
wide = allocate.optima(law, np.geomspace(300e6, 50e9, n), np.geomspace(1e20, 1e26, n))
wide["inside"] = trained(wide)
MAPPED = {
    "student_loss": "student loss $L_S^*$",
    "teacher_loss": "teacher loss $L_T^*$",
    "student_tokens": "student tokens $D_S^*$",
    "teacher_params": "teacher size $N_T^*$",
    "teacher_tokens": "teacher tokens $D_T^*$",
}


# %%
def scenario_maps(name, title, mapped=MAPPED):
    """A map a quantity, pale where no model was trained; returns the grid and its numbers."""
    long = of_scenario(wide, name, mapped, "quantity")
    grid = Panels(long, "compute", "student_params", title, col="quantity")
    grid.draw(maps.contour_map, column="amount")
    lines = grid.drawn
    grid.draw(maps.beyond)
    maps.label_contours(grid.finish(), lines)
    return grid, wide.loc[wide.scenario == name, [*keep, *mapped]]


# %%
LINES = {
    "student_tokens": "student tokens $D_S$",
    "teacher_tokens": "teacher tokens $D_T$",
    "teacher_params": "teacher size $N_T$",
}


def slices(name, title, lines=LINES):
    """The optima of single students over compute, a panel a quantity; their own size dashed."""
    long = of_scenario(drawn, name, lines, "quantity")
    grid = Panels(long, "compute", "amount", title, col="quantity", sharey=False)
    grid.draw(panels.curve, hue="student_params").key(DOTTED)
    for size, color in columns.palette("student_params", few).items():
        grid.axes_dict[LINES["teacher_params"]].axhline(size, color=color, ls="--", lw=0.9)
    grid.key({"student's own size": {"ls": "--", "lw": 0.9}})
    return grid, optima.loc[optima.scenario == name, [*keep, *lines]]


# %%
PARTS = {
    "share_student": "student training",
    "share_inference": "teacher inference",
    "share_pretraining": "teacher pretraining",
}


def shares(name, title):
    """What share of the compute goes to each part that the teacher is paid for."""
    table = optima[optima.scenario == name]
    paid = {column: part for column, part in PARTS.items() if table[column].max() > 0}
    long = of_scenario(drawn, name, paid, "part").rename(columns={"amount": "share"})
    if len(paid) == 2:  # the student has the rest
        long = long[long.part != "student training"]
    grid = Panels(long, "compute", "share", title, col="part")
    grid.draw(panels.curve, hue="student_params").key(DOTTED).set(ylim=(0, 1))
    return grid.each(lambda ax: ax.yaxis.set_major_formatter("{x:.0%}")), table[[*keep, *paid]]


# %% [markdown]
# ## The best case
#
# ### Figure 19: the best case, maps
#
# All compute buys student tokens. The teacher is free, so only its loss is determined; shown is the
# cheapest model that has it, on about 15 tokens per parameter. For the largest students on middling
# budgets the law asks for a teacher of many trillions of parameters. No such model exists, and no
# run says that it would help: the whole region is pale.

# %%
title = "Best case: the law asks for teachers far larger than any that was trained (pale)"
grid, table = scenario_maps("best_case", title)
save(grid, "fig19_best_case_maps", table)

# %% [markdown]
# ### Figure 20: the best case, single students
#
# Student tokens rise as if the student were trained on data. The teacher's size and tokens follow
# the loss that is best for the student: the teacher gets larger first, then smaller, then settles.
# The rise and fall lie where no teacher was trained, and no optimum is at a bound of the box.

# %%
title = "Best case: student tokens rise with compute; the peaks of its teacher are extrapolated"
grid, table = slices("best_case", title)
save(grid, "fig20_best_case_optima", table)

# %% [markdown]
# ## Teacher inference
#
# ### Figure 21: teacher inference, maps
#
# Four maps, for the fifth would be constant: the teacher's training is not counted, so the law
# trains it without end, beyond any tokens there are. Only the teacher's size has a price, and it
# follows the student's.

# %%
title = "Teacher inference paid: the larger the student and the budget, the larger its teacher"
grid, table = scenario_maps("teacher_inference", title, dict(list(MAPPED.items())[:4]))
save(grid, "fig21_inference_maps", table)

# %% [markdown]
# ### Figure 22: teacher inference, single students
#
# $D_T$ is not drawn: it is at the bound of the box everywhere ($10^{17}$ tokens). Read the result
# as advice to take a small teacher that somebody else has trained for long. Its size grows slowly
# with compute and stays within a small multiple of the student's.

# %%
title = "Teacher inference paid: the best teacher stays within a small multiple of the student"
lines = {column: LINES[column] for column in ("student_tokens", "teacher_params")}
grid, table = slices("teacher_inference", title, lines)
save(grid, "fig22_inference_optima", table)

# %% [markdown]
# ### Figure 23: teacher inference, shares of compute
#
# As compute grows, a smaller share goes into training the student and a larger one into running its
# teacher, until the teacher stops growing.

# %%
title = "Teacher inference paid: the larger the budget, the larger the share of the teacher"
grid, table = shares("teacher_inference", title)
save(grid, "fig23_inference_shares", table)

# %% [markdown]
# ## Teacher pretraining
#
# ### Figure 24: teacher pretraining, maps
#
# With its training paid, the teacher is a compute-optimal model: the map of its size and that of
# its tokens have the same shape.

# %%
title = "Teacher pretraining paid: the teacher is compute-optimal, its size and tokens rise alike"
grid, table = scenario_maps("teacher_pretraining", title)
save(grid, "fig24_pretraining_maps", table)

# %% [markdown]
# ### Figure 25: teacher pretraining, single students
#
# Teacher size and tokens rise together and, beyond what was trained, level off for students up to
# 10B, while student tokens keep rising.

# %%
title = (
    "Teacher pretraining paid: extrapolated (dotted), the teachers of students up to 10B "
    "level off, the students' tokens do not"
)
grid, table = slices("teacher_pretraining", title)
save(grid, "fig25_pretraining_optima", table)

# %% [markdown]
# ### Figure 26: teacher pretraining, shares of compute
#
# The paper says that relatively less goes to the teacher as compute grows. The law agrees from a
# budget on. Below that budget the teacher's share *rises*, the longer the larger the student is.

# %%
title = "Teacher pretraining paid: the teacher's share first rises with the budget, then falls"
grid, table = shares("teacher_pretraining", title)
save(grid, "fig26_pretraining_shares", table)

# %% [markdown]
# ## Teacher pretraining and inference
#
# ### Figure 27: both paid, maps
#
# On small budgets the teacher is compute-optimal, on large ones it is overtrained: its tokens keep
# rising with compute where its size no longer does (for the largest students both still rise).

# %%
title = (
    "Teacher pretraining and inference paid: extrapolated (pale), the teacher's tokens go on "
    "rising, its size only for the largest students"
)
grid, table = scenario_maps("teacher_pretraining_inference", title)
save(grid, "fig27_both_maps", table)

# %% [markdown]
# ### Figure 28: both paid, single students
#
# Beyond what was trained, teacher size rises to a few times the student's, then levels off and, for
# students up to 10B, falls: from there on so many student tokens have to be labelled that a large
# teacher is too expensive to run.

# %%
title = (
    "Teacher pretraining and inference paid: extrapolated (dotted), the teacher's size levels off "
    "at a few times that of students up to 10B"
)
grid, table = slices("teacher_pretraining_inference", title)
save(grid, "fig28_both_optima", table)

# %% [markdown]
# ### Figure 9: both paid, four students
#
# Four of these students, as in the paper's main text. Tokens are nearly straight lines, that is
# power laws of compute, and those of the student are the steeper ones. The teacher's size reaches
# its plateau later for larger students.

# %%
title = (
    "Teacher pretraining and inference paid: tokens grow as powers of compute; "
    "extrapolated (dotted), the teacher's size levels off"
)
four = optima[optima.student_params.isin(students[[0, 2, 3, 5]])]
long = of_scenario(four, "teacher_pretraining_inference", LINES, "quantity")
grid = Panels(long, "compute", "amount", title, col="student_params")
grid.draw(panels.curve, hue="quantity").key(DOTTED)
grid.mark("y", {size: size for size in four.student_params.unique()}, "student size $N_S$")
both = four[four.scenario == "teacher_pretraining_inference"]
save(grid, "fig09_both_optima", both[[*keep, *LINES]])

# %% [markdown]
# ### Figure 29: both paid, shares of compute
#
# The teacher's training takes its largest share on a budget that grows with the student: for the
# smallest student the share falls from the start, for the largest it peaks far beyond any budget
# that was spent. On the largest budgets the teacher's inference takes its place.

# %%
title = (
    "Teacher pretraining and inference paid: the share of the teacher's training peaks on a budget "
    "that grows with the student"
)
grid, table = shares("teacher_pretraining_inference", title)
save(grid, "fig29_both_shares", table)

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
title = (
    "Extrapolated (dotted), running a teacher costs 40% or more of a student's tokens "
    "on the largest budgets"
)
grid = by_scenario(shown[shown.scenario != "best_case"], "of_supervised", title)
grid.set(ylim=(0, 1.05))
save(grid, "fig30_student_tokens", optima[[*keep, "student_tokens", "supervised_tokens"]])

# %% [markdown]
# ### Figure 31: teacher tokens
#
# Where only inference is paid, teacher tokens have no end ($10^{17}$, the bound of the box), and
# that line is left out. Paying for both starts like paying for pretraining alone. From some budget
# on it asks for more teacher tokens: a small teacher trained for long is cheaper to run.

# %%
title = (
    "With inference paid too, a teacher's tokens do not level off "
    "where the law extrapolates (dotted)"
)
grid = by_scenario(drawn[drawn.scenario != "teacher_inference"], "teacher_tokens", title)
save(grid, "fig31_teacher_tokens", optima[[*keep, "teacher_tokens"]])

# %% [markdown]
# ### Figure 32: teacher size
#
# What holds for tokens is reversed for the teacher's size: whoever pays for inference wants a
# smaller teacher, whoever pays for pretraining alone a larger one. The hump of the best case is
# that of Figure 20, beyond all teachers that were trained.

# %%
title = (
    "On large budgets, all extrapolated (dotted), whoever pays for the teacher's inference "
    "wants a smaller one"
)
grid = by_scenario(drawn, "teacher_params", title)
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
