"""Fit a law, or two at once, to a table of runs, with intervals and bands (Appendix F).

The objective is the paper's: the sum over runs of Huber_delta(log L̂ - log L) (Equations 45, 50).
"""

import warnings
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd

from scalinglib.fit.bootstrap import replicate, resampled
from scalinglib.fit.distillation import DISTILLATION
from scalinglib.fit.inputs import FitWarning, check_runs
from scalinglib.fit.joint import joint
from scalinglib.fit.problem import Problem, table
from scalinglib.fit.result import Fit
from scalinglib.fit.supervised import SUPERVISED
from scalinglib.laws import SupervisedLaw

__all__ = ["fit", "fit_distillation", "fit_jointly", "fit_supervised"]

_AT_OPTIMUM = 1e-6  # relative to the best objective


@dataclass(frozen=True)
class _Resampling:
    replicates: int
    cluster: object = None
    level: float = 0.95
    seed: int = 0

    def __post_init__(self):
        if not 0 < self.level < 1:
            raise ValueError(f"level is {self.level!r}; it must be between 0 and 1")


def fit(
    spec,
    runs,
    *,
    supervised=None,
    fixed=None,
    delta=1e-3,
    starts=None,
    bootstrap=0,
    cluster=None,
    level=0.95,
    seed=0,
):
    """Fit the law of a `LawSpec` to a table of runs.

    Parameters
    ----------
    spec : LawSpec
    runs : DataFrame
        The columns of the spec; parameters non-embedding, losses in nats per token.
    supervised : SupervisedLaw, Fit or None
        The supervised law that is held, for a law that needs one. A Fit with replicates carries its
        uncertainty through: replicate i here uses replicate i there.
    fixed : dict or None
        Coefficients to hold, such as {"gamma": 1.0} for the Chinchilla form.
    delta : float
        Huber's delta in log-loss; 1e-3 is Besiroglu et al.'s, the paper's is 1e-4 (see `paper`).
    starts : int or None
        How many starts of the full set, drawn evenly; None takes all.
    bootstrap : int
        Replicates; 0 gives no intervals.
    cluster : str, list of str or None
        Column (or columns) whose groups are resampled as wholes; None resamples runs. "teacher"
        means runs of one teacher, by a column of that name or else by equal teacher_loss.
    level : float
        Of the percentile intervals and bands.
    seed : int

    Returns
    -------
    Fit
    """
    if spec.n_tables != 1:
        raise ValueError(f"spec is {spec.name}, of {spec.n_tables} tables; fit takes one")
    law = _held_law(spec, supervised)
    checked, said = _check(runs, spec, fixed, law)
    problem, ordered = _problem(spec, checked, fixed, delta, law)
    grid = _thin(spec.starts(problem.tables[0]["logs"]), starts)
    carried = None
    if isinstance(supervised, Fit) and len(supervised.replicates) and bootstrap:
        rows = supervised.replicates.to_numpy()
        carried = np.resize(rows, (bootstrap, rows.shape[1]))
    resampling = _Resampling(bootstrap, cluster, level, seed)
    found = _solve(problem, grid, [ordered], resampling, carried=carried)
    return _warned(replace(found, runs=checked, warnings=said + found.warnings))


def fit_supervised(runs, **options):
    """Fit L(N, D) = E + (A / N^alpha + B / D^beta)^gamma (Section F.1).

    Parameters
    ----------
    runs : DataFrame
        params (non-embedding), tokens, loss (nats per token).
    **options
        Those of `fit`; the full grid has 4500 starts.

    Returns
    -------
    Fit
    """
    return fit(SUPERVISED, runs, **options)


def fit_distillation(runs, supervised, **options):
    """Fit the distillation law to runs, the supervised law held (Section F.2).

    Parameters
    ----------
    runs : DataFrame
        student_params (non-embedding), student_tokens, teacher_loss, student_loss (nats per token).
    supervised : SupervisedLaw or Fit
        What gives L̃_S.
    **options
        Those of `fit`; the full grid has 4096 starts.

    Returns
    -------
    Fit
    """
    return fit(DISTILLATION, runs, supervised=supervised, **options)


