"""Elementwise searches: zeros and minima of many functions of one number at once."""

from collections.abc import Callable, Sequence

import numpy as np
from scipy.optimize.elementwise import find_root


def minimise(
    function: Callable, low: np.ndarray, high: np.ndarray, points: int = 129, rounds: int = 13
) -> np.ndarray:
    """Elementwise minimiser: the best of a grid, then of ever finer grids around it.

    `function` maps an array with a last axis of trial points to values of the same shape.
    """
    for _ in range(rounds):
        grid = np.linspace(low, high, points, axis=-1)
        best = np.argmin(function(grid), axis=-1)[..., None]
        low = np.take_along_axis(grid, np.maximum(best - 1, 0), -1)[..., 0]
        high = np.take_along_axis(grid, np.minimum(best + 1, points - 1), -1)[..., 0]
        points = 9
    return (low + high) / 2


def root(
    function: Callable,
    low: np.ndarray,
    high: np.ndarray,
    arguments: Sequence[np.ndarray],
    where: np.ndarray,
) -> np.ndarray:
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


def zero_or_end(
    function: Callable,
    low: np.ndarray | float,
    high: np.ndarray | float,
    arguments: Sequence[np.ndarray],
) -> np.ndarray:
    """Where an elementwise function comes up to zero; the nearer end where it is all one sign."""
    low, high = (np.broadcast_to(end, arguments[0].shape) for end in (low, high))
    at_low, at_high = function(low, *arguments), function(high, *arguments)
    found = np.where(at_low >= 0, low, high)
    inside = (at_low < 0) & (at_high > 0)
    found[inside] = root(function, low, high, arguments, inside)
    return found
