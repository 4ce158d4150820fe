"""Numbers and ranges as the answers write them; a range that is not finite is not printed."""

import numpy as np
from numpy.typing import ArrayLike

from scalinglib.allocate import AGREEMENT


def band(draws: ArrayLike, value: ArrayLike) -> tuple[np.ndarray, np.ndarray]:
    """Low and high of draws (draws, ...) and of the value drawn (...), as 9 of 10 have it.

    Both NaN where a draw is not finite or there are none.
    """
    draws = np.asarray(draws, float)
    if not len(draws):
        draws = np.full((1, *draws.shape[1:]), np.nan)
    draws = np.where(np.isfinite(draws).all(axis=0), draws, np.nan)
    low, high = np.quantile(draws, [(1 - AGREEMENT) / 2, (1 + AGREEMENT) / 2], axis=0)
    return np.minimum(low, value), np.maximum(high, value)


def ranged(value: float, low: float, high: float, form: str = ".4g") -> str:
    """`value (low to high)`, or what is said where the runs tell no range."""
    if np.isfinite(low) and np.isfinite(high):
        low, high = min(low, value), max(high, value)
        return f"{value:{form}} ({low:{form}} to {high:{form}})"
    return f"{value:{form}} (the runs tell no range)"
