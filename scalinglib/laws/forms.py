"""Other forms of the distillation law, beside Equation 8; found by this project, not the paper's.

All write a student's loss above E as a function of the teacher's, t = L_T - E, and of

    g(N_S, D_S) = (A / N_S^alpha + B / D_S^beta)^gamma,

what the student reaches above E under a perfect teacher. All but B and beta are the supervised
law's: t and g are errors against one entropy, and a perfect teacher with infinite data leaves the
supervised floor, as it must. In every form L_S tends to L_T as L_T grows, or as N_S and D_S do.
`BiasVariance` is the one that notebook 14 recommends.
"""

from abc import abstractmethod
from collections import namedtuple
from types import ModuleType

import numpy as np
from numpy.typing import ArrayLike

from scalinglib.checks import namespace
from scalinglib.laws.base import StudentLaw
from scalinglib.laws.equations import DistillationLaw

_LEAST = 1e-12  # nats per token, no loss at all
_LARGEST = 60.0  # exp of minus that is nothing beside a loss


class Form(StudentLaw):
    """A law of t and g: `_above` says what a student has above E."""

    @property
    def least_teacher_loss(self) -> float:
        """E: a better teacher there is none."""
        return self.supervised.E

    def log_loss(
        self, log_params: ArrayLike, log_tokens: ArrayLike, log_teacher_loss: ArrayLike
    ) -> np.ndarray:
        """Log L_S from the logs of N_S, D_S and L_T; unchecked, differentiable."""
        supervised = self.supervised
        xp = namespace(log_params, log_tokens, log_teacher_loss, self[0])
        size = xp.log(supervised.A) - supervised.alpha * log_params
        data = self._data(xp, log_tokens)
        log_t = xp.log(xp.maximum(xp.exp(log_teacher_loss) - supervised.E, _LEAST))
        return xp.log(supervised.E + self._above(xp, log_t, size, data))

    def _data(self, xp, log_tokens):
        """Log of g's data term, with coefficients of the form's own."""
        return xp.log(self.B) - self.beta * log_tokens

    @abstractmethod
    def _above(self, xp, log_t, size, data):
        """L_S - E from logs of t and of g's two terms."""


def fading(xp: ModuleType, log_u: ArrayLike, power: ArrayLike) -> np.ndarray:
    """u^power, as the argument of an exponential that fades."""
    return xp.exp(xp.minimum(power * log_u, np.log(_LARGEST)))


class DataDip(Form, namedtuple("_DataDip", "B beta k r supervised")):
    """L_S = E + (g^k + t^k)^(1/k) + r phi t exp(-t / g).

    phi is the share of the data term in g's bracket: the dip is one of finite data.
    """

    def _above(self, xp, log_t, size, data):
        bracket = xp.logaddexp(size, data)
        log_g = self.supervised.gamma * bracket
        mean = xp.exp(xp.logaddexp(self.k * log_g, self.k * log_t) / self.k)
        dip = data - bracket + log_t - fading(xp, log_t - log_g, 1.0)
        return mean + self.r * xp.exp(dip)


class BiasVariance(Form, namedtuple("_BiasVariance", "D0 s k kappa p rho supervised")):
    """L_S = E + (t^k + b^k)^(1/k) + V + 2 rho sqrt(t V), V = (g - b) exp(-(t / (kappa g))^p).

    g = (A / N_S^alpha + B / (D_S + D0)^beta)^gamma and b, the same with the data term times s: all
    coefficients here are the supervised law's but D0, the head start in tokens that soft labels
    give, and s. b is the student's bias, what it cannot hold or has not reached: it and the
    teacher's error cover each other, the larger one counts. g - b is the variance of learning from
    few tokens, which fades under teachers that are simple for the student. The last term has the
    form of a cross term of t and V; with rho < 0 it allows L_S < L_T.

    Exact limits: L_S -> L_T as N_S, D_S -> inf, or L_T -> inf; under a perfect teacher L_S <=
    L(N_S, D_S), and they meet as D_S -> inf. At D_S = inf there is no capacity gap.
    """

    def _data(self, xp, log_tokens):
        more = xp.logaddexp(log_tokens, xp.log(self.D0))
        return xp.log(self.supervised.B) - self.supervised.beta * more

    def _above(self, xp, log_t, size, data):
        log_g = self.supervised.gamma * xp.logaddexp(size, data)
        log_b = self.supervised.gamma * xp.logaddexp(size, data + xp.log(self.s))
        powers = xp.logaddexp(self.k * log_b, self.k * log_t)
        left = xp.log(xp.maximum(-xp.expm1(log_b - log_g), _LEAST))
        log_v = log_g + left - fading(xp, log_t - log_g - xp.log(self.kappa), self.p)
        share = xp.exp(self.k * log_t - powers)  # of the teacher in the power mean
        return xp.exp(powers / self.k) + xp.exp(log_v) + self._cross(xp, log_t, log_v, share)

    def _cross(self, xp, log_t, log_v, share):
        return 2 * self.rho * xp.exp((log_t + log_v) / 2)


class FloorKept(BiasVariance):
    """Bias and variance whose last term cannot outweigh V where the teacher is better than b.

    There -V sqrt(c / (V + c)), c = 4 rho^2 t, takes the place of 2 rho sqrt(t V), in the proportion
    in which b and t make up the power mean.
    """

    def _cross(self, xp, log_t, log_v, share):
        t, v = xp.exp(log_t), xp.exp(log_v)
        c = 4 * self.rho**2 * t
        kept = -v * xp.sqrt(c / (v + c + _LEAST))
        return kept * (1 - share) + 2 * self.rho * xp.sqrt(t * v + 1e-20) * share


# What the ensemble is made of.
FORMS: dict[str, type[StudentLaw]] = {
    "equation8": DistillationLaw,
    "bias_variance": BiasVariance,
    "orthogonal": BiasVariance,  # rho = 0
    "floor_kept": FloorKept,
    "data_dip": DataDip,
}