def fit_jointly(
    supervised_runs, distillation_runs, *, delta=1e-3, starts=64, bootstrap=0, level=0.95, seed=0
):
    """Fit both laws at once: one objective over both tables, L̃_S moving with its coefficients.

    Parameters
    ----------
    supervised_runs, distillation_runs : DataFrame
        As for the separate fits, whose results are the first start.
    starts : int
        The first start and this many less one random ones around it, 0.3 apart in each coordinate.
    delta, bootstrap, level, seed
        As for `fit`; runs are resampled within each table.

    Returns
    -------
    Fit
        Its law is a DistillationLaw with the refitted supervised law inside; the supervised
        coefficients are named supervised_E and so on.
    """
    first = fit_supervised(supervised_runs, delta=delta, starts=256)
    second = fit_distillation(distillation_runs, first, delta=delta, starts=256)
    problems = first.problem, second.problem
    problem = Problem(
        spec=joint(first.spec, second.spec),
        tables=sum((p.tables for p in problems), ()),
        counts=sum((p.counts for p in problems), ()),
        box=tuple(map(np.concatenate, zip(*(p.box for p in problems), strict=True))),
        fixed=np.concatenate([p.fixed for p in problems]),
        delta=problems[0].delta,
    )
    z = np.concatenate([first.z, second.z])
    grid = z + 0.3 * np.random.default_rng(seed).standard_normal((starts, len(z)))
    grid[0] = z
    ordered = [_canonical(f.runs, f.spec) for f in (first, second)]
    resampling = _Resampling(bootstrap, None, level, seed)
    found = _solve(problem, grid, ordered, resampling, near=True)
    said = first.warnings + second.warnings + found.warnings
    return _warned(replace(found, runs=second.runs, warnings=said))


def _solve(problem, grid, ordered, resampling, *, near=False, carried=None):
    found = problem.solve(grid, near=near)
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
    estimate = problem.coefficients(z[None])[0]
    rng = np.random.default_rng(resampling.seed)
    weights = resampled(ordered, resampling.replicates, resampling.cluster, rng)
    drawn = replicate(problem, z, grid, weights, rng=rng, supervised=carried)
    said = []
    if at_optimum.mean() < 0.1:
        said.append(f"only {at_optimum.mean():.1%} of the starts reach the best objective")
    if not found.converged[best]:
        said.append("the best start did not pass the convergence test")
    if drawn.share < 0.98:
        said.append(
            f"{1 - drawn.share:.1%} of the bootstrap replicates did not converge and are not used"
        )
    names = list(problem.spec.coefficients)
    return Fit(
        law=problem.spec.build(estimate.tolist(), problem.supervised_law),
        objective=float(value * problem.delta**2),
        coefficients=_intervals(problem, estimate, drawn.coefficients, resampling.level),
        starts_at_optimum=float(at_optimum.mean()),
        starts_converged=float(found.converged.mean()),
        replicates=pd.DataFrame(drawn.coefficients, columns=names),
        replicates_converged=drawn.share,
        runs=ordered[-1],
        level=resampling.level,
        warnings=tuple(said),
        z=z,
        problem=problem,
        replicate_z=drawn.z,
        supervised_replicates=drawn.supervised,
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
    )


def _warned(found):
    for text in found.warnings:
        warnings.warn(text, FitWarning, stacklevel=4)
    return found


def _held_law(spec, supervised):
    law = supervised.law if isinstance(supervised, Fit) else supervised
    if not spec.needs_supervised and law is not None:
        raise ValueError(f"supervised is given, and the {spec.name} law needs none")
    if spec.needs_supervised and not isinstance(law, SupervisedLaw):
        raise ValueError(
            f"supervised is {type(law).__name__}; it must be a SupervisedLaw or its Fit"
        )
    return law


def _check(runs, spec, fixed, supervised):
    """Checked runs, and what the checks warned of, for the Fit to say."""
    free = int(np.isnan(_fixed_vector(fixed, spec)).sum())
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always", FitWarning)
        checked = check_runs(runs, spec, free, supervised)
    return checked, tuple(str(w.message) for w in caught if issubclass(w.category, FitWarning))


def _problem(spec, runs, fixed, delta, supervised):
    if not (np.isfinite(delta) and delta > 0):
        raise ValueError(f"delta is {delta!r}; it must be positive and finite")
    ordered = _canonical(runs, spec)
    one = table(spec, ordered, supervised)
    return Problem(
        spec=spec,
        tables=(one,),
        counts=(len(runs),),
        box=tuple(spec.box(one["logs"])),
        fixed=_fixed_vector(fixed, spec),
        delta=float(delta),
        supervised=None if supervised is None else np.array(supervised, float),
    ), ordered


def _canonical(runs, spec):
    """The runs in an order that depends on values alone, so that sums are the same to the bit."""
    return runs.sort_values(list(spec.columns), kind="stable", ignore_index=True)


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
    if not 1 <= count <= len(grid):
        raise ValueError(f"starts is {count!r}; it must be between 1 and {len(grid)}")
    return grid[np.random.default_rng(0).permutation(len(grid))[:count]]
