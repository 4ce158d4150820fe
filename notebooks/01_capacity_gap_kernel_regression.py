# %% [markdown]
# # 01 · The capacity gap in kernel regression
#
# [← 19](19_tested_outside.ipynb)
# · [README](../README.md)
# · [02 →](02_capacity_gap_mapping_problem.ipynb)
# · *Does it hold elsewhere?*
#
# *Appendix C.1.* A better teacher can make a worse student, and in kernel regression this can be
# proved. The target is $f^\star = \sum_i \alpha_i \phi_i$ in an orthonormal basis; the teacher
# fits it with the first $m$ functions and norm at most $T$, the student fits the teacher with the
# first $n$ functions and norm at most $D \le T$, both on infinite data. ($D$ is no number of tokens
# here.)

# %% tags=["parameters"]
profile = "full"

# %% jupyter={"source_hidden": true} tags=["hide-input"]
import numpy as np
import pandas as pd

from scalinglib import sentences
from scalinglib.gap import kernel_regression as kr
from scalinglib.report import claims, figures, panels, profiles
from scalinglib.report.panels import Panels

settings = profiles.load(profile)
save = figures.saver(settings)
figures.use_style()

# %% [markdown]
# ## The two models
#
# The bound scales the first coefficients down by a common factor (Lemmas C.1 and C.2). With
# $k = \min(m, n)$,
#
# $$
# g^\star = C \sum_{i \le m} \alpha_i \phi_i, \quad
# C = \min\Big(1, \frac{T}{\|\alpha_{1..m}\|}\Big),
# \tag{16}
# $$
#
# $$
# h^\star = Q\, C \sum_{i \le k} \alpha_i \phi_i, \quad
# Q = \min\Big(1, \frac{D}{C\, \|\alpha_{1..k}\|}\Big).
# \tag{20, 21}
# $$
#
# Squared errors are $(1 - C)^2 \sum_{i \le m} \alpha_i^2 + \sum_{i > m} \alpha_i^2$ for the
# teacher, the same with $C Q$ and $k$ for the student (Equations 17 and 22). As $m$ passes $n$ the
# teacher spends its norm on functions that the student does not have, and $C$ falls. But the
# student's own bound is the smaller one: as long as it binds, $C Q = D / \|\alpha_{1..n}\|$ stays
# what it is. It stops binding where $C \|\alpha_{1..n}\| = D$, that is at
#
# $$
# \|\alpha_{1..m}\| = \frac{T}{D} \|\alpha_{1..n}\|,
# \qquad \text{for coefficients of one size} \quad m = n \Big(\frac{T}{D}\Big)^2 ,
# $$
#
# and only there the student's error starts to rise: with the paper's $T = 5$ and $D = 4.5$ at
# $m = 1.235\, n$, not at $n$.

# %% [markdown]
# ## Figure 10: teachers that only get better, students that do not
#
# The paper's setting: 1000 coefficients uniform in $[-1, 1]$, $T = 5$, $D = 4.5$, students of 300
# to 800 functions. It gives neither seed nor number of draws; here are ten draws.

# %%
DRAWS = np.random.default_rng(1).uniform(-1, 1, (10, 1000))
PAPER_T, PAPER_D = 5.0, 4.5
RATIO = (PAPER_T / PAPER_D) ** 2
student_sizes = [300, 400, 500, 600, 700, 800]

# %%
teacher_sizes = np.unique(np.linspace(1, 1000, 2 * settings.curve_points).round().astype(int))
teacher_sizes = np.union1d(teacher_sizes, student_sizes)
theory = kr.sweep(DRAWS, student_sizes, teacher_sizes, PAPER_T, PAPER_D)

# %%
one = theory[theory.draw == 0]
three = one[one.student_size.isin([300, 500, 700])]
worse = three[(three.ratio > 1) & (three.above_own_size > 1e-6)].groupby("student_size").first()
title = (
    f"In a toy regression, teachers over about {RATIO:.1f} times their student's size teach worse"
)
grid = Panels(three, "teacher_size", "student_error", title, size=(7.6, 4.2))
grid.draw(panels.curve, hue="student_size", key="right", linewidth=2.4)
alike = {"color": "#777777", "linewidth": 2.4}
grid.draw(panels.curve, three[(three.ratio <= 1) & (three.student_size == 700)], **alike)
grid.key({"teacher smaller than the student: all such students alike": alike})
start = f"teacher {worse.ratio.min():.2f} to {worse.ratio.max():.2f} times as large"
grid.draw(panels.rings, worse, label=f"the student starts to get worse ({start})")
grid.setting("A kernel regression on endless data; the norm of all weights is bounded")
save(grid.set(xlim=(0, 1000)), "fig10_kernel_regression", one.drop(columns=["draw", "ratio"]))

