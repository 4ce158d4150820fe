"""Fit the supervised law to dominated pairs of runs, in which E drops out.

A pair is two runs of which one has more parameters and more tokens; the law says by how much its
loss is lower, whatever E is. The far error of a law with gamma = 1 comes from its E, which the
small runs settle wrongly; fitted to pairs the other coefficients do not follow it (Skaling,
arXiv 2608.07222).
"""

from collections import namedtuple

import numpy as np
import pandas as pd

from scalinglib.checks import namespace
from scalinglib.fit.fitting import fit
from scalinglib.fit.result import Fit
from scalinglib.fit.spec import POWER_RANGES, LawSpec
from scalinglib.fit.supervised import SUPERVISED
from scalinglib.laws.base import Law

_MOST = 4096  # pairs that are fitted, drawn evenly
_COLUMNS = ("params", "tokens", "larger_params", "larger_tokens", "drop")


class _Drop(Law, namedtuple("_Coefficients", "A B alpha beta gamma")):
    """R(N, D) - R(N', D') with R(N, D) = (A / N^alpha + B / D^beta)^gamma."""

    __slots__ = ()

    def log_loss(
        self,
        log_params: np.ndarray,
        log_tokens: np.ndarray,
        log_larger_params: np.ndarray,
        log_larger_tokens: np.ndarray,
    ) -> np.ndarray:
        """Log of the drop in loss; unchecked."""
        xp = namespace(log_params, log_tokens, self.A)

        def log_rest(log_params, log_tokens):
            size = xp.log(self.A) - self.alpha * log_params
            return self.gamma * xp.logaddexp(size, xp.log(self.B) - self.beta * log_tokens)

        above = log_rest(log_params, log_tokens)
        ratio = xp.exp(log_rest(log_larger_params, log_larger_tokens) - above)
        return above + xp.log1p(-xp.minimum(ratio, 1 - 1e-12))


_DROP = LawSpec(
    name="dominated pairs",
    law=_Drop,
    columns=_COLUMNS,
    ranges=POWER_RANGES,
    terms={"A": ("alpha", "params"), "B": ("beta", "tokens")},
)


def dominated_pairs(runs: pd.DataFrame, most: int | None = None) -> pd.DataFrame:
    """Pairs of runs of which one has more parameters, more tokens and a lower loss.

    - most: how many, drawn evenly in the order of the drop; None takes all.
    - returns: params, tokens, larger_params, larger_tokens, drop (in the unit of the loss). Pairs
      whose larger run has no lower loss are not among them: there the noise outweighs the drop.
    """
    ordered = runs.sort_values(["params", "tokens", "loss"], kind="stable")
    params, tokens, loss = (ordered[name].to_numpy(float) for name in SUPERVISED.columns)
    drop = loss[:, None] - loss
    more = (params[:, None] < params) & (tokens[:, None] < tokens) & (drop > 0)
    small, large = np.nonzero(more)
    values = params[small], tokens[small], params[large], tokens[large], drop[small, large]
    pairs = pd.DataFrame(dict(zip(_COLUMNS, values, strict=True)))
    pairs = pairs.sort_values("drop", kind="stable", ignore_index=True)
    if most is None or len(pairs) <= most:
        return pairs
    return pairs.iloc[np.linspace(0, len(pairs) - 1, most).astype(int)].reset_index(drop=True)


def fit_dominated_pairs(
    runs: pd.DataFrame,
    *,
    fixed: dict | None = None,
    delta: float = 1e-3,
    starts: int | None = None,
) -> Fit:
    """Fit all but E to dominated pairs of the runs, then E to the runs.

    - fixed: coefficients to hold, such as {"gamma": 1.0}; E is not among them.
    - delta: Huber's delta in log-loss, for E; for the log of a drop it is ten times that.
    - returns: of the supervised law to the runs, all but E held; without replicates.
    """
    if "E" in (fixed or {}):
        raise ValueError("fixed names 'E', which drops out of pairs; fit it with fit_supervised")
    pairs = dominated_pairs(runs, _MOST)
    if pairs.empty:
        raise ValueError("runs have no pair of which one has more params and tokens and less loss")
    shape = fit(_DROP, pairs, fixed=fixed, delta=10 * delta, starts=starts)
    held = shape.coefficients.estimate.to_dict()
    return fit(SUPERVISED, runs, fixed=held, delta=delta, starts=min(starts or 64, 64))
