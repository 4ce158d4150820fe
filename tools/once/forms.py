"""Forms of the distillation law that were judged beside those of the ensemble, and their specs."""

from collections import namedtuple
from dataclasses import replace

from scalinglib.fit import LawSpec
from scalinglib.fit.forms import BIAS_VARIANCE
from scalinglib.laws.forms import DataDip, FloorKept, Form, fading


class Cosine(Form, namedtuple("_Cosine", "B beta kappa p rho supervised")):
    """L_S = E + t + K + 2 rho sqrt(t K), K = g exp(-(t / (kappa g))^p).

    K stands for KL(teacher, student), rho for how far the teacher's error and the student's
    imitation error point the same way. With an A of its own the form fits the paper's runs far
    better, and puts the infinite-data floor 0.2 nats below the supervised one.
    """

    def _above(self, xp, log_t, size, data):
        log_g = self.supervised.gamma * xp.logaddexp(size, data)
        log_k = log_g - fading(xp, log_t - log_g - xp.log(self.kappa), self.p)
        return xp.exp(log_t) + xp.exp(log_k) + 2 * self.rho * xp.exp((log_t + log_k) / 2)


class Dip(Form, namedtuple("_Dip", "B beta k r supervised")):
    """L_S = E + (g^k + t^k)^(1/k) + r t exp(-t / g).

    A power mean of the two errors, and a dip (r < 0) or hump where they are alike.
    """

    def _above(self, xp, log_t, size, data):
        log_g = self.supervised.gamma * xp.logaddexp(size, data)
        mean = xp.exp(xp.logaddexp(self.k * log_g, self.k * log_t) / self.k)
        return mean + self.r * xp.exp(log_t - fading(xp, log_t - log_g, 1.0))


class TwoPart(Form, namedtuple("_TwoPart", "B beta k kappa p supervised")):
    """L_S = E + (t^k + a^k)^(1/k) + (g - a) exp(-(t / (kappa g))^p).

    a = (A / N_S^alpha)^gamma is the student's floor, g - a what finite data adds.
    """

    def _above(self, xp, log_t, size, data):
        log_a = self.supervised.gamma * size
        log_g = self.supervised.gamma * xp.logaddexp(size, data)
        floor = xp.exp(xp.logaddexp(self.k * log_a, self.k * log_t) / self.k)
        fade = xp.exp(-fading(xp, log_t - log_g - xp.log(self.kappa), self.p))
        return floor + (xp.exp(log_g) - xp.exp(log_a)) * fade


_DATA = {"B": (0.1, 30.0), "beta": (0.2, 0.8)}
_TERMS = {"B": ("beta", "student_tokens")}

FLOOR_KEPT = replace(BIAS_VARIANCE, name="floor_kept", law=FloorKept)
COSINE = LawSpec(
    name="cosine",
    law=Cosine,
    columns=BIAS_VARIANCE.columns,
    ranges=_DATA | {"kappa": (0.5, 2.0), "p": (0.7, 4.5), "rho": (-0.3, 0.2)},
    terms=_TERMS,
    ridges={("kappa", "p"): "both say where K collapses"},
)
DIP = LawSpec(
    name="dip",
    law=Dip,
    columns=BIAS_VARIANCE.columns,
    ranges=_DATA | {"k": (2.0, 20.0), "r": (-0.3, 0.2)},
    terms=_TERMS,
)
DATA_DIP = replace(DIP, name="data_dip", law=DataDip)
TWO_PART = LawSpec(
    name="two_part",
    law=TwoPart,
    columns=BIAS_VARIANCE.columns,
    ranges=_DATA | {"k": (2.0, 20.0), "kappa": (0.5, 2.0), "p": (0.7, 8.0)},
    terms=_TERMS,
    ridges={("kappa", "p"): "both say where the data part fades"},
)
