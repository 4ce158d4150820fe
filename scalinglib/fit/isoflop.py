"""The minimum of one IsoFLOP profile by a parabola: a cross-check, no fit."""

import numpy as np
from numpy.typing import ArrayLike


def isoflop_minimum(params: ArrayLike, loss: ArrayLike) -> tuple[float, float]:
    """Loss-minimising size on one IsoFLOP profile and its loss, by a parabola in log N.

    Chinchilla's method 2, and a cross-check only: off-centre or wide profiles bias it by several
    per cent even without noise.

    - params, loss: sizes on one budget, and their losses.
    - returns: NaN for both where there are fewer than four sizes, the lowest loss is at the first
      or the last of them, or the parabola has no minimum between.
    """
    params, loss = np.asarray(params, float), np.asarray(loss, float)
    order = np.argsort(params, kind="stable")
    x, y = np.log(params[order]), loss[order]
    if len(x) < 4 or np.argmin(y) in (0, len(y) - 1):
        return np.nan, np.nan
    middle = x.mean()
    curve = np.polynomial.Polynomial.fit(x - middle, y, 2, domain=[])
    bend, slope = curve.coef[2], curve.coef[1]
    best = -slope / (2 * bend) if bend > 0 else np.inf
    if not x[0] - middle < best < x[-1] - middle:
        return np.nan, np.nan
    return float(np.exp(best + middle)), float(curve(best))
