"""Fit a law to a table of runs, with intervals and bands (Appendix F).

The objective is the paper's: the sum over runs of Huber_delta(log L̂ - log L) (Equations 45, 50).
"""

import warnings
from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd

from scalinglib.checks import positive, whole, within
from scalinglib.fit.forms import DISTILLATION, SUPERVISED
from scalinglib.fit.inputs import checked_runs, suspicions
from scalinglib.fit.problem import Problem, replicate, resampled
from scalinglib.fit.result import LEVEL, Fit, Status
from scalinglib.fit.spec import LawSpec
from scalinglib.laws import SupervisedLaw

_AT_OPTIMUM = 1e-6  # relative to the best objective


class FitWarning(UserWarning):
    """Something about runs or fit that the reader should look at; the fit goes on."""


def fit(
    spec: LawSpec,
    runs: pd.DataFrame,
    *,
    supervised: SupervisedLaw | Fit | None = None,
    fixed: dict[str, float] | None = None,
    delta: float = 1e-3,
    starts: int | None = None,
    bootstrap: int = 0,
    cluster: str | list | None = None,
    level: float = LEVEL,
    seed: int = 0,
) -> Fit:
    """Fit the law of a `LawSpec` to a table of runs.

    - runs: the columns of the spec; parameters non-embedding, losses in nats per token.
    - supervised: the supervised law that is held, for a law that needs one. A Fit with replicates
      carries its uncertainty through: replicate i here uses replicate i there.
    - fixed: coefficients to hold, such as {"gamma": 1.0} for the Chinchilla form.
    - delta: Huber's delta in log-loss; 1e-3 is Besiroglu et al.'s, the paper's is 1e-4 (see
      `paper`).
    - starts: how many starts of the full set, drawn evenly; None takes all.
    - cluster: column, or columns, whose groups are resampled as wholes; None resamples runs.
      "teacher" means runs of one teacher, by a column of that name or else by equal teacher_loss.
    """
    within("level", level, 0, 1)
    whole("bootstrap", bootstrap, 0)
    law, held = _held_law(spec, supervised), _fixed_vector(fixed, spec)
    checked = checked_runs(runs, spec, int(np.isnan(held).sum()))
    said = tuple(suspicions(checked, spec))
    problem = Problem.of(spec, checked, held, float(positive("delta", delta)), law)
    grid = _thin(spec.starts(problem.table["logs"]), starts)
    carried = None
    if isinstance(supervised, Fit) and len(supervised.replicates) and bootstrap:
        rows = supervised.replicates.to_numpy()
        carried = np.resize(rows, (bootstrap, rows.shape[1]))
    end = _search(problem, grid)
    rng = np.random.default_rng(seed)
    weights = resampled(checked.iloc[problem.order], bootstrap, cluster, rng)
    drawn = replicate(problem, end["z"], grid, weights, rng=rng, supervised=carried)
    estimate = problem.coefficients(end["z"][None])[0]
    found = Fit(
        **end,
        **drawn,
        law=spec.build(estimate.tolist(), problem.supervised_law),
        coefficients=_intervals(problem, estimate, drawn["replicates"], level),
        runs=checked,
        level=level,
        warnings=said,
        problem=problem,
    )
    found = replace(found, warnings=said + tuple(_doubts(found)))
    for text in found.warnings:
        warnings.warn(text, FitWarning, stacklevel=3)
    return found


def fit_supervised(runs: pd.DataFrame, **options: Any) -> Fit:
    """Fit L(N, D) = E + (A / N^alpha + B / D^beta)^gamma (Section F.1).

    - runs: params (non-embedding), tokens, loss (nats per token).
    - options: those of `fit`; the full grid has 4500 starts.
    """
    return fit(SUPERVISED, runs, **options)


def fit_distillation(runs: pd.DataFrame, supervised: SupervisedLaw | Fit, **options: Any) -> Fit:
    """Fit the distillation law to runs, the supervised law held (Section F.2).

    - runs: student_params (non-embedding), student_tokens, teacher_loss, student_loss (nats per
      token).
    - options: those of `fit`; the full grid has 4096 starts.
    """
    return fit(DISTILLATION, runs, supervised=supervised, **options)


def _search(problem, grid):
    """Where the search ended, as fields of a `Fit`."""
    found = problem.solve(grid)
    best = int(np.argmin(found.value))
    if not np.isfinite(found.value[best]):
        raise ValueError(
            f"none of {len(grid)} starts gives the {problem.spec.name} law a finite objective; "
            "its ranges, or fixed, must leave room for these runs"
        )
    # To the floor of rounding, so that coefficients do not depend on where the best start stopped.
    polished = problem.solve(
        found.z[best : best + 1], near=True, width=problem.delta, tolerance=1e-30
    )
    z = polished.z[0] if polished.value[0] <= found.value[best] else found.z[best]
    value = min(polished.value[0], found.value[best])
    at_optimum = found.value <= value * (1 + _AT_OPTIMUM) + 1e-9
    return {
        "z": z,
        "objective": float(value * problem.delta**2),
        "converged": bool(found.converged[best]),
        "starts_at_optimum": float(at_optimum.mean()),
    }


def _doubts(found):
    """What the search itself gives reason to doubt."""
    if found.status in (Status.NOT_CONVERGED, Status.FEW_STARTS):
        yield f"{found.status.value} ({found.starts_at_optimum:.1%} of them at the best objective)"
    if found.replicates_converged < 0.98:
        yield (
            f"{1 - found.replicates_converged:.1%} of the bootstrap replicates did not converge "
            "and are not used"
        )


def _intervals(problem, estimate, replicates, level):
    limits = np.full((2, len(estimate)), np.nan)
    if len(replicates):
        limits = np.quantile(replicates, [(1 - level) / 2, (1 + level) / 2], axis=0)
    is_fixed = ~np.isnan(problem.fixed)
    limits[:, is_fixed] = np.nan
    return pd.DataFrame(
        {"estimate": estimate, "low": limits[0], "high": limits[1], "fixed": is_fixed},
        index=pd.Index(problem.spec.coefficients, name="coefficient"),
    ).assign(level=level, kind="percentiles of replicates")


def _held_law(spec, supervised):
    law = supervised.law if isinstance(supervised, Fit) else supervised
    if not spec.needs_supervised and law is not None:
        raise ValueError(f"supervised is given, and the {spec.name} law needs none")
    if spec.needs_supervised and not isinstance(law, SupervisedLaw):
        raise ValueError(
            f"supervised is {type(law).__name__}; it must be a SupervisedLaw or its Fit"
        )
    return law


def _fixed_vector(fixed, spec):
    fixed, names = fixed or {}, spec.coefficients
    unknown = [name for name in fixed if name not in names]
    if unknown:
        raise ValueError(
            f"fixed names {', '.join(map(repr, unknown))}; it may name {', '.join(names)}"
        )
    for name, value in fixed.items():
        if not np.isfinite(value) or (value <= 0 and name not in spec.signed):
            allowed = "finite" if name in spec.signed else "positive and finite"
            raise ValueError(f"fixed[{name!r}] is {value!r}; it must be {allowed}")
    return np.array([fixed.get(name, np.nan) for name in names], float)


def _thin(grid, count):
    """`count` starts of the grid in a fixed random order that takes all parts of it."""
    if count is None:
        return grid
    whole("starts", count, 1, len(grid))
    return grid[np.random.default_rng(0).permutation(len(grid))[:count]]
