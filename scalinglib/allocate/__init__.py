"""Compute-optimal distillation and supervised training, and which teacher to use (Section 5, D).

`questions` has what readers ask, `solver` the optimiser that answers, `advice` the decision to
distil or not with the range over an ensemble of laws.
"""

from scalinglib.allocate.advice import Problem, Teacher, advise
from scalinglib.allocate.questions import (
    SCENARIOS,
    best_teacher_loss,
    cheapest_model,
    compute_for_loss,
    crossover,
    deltas,
    minimum_compute,
    optimal,
    tokens_with_teacher,
)
from scalinglib.allocate.solver import TEACHER_PARAMS_BOX, TOKENS_BOX

__all__ = [
    "SCENARIOS",
    "TEACHER_PARAMS_BOX",
    "TOKENS_BOX",
    "Problem",
    "Teacher",
    "advise",
    "best_teacher_loss",
    "cheapest_model",
    "compute_for_loss",
    "crossover",
    "deltas",
    "minimum_compute",
    "optimal",
    "tokens_with_teacher",
]
