"""What a fit gives back: the law, its uncertainty, predictions with bands."""

from dataclasses import dataclass, field
from enum import Enum

import numpy as np
import pandas as pd

from scalinglib.checks import positive
from scalinglib.fit.problem import Problem
from scalinglib.fit.spec import LawSpec
from scalinglib.lanes import float64
from scalinglib.laws import FORMS, Ensemble, Law, Seen, SupervisedLaw
from scalinglib.laws.ensembles import GROWTH

LEVEL = 0.95  # of percentile intervals and bands, where none is asked for
_AT_EDGE = 1e-3  # in units of the coordinates, which are logs, odds and the like


class Status(Enum):
    """How a search ended, the worst that is true of it."""

    CONVERGED = "the best start converged and others agree"
    BOUND = "a coefficient stands at a bound of the search"
    FEW_STARTS = "fewer than a tenth of the starts reach the best objective"
    NOT_CONVERGED = "the best start did not pass the convergence test"


@dataclass(frozen=True)
class Fit:
    """A fitted law, and what the data say about it.

    - objective: sum of Huber over the runs at the optimum.
    - coefficients: indexed by coefficient: estimate, low, high (NaN where there are no replicates
      or the coefficient was fixed), fixed, level and kind of that range.
    - starts_at_optimum: share of the starts whose objective is within 1e-6 of the best.
    - replicates: coefficients of each converged bootstrap replicate.
    - replicates_converged: share of replicates that passed the convergence test; the rest is not
      used.
    """

    law: Law
    objective: float
    coefficients: pd.DataFrame
    starts_at_optimum: float
    replicates: pd.DataFrame
    replicates_converged: float
    runs: pd.DataFrame
    level: float
    warnings: tuple[str, ...]
    z: np.ndarray = field(repr=False)
    problem: Problem = field(repr=False)
    replicate_z: np.ndarray = field(repr=False)
    converged: bool = True
    supervised_replicates: np.ndarray | None = field(default=None, repr=False)

    @property
    def spec(self) -> LawSpec:
        """The `LawSpec` that was fitted."""
        return self.problem.spec

    @property
    def delta(self) -> float:
        """Huber's delta, in log-loss."""
        return self.problem.delta

    def laws(self) -> Law:
        """The replicates as one law whose coefficients are columns: it broadcasts against runs."""
        supervised = getattr(self.law, "supervised", None)
        if self.supervised_replicates is not None:
            supervised = SupervisedLaw(*self.supervised_replicates.T[..., None])
        return self.spec.build(self.replicates.to_numpy().T[..., None], supervised)

    def ensemble(self) -> Ensemble:
        """The replicates as an ensemble of laws of equal weight.

        - raises ValueError: of a law without teachers, or a fit without replicates.
        """
        if not self.spec.needs_supervised:
            raise ValueError(f"the {self.spec.name} law has no teachers; an ensemble's laws do")
        if not len(self.replicates):
            raise ValueError("fit has no replicates; fit with bootstrap=200 or more")
        rows = self.replicates.to_numpy().tolist()
        supervised = [self.law.supervised] * len(rows)
        if self.supervised_replicates is not None:
            supervised = [SupervisedLaw(*row) for row in self.supervised_replicates.tolist()]
        form = next((key for key, law in FORMS.items() if law is self.spec.law), self.spec.name)
        count, residuals = len(rows), self._run_residuals()
        return Ensemble(
            members=tuple(map(self.spec.build, rows, supervised)),
            names=tuple(f"{form} {i}" for i in range(count)),
            forms=(form,) * count,
            weights=np.full(count, 1 / count),
            scales=np.full(count, np.abs(residuals).mean()),
            seen=Seen.of(self.runs, self.law.supervised),
            growth=GROWTH * float(np.abs(residuals).mean()),
        )

    @property
    def status(self) -> Status:
        """How the search ended."""
        if not self.converged:
            return Status.NOT_CONVERGED
        if self.starts_at_optimum < 0.1:
            return Status.FEW_STARTS
        return Status.BOUND if (self.at_bound.estimate != "").any() else Status.CONVERGED

    @property
    def at_bound(self) -> pd.DataFrame:
        """Where the answer is the box of the search and not the runs'.

        - returns: indexed by coefficient: estimate, "<" where the value without the box would be
          smaller, ">" where it would be larger, "" where the runs tell it; below and above, the
          share of the replicates of which the same is true.
        """
        marks = self._marks(np.vstack([self.z[None], self.replicate_z]))
        drawn = marks[1:]
        return pd.DataFrame(
            {
                "estimate": marks[0],
                "below": (drawn == "<").mean(axis=0) if len(drawn) else 0.0,
                "above": (drawn == ">").mean(axis=0) if len(drawn) else 0.0,
            },
            index=self.coefficients.index,
        )

    def _marks(self, z):
        names = self.spec.coefficients
        marks = np.full((len(z), len(names)), "", dtype="<U1")
        for at, ends in self.spec.edges.items():
            for told, bound in zip(ends, self.problem.box, strict=True):
                near = np.abs(z[:, at] - bound[at]) < _AT_EDGE
                # A coefficient that is held leaves its coordinate where the search began.
                if np.isnan(self.problem.fixed[names.index(next(iter(told)))]):
                    for name, mark in told.items():
                        marks[near, names.index(name)] = mark
        marks[:, ~np.isnan(self.problem.fixed)] = ""
        return marks

    def coefficient_table(self) -> pd.DataFrame:
        """The coefficients for print: as many digits as the intervals tell, "<" and ">" at bounds.

        Of a positive coefficient an end of the interval a thousand times away says that, no more.

        - returns: DataFrame of str; indexed by coefficient: estimate, low, high; "" where there is
          no interval.
        """
        table, bound = self.coefficients, self.at_bound
        tail = (1 - self.level) / 2
        rows = {}
        for name, row in table.iterrows():
            below, above = bound.below[name], bound.above[name]
            marks = {
                "estimate": bound.estimate[name],
                "low": "<" if below >= tail else ">" if above > 1 - tail else "",
                "high": ">" if above >= tail else "<" if below > 1 - tail else "",
            }
            digits = 2 if bound.estimate[name] else _digits(row.estimate, row.low, row.high)
            # Ends are quantiles of replicates: one that converges elsewhere on another processor
            # moves them in their second digit.
            shown = {"estimate": digits, "low": digits - 1, "high": digits - 1}
            value = row[list(marks)]
            if row.low > 0:
                # Many decades away, where a flat direction ends, not even the first is told.
                far = row.estimate / _FAR, row.estimate * _FAR
                value = value.clip(*far)
                marks["low"] = "<" if row.low < far[0] else marks["low"]
                marks["high"] = ">" if row.high > far[1] else marks["high"]
            rows[name] = {
                key: "" if pd.isna(value[key]) else f"{mark}{value[key]:.{shown[key]}g}"
                for key, mark in marks.items()
            }
        return pd.DataFrame(rows).T.rename_axis("coefficient")

    @property
    def starts_in_words(self) -> str:
        """Share of starts at the best objective, to a tenth: the rest hangs on the processor."""
        share = self.starts_at_optimum
        return "At least 90%" if share >= 0.9 else f"About {round(share, 1):.0%}"

    def residuals(self, runs: pd.DataFrame | None = None) -> np.ndarray:
        """Log of predicted over measured loss, one a run, as an array."""
        runs = self.runs if runs is None else runs
        measured = runs[self.spec.columns[-1]].to_numpy(float)
        return np.log(self._loss(self.law, runs)) - np.log(measured)

    def predict(self, runs: pd.DataFrame) -> pd.DataFrame:
        """Predictions for a table of runs, with two bands.

        - runs: the law's input columns; a measured loss is not needed.
        - returns: `runs` with predicted, law_low, law_high (where the law lies) and run_low,
          run_high (where a new run would come out: the law's spread and the residuals of one run),
          nats per token. Without replicates only predicted.
        """
        if missing := [name for name in self.spec.columns[:-1] if name not in runs]:
            raise ValueError(f"runs lack {', '.join(missing)}; found {', '.join(map(str, runs))}")
        table = runs.assign(predicted=self._loss(self.law, runs))
        if len(self.replicates) == 0:
            return table
        spread = self._loss(self.laws(), runs)
        tails = (1 - self.level) / 2, (1 + self.level) / 2
        low, high = np.quantile(spread, tails, axis=0)
        # Each residual as often as any other, the same ones for all runs: else the band is ragged.
        drawn = np.resize(-self._run_residuals(), 8 * len(spread))
        drawn = np.random.default_rng(0).permutation(drawn).reshape(8, -1, 1)
        run_low, run_high = np.quantile(
            (spread * np.exp(drawn)).reshape(-1, len(runs)), tails, axis=0
        )
        # The bands are samples' quantiles: hold the wider one to that name where the law is exact.
        run_low, run_high = np.minimum(run_low, low), np.maximum(run_high, high)
        return table.assign(law_low=low, law_high=high, run_low=run_low, run_high=run_high)

    def _run_residuals(self):
        """Residuals of the runs, made larger by what the coefficients took of them."""
        residuals = self.residuals()
        free = np.isnan(self.problem.fixed).sum()
        return residuals * np.sqrt(len(residuals) / max(len(residuals) - free, 1))

    def _loss(self, law, runs):
        inputs = [positive(name, runs[name].to_numpy(float)) for name in self.spec.columns[:-1]]
        with float64():
            return np.exp(np.asarray(law.log_loss(*map(np.log, inputs))))

    def mean_relative_error(self, runs: pd.DataFrame | None = None) -> float:
        """Mean of abs(predicted / measured - 1)."""
        return float(np.abs(np.expm1(self.residuals(runs))).mean())


_FAR = 1000.0  # times the estimate, or that part of it


def _digits(value, low, high):
    """Significant digits of a value: two more than its interval leaves open, 2 to 5; else 4."""
    if not (np.isfinite([low, high]).all() and value and high > low):
        return 4
    return int(np.clip(2 - np.log10((high - low) / (2 * abs(value))), 2, 5))
