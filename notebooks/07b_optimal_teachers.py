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
# All optima are those of the corrected law (Table 6 with $B'$ mended). The paper trained models of
# 143M to 12.6B parameters on 2B to 512B tokens, and draws the law on budgets up to $10^{26}$ FLOPs,
# **most of it extrapolated**. The tables here have all of that. The pictures end about where the
# models do. Figures of the paper that show one thing, or one thing from two sides, share a picture.
#
# A curve here is **one law's, without a range**. Eight in ten of the laws that fit the paper's runs
# about as well put a best teacher's loss anywhere within 0.1 to 0.25 nats (Figure 7 in notebook
# [06](06_distill_or_supervise.ipynb)). So read here which way things go, and take numbers for a
# decision from `scalinglib plan`, which gives their ranges.

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
LAW = "the paper's law (Table 6, one misprint corrected)"
free, inference, pretraining, both = scenarios
trained = optima[optima.inside]


def of(scenario, told, table=optima):
    """What the paper tells of one scenario, for all students."""
    return table.loc[table.scenario == scenario, [*keep, *told]]


# %% [markdown]
# ## Figure 18: the teacher's loss
#
# The loss of the compute-optimal teacher. The more of a teacher is paid for, the weaker it should
# be: for every student and budget the best free teacher is the strongest, and the one whose
# pretraining and inference are paid the weakest. The more compute, the stronger the teacher, where
# its pretraining is paid. A free one gets worse again over some budgets, larger ones for larger
# students (notebook `06`, Figure 15). Drawn is the smallest student; the table has all.

# %%
title = "The more of a teacher's cost is paid, the weaker the best teacher"
small = trained[(trained.student_params == students[0]) & (trained.compute < 1.01e21)]
small = small[small.scenario != pretraining]
grid = Panels(small, "compute", "teacher_loss", title)
grid.draw(panels.curve, hue="scenario").setting(f"Student of 300M parameters, by {LAW}")
save(grid, "fig18_compute_optimal_teacher_loss", optima[[*keep, "teacher_loss"]])

# %% [markdown]
# ## Figures 19 and 20: a free teacher
#
# All compute buys student tokens. The teacher is free, so only its loss is determined; its size is
# that of the cheapest model with this loss, on about 15 tokens per parameter. It gets larger first,
# as the student comes to see enough tokens to follow a better teacher, then smaller, as the
# capacity gap sets in, then settles. For the largest students on middling budgets the law asks for
# a teacher of many trillions of parameters. No such model exists, and no run says that it would
# help. So there is no picture; below are sizes, where the paper's largest model has 12.6B
# parameters.

# %%
n = settings.map_points
wide = allocate.optima(law, np.geomspace(300e6, 50e9, n), np.geomspace(1e20, 1e26, n))
wide["inside"] = allocate.inside_trained_range(wide)
MAPPED = ["student_loss", "teacher_loss", "student_tokens", "teacher_params", "teacher_tokens"]
TOLD = ["student_tokens", "teacher_tokens", "teacher_params"]
save(None, "fig19_best_case_maps", of(free, MAPPED, wide))

# %%
save(None, "fig20_best_case_optima", of(free, TOLD))
sizes = allocate.optimal(law, students[[1, 2, 3, 5], None], [1e20, 1e21, 1e22, 1e23], free)
sizes.pivot_table(index="student_params", columns="compute", values="teacher_params").map(
    columns.count
).rename(columns.count)

# %% [markdown]
# ## Figures 21, 22, 27 and 28: the teacher's size divided by its student's
#
# Where inference alone is paid the law trains the teacher without end: its tokens are at the bound
# of the box everywhere ($10^{17}$). Read this as advice to take a small teacher that somebody else
# has trained for long. Only its size has a price, grows slowly with compute, and for students up to
# 10B stays within three times theirs.
#
# Where all is paid the teacher is compute-optimal on small budgets and overtrained on large ones:
# its tokens keep rising with compute where its size no longer does (for the largest students both
# still rise). The size rises to a few times the student's, then levels off and, for students up to
# 10B, falls: so many student tokens have to be labelled there that a large teacher is too expensive
# to run.

