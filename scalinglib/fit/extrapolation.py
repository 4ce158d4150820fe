"""How well laws of the smaller runs foretell larger ones, and a fit that is meant to do so better.

A pair of runs is dominated if one has more parameters and more tokens; the law says by how much its
loss is lower, whatever E is. The far error of a law with gamma = 1 comes from its E, which the
small runs settle wrongly; fitted to pairs the other coefficients do not follow it (Skaling,
arXiv 2608.07222).
"""

from collections import namedtuple

import numpy as np
import pandas as pd

from scalinglib.checks import namespace
from scalinglib.fit.fitting import fit
from scalinglib.fit.forms import SUPERVISED
from scalinglib.fit.result import Fit
from scalinglib.fit.spec import POWER_RANGES, LawSpec
from scalinglib.laws import Law, SupervisedLaw

_STARTS = 8  # of a refit: the estimate, and places around it
_SIZES, _SPAN = 4, 3.0  # that a refit must have seen: how many, and largest over smallest
_NEAR = 1.6  # a model "4 times larger" is from 4 / 1.6 to 4 times 1.6 times as large
_MOST = 4096  # pairs that are fitted, drawn evenly
_COLUMNS = ("params", "tokens", "larger_params", "larger_tokens", "drop")


def laws_of_parts(
    found: Fit,
    kept: np.ndarray,
    supervised: SupervisedLaw | None = None,
    starts: int = _STARTS,
) -> Law:
    """The law refitted to parts of the runs, all parts in one search.

    - kept: array of bool or float, shape (parts, runs); which of `found.runs` each part has, or how
      often.
    - supervised: coefficients of shape (parts,): another one for each part. None holds that of
      `found`.
    - starts: the estimate of `found`, and this many less one places around it.
    - returns: a law whose coefficients have the shape (parts, 1): it broadcasts against runs.
    - raises ValueError: where `kept` has another shape, or a part has no more settings than free
      coefficients.
    """
    kept = np.asarray(kept)
    if kept.shape[1:] != (len(found.runs),):
        raise ValueError(f"kept is of shape {kept.shape}; it must be (parts, {len(found.runs)})")
    free = int((~found.coefficients.fixed).sum())
    for i, part in enumerate(kept):
        if (count := _settings(found, part > 0)) <= free:
            raise ValueError(f"kept[{i}] has {count} settings for {free} coefficients to fit")
    rows = None if supervised is None else np.transpose(supervised)
    weights = found.problem.weights(kept.astype(float))
    ends = found.problem.solve_around(found.z, starts, weights=weights, supervised=rows)
    base = found.problem.supervised_law
    if supervised is not None:
        base = SupervisedLaw(*(np.asarray(c, float)[:, None] for c in supervised))
    return found.spec.build(found.problem.coefficients(ends.z).T[..., None], base)


def _settings(found, kept):
    return len(found.runs[kept].drop_duplicates(list(found.spec.columns[:-1])))


def rolling_hold_outs(found: Fit) -> pd.DataFrame:
    """Runs foretold by the law of all smaller models, for each place to cut.

    - returns: one row a cut and a run beyond it: cut (the largest params that are fitted), ratio
      (the run's over that), relative_error (predicted over measured, less 1), row (label of the
      run). Empty where no cut leaves four sizes, the last three times the first, and twice as many
      settings as free coefficients.
    """
    params = found.runs.params.to_numpy(float)
    sizes, free = np.unique(params), int((~found.coefficients.fixed).sum())
    cuts = [
        size
        for size in sizes[_SIZES - 1 : -1]
        if size >= _SPAN * sizes[0] and _settings(found, params <= size) >= 2 * free
    ]
    if not cuts:
        return pd.DataFrame(columns=["cut", "ratio", "relative_error", "row"])
    kept = params <= np.array(cuts)[:, None]
    laws = laws_of_parts(found, kept)
    logs = np.log([found.runs[name].to_numpy(float) for name in found.spec.columns])
    with np.errstate(over="ignore"):
        errors = np.expm1(laws.log_loss(*logs[:-1]) - logs[-1])
    at, run = np.nonzero(~kept)
    cut = np.array(cuts)[at]
    table = {"cut": cut, "ratio": params[run] / cut, "relative_error": errors[at, run]}
    return pd.DataFrame(table | {"row": found.runs.index[run]})


def reach(held: pd.DataFrame) -> pd.DataFrame:
    """How well runs are foretold that are a few times larger than what was fitted.

    - returns: indexed by factor (2, 4 and 10, up to a factor of 1.6 either way), those that occur:
      error, worst (mean and largest absolute relative error), cuts, runs (how many are behind it).
    """
    rows = {}
    for factor in (2, 4, 10):
        part = held[held.ratio.between(factor / _NEAR, factor * _NEAR)]
        if len(part):
            errors = part.relative_error.abs()
            rows[factor] = errors.mean(), errors.max(), part.cut.nunique(), part.row.nunique()
    columns = ["error", "worst", "cuts", "runs"]
    return pd.DataFrame.from_dict(rows, "index", columns=columns).rename_axis("factor")


class _Drop(Law, namedtuple("_Coefficients", "A B alpha beta gamma")):
    """R(N, D) - R(N', D') with R(N, D) = (A / N^alpha + B / D^beta)^gamma."""

    def log_loss(self, log_params, log_tokens, log_larger_params, log_larger_tokens):
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


def dominated_pairs(runs: pd.DataFrame) -> pd.DataFrame:
    """Pairs of runs of which one has more parameters, more tokens and a lower loss.

    - returns: params, tokens, larger_params, larger_tokens, drop (in the unit of the loss), by the
      drop. Pairs whose larger run has no lower loss are not among them: there the noise outweighs
      the drop.
    """
    ordered = runs.sort_values(["params", "tokens", "loss"], kind="stable")
    params, tokens, loss = (ordered[name].to_numpy(float) for name in SUPERVISED.columns)
    drop = loss[:, None] - loss
    more = (params[:, None] < params) & (tokens[:, None] < tokens) & (drop > 0)
    small, large = np.nonzero(more)
    values = params[small], tokens[small], params[large], tokens[large], drop[small, large]
    pairs = pd.DataFrame(dict(zip(_COLUMNS, values, strict=True)))
    return pairs.sort_values("drop", kind="stable", ignore_index=True)


def fit_dominated_pairs(
    runs: pd.DataFrame, *, fixed: dict | None = None, starts: int | None = None
) -> Fit:
    """Fit all but E to dominated pairs of the runs, then E to the runs.

    - fixed: coefficients to hold, such as {"gamma": 1.0}; E, which drops out, is not among them.
    - returns: of the supervised law to the runs, all but E held; without replicates.
    """
    pairs = dominated_pairs(runs)
    if pairs.empty:
        raise ValueError("runs have no pair of which one has more params and tokens and less loss")
    if len(pairs) > _MOST:
        pairs = pairs.iloc[np.linspace(0, len(pairs) - 1, _MOST).astype(int)]
    # Huber's delta of the log of a drop is ten times that of a log-loss.
    shape = fit(_DROP, pairs, fixed=fixed, delta=1e-2, starts=starts)
    held = shape.coefficients.estimate.to_dict()
    return fit(SUPERVISED, runs, fixed=held, starts=min(starts or 64, 64))
