"""What a fit cannot tell: profiles, ridges, runs left out, trends in residuals.

A narrow interval is no evidence that a law holds beyond its runs, and a wide one no evidence that
its predictions are bad: along a ridge coefficients trade against each other and predictions stay.
"""

import warnings
from itertools import combinations

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike
from scipy import stats

from scalinglib.checks import one_of
from scalinglib.fit.fitting import FitWarning
from scalinglib.fit.fitting import fit as fit_law
from scalinglib.fit.inputs import collinear
from scalinglib.fit.result import Fit

_WIDE_INTERVAL = 1.5  # `_ratio`, from which a coefficient counts as poorly told
_NO_INTERVAL = 1e6  # and from which its interval says nothing
_RIDGE_INTERVAL = 1.1  # and from which it counts as able to move along a ridge
_TOGETHER = 0.8  # rank correlation of replicates that makes two of them a ridge
_CONFIDENT = 3.84  # 95% mark of a likelihood ratio with one degree of freedom


def profile(fit: Fit, coefficient: str, values: ArrayLike) -> pd.DataFrame:
    """The objective with one coefficient held at each of `values`, the others refitted.

    - returns: all coefficients, objective (sum of Huber), likelihood_ratio = 2 n log(S / S_best).
      That treats Huber as the log-likelihood of heavy-tailed noise whose scale is fitted too; 3.84
      is then the usual 95% mark: a guide, not a test.
    """
    names = fit.spec.coefficients
    one_of("coefficient", coefficient, names)
    values = np.asarray(values, float)
    fixed = np.repeat(fit.problem.fixed[None], len(values), axis=0)
    fixed[:, names.index(coefficient)] = values
    # From the estimate and from places around it: a held coefficient may sit in another valley.
    found = fit.problem.solve_around(fit.z, 4, fixed=fixed)
    objective = found.value * fit.delta**2
    refitted = fit.problem.coefficients(found.z, fixed)
    best = min(fit.objective, objective.min())
    ratio = 2 * len(fit.runs) * np.log(np.maximum(objective, 1e-300) / max(best, 1e-300))
    table = pd.DataFrame(refitted, columns=list(names))
    return table.assign(objective=objective, likelihood_ratio=ratio)


def ridges(fit: Fit) -> pd.DataFrame:
    """Pairs of coefficients that move together from replicate to replicate.

    - returns: first, second, correlation (Spearman's, over replicates), reason (where it is a known
      one).
    """
    if not len(fit.replicates):
        raise ValueError("fit has no replicates; fit with bootstrap=200 or more")
    table = fit.coefficients
    loose = table.index[~table.fixed & (_ratio(table) > _RIDGE_INTERVAL)]
    rows = []
    for first, second in combinations(loose, 2):
        correlation = stats.spearmanr(fit.replicates[first], fit.replicates[second]).statistic
        if abs(correlation) >= _TOGETHER:
            rows.append((first, second, float(correlation), _reason(fit, first, second)))
    return pd.DataFrame(rows, columns=["first", "second", "correlation", "reason"])


def hold_out(fit: Fit, held: np.ndarray) -> pd.DataFrame:
    """All runs as a fit to those that are not held foretells them; same options, no replicates.

    - held: one a run of `fit.runs`. The paper's way: the strong runs, loss below a mark.
    - returns: `fit.runs` with predicted, held and relative_error = predicted / measured - 1.
    """
    held = np.asarray(held)
    if held.shape != (len(fit.runs),) or held.dtype != bool:
        raise ValueError(
            f"held is {held.dtype} of shape {held.shape}; it must be bool of ({len(fit.runs)},)"
        )
    if held.all() or not held.any():
        raise ValueError("held takes all runs or none; some must stay and some go")
    if reason := collinear(fit.runs[~held], fit.spec.columns):
        raise ValueError(f"held leaves no fit to judge: {reason}")
    fixed = fit.coefficients.estimate[fit.coefficients.fixed].to_dict()
    options = {"fixed": fixed, "delta": fit.delta, "starts": 32, "level": fit.level}
    with warnings.catch_warnings():
        # A part of the runs covers less than all: that is the point, not news.
        warnings.simplefilter("ignore", FitWarning)
        supervised = fit.problem.supervised_law
        other = fit_law(fit.spec, fit.runs[~held], supervised=supervised, **options)
    table = other.predict(fit.runs)
    return table.assign(held=held, relative_error=np.expm1(other.residuals(fit.runs)))


