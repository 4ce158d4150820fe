# %% [markdown]
# # 01 · The capacity gap in kernel regression
#
# *Appendix C.1.* A better teacher can make a worse student, and in kernel regression this can be
# proved. The target is $f^\star = \sum_i \alpha_i \phi_i$ in an orthonormal basis; the teacher
# fits it with the first $m$ functions and norm at most $T$, the student fits the teacher with the
# first $n$ functions and norm at most $D \le T$, both on infinite data. ($D$ is no number of tokens
# here.)

# %% tags=["parameters"]
profile = "full"

# %%
from bisect import bisect_right

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
#
# ## Theory against numbers
#
# The numerical route knows none of the formulas: it samples 512 points of cosine functions and of a
# target of 128 of them, and solves the constrained least-squares problems of Equations 14 and 19.

# %%
PAPER_T, PAPER_D = 5.0, 4.5
basis = kr.cosine_basis(512, 128)
small = np.random.default_rng(0).uniform(-1, 1, 128)
BOUNDS = np.array([PAPER_T, PAPER_D]) * np.sqrt(128 / 1000)
target = basis @ small


def numerical_errors(teacher_size, student_size):
    scale = np.sqrt(len(basis))
    wanted, models = target, []
    for size, bound in zip((teacher_size, student_size), BOUNDS, strict=True):
        part = basis[:, :size]
        wanted = part @ kr.constrained_least_squares(part / scale, wanted / scale, bound)
        models.append(wanted)
    return [np.sqrt(np.mean((model - target) ** 2)) for model in models]


pairs = [(m, n) for n in (38, 64, 102) for m in np.linspace(4, 128, 16).round().astype(int)]
worst = max(
    np.abs(np.subtract(numerical_errors(m, n), closed)).max()
    for m, n in pairs
    for closed in [
        (kr.teacher_error(small, m, BOUNDS[0]), kr.student_error(small, m, n, *BOUNDS)),
    ]
)
print(f"largest difference between theory and numerical solution: {worst:.0e}")

# %% [markdown]
# ## Figure 10: teachers that only get better, students that do not
#
# The paper's setting: 1000 coefficients uniform in $[-1, 1]$, $T = 5$, $D = 4.5$, students of 300
# to 800 functions. It gives neither seed nor number of draws; left is one draw of ours, right what
# ten have in common. Left: the teacher (black) only gets better with size; each student gets
# better until the teacher is as large as itself (its tick), stays there, and gets worse. Right: the
# students' error above that at $m = n$, for all sizes and draws: the rise starts at
# $m / n = (T / D)^2$ (dashed), and with $n = 800$ hardly before the picture ends.

# %%
DRAWS = np.random.default_rng(1).uniform(-1, 1, (10, 1000))
student_sizes = [300, 400, 500, 600, 700, 800]
teacher_sizes = np.unique(np.linspace(1, 1000, 2 * settings.curve_points).round().astype(int))
teacher_sizes = np.union1d(teacher_sizes, student_sizes)
theory = pd.DataFrame(
    {
        "draw": draw,
        "student_size": n,
        "teacher_size": m,
        "teacher_error": kr.teacher_error(alpha, m, PAPER_T),
        "student_error": kr.student_error(alpha, m, n, PAPER_T, PAPER_D),
    }
    for draw, alpha in enumerate(DRAWS)
    for n in student_sizes
    for m in teacher_sizes
)
at_own_size = theory[theory.teacher_size == theory.student_size].set_index(["draw", "student_size"])
of_row = pd.MultiIndex.from_frame(theory[["draw", "student_size"]])
theory["above_own_size"] = theory.student_error - at_own_size.student_error[of_row].to_numpy()

# %%
colors = dict(zip(student_sizes, plt.get_cmap("viridis_r")(np.linspace(0.15, 1, 6)), strict=True))
fig, (left, right) = plt.subplots(1, 2, figsize=(10, 4))
for n, curve in theory[theory.draw == 0].groupby("student_size"):
    left.plot(curve.teacher_size, curve.student_error, "--", color=colors[n])
    left.plot(n, curve.student_error[curve.teacher_size == n], "|", color=colors[n], ms=14, mew=2)
    label = f"$n$ = {n}" if n == min(student_sizes) else f"{n}"
    left.text(1005, curve.student_error.iloc[-1], label, fontsize=8, va="center")