# %% [markdown]
# One draw, three of six students. The teacher only gets better with size. Each student gets better
# until the teacher is as large as itself, stays there, and gets worse from $m = n\,(T / D)^2$ on
# (rings).
#
# Where each student starts to get worse, exact in $m$: mean and spread over the draws, and how much
# worse it is at $m = 1000$.

# %%
rows = []
for alpha in DRAWS:
    for n in student_sizes:
        start = kr.rise_start(alpha, n, PAPER_T, PAPER_D)
        ends = [kr.student_error(alpha, m, n, PAPER_T, PAPER_D) for m in (n, 1000)]
        rows.append((n, start / n, ends[1] - ends[0]))

# %%
starts = pd.DataFrame(rows, columns=["student_size", "rise_starts", "risen"])
by_size = starts.groupby("student_size").agg(["mean", "std", "min", "max"])
by_size.columns = ["_".join(names) for names in by_size.columns]
save(None, "kernel_regression_rise", by_size.reset_index())
by_size.round(3)

# %% [markdown]
# ## Theory against numbers
#
# The numerical route knows none of the formulas: it samples 512 points of cosine functions and of a
# target of 128 of them, and solves the constrained least-squares problems of Equations 14 and 19.

# %%
basis = kr.cosine_basis(512, 128)
small = np.random.default_rng(0).uniform(-1, 1, 128)
bounds = tuple(np.array([PAPER_T, PAPER_D]) * np.sqrt(128 / 1000))
worst = 0.0
for n in (38, 64, 102):
    for m in np.linspace(4, 128, 16).round().astype(int):
        closed = kr.teacher_error(small, m, bounds[0]), kr.student_error(small, m, n, *bounds)
        found = kr.numerical_errors(basis, small, (m, n), bounds)
        worst = max(worst, np.abs(np.subtract(found, closed)).max())
print(f"largest difference between theory and numerical solution: {worst:.0e}")

# %% [markdown]
# ## No bound, no gap
#
# It is the norm bounds that make the rise. How much worse a student of 300 functions gets from a
# teacher of its own size on, under several bounds:

# %%
rows = []
for bounds in [(5.0, 5.0), (10.0, 10.0), (18.5, 18.5), (5.0, 4.5), (5.0, 3.5)]:
    errors = [kr.student_error(DRAWS[0], m, 300, *bounds) for m in range(300, 1001)]
    rows.append((*bounds, max(errors) - min(errors)))
by_bound = pd.DataFrame(rows, columns=["teacher_bound", "student_bound", "risen"])
save(None, "kernel_regression_bound", by_bound)
by_bound.round(2)

# %% [markdown]
# With both loosened alike ($T = D$) the rise shrinks, and near $\|f^\star\| \approx 18$ it is gone:
# the student keeps what its best teacher taught it. With the teacher's bound held at 5, a tighter
# bound of the student's makes the rise come later and stay smaller.

# %% [markdown]
# ## Check
#
# The statements of Section C.1, over all draws.

# %%
curves = theory.groupby(["draw", "student_size"])
step, before = curves.student_error.diff(), curves.teacher_size.shift()
smaller = theory.teacher_size <= theory.student_size
claims.check("kernel-closed-form", float(worst.round(10)))
claims.check("kernel-teacher-falls", sentences.every(curves.teacher_error.diff().dropna() <= 0))
claims.check("kernel-student-falls", sentences.every(step[smaller].dropna() <= 1e-12))
starts_at = starts.set_index([np.repeat(range(len(DRAWS)), len(student_sizes)), "student_size"])
start = starts_at.rise_starts * starts_at.index.get_level_values(1)
of_row = pd.MultiIndex.from_frame(theory[["draw", "student_size"]])
start = start.round()[of_row].to_numpy()
claims.check("kernel-student-rises", sentences.every(step[before >= start] > 0))
claims.check("kernel-rise-start", float(starts.rise_starts.mean()))
claims.check("kernel-u-shape", int((by_size.risen_min > 0.01 * 15).sum()))

# %%
flat = (before >= theory.student_size) & (theory.teacher_size < start)
claims.check("kernel-student-flat", float(step[flat].abs().max().round(12)))
lowest = theory.loc[curves.student_error.idxmin()]
claims.check("kernel-best-teacher", float((lowest.teacher_size / lowest.student_size).min()))

# %% [markdown]
# ## What to take away
#
# In kernel regression the capacity gap is a theorem: past $n\,(T/D)^2$ functions of the teacher its
# student gets worse, on infinite data and without any noise. It comes from the student's norm bound
# alone, so no amount of distillation tokens would cure it.
