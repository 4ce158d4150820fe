"""Fit either law, or both at once, to a table of runs, with intervals and bands (Appendix F).

The objective is the paper's: the sum over runs of Huber_delta(log L̂ - log L) (Equations 45, 50).
"""

import json
import warnings
from dataclasses import dataclass, field

import numpy as np
import pandas as pd

from scalinglib.fit import model
from scalinglib.fit.inputs import FitWarning, check_runs
from scalinglib.fit.model import DISTILLATION, JOINT, SUPERVISED
from scalinglib.fit.problem import Problem
from scalinglib.fit.problem import bootstrap as bootstrap_replicates
from scalinglib.laws import DistillationLaw, SupervisedLaw

__all__ = ["Fit", "fit_distillation", "fit_jointly", "fit_supervised"]

_AT_OPTIMUM = 1e-6  # relative to the best objective


@dataclass(frozen=True)
class Fit:
    """A fitted law, and what the data say about it.

    Attributes
    ----------
    law : SupervisedLaw or DistillationLaw
    objective : float
        Sum of Huber over the runs at the optimum.
    coefficients : DataFrame
        Indexed by coefficient: estimate, low, high (percentiles of the replicates; NaN where there
        are none or the coefficient was fixed), fixed.
    starts_at_optimum, starts_converged : float
        Shares of the starts whose objective is within 1e-6 of the best, and that pass the
        convergence test.
    replicates : DataFrame
        Coefficients of each converged bootstrap replicate.
    replicates_converged : float
        Share of replicates that passed the convergence test; the rest is not used.
    runs : DataFrame
        The runs, checked (for a joint fit, the distillation runs).
    delta, level : float
        Huber's delta, in log-loss; level of the intervals.
    warnings : tuple of str
        What checks and convergence had to say.
    """

    law: object
    objective: float
    coefficients: pd.DataFrame
    starts_at_optimum: float
    starts_converged: float
    replicates: pd.DataFrame
    replicates_converged: float
    runs: pd.DataFrame
    delta: float
    level: float
    warnings: tuple
    z: np.ndarray = field(repr=False)
    problem: Problem = field(repr=False)
    supervised_replicates: np.ndarray | None = field(default=None, repr=False)

    @property
    def kind(self):
        """The `Kind` that was fitted."""
        return self.problem.kind

    def laws(self):
        """The replicates as one law whose coefficients are columns: it broadcasts against runs."""
        values = self.replicates.to_numpy().T[..., None]
        if self.kind is SUPERVISED:
            return SupervisedLaw(*values)
        if self.kind is JOINT:
            return DistillationLaw(*values[6:], supervised=SupervisedLaw(*values[:6]))
        supervised = self.law.supervised
        if self.supervised_replicates is not None:
            supervised = SupervisedLaw(*self.supervised_replicates.T[..., None])
        return DistillationLaw(*values, supervised=supervised)

    def residuals(self, runs=None):
        """Log of predicted over measured loss, one a run, as an array."""
        runs = self.runs if runs is None else runs
        columns = _table_kind(self.law).columns
        predicted = self.law.loss(*(runs[name].to_numpy(float) for name in columns[:-1]))
        return np.log(predicted) - np.log(runs[columns[-1]].to_numpy(float))

    def predict(self, runs):
        """Predictions for a table of runs, with two bands.

        Parameters
        ----------
        runs : DataFrame
            The law's input columns; a measured loss is not needed.

        Returns
        -------
        DataFrame
            `runs` with predicted, law_low, law_high (where the law lies) and run_low, run_high
            (where a new run would come out: the law's spread and the residuals of one run), nats
            per token. Without replicates only predicted.
        """
        columns = _table_kind(self.law).columns[:-1]
        missing = [name for name in columns if name not in runs.columns]
        if missing:
            raise ValueError(
                f"runs lack {', '.join(missing)}; found {', '.join(map(str, runs.columns))}"
            )
        inputs = [runs[name].to_numpy(float) for name in columns]
        table = runs.assign(predicted=self.law.loss(*inputs))
        if len(self.replicates) == 0:
            return table
        spread = self.laws().loss(*inputs)
        tails = (1 - self.level) / 2, (1 + self.level) / 2
        low, high = np.quantile(spread, tails, axis=0)
        # Residuals of fitted runs are too small by the coefficients they went into.
        residuals = self.residuals()
        free = np.isnan(self.problem.fixed).sum()
        residuals = residuals * np.sqrt(len(residuals) / max(len(residuals) - free, 1))
        drawn = np.random.default_rng(0).choice(-residuals, size=(8, *spread.shape))
        run_low, run_high = np.quantile(
            (spread * np.exp(drawn)).reshape(-1, len(runs)), tails, axis=0
        )
        # The bands are samples' quantiles: hold the wider one to that name where the law is exact.
        return table.assign(
            law_low=low,
            law_high=high,
            run_low=np.minimum(run_low, low),
            run_high=np.maximum(run_high, high),
        )

    def mean_relative_error(self, runs=None):
        """Mean of abs(predicted / measured - 1)."""
        return float(np.abs(np.expm1(self.residuals(runs))).mean())

    def to_json(self):
        """The fit without its runs, as JSON text: rounding apart, what the notebooks show."""
        table = self.coefficients
        numbers = {
            name: {
                key: (None if pd.isna(row[key]) else float(row[key]))
                for key in ("estimate", "low", "high")
            }
            | {"fixed": bool(row["fixed"])}
            for name, row in table.iterrows()
        }
        return json.dumps(
            {
                "kind": self.kind.name,
                "runs": len(self.runs),
                "delta": self.delta,
                "objective": self.objective,
                "level": self.level,
                "replicates": len(self.replicates),
                "replicates_converged": self.replicates_converged,
                "starts_at_optimum": self.starts_at_optimum,
                "mean_relative_error": self.mean_relative_error(),
                "coefficients": numbers,
                "warnings": list(self.warnings),
            },
            indent=2,
        )


