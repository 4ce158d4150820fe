"""The paper's own procedure, to hold ours against: its delta, starts, optimiser and intervals.

`fit.fit_supervised(runs, **fit.paper.OPTIONS)` is our search under the paper's objective and
intervals (Sections F.1 to F.3); `SUPERVISED.minimise` is its search, one start after another, in
its own coordinates. Its grids have 9600 and 216 000 starts: thin them.
"""

from dataclasses import dataclass
from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
import pandas as pd
from scipy.optimize import minimize

from scalinglib.checks import whole
from scalinglib.fit import forms
from scalinglib.fit.solver import sum_of_huber
from scalinglib.fit.spec import LawSpec
from scalinglib.lanes import float64
from scalinglib.laws import SupervisedLaw

# 90% intervals of 4096 resamples (Section F.3, Table 6).
OPTIONS = {"delta": 1e-4, "level": 0.9, "bootstrap": 4096}
# Stopping rules are not stated; SciPy's own end far from the optimum.
_STOP = {"maxiter": 5000, "maxfun": 20_000, "ftol": 1e-15, "gtol": 1e-10}


@dataclass(frozen=True)
class Procedure:
    """How the paper fits one of its laws.

    - axes: for each coefficient the values in the grid of starts, logs where it is in `logs`.
    """

    spec: LawSpec
    axes: dict
    logs: tuple

    def starts(self, count: int | None = None, seed: int = 0) -> np.ndarray:
        """The grid, or `count` of it at random, an array (starts, coefficients), logs as printed.

        Starts at f1 = 0, where the law is singular, are part of the grid.
        """
        axes = list(self.axes.values())
        shape = [len(axis) for axis in axes]
        total = int(np.prod(shape))
        at = np.arange(total)
        if count is not None:
            whole("count", count, 1, total)
            at = np.random.default_rng(seed).choice(total, count, replace=False)
        chosen = np.unravel_index(at, shape)
        return np.stack([np.array(a, float)[i] for a, i in zip(axes, chosen, strict=True)], axis=1)

    def minimise(
        self, runs: pd.DataFrame, starts: np.ndarray, supervised: SupervisedLaw | None = None
    ) -> pd.DataFrame:
        """L-BFGS-B without bounds and with exact derivatives from each start.

        - starts: array (starts, coefficients); from `starts`.
        - returns: for each start the coefficients and the objective (sum of Huber); inf where the
          law is not defined at the start or where the search ends.
        """
        logs = np.log(np.array([runs[name].to_numpy(float) for name in self.spec.columns]))
        is_log = np.array([name in self.logs for name in self.spec.coefficients])

        @jax.jit
        @jax.value_and_grad
        def objective(x):
            law = self.spec.build(jnp.where(is_log, jnp.exp(x), x), supervised)
            weights = jnp.ones(logs.shape[1])
            return sum_of_huber(law.log_loss(*logs[:-1]) - logs[-1], weights, OPTIONS["delta"])

        search = partial(minimize, objective, jac=True, method="L-BFGS-B", options=_STOP)
        with float64(), np.errstate(all="ignore"):
            found = [search(x) for x in starts]
        ends = np.array([end.x for end in found])
        value = np.array([end.fun for end in found]) * OPTIONS["delta"] ** 2
        with np.errstate(over="ignore"):  # where a search ran away
            values = np.where(is_log, np.exp(ends), ends)
        table = pd.DataFrame(values, columns=list(self.spec.coefficients))
        return table.assign(objective=np.where(np.isfinite(value), value, np.inf))


_SCALES, _EXPONENTS = (0, 5, 10, 15, 20), (0, 0.5, 1, 1.5)

SUPERVISED = Procedure(
    forms.SUPERVISED,
    {
        "E": (-1, -0.5, 0, 0.5, 1, 1.5),
        "A": _SCALES,
        "B": _SCALES,
        "alpha": _EXPONENTS,
        "beta": _EXPONENTS,
        "gamma": _EXPONENTS,
    },
    logs=("E", "A", "B"),
)
DISTILLATION = Procedure(
    forms.DISTILLATION,
    {
        "A": _SCALES,
        "B": _SCALES,
        "alpha": _EXPONENTS[:3],
        "beta": _EXPONENTS[:3],
        "gamma": _EXPONENTS[:3],
        "c0": _EXPONENTS,
        "c1": _EXPONENTS,
        "d1": (-1, -0.5, 0, 0.5, 1),
        "f1": _EXPONENTS,
    },
    logs=("A", "B", "d1"),
)
