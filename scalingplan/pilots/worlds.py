"""Worlds: laws that the evidence leaves open, and how far runs may lie from any of them."""

from dataclasses import dataclass

import numpy as np
import pandas as pd

from scalinglib.checks import positive, within
from scalinglib.laws import Ensemble, Law

INPUTS = ("student_params", "student_tokens", "teacher_params", "teacher_tokens", "teacher_loss")
# Of the noise's variance, by losses of one run at several steps. Runs of one seed on neighbouring
# numbers of tokens correlate by 0.2 to 0.9 in data/runs (floor, epochs, text, mixing).
SHARED = 0.5
_MOST = np.log(30.0)  # log of a loss that no model has: where a law runs away


@dataclass(frozen=True, eq=False)
class Worlds:
    """Laws with weights.

    - laws: each one law, or several as one whose coefficients are columns (`Prior.laws`).
    - weights: (worlds,), positive, sum 1.
    """

    laws: tuple[Law, ...]
    weights: np.ndarray

    @classmethod
    def of(cls, known: Ensemble) -> "Worlds":
        """The laws of an ensemble, such as `Fit.ensemble`."""
        return cls(tuple(known.members), np.asarray(known.weights, float))

    def log_losses(self, runs: pd.DataFrame) -> np.ndarray:
        """Log of the loss of each run under each law, (worlds, runs).

        - runs: `INPUTS`; without teacher_params and teacher_loss a model trained on labels, and
          where teacher_loss alone is missing the teacher's is the law's own.
        """
        size, tokens, *teacher = (np.log(runs[name].to_numpy(float)) for name in INPUTS)
        found = []
        for law in self.laws:
            alone = getattr(law, "supervised", law)
            with np.errstate(invalid="ignore", over="ignore"):
                rows = np.atleast_2d(alone.log_loss(size, tokens))
            taught = ~np.isnan(teacher[0]) | ~np.isnan(teacher[2])
            if taught.any():
                with np.errstate(invalid="ignore", over="ignore"):
                    own = np.atleast_2d(alone.log_loss(teacher[0], teacher[1]))
                    told = np.where(np.isnan(teacher[2]), own, teacher[2])
                    distilled = np.atleast_2d(law.log_loss(size, tokens, told))
                rows = np.where(taught, distilled, rows)
            found.append(rows)
        rows = np.broadcast_to(np.vstack(found), (len(self.weights), len(runs)))
        return np.clip(rows, -_MOST, _MOST)


@dataclass(frozen=True)
class Discrepancy:
    """What no law says: a Gaussian process over runs, in log-loss.

    Runs near each other in the logs of size, tokens and teacher err alike; pilots far from a
    question cannot tell what the law misses there, however many they are. Of the paper's 328 runs
    and bias and variance the likeliest is a size of 0.002 and a reach of 1.7, beside a noise of
    0.001; what a fit has bent away is not seen there, hence the defaults.

    - size: standard deviation of log-loss; 0 trusts the laws.
    - reach: factor in parameters or tokens over which errors become independent; of a teacher's
      loss its fifth root.
    """

    size: float = 0.003
    reach: float = 2.0

    def __post_init__(self):
        """Refuse what is no scale."""
        positive("reach", self.reach - 1)
        within("size", self.size, 0, 1)

    def covariance(self, a: pd.DataFrame, b: pd.DataFrame) -> np.ndarray:
        """Between runs, (len(a), len(b)); models on labels and students err independently."""
        first, second = (_places(runs) for runs in (a, b))
        distance = ((first[:, None] - second[None]) / np.log(self.reach)) ** 2
        return self.size**2 * np.exp(-0.5 * distance.sum(axis=-1))


_APART = 50.0  # in log units: models on labels, from students


def _places(runs):
    size, tokens, loss = (np.log(runs[name].to_numpy(float)) for name in (*INPUTS[:2], INPUTS[4]))
    # A model's loss falls at most about as its size to the power of a fifth.
    return np.stack([size, tokens, 5 * np.where(np.isnan(loss), _APART, loss)], axis=1)


def seed_noise(runs: pd.DataFrame, noise: float) -> np.ndarray:
    """Covariance of runs' log-losses over seeds; rows of one `run`, its learning curve, share some.

    - noise: standard deviation of one.
    """
    alone = np.eye(len(runs))
    if "run" not in runs:
        return noise**2 * alone
    names = runs.run.to_numpy(object)
    return noise**2 * np.where(alone, 1.0, SHARED * (names[:, None] == names))


def inputs(runs: pd.DataFrame, name: str = "runs") -> pd.DataFrame:
    """`INPUTS` of a table of runs as floats, those that it lacks NaN.

    - raises ValueError: of sizes or tokens that are missing or not positive, and of a teacher of
      which neither loss nor size and tokens are told: the row is named.
    """
    found = runs.reindex(columns=list(INPUTS)).astype(float)
    for column in INPUTS:
        bad = ~(found[column] > 0)
        if column.startswith("teacher"):
            bad &= found[column].notna()
        if bad.any():
            at = bad.idxmax()
            raise ValueError(
                f"{name}: {column} is {found.loc[at, column]:g} in row {at}; it must be positive"
            )
    lacks = found.teacher_params.notna() & found.teacher_loss.isna() & found.teacher_tokens.isna()
    if lacks.any():
        raise ValueError(
            f"{name}: row {lacks.idxmax()} has a teacher with neither teacher_loss nor "
            "teacher_tokens"
        )
    return found
