"""A fitting problem in the solver's form, and its bootstrap: runs or groups of runs drawn anew."""

from dataclasses import dataclass
from functools import partial
from typing import Any

import jax
import numpy as np
import pandas as pd

from scalinglib.fit import solver
from scalinglib.fit.spec import LawSpec
from scalinglib.lanes import over_threads
from scalinglib.laws import SupervisedLaw

_APPROACHED = 128  # runs
_AWAY = 0.5  # in each coordinate, of the places around an estimate
_CHECKED_REPLICATES, _CHECK_STARTS = 16, 8


@dataclass(frozen=True)
class Problem:
    """Runs in the solver's form: everything but starts and weights.

    - table: "logs" (columns, padded runs) and "centre".
    - order: (runs,); where each run of the table stood among those that were given.
    - fixed: array (coefficients,); NaN where free.
    - supervised: array (6,) or None; coefficients of the supervised law that is held, where the law
      needs one.
    """

    spec: LawSpec
    table: dict
    order: np.ndarray
    box: tuple
    fixed: np.ndarray
    delta: float
    supervised: np.ndarray | None = None

    @classmethod
    def of(
        cls,
        spec: LawSpec,
        runs: pd.DataFrame,
        fixed: np.ndarray,
        delta: float,
        supervised: SupervisedLaw | None,
    ) -> "Problem":
        """The problem of checked runs, in few shapes and in an order that hangs on values alone.

        So sums are the same to the bit, however the runs are ordered.
        """
        ordered = runs.reset_index(drop=True).sort_values(list(spec.columns), kind="stable")
        logs = _pad(np.log(np.array([ordered[name].to_numpy(float) for name in spec.columns])))
        table = {"logs": logs, "centre": spec.centre(logs[:, : len(runs)], supervised)}
        held = None if supervised is None else np.array(supervised, float)
        order = ordered.index.to_numpy()
        return cls(spec, table, order, tuple(spec.box(logs)), fixed, delta, held)

    @property
    def count(self) -> int:
        """Runs, without what was added to fill a shape."""
        return len(self.order)

    @property
    def supervised_law(self) -> SupervisedLaw | None:
        """The supervised law that is held, or None."""
        return None if self.supervised is None else SupervisedLaw(*self.supervised.tolist())

    def solve(
        self,
        starts: np.ndarray,
        *,
        weights: np.ndarray | None = None,
        fixed: np.ndarray | None = None,
        supervised: np.ndarray | None = None,
        near: bool = False,
        **options: Any,
    ) -> solver.Solution:
        """Minimise from each start; weights, fixed, supervised may have a row a start.

        Unless the starts are `near`, they are first brought near on a part of the runs, which is
        enough for that; where they end is decided by all. `options` are those of `solver.finish`.
        """
        lanes = {"weights": weights, "fixed": fixed, "supervised": supervised}
        own = {"weights": self.weights(), "fixed": self.fixed, "supervised": self.supervised}
        lanes = {k: own[k] if v is None else v for k, v in lanes.items() if own[k] is not None}
        shapes = {name: (len(starts), own[name].shape[-1]) for name in lanes}
        lanes = {name: np.broadcast_to(v, shapes[name]) for name, v in lanes.items()}
        objective = partial(solver.Objective, self.spec.residuals, box=self.box, delta=self.delta)
        if not near:
            starts = solver.approach(objective(*self._part(lanes)), starts)
        return solver.finish(objective(lanes, self.table), starts, **options)

    def solve_around(self, z: np.ndarray, starts: int, **lanes: Any) -> solver.Solution:
        """The best end of each lane, from z and from `starts` less one places around it.

        - lanes: weights, fixed or supervised, arrays with a row a lane, or None.
        """
        given = {name: rows for name, rows in lanes.items() if rows is not None}
        count = len(next(iter(given.values())))
        away = _AWAY * np.random.default_rng(0).standard_normal((starts, len(z)))
        away[0] = 0
        tiled = {name: np.tile(rows, (starts, 1)) for name, rows in given.items()}
        ends = self.solve(np.repeat(z + away, count, axis=0), **tiled)
        best = ends.value.reshape(starts, count).argmin(axis=0) * count + np.arange(count)
        return solver.Solution(*(part[best] for part in ends))

    def _part(self, lanes):
        """Lanes and table with some of the runs, evenly drawn, in one shape."""
        size = self.table["logs"].shape[-1]
        at = np.linspace(0, self.count - 1, min(_APPROACHED, size)).astype(int)
        part = self.table | {"logs": self.table["logs"][:, at]}
        return lanes | {"weights": lanes["weights"][:, at]}, part

    def weights(self, of_runs: np.ndarray | None = None) -> np.ndarray:
        """What each run of the table weighs, nothing what was added to fill the shape.

        - of_runs: (..., runs), in the order in which the runs were given; None takes one for each.
        """
        return pad_weights(np.ones(self.count) if of_runs is None else of_runs[..., self.order])

    def coefficients(self, z: np.ndarray, fixed: np.ndarray | None = None) -> np.ndarray:
        """Coefficients of coordinates z (lanes, coordinates); fixed may have a row a lane."""
        fixed = self.fixed if fixed is None else fixed
        fixed = np.broadcast_to(fixed, (len(z), len(self.fixed)))
        found = np.full(fixed.shape, np.nan)
        for batch, values in over_threads(
            lambda batch: solver.compiled(_coefficients, (0,))(
                self.spec, z[batch], fixed[batch], self.table["centre"]
            ),
            np.arange(len(z)),
        ):
            found[batch] = values
        return found