# %%
title = "A large student on a small budget wants a teacher smaller than itself"
near = wide[(wide.compute < 2.1e21) & (wide.student_params < 4.5e9)]
near = near[near.scenario.isin([inference, both])].assign(gap=np.log10(near.size_ratio))
levels = np.log10([0.1, 0.2, 0.5, 1, 2, 5])
words = "← smaller     larger →\nteacher's size divided\nby its student's"
grid = Panels(near, "compute", "student_params", title, col="scenario")
grid.setting(f"The teacher that leaves its student the lowest loss, by {LAW}")
grid.draw(maps.difference, levels=levels).set(xlim=(1e20, 2e21), ylim=(3e8, 4e9))
grid.bar("gap", label=words, ticks=levels, format=lambda x, _: f"{10**x:.2g}")
grid.key({"teacher as large as its student": {"color": "black", "lw": 2.2}})
save(grid, "fig21_inference_maps", of(inference, MAPPED[:-1], wide))

# %%
save(None, "fig22_inference_optima", of(inference, TOLD).drop(columns="teacher_tokens"))
save(None, "fig27_both_maps", of(both, MAPPED, wide))
save(None, "fig28_both_optima", of(both, TOLD))

# %% [markdown]
# ## Figures 25 and 32: the teacher's size
#
# On budgets as drawn, the size of the teacher whose pretraining alone is paid hardly depends on the
# student, and grows fast with the budget. Beyond, it levels off for students up to 10B, at a
# size that grows with the student. Whoever pays for inference alone wants a teacher whose size
# grows slowly: on large budgets the smaller one. Its curve is flat about where the best free
# teacher stops getting stronger, later for a larger student. (For students of 30B and 50B, far from
# any run, it is the other way round at first.)

# %%
title = "The best teacher grows faster with the budget if its pretraining is paid"
two = trained[trained.student_params.isin(students[[3, 5]])]
two = two[two.scenario.isin([inference, pretraining]) & two.compute.between(2.9e20, 1.01e22)]
grid = Panels(two, "compute", "teacher_params", title, col="student_params")
grid.draw(panels.curve, hue="scenario")
grid.setting(f"By {LAW}. Flat where even a free teacher should stop getting stronger")
save(grid, "fig32_teacher_size", optima[[*keep, "teacher_params"]])

# %% [markdown]
# ## Figures 24 and 31: the teacher's tokens
#
# A teacher whose pretraining alone is paid is a compute-optimal model: lines of equal size and
# lines of equal tokens have the same shape, and are not drawn. Paying for both starts like paying
# for pretraining alone, and from some budget on asks for more tokens: a small teacher trained for
# long is cheaper to run. Tokens a parameter where pretraining alone is paid, least and most:

# %%
paid = of(pretraining, MAPPED, wide)
save(None, "fig24_pretraining_maps", paid)
save(None, "fig25_pretraining_optima", of(pretraining, TOLD))
save(None, "fig31_teacher_tokens", optima[[*keep, "teacher_tokens"]])
(paid.teacher_tokens / paid.teacher_params).agg(["min", "max"]).round(1)

# %% [markdown]
# ## Figures 23, 26 and 30: the teacher's part of the compute
#
# What is spent on the teacher the student lacks: of the tokens that the same budget would buy for
# training it on data, the rest is left (Figure 30). Running a teacher takes a part that grows with
# the budget, until the teacher stops growing. Of pretraining the paper says that relatively less
# goes to the teacher as compute grows. The law agrees from a budget on, and then the part vanishes.
# Below that budget it *rises*, the longer the larger the student is. So the order that is drawn
# turns on larger budgets: from $2 \times 10^{21}$ FLOPs for a student of 300M, and from $1.6
# \times 10^{23}$ for one of 3B, running a teacher takes the larger part.

# %%
title = "Pretraining a teacher takes a larger part of the budget than running one"
seen = two.assign(spent=1 - two.share_student)
labels = columns.axis_label("compute"), "teacher's part of the compute"
grid = Panels(seen, "compute", "spent", title, col="student_params", labels=labels)
grid.draw(panels.curve, hue="scenario").set(ylim=(0, 0.65))
grid.setting(f"Of the teacher's costs only the one named is paid; by {LAW}")
grid.each(lambda ax: ax.yaxis.set_major_formatter("{x:.0%}"))
save(grid, "fig26_pretraining_shares", of(pretraining, ["share_student", "share_pretraining"]))

# %%
save(None, "fig23_inference_shares", of(inference, ["share_student", "share_inference"]))
save(None, "fig30_student_tokens", optima[[*keep, "student_tokens", "supervised_tokens"]])

