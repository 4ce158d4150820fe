"""A fitting problem in the solver's form, and its bootstrap replicates."""

from dataclasses import dataclass

import numpy as np

from scalinglib.fit import model, solver
from scalinglib.fit.model import DISTILLATION, JOINT, SUPERVISED
from scalinglib.laws import SupervisedLaw

__all__ = ["Problem", "bootstrap", "pad_weights"]

_APPROACHED = 128  # runs
_CHECKED_REPLICATES, _CHECK_STARTS = 16, 8


@dataclass(frozen=True)
class Problem:
    """Runs in the solver's form: everything but starts and weights."""

    kind: model.Kind
    shared: dict
    box: tuple
    fixed: np.ndarray
    delta: float
    runs: tuple
    log_supervised: np.ndarray | None = None

    def solve(self, starts, weights=None, fixed=None, log_supervised=None, near=False, **options):
        """Minimise from each start; weights, fixed, log_supervised may have a row a start.

        Unless the starts are `near`, they are first brought near on a part of the runs, which is
        enough for that; where they end is decided by all.
        """
        count = len(starts)
        runs = self.weights()
        lanes = {
            "weights": np.broadcast_to(runs if weights is None else weights, (count, len(runs))),
            "fixed": np.broadcast_to(
                self.fixed if fixed is None else fixed, (count, len(self.kind.coefficients))
            ),
        }
        if self.kind is DISTILLATION:
            known = self.log_supervised if log_supervised is None else log_supervised
            lanes["log_supervised"] = np.broadcast_to(known, (count, len(runs)))
        if not near:
            starts = self._approach(starts, lanes)
        return solver.finish(
            self.kind.residuals, starts, lanes, self.shared, self.box, self.delta, **options
        )

    def _approach(self, starts, lanes):
        part = np.linspace(0, sum(self.runs) - 1, min(_APPROACHED, len(self.weights()))).astype(int)
        shared = {k: v[part] if k.startswith("log_") else v for k, v in self.shared.items()}
        lanes = {k: v if k == "fixed" else v[:, part] for k, v in lanes.items()}
        return solver.approach(self.kind.residuals, starts, lanes, shared, self.box, self.delta)

    def weights(self):
        """One for each run, nothing for what was added to fill the shape."""
        return np.concatenate([pad_weights(np.ones(count)) for count in self.runs])

    def coefficients(self, z):
        """Coefficients of coordinates z, an array (..., coordinates)."""
        if self.kind is JOINT:
            parts = ((SUPERVISED, slice(6)), (DISTILLATION, slice(6, None)))
            return np.concatenate(
                [
                    _coefficients(k, z[..., at], self.fixed[at], self.shared[k.name]["middle"])
                    for k, at in parts
                ],
                axis=-1,
            )
        return _coefficients(self.kind, z, self.fixed, self.shared["middle"])


def _coefficients(kind, z, fixed, middle):
    # Column by column, so that one call serves any number of replicates.
    fixed = fixed.reshape((-1,) + (1,) * (z.ndim - 1))
    return np.moveaxis(
        np.asarray(kind.coefficients_at(np.moveaxis(z, -1, 0), fixed, middle)), 0, -1
    )


def bootstrap(problem, z, grid, ordered, count, cluster, seed, carried):
    """Coefficients of the converged replicates, their share, and the supervised ones they used."""
    if not count:
        return np.empty((0, len(problem.fixed))), 1.0, None
    rng = np.random.default_rng(seed)
    weights = _resampled(ordered, count, cluster, rng)
    log_supervised = None
    if carried is not None:
        size, data = (problem.shared[f"log_student_{name}"] for name in ("params", "tokens"))
        log_supervised = SupervisedLaw(*carried.T[..., None]).log_loss(size, data)
    found = problem.solve(
        np.repeat(z[None], count, axis=0), weights, log_supervised=log_supervised, near=True
    )
    ends, values, converged = (part.copy() for part in found)
    # A replicate that failed starts again from the grid; some that did not do so too, as a check.
    again = np.flatnonzero(~converged)
    checked = np.union1d(again, np.arange(min(_CHECKED_REPLICATES, count)))
    starts = grid[rng.integers(len(grid), size=(len(checked), _CHECK_STARTS))]
    lanes = np.repeat(checked, _CHECK_STARTS)
    second = problem.solve(
        starts.reshape(-1, grid.shape[1]),
        weights[lanes],
        log_supervised=None if log_supervised is None else log_supervised[lanes],
    )
    for lane, end, value, fine in zip(lanes, *second, strict=True):
        if fine and (not converged[lane] or value < values[lane]):
            ends[lane], values[lane], converged[lane] = end, value, True
    replicates = problem.coefficients(ends[converged])
    share = float(converged.mean())
    return replicates, share, None if carried is None else carried[converged]


def _resampled(ordered, count, cluster, rng):
    """How often each run is drawn in each replicate, an array (replicates, runs)."""
    if isinstance(ordered, list):
        return np.hstack([_resampled(table, count, None, rng) for table in ordered])
    if cluster is None:
        groups = np.arange(len(ordered))
    else:
        if cluster == "teacher" and "teacher" not in ordered and "teacher_loss" in ordered:
            cluster = "teacher_loss"
        columns = [cluster] if isinstance(cluster, str) else list(cluster)
        missing = [name for name in columns if name not in ordered.columns]
        if missing:
            raise ValueError(
                f"cluster is {cluster!r}; it must name columns of the runs: {list(ordered.columns)}"
            )
        groups = ordered.groupby(columns, sort=True).ngroup().to_numpy()
    number = groups.max() + 1
    if number < 5:
        raise ValueError(
            f"cluster is {cluster!r}, which gives {number} groups; at least 5 are needed"
        )
    drawn = rng.multinomial(number, np.full(number, 1 / number), size=count)
    return pad_weights(drawn[:, groups].astype(float))


def pad_weights(weights):
    """Weights over the runs with zeros to the length of `model.pad`."""
    padded = model.pad(weights)
    padded[..., weights.shape[-1] :] = 0
    return padded
