"""The laws to fit: the paper's two, and the form that notebook 14 recommends.

The paper's two have coordinates that runs measure: the law's value in the middle of the runs and
its slopes there, then what only its curvature tells. A coefficient that the caller fixes replaces
what the coordinates say; the same compiled code serves any choice of them.
"""

from dataclasses import dataclass
from itertools import product

import jax
import jax.numpy as jnp
import numpy as np

from scalinglib.fit.spec import POWER_RIDGES, Edges, LawSpec, Probe, or_fixed
from scalinglib.laws import DistillationLaw, SupervisedLaw, forms

_SHARES = -7.0, 7.0  # logits
_POWER_BOX = [_SHARES, (-12.0, 2.0), (-12.0, 2.0), (-4.0, 4.0)]  # of what `_power_terms` takes
_STEEPEST = 25.0  # exponent; beyond it A and B leave the range of float64


def _power_terms(
    z: np.ndarray, log_scale: np.ndarray, shift: np.ndarray, fixed: np.ndarray, centre: np.ndarray
) -> list[np.ndarray]:
    """A, B, alpha, beta, gamma of a sum of powers that is exp(log_scale + shift) in the middle.

    z: logit of the size term's share, logs of the slopes in log N and log D, log gamma.
    """
    gamma = or_fixed(fixed[4], jnp.exp(z[3]))
    log_shares = jax.nn.log_sigmoid(z[0]), jax.nn.log_sigmoid(-z[0])
    slopes = [jnp.exp(z[1 + i] - log_shares[i] + shift) / gamma for i in (0, 1)]
    exponents = [or_fixed(fixed[2 + i], jnp.minimum(slopes[i], _STEEPEST)) for i in (0, 1)]
    scales = [
        or_fixed(fixed[i], jnp.exp(log_scale / gamma + log_shares[i] + exponents[i] * centre[i]))
        for i in (0, 1)
    ]
    return [*scales, *exponents, gamma]


def _power_edges(first: int) -> Edges:
    """Ends of the box for coordinates of `_power_terms` that begin at `first`.

    The runs tell alpha gamma and beta gamma, so that a gamma at its end makes bounds of all three.
    """
    steep, flat = {"alpha": ">", "beta": ">"}, {"alpha": "<", "beta": "<"}
    return {
        first: ({"A": "<"}, {"B": "<"}),
        first + 1: ({"alpha": "<"}, {"alpha": ">"}),
        first + 2: ({"beta": "<"}, {"beta": ">"}),
        first + 3: ({"gamma": "<"} | steep, {"gamma": ">"} | flat),
    }


def _power_starts(share, size, data, gamma, rest=1.0):
    """Coordinates of `_power_terms` from shares and, times gamma, exponents."""
    slopes = np.log(size * share * rest), np.log(data * (1 - share) * rest)
    return [_logit(share), *slopes, np.log(gamma)]


def _logit(share):
    return np.log(share / (1 - share))


