"""Allocation under an ensemble of laws: what to do, how sure that is, and where it is undecided.

`questions` answers for one law; these put its questions to every law of an ensemble and add to the
answer what they leave open. A share between 0.1 and 0.9 decides nothing.
"""

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike

from scalinglib.allocate.questions import (
    Scenario,
    best_teacher_loss,
    crossover,
    minimum_compute,
    optimal,
)
from scalinglib.laws import Ensemble, StudentLaw

VERDICTS = ("distil", "train on data", "undecided")


def interval(
    ensemble: Ensemble,
    values: np.ndarray,
    central: ArrayLike,
    level: float = 0.9,
    deviation: ArrayLike = 0.0,
) -> tuple[np.ndarray, np.ndarray]:
    """Where the laws lie, widened to the central answer where that stands outside.

    - values: one answer a law, shape (members, ...).
    - central: shape (...): that of the law whose numbers are shown. It fits the runs as well as the
      others do, but on data without end its floor is at the edge of theirs.
    - level: weight of the laws between low and high, at least.
    - deviation: as for `Ensemble.quantiles`.
    - returns low, high: arrays (...)
    """
    low, high = ensemble.quantiles(values, [(1 - level) / 2, (1 + level) / 2], deviation)
    return np.minimum(low, central), np.maximum(high, central)


def verdict(gain: ArrayLike, low: ArrayLike, high: ArrayLike, error: ArrayLike) -> np.ndarray:
    """Of `VERDICTS`, by a gain of distilling, its range and one run's scatter, nats."""
    gain, low, high, error = np.broadcast_arrays(gain, low, high, error)
    told = np.abs(gain) > error
    return np.select([(low > 0) & told, (high < 0) & told], VERDICTS[:2], VERDICTS[2])


def under_ensemble(
    law: StudentLaw,
    ensemble: Ensemble,
    student_params: ArrayLike,
    compute: ArrayLike,
    scenario: Scenario,
    *,
    max_tokens: ArrayLike | None = None,
    level: float = 0.9,
) -> pd.DataFrame:
    """`allocate.optimal` under one law, with the range of the answers under all.

    - returns: what `allocate.optimal` gives for `law`, and gap (student_loss - supervised_loss,
      nats per token; negative where distilling wins); `_low` and `_high` of student_loss,
      supervised_loss, gap, student_tokens, teacher_params, teacher_tokens and teacher_loss, each
      law with its own optimum, as `interval` has it, in the gap's the discrepancy
      (`Ensemble.gain_discrepancy`); verdict; share_distil, the weight of the laws under which the
      gap is negative.
    """
    if not 0 < level < 1:
        raise ValueError(f"level is {level!r}; it must be between 0 and 1")
    problem, limit = (student_params, compute, scenario), {"max_tokens": max_tokens}
    table = _with_gap(optimal(law, *problem, **limit))
    tables = [_with_gap(optimal(member, *problem, **limit)) for member in ensemble.members]
    distilled = table.student_params, table.student_tokens, table.teacher_loss
    discrepancy = ensemble.gain_discrepancy(*distilled) * table.supervised_loss.to_numpy()
    for column in _RANGED:
        values = np.array([answer[column].to_numpy() for answer in tables])
        spread = discrepancy if column == "gap" else 0.0
        ends = interval(ensemble, values, table[column].to_numpy(), level, spread)
        table[f"{column}_low"], table[f"{column}_high"] = ends
    gaps = np.array([answer.gap.to_numpy() for answer in tables])
    error = ensemble.weights @ ensemble.scales * table.supervised_loss
    told = verdict(-table.gap, -table.gap_high, -table.gap_low, error)
    return table.assign(verdict=told, share_distil=ensemble.share(gaps < 0))


_RANGED = (
    "student_loss",
    "supervised_loss",
    "gap",
    "student_tokens",
    "teacher_params",
    "teacher_tokens",
    "teacher_loss",
)


def _with_gap(table):
    return table.assign(gap=table.student_loss - table.supervised_loss)


def crossovers(ensemble: Ensemble, student_params: ArrayLike, scenario: Scenario) -> pd.DataFrame:
    """The budget from which supervised training is at least as good, as an interval over the laws.

    Students and scenario are as for `allocate.crossover`.

    - returns: one row a student: student_params, low, median, high (5, 50 and 95% of the laws,
      FLOPs; inf stands for "never within 1e28"), share_never (weight of the laws that say so).
      Where distilling never wins it is the least budget looked at, 1e17 or what pays for any
      teacher at all.
    """
    student_params = np.ravel(np.asarray(student_params, float))
    low = max(1e17, *(1.001 * minimum_compute(student_params, scenario)))
    found = np.array([crossover(m, student_params, scenario, low) for m in ensemble.members])
    low, median, high = ensemble.quantiles(found, [0.05, 0.5, 0.95])
    return pd.DataFrame(
        {
            "student_params": student_params,
            "low": low,
            "median": median,
            "high": high,
            "share_never": ensemble.share(np.isinf(found)),
        }
    )


def infinite_data_gap(law: StudentLaw, student_params: ArrayLike) -> np.ndarray:
    """Distilled less supervised loss on infinite data with the best teacher, nats per token.

    Negative where distilling has the lower floor (Section E.6).
    """
    teacher = best_teacher_loss(law, student_params)
    supervised = law.supervised.infinite_data_loss(student_params)
    return law.infinite_data_loss(student_params, teacher) - supervised
