"""Laws moved to other text, or to the tokens of another tokenizer, through one measured model."""

from collections import namedtuple

import numpy as np
from numpy.typing import ArrayLike

from scalinglib.laws.base import Law, StudentLaw

_Shift = namedtuple("_Shift", "law factor offset")


class _ShiftedSupervised(Law, _Shift):
    def log_loss(self, log_params: ArrayLike, log_tokens: ArrayLike) -> np.ndarray:
        return np.log(self.factor * np.exp(self.law.log_loss(log_params, log_tokens)) + self.offset)

    @property
    def E(self) -> float:
        return self.factor * self.law.E + self.offset


class Shifted(StudentLaw, _Shift):
    """A law for other text or another tokenizer: every loss is factor x the law's + offset."""

    @property
    def supervised(self) -> _ShiftedSupervised:
        """The supervised law, shifted alike."""
        return _ShiftedSupervised(self.law.supervised, self.factor, self.offset)

    def log_loss(
        self, log_params: ArrayLike, log_tokens: ArrayLike, log_teacher_loss: ArrayLike
    ) -> np.ndarray:
        """Log L_S on the scale of the other text; the teacher's loss is on it too."""
        teacher = np.maximum((np.exp(log_teacher_loss) - self.offset) / self.factor, 1e-12)
        loss = np.exp(self.law.log_loss(log_params, log_tokens, np.log(teacher)))
        return np.log(self.factor * loss + self.offset)


def shifted(law: StudentLaw, params: float, tokens: float, loss: float) -> tuple[Shifted, Shifted]:
    """A law moved through one measured model, in the two ways that one model cannot tell apart.

    - params, tokens, loss: the model's N and D, and its loss on the other text in nats per token.
    - returns: all losses moved by a difference (another entropy E), and by a factor (longer
      tokens).
    """
    expected = float(np.exp(law.supervised.log_loss(np.log(params), np.log(tokens))))
    return Shifted(law, 1.0, loss - expected), Shifted(law, loss / expected, 0.0)
