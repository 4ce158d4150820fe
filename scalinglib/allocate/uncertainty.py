"""Allocation under an ensemble of laws: what to do, how sure that is, and where it is undecided.

`questions` answers for one law; these put its questions to every law of an ensemble and add to the
answer what they leave open. A share between 0.1 and 0.9 decides nothing.
"""

import warnings

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike

from scalinglib.allocate.questions import (
    RunawayWarning,
    Scenario,
    best_teacher_loss,
    crossover,
    minimum_compute,
    optimal,
    remark,
)
from scalinglib.laws import Ensemble, StudentLaw

VERDICTS = ("distil", "train on data", "undecided")


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
    """`allocate.optimal` under one law, with what all say of the losses.

    - returns: what `allocate.optimal` gives for `law`, but student_loss and supervised_loss are
      centres over the laws, each with its own optimum; gap (student_loss - supervised_loss, nats
      per token; negative where distilling wins); `_low` and `_high` of these three, in the gap's
      the discrepancy (`Ensemble.gain_discrepancy`), and of student_tokens, teacher_params,
      teacher_tokens and teacher_loss, over the laws and the recipe of `law`; verdict; share_distil,
      the weight of the laws under which the gap is negative.
    """
    if not 0 < level < 1:
        raise ValueError(f"level is {level!r}; it must be between 0 and 1")
    problem, limit = (student_params, compute, scenario), {"max_tokens": max_tokens}
    table = optimal(law, *problem, **limit)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RunawayWarning)  # of single laws
        each = [optimal(member, *problem, **limit) for member in ensemble.members]
    values = {name: np.array([one[name] for one in each]) for name in _LOSSES + _RECIPE}
    for name in _LOSSES:
        low, centre, high = ensemble.interval(values[name], level)
        table[name], table[f"{name}_low"], table[f"{name}_high"] = centre, low, high
    remark(table, "student_loss_high")
    gaps = values["student_loss"] - values["supervised_loss"]
    distilled = table.student_params, table.student_tokens, table.teacher_loss
    spread = ensemble.gain_discrepancy(*distilled) * table.supervised_loss.to_numpy()
    least = ensemble.entropies[:, None] - values["supervised_loss"]
    low, _, high = ensemble.interval(gaps, level, spread, (least, np.inf))
    table["gap"] = table.student_loss - table.supervised_loss
    table["gap_low"], table["gap_high"] = low, high
    for name in _RECIPE:
        low, _, high = ensemble.interval(values[name], level)
        table[f"{name}_low"] = np.minimum(low, table[name])
        table[f"{name}_high"] = np.maximum(high, table[name])
    error = ensemble.weights @ ensemble.scales * table.supervised_loss
    told = verdict(-table.gap, -table.gap_high, -table.gap_low, error)
    return table.assign(verdict=told, share_distil=ensemble.share(gaps < 0))


_LOSSES = ("student_loss", "supervised_loss")
_RECIPE = ("student_tokens", "teacher_params", "teacher_tokens", "teacher_loss")


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
    ends = {"student_params": student_params, "low": low, "median": median, "high": high}
    return pd.DataFrame(ends | {"share_never": ensemble.share(np.isinf(found))})


def infinite_data_gap(law: StudentLaw, student_params: ArrayLike) -> np.ndarray:
    """Distilled less supervised loss on infinite data with the best teacher, nats per token.

    Negative where distilling has the lower floor (Section E.6).
    """
    teacher = best_teacher_loss(law, student_params)
    supervised = law.supervised.infinite_data_loss(student_params)
    return law.infinite_data_loss(student_params, teacher) - supervised