left.plot(curve.teacher_size, curve.teacher_error, color="black")
left.text(620, 13.6, "teacher", color="black")
left.annotate("$m = n$", (300, 16.4), (330, 17.4), arrowprops={"arrowstyle": "-", "lw": 0.6})
left.set(xlim=(0, 1000), xlabel="teacher size $m$", ylabel=r"error $\|\cdot - f^\star\|$")
for (n, _), curve in theory[theory.teacher_size >= 200].groupby(["student_size", "draw"]):
    x = curve.teacher_size / n
    right.plot(x, curve.above_own_size, color=colors[n], linewidth=0.4)
right.axvline((PAPER_T / PAPER_D) ** 2, color="black", linestyle="--", linewidth=1)
right.text((PAPER_T / PAPER_D) ** 2 + 0.04, 0.92, "$(T / D)^2$")
right.set(xlim=(0.6, 3.4), ylim=(-0.05, 1), xlabel="teacher over student size $m / n$")
right.set_ylabel("error above that at $m = n$")
save(fig, "fig10_kernel_regression", theory[theory.draw == 0].drop(columns="draw"))

# %% [markdown]
# Where each student starts to get worse, exact in $m$: mean and spread over the draws, and how much
# worse it is at $m = 1000$.


# %%
def turns(alpha, n):
    """The first teacher size whose student is worse than at m = n (1001 if none), over n."""

    def error(m):
        return kr.student_error(alpha, m, n, PAPER_T, PAPER_D)

    start = n + bisect_right(range(n, 1001), error(n) + 1e-9, key=error)
    return {"student_size": n, "rise_starts": start / n, "risen": error(1000) - error(n)}


starts = pd.DataFrame(turns(alpha, n) for alpha in DRAWS for n in student_sizes)
by_size = starts.groupby("student_size").agg(["mean", "std", "min", "max"])
by_size.columns = ["_".join(names) for names in by_size.columns]
save(None, "kernel_regression_rise", by_size.reset_index())
by_size.round(3)

# %% [markdown]
# ## No bound, no gap
#
# The rise is the norm bounds' work: for the student of 300 functions it comes later and stays
# smaller as $D$ falls below $T$, and with a loose bound ($T = D$ near $\|f^\star\| \approx 18$)
# it is gone: the student keeps what its best teacher taught it.

# %%
alpha = DRAWS[0]
TRIED = [(5.0, 5.0), (5.0, 4.5), (5.0, 3.5), (10.0, 10.0), (18.5, 18.5)]
by_bound = pd.DataFrame(
    {
        "teacher_bound": t,
        "student_bound": d,
        "teacher_size": m,
        "student_error": kr.student_error(alpha, m, 300, t, d),
    }
    for t, d in TRIED
    for m in teacher_sizes
)
fig, ax = plt.subplots()
for shade, pair in zip(np.linspace(0.85, 0.15, len(TRIED)), TRIED, strict=True):
    curve = by_bound[(by_bound.teacher_bound == pair[0]) & (by_bound.student_bound == pair[1])]
    color = plt.get_cmap("magma")(shade)
    label = f"$T = {pair[0]:g}$, $D = {pair[1]:g}$"
    ax.plot(curve.teacher_size, curve.student_error, color=color, label=label)
ax.legend(loc="upper right")
ax.axvline(300, color="grey", linestyle="--", linewidth=0.9)
ax.text(310, 18.2, "$m = n = 300$")
ax.set(xlim=(0, 1000), xlabel="teacher size $m$", ylabel=r"student error $\|h^\star - f^\star\|$")
save(fig, "kernel_regression_bound", by_bound)

# %% [markdown]
# ## Check
#
# The statements of Section C.1, over all draws.

# %%
curves = theory.groupby(["draw", "student_size"])
step, before = curves.student_error.diff(), curves.teacher_size.shift()
smaller = theory.teacher_size <= theory.student_size
claims.check("kernel-closed-form", float(worst.round(10)))
claims.check("kernel-teacher-falls", bool((curves.teacher_error.diff().dropna() <= 0).all()))
claims.check("kernel-student-falls", bool((step[smaller].dropna() <= 1e-12).all()))
starts_at = starts.set_index([np.repeat(range(len(DRAWS)), len(student_sizes)), "student_size"])
start = starts_at.rise_starts * starts_at.index.get_level_values(1)
start = start.round()[of_row].to_numpy()
claims.check("kernel-student-rises", bool((step[before >= start] > 0).all()))
claims.check("kernel-rise-start", float(starts.rise_starts.mean()))
claims.check("kernel-u-shape", int((by_size.risen_min > 0.01 * 15).sum()))
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
