"""Numbers and ranges as the answers write them; a range that is not finite is not printed."""

import numpy as np
from numpy.typing import ArrayLike

from scalinglib.allocate import AGREEMENT


def band(draws: ArrayLike, value: float) -> tuple[float, float]:
    """(low, high) of draws and of the value that they are draws of, as 9 of 10 have it.

    Both NaN where a draw is not finite or there are none.
    """
    draws = np.ravel(np.asarray(draws, float))
    if not len(draws) or not np.isfinite(draws).all():
        return float("nan"), float("nan")
    low, high = np.quantile(draws, [(1 - AGREEMENT) / 2, (1 + AGREEMENT) / 2])
    return min(float(low), float(value)), max(float(high), float(value))


def ranged(value: float, low: float, high: float, form: str = ".4g") -> str:
    """`value (low to high)`, or what is said where the runs tell no range."""
    if np.isfinite(low) and np.isfinite(high):
        low, high = min(low, value), max(high, value)
        return f"{value:{form}} ({low:{form}} to {high:{form}})"
    return f"{value:{form}} (the runs tell no range)"
