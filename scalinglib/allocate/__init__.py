"""Compute-optimal distillation and supervised training, and which teacher to use (Section 5, D).

`questions` has what readers ask, `solver` the optimiser that answers, `supervised` the half that
needs no teacher, `decide` the decision to distil or not, `uncertainty` the answers under an
ensemble of laws, `shift` laws moved to other text.
"""

from scalinglib.allocate.decide import AGREEMENT, Advice, Problem, Teacher, advise
from scalinglib.allocate.questions import (
    SCENARIOS,
    best_teacher_loss,
    compute_for_loss,
    costs_of_losses,
    crossover,
    deltas,
    inside_trained_range,
    last_gain,
    minimum_compute,
    optima,
    optimal,
    tokens_with_teacher,
)
from scalinglib.allocate.solver import TEACHER_PARAMS_BOX, TOKENS_BOX
from scalinglib.allocate.supervised import cheapest_model, supervised_optimum
from scalinglib.allocate.uncertainty import crossovers, infinite_data_gap, under_ensemble

__all__ = [
    "AGREEMENT",
    "SCENARIOS",
    "TEACHER_PARAMS_BOX",
    "TOKENS_BOX",
    "Advice",
    "Problem",
    "Teacher",
    "advise",
    "best_teacher_loss",
    "cheapest_model",
    "compute_for_loss",
    "costs_of_losses",
    "crossover",
    "crossovers",
    "deltas",
    "infinite_data_gap",
    "inside_trained_range",
    "last_gain",
    "minimum_compute",
    "optima",
    "optimal",
    "supervised_optimum",
    "tokens_with_teacher",
    "under_ensemble",
]