def _coefficients(spec, z, fixed, centre):
    return jax.vmap(spec.coefficients_at, (0, 0, None))(z, fixed, centre)


def _pad(values):
    """`values` with the last repeated to 128, 192, 256, 384, ... so that few shapes are compiled.

    What is added has no weight (see `pad_weights`).
    """
    count = values.shape[-1]
    sizes = (step * 2**k for k in range(30) for step in (128, 192))
    missing = next(size for size in sizes if size >= count) - count
    return np.pad(values, [(0, 0)] * (values.ndim - 1) + [(0, missing)], mode="edge")


def pad_weights(weights: np.ndarray) -> np.ndarray:
    """Weights over the runs of a table, with zeros for what is added to fill its shape."""
    padded = _pad(weights)
    padded[..., weights.shape[-1] :] = 0
    return padded


def replicate(
    problem: Problem,
    z: np.ndarray,
    grid: np.ndarray,
    weights: np.ndarray,
    *,
    rng: np.random.Generator,
    supervised: np.ndarray | None = None,
) -> dict[str, Any]:
    """Refit under each row of weights, from the estimate: what converges, as fields of a `Fit`.

    - grid: array (starts, coordinates); where a replicate that fails starts again.
    - supervised: array (replicates, 6) or None
    """
    count, names = len(weights), list(problem.spec.coefficients)
    if not count:
        none = pd.DataFrame(np.empty((0, len(names))), columns=names)
        return {
            "replicate_z": np.empty((0, len(z))),
            "replicates": none,
            "replicates_converged": 1.0,
        }
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
    ends = ends[converged]
    return {
        "replicate_z": ends,
        "replicates": pd.DataFrame(problem.coefficients(ends), columns=names),
        "replicates_converged": float(converged.mean()),
        "supervised_replicates": None if supervised is None else supervised[converged],
    }


def resampled(
    runs: pd.DataFrame, count: int, cluster: str | list | None, rng: np.random.Generator
) -> np.ndarray:
    """How often each run is drawn in each replicate, an array (replicates, padded runs).

    - runs: in the order of the problem's table.
    - cluster: column, or columns, whose groups are drawn as wholes; "teacher" may mean equal
      teacher_loss.
    """
    group = np.arange(len(runs))
    if cluster == "teacher" and "teacher" not in runs:
        cluster = "teacher_loss"
    if cluster is not None:
        by = [cluster] if isinstance(cluster, str) else cluster
        if not set(by) <= set(runs):
            raise ValueError(
                f"cluster is {cluster!r}; it must name columns of the runs: {[*runs.columns]}"
            )
        group = runs.groupby(by, sort=True).ngroup().to_numpy()
    number = group.max() + 1
    if count and number < 5:
        raise ValueError(
            f"cluster is {cluster!r}, which gives {number} groups; at least 5 are needed"
        )
    drawn = rng.multinomial(number, np.full(number, 1 / number), size=count)[:, group]
    return pad_weights(drawn.astype(float))
