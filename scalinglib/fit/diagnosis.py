"""What a fit cannot tell: profiles, ridges, groups and strong runs left out, trends in residuals.

A narrow interval is no evidence that a law holds beyond its runs, and a wide one no evidence that
its predictions are bad: along a ridge coefficients trade against each other and predictions stay.
"""

import contextlib
import warnings
from dataclasses import replace
from itertools import combinations

import numpy as np
import pandas as pd
from scipy import stats

from scalinglib.fit.fitting import fit_distillation, fit_supervised
from scalinglib.fit.inputs import FitWarning
from scalinglib.fit.model import DISTILLATION, JOINT, SUPERVISED

__all__ = [
    "explain",
    "groups_left_out",
    "hold_out",
    "isoflop_draws",
    "isoflop_minimum",
    "profile",
    "residual_trends",
    "ridges",
]

_WIDE_INTERVAL = 1.5  # high over low, from which a coefficient counts as poorly told
_RIDGE_INTERVAL = 1.1  # and from which it counts as able to move along a ridge
_TOGETHER = 0.8  # rank correlation of replicates that makes two of them a ridge
_CONFIDENT = 3.84  # 95% mark of a likelihood ratio with one degree of freedom
_KNOWN = {
    frozenset(("gamma", "E")): "both bend the curve, and the runs are too narrow to tell which",
    frozenset(
        ("c1", "d1")
    ): "as c1 grows with d1 the teacher's factor tends to a limit: neither has a value of its own",
    frozenset(("c1", "f1")): "only c1 f1 log(1 + ...) enters: c1 alone has no value of its own",
    frozenset(("d1", "f1")): "d1 and f1 share the place and the sharpness of the transition",
    frozenset(("A", "alpha")): "A is the size term at N = 1, far from any run",
    frozenset(("B", "beta")): "B is the data term at D = 1, far from any run",
    frozenset(("alpha", "gamma")): "where one term rules, only alpha gamma is told",
    frozenset(("beta", "gamma")): "where one term rules, only beta gamma is told",
    frozenset(("A", "gamma")): "A^gamma is what the size term is worth",
    frozenset(("B", "gamma")): "B^gamma is what the data term is worth",
    frozenset(("A", "B")): "both are raised to gamma",
    frozenset(("A", "c0")): "L_T^-c0 scales the power terms as A and B do where L_T hardly varies",
}


def profile(fit, coefficient, values=None):
    """The objective with one coefficient held at each of `values`, the others refitted.

    Parameters
    ----------
    fit : Fit
    coefficient : str
    values : array_like or None
        None takes 25 values from a third to three times the estimate, evenly in logs.

    Returns
    -------
    DataFrame
        All coefficients, objective (sum of Huber), likelihood_ratio = 2 n log(S / S_best).
        That treats Huber as the log-likelihood of heavy-tailed noise whose scale is fitted too;
        3.84 is then the usual 95% mark: a guide, not a test.
    """
    names = fit.kind.coefficients
    if coefficient not in names:
        raise ValueError(f"coefficient is {coefficient!r}; it must be one of {list(names)}")
    if values is None:
        values = fit.coefficients.estimate[coefficient] * np.geomspace(1 / 3, 3, 25)
    values = np.atleast_1d(np.asarray(values, float))
    fixed = np.repeat(fit.problem.fixed[None], len(values), axis=0)
    fixed[:, names.index(coefficient)] = values
    # From the estimate and from places around it: a held coefficient may sit in another valley.
    shifts = 0.5 * np.random.default_rng(0).standard_normal((4, len(fit.z)))
    shifts[0] = 0
    starts = np.concatenate([np.repeat((fit.z + s)[None], len(values), axis=0) for s in shifts])
    found = fit.problem.solve(
        starts, fixed=np.tile(fixed, (len(shifts), 1)), near=fit.kind is JOINT
    )
    best_shift = found.value.reshape(len(shifts), -1).argmin(axis=0)
    lanes = best_shift * len(values) + np.arange(len(values))
    objective = found.value[lanes] * fit.delta**2
    refitted = [
        replace(fit.problem, fixed=row).coefficients(z)
        for row, z in zip(fixed, found.z[lanes], strict=True)
    ]
    count = sum(fit.problem.runs)
    best = min(fit.objective, objective.min())
    ratio = 2 * count * np.log(np.maximum(objective, 1e-300) / max(best, 1e-300))
    table = pd.DataFrame(refitted, columns=list(names))
    return table.assign(objective=objective, likelihood_ratio=ratio)


