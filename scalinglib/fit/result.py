"""What a fit gives back: the law, its uncertainty, predictions with bands."""

import json
from dataclasses import dataclass, field

import numpy as np
import pandas as pd

from scalinglib.checks import positive
from scalinglib.fit.problem import Problem
from scalinglib.lanes import float64
from scalinglib.laws import SupervisedLaw

__all__ = ["Fit"]


@dataclass(frozen=True)
class Fit:
    """A fitted law, and what the data say about it.

    Attributes
    ----------
    law : SupervisedLaw, DistillationLaw or what else the spec builds
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
    level : float
        Of the intervals and bands.
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
    level: float
    warnings: tuple
    z: np.ndarray = field(repr=False)
    problem: Problem = field(repr=False)
    supervised_replicates: np.ndarray | None = field(default=None, repr=False)

    @property
    def spec(self):
        """The `LawSpec` that was fitted."""
        return self.problem.spec

    @property
    def delta(self):
        """Huber's delta, in log-loss."""
        return self.problem.delta

    def laws(self):
        """The replicates as one law whose coefficients are columns: it broadcasts against runs."""
        supervised = getattr(self.law, "supervised", None)
        if self.supervised_replicates is not None:
            supervised = SupervisedLaw(*self.supervised_replicates.T[..., None])
        return self.spec.build(self.replicates.to_numpy().T[..., None], supervised)

    def residuals(self, runs=None):
        """Log of predicted over measured loss, one a run, as an array."""
        runs = self.runs if runs is None else runs
        measured = runs[self.spec.columns[-1]].to_numpy(float)
        return np.log(self._loss(self.law, runs)) - np.log(measured)

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
        missing = [name for name in self.spec.columns[:-1] if name not in runs.columns]
        if missing:
            raise ValueError(
                f"runs lack {', '.join(missing)}; found {', '.join(map(str, runs.columns))}"
            )
        table = runs.assign(predicted=self._loss(self.law, runs))
        if len(self.replicates) == 0:
            return table
        spread = self._loss(self.laws(), runs)
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

    def _loss(self, law, runs):
        inputs = [positive(name, runs[name].to_numpy(float)) for name in self.spec.columns[:-1]]
        with float64():
            return np.exp(np.asarray(law.log_loss(*map(np.log, inputs))))

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
                "law": self.spec.name,
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
