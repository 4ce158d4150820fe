"""The supervised and the distillation scaling law, their limits and inverses (Equations 1 and 8).

Every formula is evaluated in log space: with the paper's coefficients (L_T / (L̃_S d1))^(1/f1) is
an eleventh power and its own power is near -47, so that the form as printed overflows. The laws
are named tuples, which JAX takes as pytrees whenever it is imported, before this module or after:
their `log_loss` methods are plain formulas that `jit`, `vmap` and `grad` go through, and their
`loss` methods are the checked ones, for readers. `law._replace(B=2e6)` is the law with another B,
`law._asdict()` its coefficients by name.
"""

from collections import namedtuple

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike

from scalinglib.checks import namespace, positive
from scalinglib.laws.base import Law, StudentLaw, loss_of

# Where the laws interpolate. Students and the losses of their teachers: what the 328 runs of the
# paper's Figure 1 span, to which they are fitted. Models trained on data, teachers among them: what
# the paper trained (Section 4.1), to which Table 6's supervised law is.
FITTED_RANGE: dict[str, tuple[float, float]] = {
    "student_params": (143e6, 1.82e9),
    "student_tokens": (3.7e9, 97e9),
    "teacher_loss": (1.895, 2.755),
    "params": (143e6, 12.61e9),
    "tokens": (2e9, 512e9),
}


def inside_trained_range(table: pd.DataFrame) -> np.ndarray:
    """Which rows have sizes and tokens, of student and teacher, that the paper trained models on.

    Table 6 was fitted to larger students and more tokens than the 328 runs that are known. A
    missing number (a run without a teacher) counts as inside.
    """
    inside = np.ones(len(table), bool)
    for whose in ("student", "teacher"):
        for name in ("params", "tokens"):
            values = table.get(f"{whose}_{name}", pd.Series(np.nan, table.index))
            inside &= (values.isna() | values.between(*FITTED_RANGE[name])).to_numpy()
    return inside


class SupervisedLaw(Law, namedtuple("_Supervised", "E A B alpha beta gamma")):
    """L(N, D) = E + (A / N^alpha + B / D^beta)^gamma, in nats per token (Equation 1)."""

    def loss(self, params: ArrayLike, tokens: ArrayLike) -> np.ndarray:
        """Cross-entropy of a model trained on data, nats per token.

        - params, tokens: non-embedding parameters N and tokens D, positive and finite; they
          broadcast.
        """
        return loss_of(self, params=params, tokens=tokens)

    def log_loss(self, log_params: ArrayLike, log_tokens: ArrayLike) -> np.ndarray:
        """Log L from log N and log D (Equations 42-44); unchecked, differentiable."""
        xp = namespace(log_params, log_tokens, self.A)
        size = xp.log(self.A) - self.alpha * log_params
        data = xp.log(self.B) - self.beta * log_tokens
        return xp.logaddexp(xp.log(self.E), self.gamma * xp.logaddexp(size, data))

    def infinite_data_loss(self, params: ArrayLike) -> np.ndarray:
        """E + (A / N^alpha)^gamma, what no amount of data improves on (Equation 35)."""
        params = positive("params", params)
        return self.E + (self.A / params**self.alpha) ** self.gamma

    def tokens_for_loss(self, params: ArrayLike, loss: ArrayLike) -> np.ndarray:
        """Tokens D at which a model of `params` parameters reaches `loss`; inf where none does.

        - params, loss: non-embedding parameters and nats per token, positive and finite; they
          broadcast.
        """
        params, loss = positive("params", params), positive("loss", loss)
        xp = namespace(params, loss, self.A)
        reducible = xp.maximum(loss - self.E, 0.0) ** (1 / self.gamma)
        left_for_data = reducible - self.A / params**self.alpha
        reachable = left_for_data > 0
        safe = xp.where(reachable, left_for_data, 1.0)
        return xp.where(reachable, (self.B / safe) ** (1 / self.beta), xp.inf)


class DistillationLaw(
    StudentLaw, namedtuple("_Distillation", "A B alpha beta gamma c0 c1 d1 f1 supervised")
):
    """Student loss from student size, distillation tokens and teacher loss (Equation 8).

    L_S = L_T + L_T^-c0 (1 + (L_T / (L̃_S d1))^(1/f1))^(-c1 f1) (A / N_S^alpha + B / D_S^beta)^gamma,
    with L̃_S = supervised.loss(N_S, D_S). The primes of the paper's A' ... gamma' are dropped: they
    are this law's own coefficients, the supervised ones are in `supervised`.
    """

    def log_loss(
        self, log_params: ArrayLike, log_tokens: ArrayLike, log_teacher_loss: ArrayLike
    ) -> np.ndarray:
        """Log L_S from the logs of N_S, D_S and L_T (Equations 47-49); unchecked."""
        xp = namespace(log_params, log_tokens, log_teacher_loss, self.A)
        size = xp.log(self.A) - self.alpha * log_params
        data = xp.log(self.B) - self.beta * log_tokens
        supervised = self.supervised.log_loss(log_params, log_tokens)
        ratio = (log_teacher_loss - supervised - xp.log(self.d1)) / self.f1
        gap = -self.c0 * log_teacher_loss - self.c1 * self.f1 * xp.logaddexp(0.0, ratio)
        return xp.logaddexp(log_teacher_loss, gap + self.gamma * xp.logaddexp(size, data))