def fit_supervised(
    runs, *, fixed=None, delta=1e-3, starts=None, bootstrap=0, cluster=None, level=0.95, seed=0
):
    """Fit L(N, D) = E + (A / N^alpha + B / D^beta)^gamma (Section F.1).

    Parameters
    ----------
    runs : DataFrame
        params (non-embedding), tokens, loss (nats per token).
    fixed : dict or None
        Coefficients to hold, such as {"gamma": 1.0} for the Chinchilla form.
    delta : float
        Huber's delta in log-loss; the paper's value was lost, 1e-3 is Besiroglu et al.'s.
    starts : int or None
        How many starts of the full grid (4500), drawn evenly; None takes all.
    bootstrap : int
        Replicates; 0 gives no intervals.
    cluster : str, list of str or None
        Column (or columns) whose groups are resampled as wholes; None resamples runs.
    level : float
        Of the percentile intervals and bands.
    seed : int

    Returns
    -------
    Fit
    """
    names = SUPERVISED.coefficients
    held = _fixed_vector(fixed, names)
    checked, said = _check(runs, SUPERVISED, np.isnan(held).sum())
    ordered = _canonical(checked, SUPERVISED)
    shared = model.shared_data(SUPERVISED, ordered)
    problem = Problem(
        SUPERVISED, shared, model.box(SUPERVISED, shared), held, _delta(delta), (len(ordered),)
    )
    grid = _thin(model.start_grid(SUPERVISED, shared), starts)
    return _fit(problem, grid, checked, ordered, bootstrap, cluster, level, seed, said)