@dataclass(frozen=True, eq=False)
class _Supervised(LawSpec):
    def coefficients_at(self, z: np.ndarray, fixed: np.ndarray, centre: np.ndarray) -> np.ndarray:
        """(E, A, B, alpha, beta, gamma).

        z: log of the loss in the middle of the data, logit of E's share of it, then `_power_terms`,
        with slopes of log L.
        """
        share = jnp.where(jnp.isnan(fixed[0]), z[1], 0.0)
        e = or_fixed(fixed[0], jnp.exp(z[0] + jax.nn.log_sigmoid(share)))
        log_rest = jax.nn.log_sigmoid(-share)
        terms = _power_terms(z[2:], z[0] + log_rest, -log_rest, fixed[1:], centre)
        return jnp.stack([e, *terms])

    def box(self, logs: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        level = logs[-1].min() - 1, logs[-1].max() + 1
        return np.array([level, _SHARES, *_POWER_BOX], float).T

    @property
    def edges(self) -> Edges:
        return {1: ({"E": "<"}, {"E": ">"})} | _power_edges(2)

    def starts(self, logs: np.ndarray) -> np.ndarray:
        """4500 of them."""
        axes = (
            [0.1, 0.3, 0.5, 0.7, 0.9],  # share of E
            [0.1, 0.3, 0.5, 0.7, 0.9],  # share of the size term in the rest
            [0.2, 0.4, 0.7, 1.0, 1.6],  # gamma
            [0.03, 0.07, 0.12, 0.25, 0.4, 0.7],  # alpha gamma
            [0.03, 0.07, 0.12, 0.25, 0.4, 0.7],  # beta gamma
        )
        share_e, share, gamma, size, data = np.array(list(product(*axes))).T
        level = np.full(len(gamma), np.median(logs[-1]))
        powers = _power_starts(share, size, data, gamma, 1 - share_e)
        return np.stack([level, _logit(share_e), *powers], axis=1)


SUPERVISED = _Supervised(
    name="supervised",
    law=SupervisedLaw,
    columns=("params", "tokens", "loss"),
    ridges=POWER_RIDGES
    | {("gamma", "E"): "both bend the curve, and the runs are too narrow to tell which"},
    probes=(Probe("gamma", ("E",), (0.7, 1.5)),),
)


@dataclass(frozen=True, eq=False)
class _Distillation(LawSpec):
    @property
    def signed(self) -> tuple[str, ...]:
        return ("c0",)

    def centre(self, logs: np.ndarray, supervised: SupervisedLaw | None) -> np.ndarray:
        """Means of log N_S, log D_S, log L_T and log L_T - log L̃_S."""
        size, data, teacher = logs[:3]
        excess = (teacher - supervised.log_loss(size, data)).mean()
        return np.array([*logs[:3].mean(axis=1), excess])

    def coefficients_at(self, z: np.ndarray, fixed: np.ndarray, centre: np.ndarray) -> np.ndarray:
        """(A, B, alpha, beta, gamma, c0, c1, d1, f1).

        z: log of L_S - L_T in the middle, four of `_power_terms`, the total slope in log L_T, then
        log strength, log f1 and 1 / (c1 f1): strength is what the exponent c1 f1 log(1 + u) in the
        middle becomes as c1 grows without bound, which is a finite distance away in the last one.
        """
        f1 = or_fixed(fixed[8], jnp.exp(z[7]))
        c1 = or_fixed(fixed[6], 1 / (z[8] * f1))
        log_u = z[6] - jnp.log(c1 * f1)
        d1 = or_fixed(fixed[7], jnp.exp(centre[3] - f1 * log_u))
        log_u = (centre[3] - jnp.log(d1)) / f1
        slope = c1 * jax.nn.sigmoid(log_u)
        c0 = or_fixed(fixed[5], z[5] - slope)
        level = z[0] + c0 * centre[2] + c1 * f1 * jax.nn.softplus(log_u)
        terms = _power_terms(z[1:], level, 0.0, fixed, centre)
        return jnp.stack([*terms, c0, c1, d1, f1])

    def box(self, logs: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        level = logs[-1].max() + np.array([-15.0, 3.0])
        # c1 f1 ends at 1e8, where the law is its limit to eight digits.
        pairs = [level, *_POWER_BOX, (-60.0, 60.0), (-12.0, 7.0), (-6.0, 3.0), (1e-8, 20.0)]
        return np.array(pairs, float).T

    @property
    def edges(self) -> Edges:
        return _power_edges(1) | {
            5: ({"c0": "<"}, {"c0": ">"}),
            6: ({"d1": ">"}, {"d1": "<"}),
            7: ({"f1": "<"}, {"f1": ">"}),
            8: ({"c1": ">", "d1": ">"}, {"c1": "<"}),  # on its way to the limit c1 takes d1 along
        }

    def starts(self, logs: np.ndarray) -> np.ndarray:
        """4096 of them."""
        excess = np.exp(logs[-1]) - np.exp(logs[2])
        level = np.log(np.median(excess[excess > 0])) if (excess > 0).any() else -5.0
        axes = (
            [0.3, 0.7],  # share of the size term
            [0.05, 0.15, 0.4, 0.8],  # alpha gamma
            [0.05, 0.15, 0.4, 0.8],  # beta gamma
            [0.4, 1.0],  # gamma
            [-8.0, -2.0],  # slope in log L_T
            [0.3, 1.0, 3.0, 10.0],  # strength of the gap
            [0.05, 0.1, 0.3, 0.8],  # f1
            [3.0, 100.0],  # amplitude
        )
        share, size, data, gamma, slope, strength, f1, amplitude = np.array(list(product(*axes))).T
        gap = slope, np.log(strength), np.log(f1), 1 / amplitude
        powers = _power_starts(share, size, data, gamma)
        return np.stack([np.full(len(gamma), level), *powers, *gap], axis=1)


DISTILLATION = _Distillation(
    name="distillation",
    law=DistillationLaw,
    columns=("student_params", "student_tokens", "teacher_loss", "student_loss"),
    ridges=POWER_RIDGES
    | {
        ("c1", "d1"): "as c1 grows with d1 the teacher's factor tends to a limit: "
        "neither has a value of its own",
        ("c1", "f1"): "only c1 f1 log(1 + ...) enters: c1 alone has no value of its own",
        ("d1", "f1"): "d1 and f1 share the place and the sharpness of the transition",
        ("A", "c0"): "L_T^-c0 scales the power terms as A and B do where L_T hardly varies",
    },
    probes=(Probe("c1", ("d1", "f1"), (0.2, 5.0)),),
)


@dataclass(frozen=True, eq=False)
class _BiasVarianceSpec(LawSpec):
    """D0's ranges are in the (geometric) mean of the tokens, those of s are of its odds."""

    def coefficients_at(self, z: np.ndarray, fixed: np.ndarray, centre: np.ndarray) -> np.ndarray:
        shift = jnp.zeros(len(z)).at[0].set(centre[1])
        values = jnp.where(jnp.arange(len(z)) == 5, z, jnp.exp(z + shift))
        return or_fixed(fixed, values.at[1].set(jax.nn.sigmoid(z[1])))


BIAS_VARIANCE = _BiasVarianceSpec(
    name="bias_variance",
    law=forms.BiasVariance,
    columns=DISTILLATION.columns,
    ranges={
        "D0": (3e-3, 0.3),
        "s": (0.15, 15.0),
        "k": (3.0, 27.0),
        "kappa": (0.5, 2.0),
        "p": (1.0, 12.0),
        "rho": (-0.3, 0.1),
    },
    ridges={
        ("s", "p"): "the part that is variance, and how fast it fades",
        ("kappa", "p"): "both say where the variance fades",
        ("s", "rho"): "the cross term grows with the variance",
    },
    probes=(Probe("s", ("kappa", "p"), (0.8, 1.2)),),
)
