"""How well laws of the smaller runs foretell larger ones."""

import numpy as np
import pandas as pd

from scalinglib.fit.result import Fit
from scalinglib.laws import Law, SupervisedLaw

_STARTS = 8  # of a refit: the estimate, and places around it
_SIZES, _SPAN = 4, 3.0  # that a refit must have seen: how many, and largest over smallest
_NEAR = 1.6  # a model "4 times larger" is from 4 / 1.6 to 4 times 1.6 times as large


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
