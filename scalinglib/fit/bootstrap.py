"""Bootstrap replicates of a fit: runs, or whole groups of runs, drawn with repetition."""

from typing import NamedTuple

import numpy as np

from scalinglib.fit.problem import pad_weights

__all__ = ["Replicates", "replicate", "resampled"]

_CHECKED_REPLICATES, _CHECK_STARTS = 16, 8


class Replicates(NamedTuple):
    """Those that converged.

    Attributes
    ----------
    z : array (replicates, coordinates)
    coefficients : array (replicates, coefficients)
    share : float
        Of all that were drawn.
    supervised : array (replicates, 6) or None
        The supervised coefficients that each of them used, where these were carried.
    """

    z: np.ndarray
    coefficients: np.ndarray
    share: float
    supervised: np.ndarray | None


def replicate(problem, z, grid, weights, *, rng, supervised=None):
    """Refit under each row of weights, from the estimate.

    Parameters
    ----------
    problem : Problem
    z : array (coordinates,)
        The estimate.
    grid : array (starts, coordinates)
        Where a replicate that fails starts again.
    weights : array (replicates, padded runs)
        From `resampled`.
    rng : Generator
    supervised : array (replicates, 6) or None

    Returns
    -------
    Replicates
    """
    count = len(weights)
    if not count:
        return Replicates(np.empty((0, len(z))), np.empty((0, len(problem.fixed))), 1.0, None)
    found = problem.solve(
        np.repeat(z[None], count, axis=0), weights=weights, supervised=supervised, near=True
    )
    ends, values, converged = (part.copy() for part in found)
    # A replicate that failed starts again from the grid; some that did not do so too, as a check.
    again = np.flatnonzero(~converged)
    checked = np.union1d(again, np.arange(min(_CHECKED_REPLICATES, count)))
    starts = grid[rng.integers(len(grid), size=(len(checked), _CHECK_STARTS))]
    lanes = np.repeat(checked, _CHECK_STARTS)
    second = problem.solve(
        starts.reshape(-1, grid.shape[1]),
        weights=weights[lanes],
        supervised=None if supervised is None else supervised[lanes],
    )
    for lane, end, value, fine in zip(lanes, *second, strict=True):
        if fine and (not converged[lane] or value < values[lane]):
            ends[lane], values[lane], converged[lane] = end, value, True
    kept = None if supervised is None else supervised[converged]
    ends = ends[converged]
    return Replicates(ends, problem.coefficients(ends), float(converged.mean()), kept)


def resampled(tables, count, cluster, rng):
    """How often each run is drawn in each replicate, an array (replicates, padded runs).

    Parameters
    ----------
    tables : sequence of DataFrame
        Each is resampled by itself.
    count : int
    cluster : str, list of str or None
        Columns whose groups are drawn as wholes; "teacher" may mean equal teacher_loss.
    rng : Generator
    """
    return np.hstack([_resampled(table, count, cluster, rng) for table in tables])


def _resampled(runs, count, cluster, rng):
    if cluster is None:
        groups = np.arange(len(runs))
    else:
        if cluster == "teacher" and "teacher" not in runs and "teacher_loss" in runs:
            cluster = "teacher_loss"
        columns = [cluster] if isinstance(cluster, str) else list(cluster)
        if any(name not in runs.columns for name in columns):
            raise ValueError(
                f"cluster is {cluster!r}; it must name columns of the runs: {list(runs.columns)}"
            )
        groups = runs.groupby(columns, sort=True).ngroup().to_numpy()
    number = groups.max() + 1
    if count and number < 5:
        raise ValueError(
            f"cluster is {cluster!r}, which gives {number} groups; at least 5 are needed"
        )
    drawn = rng.multinomial(number, np.full(number, 1 / number), size=count)
    return pad_weights(drawn[:, groups].astype(float))
