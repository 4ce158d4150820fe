"""Elementwise searches: zeros, minima, and the best teachers by values alone, at home on kinks.

Under a limit on tokens the optimum often lies where the budget is just spent and the limit just
met. There L_S has a kink and a Newton step has nothing to go by.
"""

import numpy as np
from scipy.optimize.elementwise import find_root

from scalinglib.allocate.solver import TEACHER_PARAMS_BOX, TOKENS_BOX, best_teachers
from scalinglib.flops import forward_flops

__all__ = ["best_teachers_within", "minimise", "root", "zero_or_end"]


def minimise(function, low, high, points=129, rounds=9):
    """Elementwise minimiser: the best of a grid, then of ever finer grids around it.

    `function` maps an array with a last axis of trial points to values of the same shape.
    """
    for _ in range(rounds):
        grid = np.linspace(low, high, points, axis=-1)
        best = np.argmin(function(grid), axis=-1)[..., None]
        low = np.take_along_axis(grid, np.maximum(best - 1, 0), -1)[..., 0]
        high = np.take_along_axis(grid, np.minimum(best + 1, points - 1), -1)[..., 0]
        points = 17
    return (low + high) / 2


def root(function, low, high, arguments, where):
    """Zeros of an elementwise function that changes sign between `low` and `high`."""
    if not where.any():
        return np.empty(0)
    found = find_root(
        lambda x, *a: np.asarray(function(x, *a)),
        (low[where], high[where]),
        args=tuple(a[where] for a in arguments),
        tolerances={"xatol": 1e-9, "xrtol": 0, "fatol": 0, "frtol": 0},
    )
    return found.x


def zero_or_end(function, low, high, arguments):
    """Where an elementwise function comes up to zero; the nearer end where it is all one sign."""
    low, high = (np.broadcast_to(end, arguments[0].shape) for end in (low, high))
    at_low, at_high = function(low, *arguments), function(high, *arguments)
    found = np.where(at_low >= 0, low, high)
    inside = (at_low < 0) & (at_high > 0)
    found[inside] = root(function, low, high, arguments, inside)
    return found


def best_teachers_within(law, student_params, compute, delta_lgt, delta_pre, *, most_tokens):
    """The (N_T, D_T) that leave the best student, where no model sees more than `most_tokens`.

    Parameters
    ----------
    law : object
        What `allocate.optimal` asks of a law.
    student_params, compute, delta_lgt, delta_pre, most_tokens : arrays, shape (problems,)
        Checked: see `allocate.optimal`; most_tokens within `TOKENS_BOX`.

    Returns
    -------
    teacher_params, teacher_tokens : arrays, shape (problems,)
    """
    costs = (delta_lgt, delta_pre)
    teachers = np.stack(best_teachers(law, student_params, compute, *costs))
    per_token = 3 * forward_flops(student_params) + delta_lgt * forward_flops(teachers[0])
    left = compute - 3 * delta_pre * forward_flops(teachers[0]) * teachers[1]
    beyond = np.maximum(teachers[1], left / per_token) > most_tokens
    if beyond.any():
        problem = (p[beyond] for p in (student_params, compute, *costs, most_tokens))
        teachers[:, beyond] = _search(law, *problem)
    return tuple(teachers)


def _search(law, *problem):
    """The same where the limit binds, an array (2, problems)."""
    student, budget, lgt, pre, limit = (p[:, None, None] for p in problem)

    def loss(log_params, log_tokens):
        """Log L_S; arrays (problems, sizes, 1) and (problems, sizes, tokens)."""
        flops = forward_flops(np.exp(log_params))
        left = budget - 3 * pre * flops * np.exp(log_tokens)
        tokens = left / (3 * forward_flops(student) + lgt * flops)
        value = law.log_loss(
            np.log(student),
            np.log(np.clip(tokens, TOKENS_BOX[0], limit)),
            law.supervised.log_loss(log_params, log_tokens),
        )
        return np.where(tokens >= TOKENS_BOX[0], value, np.inf)

    def best_tokens(log_params):
        sizes = log_params[..., None]
        few = np.full(log_params.shape, np.log(TOKENS_BOX[0]))
        many = np.broadcast_to(np.log(limit[..., 0]), log_params.shape)
        return minimise(lambda grid: loss(sizes, grid), few, many, points=41, rounds=8)

    def best_loss(log_params):
        return loss(log_params[..., None], best_tokens(log_params)[..., None])[..., 0]

    small, large = (np.full(len(problem[0]), np.log(end)) for end in TEACHER_PARAMS_BOX)
    log_params = minimise(best_loss, small, large, points=41, rounds=8)
    return np.exp([log_params, best_tokens(log_params[:, None])[:, 0]])
