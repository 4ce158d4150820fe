"""What a law is: a named tuple of coefficients with one formula, in logs; the rest follows.

A law subclasses `Law`, or `StudentLaw` where a supervised law stands below it, beside a named tuple
of its coefficients; JAX takes it as a pytree, whether it is imported before or after.

>>> from collections import namedtuple
>>> class Constant(Law, namedtuple("_Constant", "E A")):
...     def log_loss(self, log_params):
...         return np.log(self.E + self.A * np.exp(-log_params))
>>> Constant.coefficient_names()
('E', 'A')
"""

from abc import ABC, abstractmethod

import numpy as np
from numpy.typing import ArrayLike

from scalinglib.checks import namespace, plausible, positive

# Coefficients that are 0 or more: a replicate's may be 0.
_POSITIVE = {"E", "A", "B", "alpha", "beta", "gamma", "c1", "d1", "f1"}
# Beyond these a number is no model's, but one in millions, in billions or of another unit.
_PLAUSIBLE = {"params": (1e3, np.inf), "tokens": (1e3, np.inf), "loss": (0.6, 20.0)}


class Law(ABC):
    """The loss of a model from logs of what it was trained with."""

    @abstractmethod
    def log_loss(self, *log_inputs: ArrayLike) -> np.ndarray:
        """Log of the loss, nats per token; unchecked, differentiable, NumPy or JAX as it is fed."""

    @classmethod
    def coefficient_names(cls) -> tuple[str, ...]:
        """Names of its own coefficients, those of the supervised law below it left out."""
        return tuple(name for name in cls._fields if name != "supervised")


class StudentLaw(Law):
    """A distilled student's loss: `log_loss` has log L_S from the logs of N_S, D_S and L_T.

    The field `supervised` is the law of models trained on data, of students and teachers alike.
    """

    @property
    def least_teacher_loss(self) -> float:
        """L_T that no teacher undercuts, nats per token."""
        return 0.0

    def loss(
        self, student_params: ArrayLike, student_tokens: ArrayLike, teacher_loss: ArrayLike
    ) -> np.ndarray:
        """Cross-entropy of the student against data, nats per token.

        - student_params, student_tokens: non-embedding parameters N_S and distillation tokens D_S,
          positive and finite.
        - teacher_loss: the teacher's cross-entropy against data L_T, nats per token, from
          `least_teacher_loss` on. All broadcast.
        """
        return loss_of(
            self,
            student_params=student_params,
            student_tokens=student_tokens,
            teacher_loss=self._teacher(teacher_loss),
        )

    def infinite_data_loss(self, student_params: ArrayLike, teacher_loss: ArrayLike) -> np.ndarray:
        """L_S as D_S grows without bound, for a given teacher (Section E.6)."""
        student_params = positive("student_params", student_params)
        teacher_loss = self._teacher(teacher_loss)
        xp = namespace(student_params, teacher_loss, self[0])
        return xp.exp(self.log_loss(xp.log(student_params), xp.inf, xp.log(teacher_loss)))

    def _teacher(self, teacher_loss):
        teacher_loss, least = positive("teacher_loss", teacher_loss), self.least_teacher_loss
        if namespace(teacher_loss, least) is np:
            all_of, least = np.broadcast_arrays(teacher_loss, least)
            below = np.flatnonzero(all_of < least * (1 - 1e-9))
            if len(below):
                raise ValueError(
                    f"teacher_loss is {float(all_of.flat[below[0]])!r}; it must be at least "
                    f"E = {least.flat[below[0]]:.6g}"
                )
        return teacher_loss


def _sound(law):
    """Refuse a law with a coefficient of which its formula makes NaN."""
    for name, value in zip(law._fields, law, strict=True):
        if hasattr(value, "_fields"):
            _sound(value)
        elif isinstance(value, float | int | np.ndarray):
            array = np.asarray(value, float)
            bad = np.isnan(array) | ((array < 0) if name in _POSITIVE else False)
            if bad.any():
                what = "0 or more" if name in _POSITIVE else "a number"
                found = float(array[bad].flat[0])
                raise ValueError(f"the law's {name} is {found!r}; it must be {what}")


def loss_of(law: Law, **inputs: ArrayLike) -> np.ndarray:
    """A law's loss at inputs in the order of its `log_loss`, checked by their names."""
    _sound(law)
    inputs = {name: positive(name, value) for name, value in inputs.items()}
    for name, value in inputs.items():
        plausible(name, value, *_PLAUSIBLE[name.rsplit("_", 1)[-1]])
    xp = namespace(*inputs.values(), law[0])
    return xp.exp(law.log_loss(*map(xp.log, inputs.values())))
