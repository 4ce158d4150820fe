"""Compute-optimal distillation and supervised training, and which teacher to use (Section 5, D).

`questions` has what readers ask, `solver` the optimiser that answers, `supervised` the half that
needs no teacher, `advice` the decision to distil or not, `uncertainty` the answers under an
ensemble of laws, `tables` what figures and sheets show.
"""

from scalinglib.allocate.advice import Problem, Teacher, advise
from scalinglib.allocate.questions import (
    SCENARIOS,
    best_teacher_loss,
    compute_for_loss,
    crossover,
    deltas,
    minimum_compute,
    optimal,
    tokens_with_teacher,
)
from scalinglib.allocate.solver import TEACHER_PARAMS_BOX, TOKENS_BOX
from scalinglib.allocate.supervised import cheapest_model, supervised_optimum
from scalinglib.allocate.tables import costs_of_losses, optima
from scalinglib.allocate.uncertainty import crossovers, infinite_data_gap, interval, under_ensemble

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
    "costs_of_losses",
    "crossover",
    "crossovers",
    "deltas",
    "infinite_data_gap",
    "interval",
    "minimum_compute",
    "optima",
    "optimal",
    "supervised_optimum",
    "tokens_with_teacher",
    "under_ensemble",
]