def ridges(fit):
    """Pairs of coefficients that move together from replicate to replicate.

    Returns
    -------
    DataFrame
        first, second, correlation (Spearman's, over replicates), reason (where it is a known one).
    """
    _need_replicates(fit)
    table = fit.coefficients
    loose = table.index[~table.fixed & (table.high / table.low.abs() > _RIDGE_INTERVAL)]
    rows = []
    for first, second in combinations(loose, 2):
        correlation = stats.spearmanr(fit.replicates[first], fit.replicates[second]).statistic
        if abs(correlation) >= _TOGETHER:
            reason = _KNOWN.get(frozenset((first, second)), "")
            rows.append((first, second, float(correlation), reason))
    return pd.DataFrame(rows, columns=["first", "second", "correlation", "reason"])


def groups_left_out(fit, by):
    """Each group predicted by a fit to the others.

    Parameters
    ----------
    fit : Fit
        Supervised or distillation.
    by : str or list of str
        Columns whose groups are left out in turn.

    Returns
    -------
    DataFrame
        The group's key(s), runs, error_inside and error_left_out: mean absolute relative error of
        the group under the fit to all runs and under the fit to the rest.
    """
    keys = [by] if isinstance(by, str) else list(by)
    rows = []
    for key, part in fit.runs.groupby(keys):
        other = _refit(fit, fit.runs.drop(part.index))
        errors = fit.mean_relative_error(part), other.mean_relative_error(part)
        rows.append((*key, len(part), *errors))
    return pd.DataFrame(rows, columns=[*keys, "runs", "error_inside", "error_left_out"])


def hold_out(fit, held):
    """A fit to the runs that are not held, and its predictions for those that are.

    Parameters
    ----------
    fit : Fit
        Supervised or distillation.
    held : array of bool
        One a run of `fit.runs`. The paper's way: the strong runs, loss below a mark.

    Returns
    -------
    Fit, DataFrame
        The fit to the rest (same options, no replicates); all runs with predicted, held and
        relative_error = predicted / measured - 1.
    """
    held = np.asarray(held)
    if held.shape != (len(fit.runs),) or held.dtype != bool:
        raise ValueError(
            f"held is {held.dtype} of shape {held.shape}; it must be bool of ({len(fit.runs)},)"
        )
    if held.all() or not held.any():
        raise ValueError("held takes all runs or none; some must stay and some go")
    other = _refit(fit, fit.runs[~held])
    table = other.predict(fit.runs).assign(held=held)
    return other, table.assign(relative_error=np.expm1(other.residuals(fit.runs)))


def residual_trends(fit):
    """Rank correlation of the residuals with each of the law's inputs.

    Returns
    -------
    DataFrame
        input, correlation (Spearman's), p_value (two-sided, not corrected for several looks).
    """
    residuals = fit.residuals()
    columns = (SUPERVISED if fit.kind is SUPERVISED else DISTILLATION).columns[:-1]
    rows = []
    for name in columns:
        found = stats.spearmanr(fit.runs[name], residuals)
        rows.append((name, float(found.statistic), float(found.pvalue)))
    return pd.DataFrame(rows, columns=["input", "correlation", "p_value"])


def explain(fit):
    """The diagnosis as sentences for a reader, most serious first; needs replicates."""
    _need_replicates(fit)
    said = [text[0].upper() + text[1:] + "." for text in fit.warnings]
    table = fit.coefficients[~fit.coefficients.fixed]
    share = fit.starts_at_optimum
    said.append(f"{share:.0%} of the starts end at the same, best objective.")
    loose = table.index[table.high / table.low.abs() > _WIDE_INTERVAL]
    if len(loose):
        parts = [f"{name} ({table.low[name]:.3g} to {table.high[name]:.3g})" for name in loose]
        said.append(
            f"The runs hardly tell {', '.join(parts)}: compare predictions, not these numbers."
        )
    for row in ridges(fit).itertuples():
        reason = f": {row.reason}" if row.reason else ""
        said.append(f"Ridge: {row.first} moves with {row.second} ({row.correlation:+.2f}){reason}.")
    if {"gamma", "E"} <= set(table.index):
        said += _flat(fit, "gamma", ["E"], [0.7, 1.5], _KNOWN[frozenset(("gamma", "E"))])
    if "c1" in table.index:
        said += _flat(fit, "c1", ["d1", "f1"], [0.2, 5.0], _KNOWN[frozenset(("c1", "d1"))])
    trends = residual_trends(fit)
    trends = trends[trends.p_value < 0.01 / len(trends)]
    said += [
        f"Residuals still trend with {row.input} (rank correlation {row.correlation:+.2f}): "
        "the law bends another way than the runs."
        for row in trends.itertuples()
    ]
    errors = np.abs(fit.residuals())
    worst = int(np.argmax(errors))
    if errors[worst] > 8 * np.median(errors):
        label = fit.runs.index[worst]
        said.append(
            f"Row {label} is an outlier: off by {np.expm1(errors[worst]):.1%}, "
            f"where half the runs are within {np.expm1(np.median(errors)):.2%}."
        )
    return said