# %% [markdown]
# ## Figure 9: tokens and sizes, both paid
#
# Tokens are nearly power laws of compute, and those of the student have the steeper one. The
# teacher's size reaches a plateau, later for larger students. Drawn is the student of 3B, over
# what is best for it on the smallest budget.

# %%
title = "As the budget grows, a student's tokens grow most, its teacher's size least"
one = trained[(trained.scenario == both) & (trained.student_params == students[3])]
words = ["student's tokens", "teacher's tokens", "teacher's size"]
long = (one[TOLD] / one[TOLD].iloc[0]).set_axis(words, axis=1).assign(compute=one.compute)
long = long.melt("compute", var_name="quantity", value_name="factor")
labels = columns.axis_label("compute"), "multiple of the best at $10^{20}$ FLOPs"
grid = Panels(long, "compute", "factor", title, labels=labels)
grid.draw(panels.curve, hue="quantity", key="right")
grid.setting(f"Student of 3B parameters, all costs paid; {LAW}")
four = of(both, TOLD)
save(grid, "fig09_both_optima", four[four.student_params.isin(students[[0, 2, 3, 5]])])

# %% [markdown]
# ## Figure 29: where the compute goes, both paid
#
# The teacher's training takes its largest share on a budget that grows with the student: for the
# smallest student the share falls from the start, for the largest it peaks far beyond any budget
# that was spent. On the largest budgets the teacher's inference takes its place, and the student
# gets back about half. The bars show what laws that fit the paper's runs say at both ends: on the
# smallest budget some nine in ten of them give the teacher more than the corrected law does.

# %%
PARTS = {
    "share_student": "student training",
    "share_inference": "teacher inference",
    "share_pretraining": "teacher pretraining",
}
SHADES = ["#CCCCCC", "#E69F00", "#009E73"]


def stacked(data, x, y, ax, **_):
    """The parts of the compute on one another."""
    parts = data[list(PARTS)[::-1]].to_numpy().T
    ax.stackplot(data[x], parts, colors=SHADES[::-1], linewidth=0)
    ax.yaxis.set_major_formatter("{x:.0%}")


# %%
ends = one.assign(spent=1 - one.share_student).sort_values("spent", kind="stable").iloc[[0, -1]]
fifty = laws.ensemble("figure1").thin(50)
share = [allocate.optimal(m, students[3], ends.compute, both).share_student for m in fifty.members]
ends["spent_low"], ends["spent_high"] = fifty.quantiles(1 - np.array(share), [0.1, 0.9])
title = "If all costs are paid, the paper's law gives the teacher {:.0%} to {:.0%} of the compute"
title = title.format(*ends.spent)
labels = columns.axis_label("compute"), "part of the compute"
grid = Panels(one, "compute", "spent", title, labels=labels).draw(stacked)
grid.key({part: {"color": c, "lw": 8} for part, c in zip(PARTS.values(), SHADES, strict=True)})
grid.draw(panels.bars, ends, color="black").key(bars=f"80% of {len(fifty.members)} laws that fit")
grid.set(ylim=(0, 1)).setting(f"Student of 3B parameters, best teacher by {LAW}")
save(grid, "fig29_both_shares", of(both, PARTS))

# %% [markdown]
# ## Table 3: who gets the compute
#
# With teacher pretraining and inference counted. The paper's small students are those up to some
# 3B, its large ones those from some 10B; small budgets end at some $10^{21}$ FLOPs, large ones
# begin at some $10^{25}$. For each quarter: the shares at its corner nearest to the other three
# quarters, and their range over our students and budgets in it.

# %%
table3 = pd.read_csv(paths.DATA / "published" / "table3.csv")
sizes, flop = ((0, 3e9), (10e9, 1e12)), ((0, 1.01e21), (0.99e25, 1e27))
all_paid = optima[optima.scenario == both]
quarters = [
    all_paid[all_paid.student_params.between(*size) & all_paid.compute.between(*budget)]
    for size in sizes
    for budget in flop
]

# %%
corners = allocate.optimal(law, [[3e9], [10e9]], [1e21, 1e25], both)
for column, name in PARTS.items():
    span = [q[column].agg(["min", "max"]).round(2) for q in quarters]
    table3[f"{name}, corner"] = corners[column].round(2)
    table3[f"{name}, range"] = [f"{s['min']:.2f} to {s['max']:.2f}" for s in span]
save(None, "table03_allocation", table3)
table3

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
# its training takes a small share of a large budget. A teacher that somebody else trains has no
# best size until its inference is paid. All of this is the law's, and most of it lies beyond any
# run.