def isoflop_minimum(params: ArrayLike, loss: ArrayLike) -> tuple[float, float]:
    """Loss-minimising size on one IsoFLOP profile and its loss, by a parabola in log N.

    Chinchilla's method 2, and a cross-check only: off-centre or wide profiles bias it by several
    per cent even without noise.

    - params, loss: sizes on one budget, and their losses.
    - returns: NaN for both where there are fewer than four sizes, the lowest loss is at the first
      or the last of them, or the parabola has no minimum between.
    """
    params, loss = np.asarray(params, float), np.asarray(loss, float)
    order = np.argsort(params, kind="stable")
    x, y = np.log(params[order]), loss[order]
    if len(x) < 4 or np.argmin(y) in (0, len(y) - 1):
        return np.nan, np.nan
    middle = x.mean()
    curve = np.polynomial.Polynomial.fit(x - middle, y, 2, domain=[])
    bend, slope = curve.coef[2], curve.coef[1]
    best = -slope / (2 * bend) if bend > 0 else np.inf
    if not x[0] - middle < best < x[-1] - middle:
        return np.nan, np.nan
    return float(np.exp(best + middle)), float(curve(best))


def explain(fit: Fit) -> list[str]:
    """The diagnosis as sentences for a reader, most serious first; needs replicates."""
    trading = ridges(fit)
    said = [text[0].upper() + text[1:].removesuffix(".") for text in fit.warnings]
    said = [text if text.endswith("?") else f"{text}." for text in said]
    table = fit.coefficients[~fit.coefficients.fixed]
    said.append(f"{fit.starts_in_words} of the starts end at the same, best objective.")
    said += _at_bound(fit)
    loose = table.index[_ratio(table) > _WIDE_INTERVAL]
    if len(loose):
        shown = fit.coefficient_table()
        parts = [_interval(name, table.loc[name], shown.loc[name]) for name in loose]
        said.append(
            f"The runs hardly tell {', '.join(parts)}: compare predictions, not these numbers."
        )
    for row in trading.itertuples():
        reason = _because(row.reason)
        said.append(f"Ridge: {row.first} moves with {row.second} ({row.correlation:+.2f}){reason}.")
    for probe in fit.spec.probes:
        if {probe.coefficient, probe.partners[0]} <= set(table.index):
            said += _flat(fit, probe)
    residuals, inputs = fit.residuals(), fit.spec.columns[:-1]
    for name in inputs:
        trend = stats.spearmanr(fit.runs[name], residuals)
        if trend.pvalue < 0.01 / len(inputs):
            said.append(
                f"Residuals still trend with {name} (rank correlation {trend.statistic:+.2f}): "
                "the law bends another way than the runs."
            )
    errors = np.abs(residuals)
    worst = int(np.argmax(errors))
    if errors[worst] > 8 * np.median(errors):
        label = fit.runs.index[worst]
        said.append(
            f"Row {label} is an outlier: off by {np.expm1(errors[worst]):.1%}, "
            f"where half the runs are within {np.expm1(np.median(errors)):.2%}."
        )
    return said


def _at_bound(fit):
    """A sentence where an estimate, or an end of its interval, is that of the search's box."""
    bound, tail = fit.at_bound, (1 - fit.level) / 2
    parts = []
    for name, row in fit.coefficient_table().iterrows():
        if bound.estimate[name]:
            parts.append(f"{name} {bound.estimate[name]} {row.estimate[1:]}")
        elif max(share := bound.loc[name, ["below", "above"]].astype(float)) >= tail:
            parts.append(f"{name} (in {share.sum():.0%} of the replicates)")
    if parts:
        yield (
            f"At the bounds of the search, which are no estimates: {', '.join(parts)}; the runs "
            "do not tell how far beyond."
        )


def _ratio(table):
    """The larger end of each interval over the smaller, infinite where it holds zero."""
    ends = table[["low", "high"]].abs()
    ratio = ends.max(axis=1) / ends.min(axis=1)
    return ratio.where(table.low * table.high > 0, np.inf)


def _flat(fit, probe):
    """A sentence for each multiple of a coefficient at which a refit is as good as the best one."""
    name = probe.coefficient
    values = fit.coefficients.estimate[name] * np.array(probe.factors)
    for row in profile(fit, name, values).to_dict("records"):
        if row["likelihood_ratio"] < _CONFIDENT:
            moved = " and ".join(f"{p} at {row[p]:.3g}" for p in probe.partners)
            reason = _because(_reason(fit, name, probe.partners[0]))
            yield f"Ridge: {name} at {row[name]:.3g} with {moved} fits as well{reason}."


def _interval(name, values, shown):
    """A coefficient with its interval, by its name alone where that spans all orders."""
    low, high = values.low, values.high
    told = np.isfinite([low, high]).all() and high < _NO_INTERVAL * abs(low)
    return f"{name} ({shown.low} to {shown.high})" if told else f"{name} (no interval)"


def _reason(fit, first, second):
    reasons = fit.spec.ridges
    return reasons.get((first, second)) or reasons.get((second, first), "")


def _because(reason):
    return f": {reason}" if reason else ""