def _flat(fit, name, partners, factors, reason):
    """A sentence for each multiple of a coefficient at which a refit is as good as the best one."""
    estimate = fit.coefficients.estimate[name]
    for row in profile(fit, name, estimate * np.array(factors)).to_dict("records"):
        if row["likelihood_ratio"] < _CONFIDENT:
            moved = " and ".join(f"{p} at {row[p]:.3g}" for p in partners)
            yield f"Ridge: {name} at {row[name]:.3g} with {moved} fits as well: {reason}."


def isoflop_minimum(params, loss):
    """Loss-minimising size on one IsoFLOP profile, by a parabola in log N (Chinchilla's method 2).

    A cross-check only: off-centre or wide profiles bias it by several per cent even without noise.

    Parameters
    ----------
    params, loss : array_like
        Sizes on one budget, at least four, and their losses.

    Returns
    -------
    params, loss : float
        At the minimum.

    Raises
    ------
    ValueError
        If the lowest loss is the first or the last size, or the parabola has no minimum between.
    """
    params, loss = np.asarray(params, float), np.asarray(loss, float)
    if len(params) < 4:
        raise ValueError(
            f"params has {len(params)} sizes; a parabola with a check needs at least 4"
        )
    order = np.argsort(params)
    x, y = np.log(params[order]), loss[order]
    lowest = int(np.argmin(y))
    if lowest in (0, len(y) - 1):
        raise ValueError(
            f"the lowest loss is at the edge, params {params[order][lowest]:.4g}: no minimum seen"
        )
    middle = x.mean()
    curve = np.polynomial.Polynomial.fit(x - middle, y, 2, domain=[])
    bend, slope = curve.coef[2], curve.coef[1]
    best = -slope / (2 * bend) if bend > 0 else np.inf
    if not x[0] - middle < best < x[-1] - middle:
        raise ValueError("the parabola has no minimum between the first and the last size")
    return float(np.exp(best + middle)), float(curve(best))


def isoflop_draws(params, loss, error, draws=200, seed=0):
    """Loss-minimising sizes of one IsoFLOP profile, its losses drawn anew with normal noise.

    Parameters
    ----------
    params, loss : array_like
        As for `isoflop_minimum`.
    error : array_like
        Standard errors of the losses.
    draws, seed : int

    Returns
    -------
    array (draws,); NaN where `isoflop_minimum` finds none
    """
    loss, error = np.asarray(loss, float), np.asarray(error, float)
    found = np.full(draws, np.nan)
    rng = np.random.default_rng(seed)
    for i in range(draws):
        with contextlib.suppress(ValueError):
            found[i], _ = isoflop_minimum(params, loss + error * rng.standard_normal(len(loss)))
    return found


def _refit(fit, runs):
    with warnings.catch_warnings():
        # A part of the runs covers less than all: that is the point, not news.
        warnings.simplefilter("ignore", FitWarning)
        return _fit_again(fit, runs)


def _fit_again(fit, runs):
    fixed = fit.coefficients.estimate[fit.coefficients.fixed].to_dict()
    options = {"fixed": fixed, "delta": fit.delta, "starts": 128, "level": fit.level}
    if fit.kind is SUPERVISED:
        return fit_supervised(runs, **options)
    if fit.kind is JOINT:
        raise ValueError(
            "fit is a joint one; leave runs out of the supervised or the distillation fit"
        )
    return fit_distillation(runs, fit.law.supervised, **options)


def _need_replicates(fit):
    if not len(fit.replicates):
        raise ValueError("fit has no replicates; fit with bootstrap=200 or more")
