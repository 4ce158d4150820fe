"""What pilots are for: a loss to be foretold, or a choice among ways to spend a budget."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import pandas as pd

from scalinglib.allocate import Teacher
from scalinglib.checks import positive, within
from scalinglib.flops import forward_flops
from scalingplan.pilots.worlds import INPUTS


@dataclass(frozen=True)
class Foretell:
    """The loss of one model, distilled where there is a teacher's loss."""

    student_params: float
    student_tokens: float
    teacher_loss: float | None = None

    def __post_init__(self):
        """Refuse what is no model."""
        for name in ("student_params", "student_tokens", "teacher_loss"):
            if getattr(self, name) is not None:
                positive(name, getattr(self, name))

    @property
    def names(self) -> tuple[str, ...]:
        """What its rows stand for."""
        return ("the loss",)

    def rows(self) -> pd.DataFrame:
        """The model, as a run."""
        taught = np.nan if self.teacher_loss is None else self.teacher_loss
        row = [self.student_params, self.student_tokens, np.nan, np.nan, taught]
        return pd.DataFrame([row], columns=list(INPUTS), dtype=float)


@dataclass(frozen=True)
class Choice:
    """Train one student on data, or distil it from one of some teachers, for the same FLOPs.

    - compute: FLOPs of the student's training and of the share that counts of the inference.
    - teachers: those at hand; of one without a loss (NaN) but with tokens it is the law's.
    - delta_lgt: share of the teacher's inference that counts, in [0, 1].
    - forward: FLOPs of a forward pass per token, of parameters.
    """

    student_params: float
    compute: float
    teachers: tuple[Teacher, ...]
    delta_lgt: float = 1.0
    forward: Callable[[float], float] = forward_flops

    def __post_init__(self):
        """Refuse what is no choice."""
        positive("student_params", self.student_params)
        positive("compute", self.compute)
        if not self.teachers:
            raise ValueError("teachers is empty; a choice needs one or more")
        within("delta_lgt", self.delta_lgt, 0, 1)

    @property
    def names(self) -> tuple[str, ...]:
        """What its rows stand for: data first, then the teachers."""
        return ("train on data", *(f"distil from {teacher.name}" for teacher in self.teachers))

    def rows(self) -> pd.DataFrame:
        """What each way would train, as runs."""
        size, nan = self.student_params, np.nan
        alone = 3 * self.forward(size)
        rows = [[size, self.compute / alone, nan, nan, nan]]
        for teacher in self.teachers:
            tokens = self.compute / (alone + self.delta_lgt * self.forward(teacher.params))
            own = nan if teacher.tokens is None else teacher.tokens
            rows.append([size, float(tokens), teacher.params, own, teacher.loss])
        return pd.DataFrame(rows, columns=list(INPUTS), dtype=float)
