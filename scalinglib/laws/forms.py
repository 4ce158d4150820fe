"""Other forms of the distillation law, beside Equation 8; found by this project, not the paper's.

All write a student's loss above E as a function of the teacher's, t = L_T - E, and of

    g(N_S, D_S) = (A / N_S^alpha + B / D_S^beta)^gamma,

what the student reaches above E under a perfect teacher. All but B and beta are the supervised
law's: t and g are errors against one entropy, and a perfect teacher with infinite data leaves the
supervised floor, as it must. In every form L_S tends to L_T as L_T grows, or as N_S and D_S do.
`BiasVariance` is the one that notebook 14 recommends.
"""

from typing import NamedTuple

import numpy as np

from scalinglib.checks import namespace, positive
from scalinglib.laws.equations import DistillationLaw, SupervisedLaw

__all__ = ["FORMS", "BiasVariance", "Cosine", "DataDip", "Dip", "TwoPart", "coefficient_names"]

_LEAST = 1e-12  # nats per token, no loss at all
_LARGEST = 60.0  # exp of minus that is nothing beside a loss


# Methods of every form (a named tuple has no base class to put them in); a form's own is
# `_above(xp, log_t, size, data)`, L_S - E from logs of t and of g's two terms.


def _loss(self, student_params, student_tokens, teacher_loss):
    """Nats per token of the student; arguments as for `DistillationLaw.loss`, L_T at least E."""
    log_params = np.log(positive("student_params", student_params))
    log_tokens = np.log(positive("student_tokens", student_tokens))
    return np.exp(self.log_loss(log_params, log_tokens, _log_teacher(self, teacher_loss)))


def _infinite_data_loss(self, student_params, teacher_loss):
    """L_S as D_S grows without bound, for a given teacher."""
    log_params = np.log(positive("student_params", student_params))
    return np.exp(self.log_loss(log_params, np.inf, _log_teacher(self, teacher_loss)))


def _log_loss(self, log_student_params, log_student_tokens, log_teacher_loss):
    """Log L_S from the logs of N_S, D_S and L_T; unchecked, differentiable."""
    supervised = self.supervised
    xp = namespace(log_student_params, log_student_tokens, log_teacher_loss, self[0])
    size = xp.log(supervised.A) - supervised.alpha * log_student_params
    data = self._data(xp, log_student_tokens)
    log_t = xp.log(xp.maximum(xp.exp(log_teacher_loss) - supervised.E, _LEAST))
    return xp.log(supervised.E + self._above(xp, log_t, size, data))


def _own_data(self, xp, log_tokens):
    """Log of the data term, with coefficients of the form's own."""
    return xp.log(self.B) - self.beta * log_tokens


def _log_teacher(law, teacher_loss):
    teacher_loss = positive("teacher_loss", teacher_loss)
    entropy = float(law.supervised.E)
    below = teacher_loss < entropy * (1 - 1e-9)
    if np.any(below):
        raise ValueError(
            f"teacher_loss is {float(teacher_loss[below].flat[0])!r}; it must be at least "
            f"E = {entropy:.6g}"
        )
    return np.log(teacher_loss)


def _fading(xp, log_u, power):
    """u^power, as the argument of an exponential that fades."""
    return xp.exp(xp.minimum(power * log_u, np.log(_LARGEST)))


class Cosine(NamedTuple):
    """L_S = E + t + K + 2 rho sqrt(t K), K = g exp(-(t / (kappa g))^p).

    K stands for KL(teacher, student), rho for how far the teacher's error and the student's
    imitation error point the same way. With an A of its own the form fits the paper's runs far
    better, and puts the infinite-data floor 0.2 nats below the supervised one.
    """

    B: float
    beta: float
    kappa: float
    p: float
    rho: float
    supervised: SupervisedLaw

    loss, log_loss, infinite_data_loss = _loss, _log_loss, _infinite_data_loss
    _data = _own_data

    def _above(self, xp, log_t, size, data):
        log_g = self.supervised.gamma * xp.logaddexp(size, data)
        log_k = log_g - _fading(xp, log_t - log_g - xp.log(self.kappa), self.p)
        return xp.exp(log_t) + xp.exp(log_k) + 2 * self.rho * xp.exp((log_t + log_k) / 2)


