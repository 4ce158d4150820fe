"""Rolling hold-outs: how well a law fitted to the smaller models foretells larger ones."""

import numpy as np
import pandas as pd
from scipy.special import huber

from scalinglib.fit.problem import pad_weights
from scalinglib.fit.result import Fit
from scalinglib.laws import Law, SupervisedLaw

_STARTS, _AWAY = 8, 0.5  # starts of a refit, and how far from the estimate in each coordinate
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
    inputs, free = list(found.spec.columns[:-1]), int((~found.coefficients.fixed).sum())
    for i, part in enumerate(kept):
        settings = len(found.runs[part > 0].drop_duplicates(inputs))
        if settings <= free:
            raise ValueError(f"kept[{i}] has {settings} settings for {free} coefficients to fit")
    # As the solver has them: in an order that depends on values alone.
    runs = found.runs.reset_index(drop=True)
    order = runs.sort_values(list(found.spec.columns), kind="stable").index.to_numpy()
    weights = np.tile(pad_weights(kept[:, order].astype(float)), (starts, 1))
    away = _AWAY * np.random.default_rng(0).standard_normal((starts, 1, len(found.z)))
    away[0] = 0
    places = np.broadcast_to(found.z + away, (starts, len(kept), len(found.z)))
    rows = None if supervised is None else np.tile(np.transpose(supervised), (starts, 1))
    ends = found.problem.solve(places.reshape(-1, len(found.z)), weights=weights, supervised=rows)
    best = ends.value.reshape(starts, len(kept)).argmin(axis=0)
    values = found.problem.coefficients(ends.z[best * len(kept) + np.arange(len(kept))])
    base = found.problem.supervised_law
    if supervised is not None:
        base = SupervisedLaw(*(np.asarray(c, float)[:, None] for c in supervised))
    return found.spec.build(values.T[..., None], base)


def rolling_hold_outs(found: Fit, by: str = "params") -> pd.DataFrame:
    """Runs foretold by the law of all smaller ones, for each place to cut.

    - by: column of `found.runs` that grows: the models' size, or tokens, or FLOPs.
    - returns: one row a cut and a run beyond it: cut (the largest value that is fitted), ratio (the
      run's over that), relative_error (predicted over measured, less 1), row (label of the run).
      Empty where no cut leaves four values of `by`, the last three times the first, and twice as
      many settings as free coefficients.
    """
    if by not in found.runs:
        raise ValueError(f"by is {by!r}; it must be one of {', '.join(map(str, found.runs))}")
    grows = found.runs[by].to_numpy(float)
    values, free = np.unique(grows), int((~found.coefficients.fixed).sum())
    inputs = list(found.spec.columns[:-1])
    cuts = [
        value
        for value in values[_SIZES - 1 : -1]
        if value >= _SPAN * values[0]
        and len(found.runs[grows <= value].drop_duplicates(inputs)) >= 2 * free
    ]
    columns = ["cut", "ratio", "relative_error", "row"]
    if not cuts:
        return pd.DataFrame(columns=columns)
    kept = grows <= np.array(cuts)[:, None]
    laws = laws_of_parts(found, kept)
    logs = np.log([found.runs[name].to_numpy(float) for name in found.spec.columns])
    with np.errstate(over="ignore"):
        errors = np.expm1(laws.log_loss(*logs[:-1]) - logs[-1])
    at, run = np.nonzero(~kept)
    cut = np.array(cuts)[at]
    rows = [cut, grows[run] / cut, errors[at, run], found.runs.index[run]]
    return pd.DataFrame(dict(zip(columns, rows, strict=True)))


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
            counts = part.cut.nunique(), part.row.nunique()
            rows[factor] = (errors.mean(), errors.max(), *counts)
    index = pd.Index(rows, name="factor")
    return pd.DataFrame(
        list(rows.values()), index=index, columns=["error", "worst", "cuts", "runs"]
    )


def l_shaped(runs: pd.DataFrame) -> np.ndarray:
    """Which runs an L-shaped grid has (Skaling, arXiv 2608.07222).

    Every number of tokens of the smallest model, and every size on its fewest tokens.
    """
    smallest = runs.params.to_numpy() == runs.params.min()
    shortest = runs.tokens.groupby(runs.params).transform("min").to_numpy()
    return smallest | (runs.tokens.to_numpy() == shortest)


def objective_of(law: SupervisedLaw, runs: pd.DataFrame, delta: float = 1e-3) -> float:
    """Sum of Huber of log loss of a given law, as `Fit.objective` has it of a fitted one."""
    predicted = law.loss(runs.params.to_numpy(float), runs.tokens.to_numpy(float))
    return float(huber(delta, np.log(predicted / runs.loss.to_numpy(float))).sum())
