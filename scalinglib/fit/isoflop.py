"""The minimum of one IsoFLOP profile by a parabola, with its spread: a cross-check, no fit."""

import contextlib

import numpy as np
from numpy.typing import ArrayLike


def isoflop_minimum(params: ArrayLike, loss: ArrayLike) -> tuple[float, float]:
    """Loss-minimising size on one IsoFLOP profile, by a parabola in log N (Chinchilla's method 2).

    A cross-check only: off-centre or wide profiles bias it by several per cent even without noise.

    - params, loss: sizes on one budget, at least four, and their losses.
    - raises ValueError: if the lowest loss is the first or the last size, or the parabola has no
      minimum between.
    """
    params, loss = np.asarray(params, float), np.asarray(loss, float)
    if len(params) < 4:
        raise ValueError(
            f"params has {len(params)} sizes; a parabola with a check needs at least 4"
        )
    order = np.argsort(params, kind="stable")
    x, y = np.log(params[order]), loss[order]
    lowest = int(np.argmin(y))
    if lowest in (0, len(y) - 1):
        raise ValueError(
            f"the lowest loss is at the edge, params {params[order][lowest]:.4g}: no minimum seen"
        )
    middle = x.mean()
    curve = np.polynomial.Polynomial.fit(x - middle, y, 2, domain=[])
    bend, slope = curve.coef[2], curve.coef[1]
    best = -slope / (2 * bend) if bend > 0 else np.inf
    if not x[0] - middle < best < x[-1] - middle:
        raise ValueError("the parabola has no minimum between the first and the last size")
    return float(np.exp(best + middle)), float(curve(best))


def isoflop_size(params: ArrayLike, loss: ArrayLike) -> float:
    """Loss-minimising size, or NaN where `isoflop_minimum` finds none."""
    with contextlib.suppress(ValueError):
        return isoflop_minimum(params, loss)[0]
    return np.nan


def isoflop_draws(
    params: ArrayLike, loss: ArrayLike, error: ArrayLike, draws: int = 200
) -> np.ndarray:
    """Loss-minimising sizes of one IsoFLOP profile, its losses drawn anew with normal noise.

    - error: standard errors of the losses.
    - returns: array (draws,); NaN where `isoflop_minimum` finds none
    """
    loss, error = np.asarray(loss, float), np.asarray(error, float)
    rng = np.random.default_rng(0)
    drawn = [loss + error * rng.standard_normal(len(loss)) for _ in range(draws)]
    return np.array([isoflop_size(params, one) for one in drawn])
