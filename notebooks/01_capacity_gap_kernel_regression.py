# ---
# jupyter:
#   jupytext:
#     text_representation:
#       extension: .py
#       format_name: percent
#   kernelspec:
#     display_name: Python 3
#     language: python
#     name: python3
# ---

# %% [markdown]
# # 01 · The capacity gap in kernel regression
#
# *Appendix C.1.* A better teacher can make a worse student, and in kernel regression this can be
# proved. The target is $f^\star = \sum_i \alpha_i \phi_i$ in an orthonormal basis; the teacher
# fits it with the first $m$ functions and norm at most $T$, the student fits the teacher with the
# first $n$ functions and norm at most $Q \le T$, both on infinite data.

# %% tags=["parameters"]
profile = "full"

# %%
import matplotlib.pyplot as plt
import numpy as np
import pandas as pd

from scalinglib.gap import kernel_regression as kr
from scalinglib.report import claims, figures, profiles

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
# g^\star = C_T \sum_{i \le m} \alpha_i \phi_i, \quad
# C_T = \min\Big(1, \frac{T}{\|\alpha_{1..m}\|}\Big),
# \qquad
# h^\star = C_S C_T \sum_{i \le k} \alpha_i \phi_i, \quad
# C_S = \min\Big(1, \frac{Q}{C_T \|\alpha_{1..k}\|}\Big).
# $$
#
# Their errors are $(1 - C)^2 \sum_{i \le k} \alpha_i^2 + \sum_{i > k} \alpha_i^2$, squared, with
# $C = C_T$ and $k = m$ for the teacher, $C = C_S C_T$ for the student. As $m$ passes $n$, the
# teacher spends its norm on functions that the student does not have, $C_T$ falls, and the
# student falls with it.
#
# The source lost the paper's own values; here $\alpha_i \propto i^{-1/2}$ with 256 functions,
# $\|f^\star\| = 1$ and $T = Q = 0.6$. The last figure shows what hangs on the bound.

# %%
alpha = np.arange(1, 257) ** -0.5
alpha /= np.linalg.norm(alpha)
bound = 0.6
teacher_sizes = np.unique(np.geomspace(1, 256, 3 * settings.curve_points).round().astype(int))
student_sizes = [4, 16, 64]

# %% [markdown]
# ## Theory against numbers
#
# The numerical route knows none of the formulas: it samples 1024 points of cosine functions and
# of the target, and solves the constrained least-squares problems of Equations 14 and 19.

# %%
basis = kr.cosine_basis(1024, 256)
target = basis @ alpha


def numerical_errors(teacher_size, student_size):
    scale = np.sqrt(len(basis))
    teacher = basis[:, :teacher_size] @ kr.constrained_least_squares(
        basis[:, :teacher_size] / scale, target / scale, bound
    )
    student = basis[:, :student_size] @ kr.constrained_least_squares(
        basis[:, :student_size] / scale, teacher / scale, bound
    )
    return [np.sqrt(np.mean((model - target) ** 2)) for model in (teacher, student)]


# %%
theory = pd.DataFrame(
    {
        "teacher_size": m,
        "student_size": n,
        "teacher_error": kr.teacher_error(alpha, m, bound),
        "student_error": kr.student_error(alpha, m, n, bound, bound),
    }
    for n in student_sizes
    for m in teacher_sizes
)
few = np.geomspace(1, 256, 17).round().astype(int)
sampled = theory[theory.teacher_size.isin(few)].copy()
sampled[["teacher_error_numerical", "student_error_numerical"]] = [
    numerical_errors(m, n) for m, n in zip(sampled.teacher_size, sampled.student_size, strict=True)
]
worst = max(
    (sampled.teacher_error - sampled.teacher_error_numerical).abs().max(),
    (sampled.student_error - sampled.student_error_numerical).abs().max(),
)
print(f"largest difference between theory and numerical solution: {worst:.0e}")

# %% [markdown]
# ## Figure 10
#
# The teacher (grey) only gets better with size. Each student (colour) gets better until the
# teacher is as large as itself (dashed) and worse from the size at which the teacher's norm bound
# binds; larger students turn later and end lower. Lines are the closed form, points the numerical
# solution.

# %%
colors = dict(zip(student_sizes, plt.get_cmap("viridis_r")([0.2, 0.55, 0.9]), strict=True))
fig, ax = plt.subplots()
for n, curve in theory.groupby("student_size"):
    points = sampled[sampled.student_size == n]
    ax.plot(curve.teacher_size, curve.student_error, color=colors[n], label=f"student, $n = {n}$")
    ax.plot(points.teacher_size, points.student_error_numerical, "o", color=colors[n])
    ax.axvline(n, color=colors[n], linestyle="--", linewidth=0.9)
ax.plot(curve.teacher_size, curve.teacher_error, color="grey", label="teacher", zorder=1)
ax.plot(points.teacher_size, points.teacher_error_numerical, "o", color="grey", zorder=1)
ax.set(
    xscale="log", xlabel="teacher size $m$ (basis functions)", ylabel=r"error $\|\cdot - f^\star\|$"
)
ax.legend(title=f"$T = Q = {bound}$")
save(fig, "fig10_kernel_regression", theory)

# %% [markdown]
# ## No bound, no gap
#
# The rise is the norm bound's work: for a student of 16 functions it shrinks as the bound grows
# and is gone at $T = \|f^\star\| = 1$, where the student keeps what its best teacher taught it.

# %%
bounds = [0.6, 0.7, 0.8, 0.9, 1.0]
by_bound = pd.DataFrame(
    {"bound": b, "teacher_size": m, "student_error": kr.student_error(alpha, m, 16, b, b)}
    for b in bounds
    for m in teacher_sizes
)
fig, ax = plt.subplots()
for shade, (b, curve) in zip(np.linspace(0.2, 0.9, 5), by_bound.groupby("bound"), strict=True):
    ax.plot(
        curve.teacher_size, curve.student_error, color=plt.cm.magma(0.95 - shade), label=f"{b:g}"
    )
ax.axvline(16, color="grey", linestyle="--", linewidth=0.9)
ax.set(
    xscale="log",
    xlabel="teacher size $m$ (basis functions)",
    ylabel=r"student error $\|h^\star - f^\star\|$",
)
ax.legend(title="bound $T = Q$")
save(fig, "kernel_regression_bound", by_bound)

# %% [markdown]
# ## Check
#
# The three statements of Section C.1, on the computed curves.

# %%
by_student = theory.groupby("student_size")
step, before = by_student.student_error.diff(), by_student.teacher_size.shift()
smaller = theory.teacher_size <= theory.student_size
binds = np.sqrt(np.cumsum(alpha**2))[theory.teacher_size - 1] > bound
outgrown = (before >= theory.student_size) & binds
claims.check(
    "kernel-teacher-falls",
    (theory.groupby("student_size").teacher_error.diff().dropna() <= 0).all(),
)
claims.check("kernel-student-falls", (step[smaller].dropna() <= 1e-12).all())
claims.check("kernel-student-rises", (step[outgrown] > 0).all())
claims.check("kernel-closed-form", float(worst.round(10)))
two = [kr.student_error(alpha, m, 2, bound, bound) for m in (2, 3, 4)]
claims.check("kernel-student-flat", float(np.ptp(two).round(15)))
best = [
    1 + np.argmin([kr.student_error(alpha, m, n, bound, bound) for m in range(1, 257)])
    for n in student_sizes
]
claims.check("kernel-best-teacher", float(np.min(np.divide(best, student_sizes))))