def fit_distillation(
    runs,
    supervised,
    *,
    fixed=None,
    delta=1e-3,
    starts=None,
    bootstrap=0,
    cluster=None,
    level=0.95,
    seed=0,
):
    """Fit the distillation law to runs, the supervised law held (Section F.2).

    Parameters
    ----------
    runs : DataFrame
        student_params (non-embedding), student_tokens, teacher_loss, student_loss (nats per token).
    supervised : SupervisedLaw or Fit
        What gives L̃_S. A Fit with replicates carries its uncertainty through: replicate i here
        uses replicate i there.
    cluster : str, list of str or None
        As for `fit_supervised`; "teacher" means runs of one teacher, by a column of that name or
        else by equal teacher_loss.
    fixed, delta, starts, bootstrap, level, seed
        As for `fit_supervised`; the full grid has 4096 starts.

    Returns
    -------
    Fit
    """
    law = supervised.law if isinstance(supervised, Fit) else supervised
    if not isinstance(law, SupervisedLaw):
        raise ValueError(
            f"supervised is {type(law).__name__}; it must be a SupervisedLaw or its Fit"
        )
    held = _fixed_vector(fixed, DISTILLATION.coefficients)
    checked, said = _check(runs, DISTILLATION, np.isnan(held).sum(), law)
    ordered = _canonical(checked, DISTILLATION)
    inputs = ordered.student_params.to_numpy(), ordered.student_tokens.to_numpy()
    log_supervised = np.log(law.loss(*inputs))
    shared = model.shared_data(DISTILLATION, ordered, log_supervised)
    problem = Problem(
        DISTILLATION,
        shared,
        model.box(DISTILLATION, shared),
        held,
        _delta(delta),
        (len(ordered),),
        model.pad(log_supervised),
    )
    grid = _thin(model.start_grid(DISTILLATION, shared), starts)
    carried = None
    if isinstance(supervised, Fit) and len(supervised.replicates) and bootstrap:
        carried = np.resize(supervised.replicates.to_numpy(), (bootstrap, 6))
    return _fit(
        problem, grid, checked, ordered, bootstrap, cluster, level, seed, said, law, carried
    )


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
        As for `fit_supervised`; runs are resampled within each table.

    Returns
    -------
    Fit
        Its law is a DistillationLaw with the refitted supervised law inside; the supervised
        coefficients are named supervised_E and so on.
    """
    first = fit_supervised(supervised_runs, delta=delta, starts=256)
    second = fit_distillation(distillation_runs, first, delta=delta, starts=256)
    shared = {"supervised": first.problem.shared, "distillation": second.problem.shared}
    bounds = tuple(
        np.concatenate(pair) for pair in zip(first.problem.box, second.problem.box, strict=True)
    )
    counts = len(first.runs), len(second.runs)
    problem = Problem(JOINT, shared, bounds, np.full(15, np.nan), delta, counts)
    z = np.concatenate([first.z, second.z])
    grid = z + 0.3 * np.random.default_rng(seed).standard_normal((starts, 15))
    grid[0] = z
    said = first.warnings + second.warnings
    ordered = [_canonical(f.runs, f.kind) for f in (first, second)]
    return _fit(problem, grid, second.runs, ordered, bootstrap, None, level, seed, said)


def _fit(
    problem,
    grid,
    runs,
    ordered,
    bootstrap,
    cluster,
    level,
    seed,
    said,
    supervised=None,
    carried=None,
):
    if not 0 < level < 1:
        raise ValueError(f"level is {level!r}; it must be between 0 and 1")
    # Joint starts are already close.
    found = problem.solve(grid, near=problem.kind is JOINT)
    best = int(np.argmin(found.value))
    # To the floor of rounding, so that coefficients do not depend on where the best start stopped.
    polished = problem.solve(
        found.z[best : best + 1], near=True, width=problem.delta, tolerance=1e-30
    )
    z = polished.z[0] if polished.value[0] <= found.value[best] else found.z[best]
    value = min(polished.value[0], found.value[best])
    at_optimum = found.value <= value * (1 + _AT_OPTIMUM) + 1e-9
    estimate = problem.coefficients(z)
    replicates, converged, kept_supervised = bootstrap_replicates(
        problem, z, grid, ordered, bootstrap, cluster, seed, carried
    )
    said = list(said)
    if at_optimum.mean() < 0.1:
        said.append(f"only {at_optimum.mean():.1%} of the starts reach the best objective")
    if not found.converged[best]:
        said.append("the best start did not pass the convergence test")
    if bootstrap and converged < 0.98:
        said.append(
            f"{1 - converged:.1%} of the bootstrap replicates did not converge and are not used"
        )
    for text in said:
        warnings.warn(text, FitWarning, stacklevel=3)
    names = list(problem.kind.coefficients)
    tails = (1 - level) / 2, (1 + level) / 2
    limits = np.full((2, len(names)), np.nan)
    if len(replicates):
        limits = np.quantile(replicates, tails, axis=0)
    is_fixed = ~np.isnan(problem.fixed)
    limits[:, is_fixed] = np.nan
    table = pd.DataFrame(
        {"estimate": estimate, "low": limits[0], "high": limits[1], "fixed": is_fixed},
        index=pd.Index(names, name="coefficient"),
    )
    return Fit(
        law=_law(problem.kind, estimate, supervised),
        objective=float(value * problem.delta**2),
        coefficients=table,
        starts_at_optimum=float(at_optimum.mean()),
        starts_converged=float(found.converged.mean()),
        replicates=pd.DataFrame(replicates, columns=names),
        replicates_converged=converged,
        runs=runs,
        delta=problem.delta,
        level=level,
        warnings=tuple(said),
        z=z,
        problem=problem,
        supervised_replicates=kept_supervised,
    )


def _law(kind, values, supervised):
    values = [float(value) for value in values]
    if kind is SUPERVISED:
        return SupervisedLaw(*values)
    if kind is JOINT:
        return DistillationLaw(*values[6:], supervised=SupervisedLaw(*values[:6]))
    return DistillationLaw(*values, supervised=supervised)


def _table_kind(law):
    return SUPERVISED if isinstance(law, SupervisedLaw) else DISTILLATION


def _check(runs, kind, free, supervised=None):
    """Checked runs, and what the checks warned of, for the Fit to say."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always", FitWarning)
        checked = check_runs(runs, kind.name, int(free), supervised)
    return checked, tuple(str(w.message) for w in caught if issubclass(w.category, FitWarning))


def _canonical(runs, kind):
    """The runs in an order that depends on values alone, so that sums are the same to the bit."""
    return runs.sort_values(list(kind.columns), kind="stable", ignore_index=True)


def _fixed_vector(fixed, names):
    fixed = fixed or {}
    unknown = [name for name in fixed if name not in names]
    if unknown:
        raise ValueError(
            f"fixed names {', '.join(map(repr, unknown))}; it may name {', '.join(names)}"
        )
    for name, value in fixed.items():
        if not np.isfinite(value) or (value <= 0 and name != "c0"):
            raise ValueError(
                f"fixed[{name!r}] is {value!r}; it must be finite, and positive but for c0"
            )
    return np.array([fixed.get(name, np.nan) for name in names], float)


def _delta(delta):
    if not (np.isfinite(delta) and delta > 0):
        raise ValueError(f"delta is {delta!r}; it must be positive and finite")
    return float(delta)


def _thin(grid, count):
    """`count` starts of the grid in a fixed random order that takes all parts of it."""
    if count is None:
        return grid
    if not 1 <= count <= len(grid):
        raise ValueError(f"starts is {count!r}; it must be between 1 and {len(grid)}")
    return grid[np.random.default_rng(0).permutation(len(grid))[:count]]
