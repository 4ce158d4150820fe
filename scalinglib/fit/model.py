"""The two laws in coordinates that a minimiser likes, with their start grids and bounds.

Table 6's coefficients are a bad basis for a search: log A and alpha move together along a narrow
valley, since no run lies near N = 1, and E, gamma and the exponents along a curved one. The
coordinates here are what runs measure: the law's value and its slopes at the middle of the data,
then what only its curvature tells (how much of the value is E, how the power terms share the rest,
gamma, and for the teacher's part the strength, sharpness and amplitude of the gap).

A coefficient that the caller fixes replaces what the coordinates say; the same compiled code serves
any choice of fixed coefficients, whose values are data to it (NaN where free).
"""

from dataclasses import dataclass
from itertools import product

import jax
import jax.numpy as jnp
import numpy as np

from scalinglib.laws import DistillationLaw, SupervisedLaw

__all__ = ["DISTILLATION", "JOINT", "SUPERVISED", "Kind"]

_SHARES = -7.0, 7.0  # logits
_LOG_GAMMA = -4.0, 4.0
_LOG_SLOPES = -12.0, 2.0


_STEEPEST = 25.0  # exponent; beyond it A and B leave the range of float64


def _or(fixed, free):
    return jnp.where(jnp.isnan(fixed), free, fixed)


def _power_terms(z, log_scale, shift, fixed, middle):
    """A, B, alpha, beta, gamma of a sum of powers that is exp(log_scale + shift) in the middle.

    z: logit of the size term's share, logs of the slopes in log N and log D, log gamma.
    """
    gamma = _or(fixed[4], jnp.exp(z[3]))
    log_shares = jax.nn.log_sigmoid(z[0]), jax.nn.log_sigmoid(-z[0])
    exponents = [
        _or(fixed[2 + i], jnp.minimum(jnp.exp(z[1 + i] - log_shares[i] + shift) / gamma, _STEEPEST))
        for i in (0, 1)
    ]
    scales = [
        _or(fixed[i], jnp.exp(log_scale / gamma + log_shares[i] + exponents[i] * middle[i]))
        for i in (0, 1)
    ]
    return [*scales, *exponents, gamma]


def supervised_coefficients(z, fixed, middle):
    """(E, A, B, alpha, beta, gamma) of coordinates z, `fixed` where that is not NaN.

    z: log of the loss in the middle of the data, logit of E's share of it, then `_power_terms`,
    with slopes of log L.
    """
    is_free = jnp.isnan(fixed[0])
    logit = jnp.where(is_free, z[1], 0.0)
    e = _or(fixed[0], jnp.exp(z[0] + jax.nn.log_sigmoid(logit)))
    log_rest = jax.nn.log_sigmoid(-logit)
    terms = _power_terms(z[2:], z[0] + log_rest, -log_rest, fixed[1:], middle)
    return jnp.stack([e, *terms])


def distillation_coefficients(z, fixed, middle):
    """(A, B, alpha, beta, gamma, c0, c1, d1, f1) of coordinates z, `fixed` where that is not NaN.

    z: log of L_S - L_T in the middle, four of `_power_terms`, the total slope in log L_T, then log
    strength, log f1 and 1 / (c1 f1): strength is what the exponent c1 f1 log(1 + u) in the middle
    becomes as c1 grows without bound, which is a finite distance away in the last coordinate.
    """
    f1 = _or(fixed[8], jnp.exp(z[7]))
    c1 = _or(fixed[6], 1 / (z[8] * f1))
    log_u = z[6] - jnp.log(c1 * f1)
    d1 = _or(fixed[7], jnp.exp(middle[3] - f1 * log_u))
    log_u = (middle[3] - jnp.log(d1)) / f1
    slope = c1 * jax.nn.sigmoid(log_u)
    c0 = _or(fixed[5], z[5] - slope)
    level = z[0] + c0 * middle[2] + c1 * f1 * jax.nn.softplus(log_u)
    terms = _power_terms(z[1:], level, 0.0, fixed, middle)
    return jnp.stack([*terms, c0, c1, d1, f1])


def _supervised_law(z, lane, shared):
    return SupervisedLaw(*supervised_coefficients(z, lane["fixed"], shared["middle"]))


def _supervised_residuals(z, lane, shared):
    law = _supervised_law(z, lane, shared)
    return law.log_loss(shared["log_params"], shared["log_tokens"]) - shared["log_loss"]


@dataclass(frozen=True)
class _Known:
    """A supervised law known at the runs, so that no derivative goes through it."""

    values: object

    def log_loss(self, log_params, log_tokens):
        return self.values


def _distillation_residuals(z, lane, shared):
    coefficients = distillation_coefficients(z, lane["fixed"], shared["middle"])
    law = DistillationLaw(*coefficients, supervised=_Known(lane["log_supervised"]))
    return _log_student_loss(law, shared) - shared["log_student_loss"]


def _log_student_loss(law, shared):
    return law.log_loss(
        shared["log_student_params"], shared["log_student_tokens"], shared["log_teacher_loss"]
    )