class Dip(NamedTuple):
    """L_S = E + (g^k + t^k)^(1/k) + r t exp(-t / g).

    A power mean of the two errors, and a dip (r < 0) or hump where they are alike.
    """

    B: float
    beta: float
    k: float
    r: float
    supervised: SupervisedLaw

    loss, log_loss, infinite_data_loss = _loss, _log_loss, _infinite_data_loss
    _data = _own_data

    def _above(self, xp, log_t, size, data):
        log_g = self.supervised.gamma * xp.logaddexp(size, data)
        mean = xp.exp(xp.logaddexp(self.k * log_g, self.k * log_t) / self.k)
        return mean + self.r * xp.exp(log_t - _fading(xp, log_t - log_g, 1.0))


class DataDip(NamedTuple):
    """L_S = E + (g^k + t^k)^(1/k) + r phi t exp(-t / g).

    phi is the share of the data term in g's bracket: the dip is one of finite data.
    """

    B: float
    beta: float
    k: float
    r: float
    supervised: SupervisedLaw

    loss, log_loss, infinite_data_loss = _loss, _log_loss, _infinite_data_loss
    _data = _own_data

    def _above(self, xp, log_t, size, data):
        bracket = xp.logaddexp(size, data)
        log_g = self.supervised.gamma * bracket
        mean = xp.exp(xp.logaddexp(self.k * log_g, self.k * log_t) / self.k)
        dip = data - bracket + log_t - _fading(xp, log_t - log_g, 1.0)
        return mean + self.r * xp.exp(dip)


class TwoPart(NamedTuple):
    """L_S = E + (t^k + a^k)^(1/k) + (g - a) exp(-(t / (kappa g))^p).

    a = (A / N_S^alpha)^gamma is the student's floor, g - a what finite data adds.
    """

    B: float
    beta: float
    k: float
    kappa: float
    p: float
    supervised: SupervisedLaw

    loss, log_loss, infinite_data_loss = _loss, _log_loss, _infinite_data_loss
    _data = _own_data

    def _above(self, xp, log_t, size, data):
        log_a = self.supervised.gamma * size
        log_g = self.supervised.gamma * xp.logaddexp(size, data)
        floor = xp.exp(xp.logaddexp(self.k * log_a, self.k * log_t) / self.k)
        fade = xp.exp(-_fading(xp, log_t - log_g - xp.log(self.kappa), self.p))
        return floor + (xp.exp(log_g) - xp.exp(log_a)) * fade


class BiasVariance(NamedTuple):
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

    D0: float
    s: float
    k: float
    kappa: float
    p: float
    rho: float
    supervised: SupervisedLaw

    loss, log_loss, infinite_data_loss = _loss, _log_loss, _infinite_data_loss

    def _data(self, xp, log_tokens):
        more = xp.logaddexp(log_tokens, xp.log(self.D0))
        return xp.log(self.supervised.B) - self.supervised.beta * more

    def _above(self, xp, log_t, size, data):
        log_g = self.supervised.gamma * xp.logaddexp(size, data)
        log_b = self.supervised.gamma * xp.logaddexp(size, data + xp.log(self.s))
        mean = xp.exp(xp.logaddexp(self.k * log_b, self.k * log_t) / self.k)
        left = xp.log(xp.maximum(-xp.expm1(log_b - log_g), _LEAST))
        log_v = log_g + left - _fading(xp, log_t - log_g - xp.log(self.kappa), self.p)
        return mean + xp.exp(log_v) + 2 * self.rho * xp.exp((log_t + log_v) / 2)


# What the ensemble is made of.
FORMS = {
    "equation8": DistillationLaw,
    "cosine": Cosine,
    "dip": Dip,
    "data_dip": DataDip,
    "two_part": TwoPart,
}


def coefficient_names(form):
    """Coefficients of a form of `FORMS`, its supervised law's left out, in order."""
    return [name for name in FORMS[form]._fields if name != "supervised"]
