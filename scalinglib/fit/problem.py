"""A fitting problem in the solver's form: everything but starts and weights."""

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


@dataclass(frozen=True)
class Problem:
    """Runs in the solver's form.

    - table: "logs" (columns, padded runs) and "centre".
    - count: Runs, without what was added to fill a shape.
    - fixed: array (coefficients,); NaN where free.
    - supervised: array (6,) or None; coefficients of the supervised law that is held, where the law
      needs one.
    """

    spec: LawSpec
    table: dict
    count: int
    box: tuple
    fixed: np.ndarray
    delta: float
    supervised: np.ndarray | None = None

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

    def _part(self, lanes):
        """Lanes and table with some of the runs, evenly drawn, in one shape."""
        size = self.table["logs"].shape[-1]
        at = np.linspace(0, self.count - 1, min(_APPROACHED, size)).astype(int)
        part = self.table | {"logs": self.table["logs"][:, at]}
        return lanes | {"weights": lanes["weights"][:, at]}, part

    def weights(self) -> np.ndarray:
        """One for each run, nothing for what was added to fill the shape."""
        return pad_weights(np.ones(self.count))

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


def table(spec: LawSpec, runs: pd.DataFrame, supervised: SupervisedLaw | None = None) -> dict:
    """Runs (a DataFrame) as the solver reads them, of few shapes."""
    logs = np.log(np.array([runs[name].to_numpy(float) for name in spec.columns]))
    return {"logs": _pad(logs), "centre": spec.centre(logs, supervised)}


def _pad(values):
    """`values` with the last repeated to 128, 192, 256, 384, ... so that few shapes are compiled.

    What is added has no weight (see `pad_weights`).
    """
    count = values.shape[-1]
    sizes = (step * 2**k for k in range(30) for step in (128, 192))
    missing = next(size for size in sizes if size >= count) - count
    return np.pad(values, [(0, 0)] * (values.ndim - 1) + [(0, missing)], mode="edge")


def pad_weights(weights: np.ndarray) -> np.ndarray:
    """Weights over the runs of a table, with zeros for what `table` adds."""
    padded = _pad(weights)
    padded[..., weights.shape[-1] :] = 0
    return padded