def _joint_residuals(z, lane, shared):
    runs = shared["supervised"], shared["distillation"]
    fixed = lane["fixed"]
    supervised = _supervised_law(z[:6], {"fixed": fixed[:6]}, runs[0])
    coefficients = distillation_coefficients(z[6:], fixed[6:], runs[1]["middle"])
    law = DistillationLaw(*coefficients, supervised=supervised)
    first = supervised.log_loss(runs[0]["log_params"], runs[0]["log_tokens"])
    second = _log_student_loss(law, runs[1])
    return jnp.concatenate([first - runs[0]["log_loss"], second - runs[1]["log_student_loss"]])


@dataclass(frozen=True)
class Kind:
    """One of the laws to fit: what the solver and the reports need to know about it.

    Attributes
    ----------
    name : str
    coefficients : tuple of str
        In the order of the vectors that `coefficients_at` gives and `fixed` takes.
    columns : tuple of str
        Columns of a runs table that the law reads, the measured loss last.
    residuals : function (z, lane, shared) -> array
        log of the law over the run, what the solver minimises.
    coefficients_at : function (z, fixed, middle) -> array
    """

    name: str
    coefficients: tuple
    columns: tuple
    residuals: object
    coefficients_at: object


SUPERVISED = Kind(
    "supervised",
    ("E", "A", "B", "alpha", "beta", "gamma"),
    ("params", "tokens", "loss"),
    _supervised_residuals,
    supervised_coefficients,
)
DISTILLATION = Kind(
    "distillation",
    ("A", "B", "alpha", "beta", "gamma", "c0", "c1", "d1", "f1"),
    ("student_params", "student_tokens", "teacher_loss", "student_loss"),
    _distillation_residuals,
    distillation_coefficients,
)
JOINT = Kind(
    "joint",
    (*(f"supervised_{name}" for name in SUPERVISED.coefficients), *DISTILLATION.coefficients),
    (),
    _joint_residuals,
    None,
)


def shared_data(kind, runs, log_supervised=None):
    """What all lanes of a fit read: logs of the columns, and the middle of the data.

    Parameters
    ----------
    kind : Kind
        SUPERVISED or DISTILLATION.
    runs : DataFrame
    log_supervised : array or None
        log L̃_S at the runs, for DISTILLATION.
    """
    columns = [np.log(runs[name].to_numpy(float)) for name in kind.columns]
    logs = {f"log_{name}": pad(column) for name, column in zip(kind.columns, columns, strict=True)}
    if kind is SUPERVISED:
        middle = [columns[0].mean(), columns[1].mean()]
    else:
        middle = [column.mean() for column in columns[:3]]
        middle.append((columns[2] - log_supervised).mean())
    return {**logs, "middle": np.array(middle)}


def pad(values):
    """`values` with the last repeated to 128, 192, 256, 384, ... so that few shapes are compiled.

    What is added has no weight (see `Problem.weights`).
    """
    count = values.shape[-1]
    sizes = (step * 2**k for k in range(30) for step in (128, 192))
    missing = next(size for size in sizes if size >= count) - count
    return np.pad(values, [(0, 0)] * (values.ndim - 1) + [(0, missing)], mode="edge")


def box(kind, shared):
    """Lower and upper bounds of the coordinates: wide, there to stop runaways, not to steer."""
    if kind is SUPERVISED:
        log_loss = shared["log_loss"]
        level = log_loss.min() - 1, log_loss.max() + 1
        pairs = [level, _SHARES, _SHARES, _LOG_SLOPES, _LOG_SLOPES, _LOG_GAMMA]
    else:
        level = shared["log_student_loss"].max() + np.array([-15.0, 3.0])
        terms = [_SHARES, _LOG_SLOPES, _LOG_SLOPES, _LOG_GAMMA]
        # c1 f1 ends at 1e4, where the law is within 1e-4 of its limit.
        pairs = [level, *terms, (-60.0, 60.0), (-12.0, 7.0), (-6.0, 3.0), (1e-4, 20.0)]
    return tuple(np.array(pairs, float).T)


def _logit(share):
    return np.log(share / (1 - share))


def start_grid(kind, shared):
    """The full grid of starts, as an array (starts, coordinates): 4500 or 4096 of them."""
    if kind is SUPERVISED:
        level = np.median(shared["log_loss"])
        axes = (
            [0.1, 0.3, 0.5, 0.7, 0.9],  # share of E
            [0.1, 0.3, 0.5, 0.7, 0.9],  # share of the size term in the rest
            [0.2, 0.4, 0.7, 1.0, 1.6],  # gamma
            [0.03, 0.07, 0.12, 0.25, 0.4, 0.7],  # alpha gamma
            [0.03, 0.07, 0.12, 0.25, 0.4, 0.7],  # beta gamma
        )
        share_e, share, gamma, size, data = np.array(list(product(*axes))).T
        slopes = np.log(size * share * (1 - share_e)), np.log(data * (1 - share) * (1 - share_e))
        columns = [level + 0 * gamma, _logit(share_e), _logit(share), *slopes, np.log(gamma)]
        return np.stack(columns, axis=1)
    excess = np.exp(shared["log_student_loss"]) - np.exp(shared["log_teacher_loss"])
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
    slopes = np.log(size * share), np.log(data * (1 - share))
    gap = np.log(strength), np.log(f1), 1 / amplitude
    columns = [level + 0 * gamma, _logit(share), *slopes, np.log(gamma), slope, *gap]
    return np.stack(columns, axis=1)
