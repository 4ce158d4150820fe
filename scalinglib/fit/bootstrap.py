"""Bootstrap replicates of a fit: runs, or whole groups of runs, drawn with repetition."""

from typing import NamedTuple

import numpy as np
import pandas as pd

from scalinglib.fit.problem import Problem, pad_weights

_CHECKED_REPLICATES, _CHECK_STARTS = 16, 8


class Replicates(NamedTuple):
    """Those that converged.

    - z: array (replicates, coordinates)
    - coefficients: array (replicates, coefficients)
    - supervised: array (replicates, 6) or None; the supervised coefficients that each of them used,
      where these were carried.
    """

    z: np.ndarray
    coefficients: np.ndarray
    share: float
    supervised: np.ndarray | None


def replicate(
    problem: Problem,
    z: np.ndarray,
    grid: np.ndarray,
    weights: np.ndarray,
    *,
    rng: np.random.Generator,
    supervised: np.ndarray | None = None,
) -> Replicates:
    """Refit under each row of weights, from the estimate.

    - grid: array (starts, coordinates); where a replicate that fails starts again.
    - supervised: array (replicates, 6) or None
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


def resampled(
    runs: pd.DataFrame, count: int, cluster: str | list | None, rng: np.random.Generator
) -> np.ndarray:
    """How often each run is drawn in each replicate, an array (replicates, padded runs).

    - cluster: columns whose groups are drawn as wholes; "teacher" may mean equal teacher_loss.
      Lists in a list are drawn at once (Owen's pigeonhole bootstrap): a run counts as often as its
      group by the first is drawn, times its group by the second.
    """
    crossed = isinstance(cluster, list) and cluster and isinstance(cluster[0], list)
    drawn = np.ones((count, len(runs)))
    for by in cluster if crossed else [cluster]:
        group = _groups(runs, by)
        number = group.max() + 1
        if count and number < 5:
            raise ValueError(
                f"cluster is {by!r}, which gives {number} groups; at least 5 are needed"
            )
        drawn *= rng.multinomial(number, np.full(number, 1 / number), size=count)[:, group]
    return pad_weights(drawn)


def _groups(runs, by):
    if by is None:
        return np.arange(len(runs))
    if by == "teacher" and "teacher" not in runs and "teacher_loss" in runs:
        by = "teacher_loss"
    columns = [by] if isinstance(by, str) else list(by)
    if any(name not in runs.columns for name in columns):
        raise ValueError(f"cluster is {by!r}; it must name columns of the runs: {[*runs.columns]}")
    return runs.groupby(columns, sort=True).ngroup().to_numpy()
