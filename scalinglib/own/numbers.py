"""Numbers and ranges as the answers write them; a range that is not finite is not printed."""

import numpy as np

__all__ = ["LEVEL", "band", "ranged"]

LEVEL = 0.95


def band(draws, level=LEVEL):
    """(low, high) of draws, both NaN where a draw in them is not finite or there are none.

    Parameters
    ----------
    draws : array
    level : float
    """
    draws = np.ravel(np.asarray(draws, float))
    if not len(draws) or not np.isfinite(draws).all():
        return float("nan"), float("nan")
    low, high = np.quantile(draws, [(1 - level) / 2, (1 + level) / 2])
    return float(low), float(high)


def ranged(value, low, high, form=".4g"):
    """`value (low to high)`, or what is said where the runs tell no range."""
    if np.isfinite(low) and np.isfinite(high):
        return f"{value:{form}} ({low:{form}} to {high:{form}})"
    return f"{value:{form}} (the runs tell no range)"
