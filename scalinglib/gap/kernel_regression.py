"""The capacity gap where it can be proved: kernel regression with norm bounds (Appendix C.1).

The target is f* = Σ α_i φ_i in an orthonormal basis. The teacher fits it within the span of the
first `teacher_size` functions and a norm bound T; the student fits the teacher within the span of
the first `student_size` functions and a bound D. Both see infinite data. Closed forms are
Lemmas C.1 and C.2; `constrained_least_squares` finds the same models on sampled functions.
"""

from bisect import bisect_right
from collections.abc import Sequence

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike
from scipy.optimize import brentq

from scalinglib.checks import positive, whole


def teacher_error(alpha: ArrayLike, teacher_size: int, teacher_bound: float) -> float:
    """‖g* - f*‖ of the best teacher (Equation 17).

    - alpha: (p,), coefficients of the target
    - teacher_size: m, from 1 to p
    - teacher_bound: T, the largest norm that the teacher may have
    """
    alpha, m = _target(alpha), teacher_size
    whole("teacher_size", m, 1, len(alpha))
    return _error(alpha, m, _shrink(positive("teacher_bound", teacher_bound), alpha[:m]))


def student_error(
    alpha: ArrayLike,
    teacher_size: int,
    student_size: int,
    teacher_bound: float,
    student_bound: float,
) -> float:
    """‖h* - f*‖ of the student that imitates the best teacher best (Equation 22).

    - alpha: (p,), coefficients of the target
    - teacher_size, student_size: m and n, from 1 to p
    - teacher_bound, student_bound: T and D, as the paper calls them; it takes D <= T
    """
    alpha = _target(alpha)
    whole("teacher_size", teacher_size, 1, len(alpha))
    whole("student_size", student_size, 1, len(alpha))
    k = min(teacher_size, student_size)
    c_teacher = _shrink(positive("teacher_bound", teacher_bound), alpha[:teacher_size])
    c_student = _shrink(positive("student_bound", student_bound), c_teacher * alpha[:k])
    return _error(alpha, k, c_student * c_teacher)


def constrained_least_squares(design: np.ndarray, target: np.ndarray, bound: float) -> np.ndarray:
    """Coefficients c that minimise ‖design c - target‖ with ‖c‖ <= bound.

    - design: (points, size)
    - target: (points,)
    - bound: positive
    - returns: (size,); the least-squares solution if it is within the bound, else the ridge
      solution whose norm is the bound (the multiplier is found by root search on the secular
      equation).
    """
    bound = positive("bound", bound)
    u, s, vt = np.linalg.svd(design, full_matrices=False)
    projected = u.T @ target

    def solution(log_ridge):
        return vt.T @ (s * projected / (s**2 + np.exp(log_ridge)))

    free = np.linalg.lstsq(design, target)[0]
    low, high = np.log(s[0] ** 2) - 60, np.log(s[0] ** 2) + 60
    # Rounding can leave the free solution just above the bound, and that with hardly a ridge below.
    if min(np.linalg.norm(free), np.linalg.norm(solution(low))) <= bound:
        return free
    return solution(brentq(lambda r: np.linalg.norm(solution(r)) - bound, low, high, xtol=1e-14))


def numerical_errors(
    basis: np.ndarray, alpha: np.ndarray, sizes: tuple[int, int], bounds: tuple[float, float]
) -> list[float]:
    """Errors of teacher and student by the definition alone (Equations 14 and 19).

    Each model is the bounded least-squares fit of what is above it: the target, then the teacher.
    `basis` (points, p) is orthonormal; `sizes` are m and n, `bounds` T and D.
    """
    scale, target = np.sqrt(len(basis)), basis @ alpha
    wanted, errors = target, []
    for size, bound in zip(sizes, bounds, strict=True):
        part = basis[:, :size]
        wanted = part @ constrained_least_squares(part / scale, wanted / scale, bound)
        errors.append(float(np.sqrt(np.mean((wanted - target) ** 2))))
    return errors


def sweep(
    draws: np.ndarray,
    student_sizes: Sequence[int],
    teacher_sizes: Sequence[int],
    teacher_bound: float,
    student_bound: float,
) -> pd.DataFrame:
    """Errors of all students under all teachers, a row each.

    `draws` are targets (draws, p). Columns: draw, student_size, teacher_size, ratio (m / n),
    teacher_error, student_error, above_own_size (the student's error less that at m = n, which
    must be one of the teachers).
    """
    bounds = teacher_bound, student_bound
    table = pd.DataFrame(
        {
            "draw": draw,
            "student_size": n,
            "teacher_size": m,
            "ratio": m / n,
            "teacher_error": teacher_error(alpha, m, teacher_bound),
            "student_error": student_error(alpha, m, n, *bounds),
        }
        for draw, alpha in enumerate(draws)
        for n in student_sizes
        for m in teacher_sizes
    )
    own = table[table.ratio == 1].set_index(["draw", "student_size"]).student_error
    rows = pd.MultiIndex.from_frame(table[["draw", "student_size"]])
    return table.assign(above_own_size=table.student_error - own[rows].to_numpy())


def rise_start(
    alpha: np.ndarray, student_size: int, teacher_bound: float, student_bound: float
) -> int:
    """The first teacher size whose student is worse than at m = n; len(alpha) + 1 if none is."""

    def error(size):
        return student_error(alpha, size, student_size, teacher_bound, student_bound)

    sizes = range(student_size, len(alpha) + 1)
    return student_size + bisect_right(sizes, error(student_size) + 1e-9, key=error)


def cosine_basis(points: int, size: int) -> np.ndarray:
    """The first `size` cosines, orthonormal under the mean over `points` midpoints of [0, 1].

    - returns: (points, size); column i is φ_i at the midpoints; size may be at most `points`.
    """
    whole("size", size, 1, points)
    x = (np.arange(points) + 0.5) / points
    basis = np.sqrt(2) * np.cos(np.pi * np.outer(x, np.arange(size)))
    basis[:, 0] = 1.0
    return basis


def _target(alpha):
    alpha = np.asarray(alpha, dtype=float)
    if alpha.ndim != 1 or not np.isfinite(alpha).all() or not alpha.any():
        raise ValueError("alpha must be one row of finite numbers, not all zero")
    return alpha


def _shrink(bound, coefficients):
    norm = np.linalg.norm(coefficients)
    return 1.0 if norm <= bound else bound / norm


def _error(alpha, size, factor):
    return np.sqrt((1 - factor) ** 2 * np.sum(alpha[:size] ** 2) + np.sum(alpha[size:] ** 2))
