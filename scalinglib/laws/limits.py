"""Which exact limits a distillation law meets, by evaluating it."""

import numpy as np
from numpy.typing import ArrayLike

from scalinglib.laws.base import StudentLaw

LIMITS = {
    "copies": "L_S -> L_T as N_S, D_S -> inf",
    "useless": "L_S -> L_T as L_T -> inf",
    "floor": "L_T = E, D_S -> inf: the supervised floor",
    "soft_labels": "L_T = E: L_S <= L(N_S, D_S)",
    "gap": "an interior best L_T on finite data",
    "gap_closes": "none at D_S = inf",
    "weak_to_strong": "L_S < L_T somewhere",
}
_CLOSE = 1e-6  # relative: a limit is met to rounding and to what a finite stand-in for inf leaves
_NATS = 1e-4  # a gap, or L_S below L_T, of less is none


def below_floor(law: StudentLaw, student_params: ArrayLike) -> np.ndarray:
    """How far a law puts students below their own supervised floor, at most, in nats.

    What a model of that size reaches on endless data is its floor, whoever teaches it, if models
    are optimised; a law that goes below it says that they are not, or is wrong there.

    - returns: array (students,), 0 where the law respects the floor
    """
    student_params = np.ravel(np.asarray(student_params, float))
    floor = law.supervised.infinite_data_loss(student_params)
    # Some laws undercut the floor on finite data and come back to it.
    log_tokens = np.log(np.append(np.geomspace(1e10, 1e19, 46), np.inf))
    teachers = law.supervised.E + np.geomspace(1e-3, 2, 100)[:, None, None]
    losses = np.exp(law.log_loss(np.log(student_params), log_tokens[:, None], np.log(teachers)))
    lowest = losses.min(axis=(0, 1))
    return np.maximum(floor - lowest, 0.0)


def met(law: StudentLaw, student_params: np.ndarray, student_tokens: np.ndarray) -> dict[str, bool]:
    """Each limit of `LIMITS`, met or not, for students (students,) of these sizes and tokens.

    Tokens are for the limits on finite students; where D_S runs to infinity all sizes are taken.
    """
    entropy = law.supervised.E
    perfect = entropy * (1 + 1e-12)
    teachers = entropy + np.geomspace(1e-3, 10, 400)[:, None]
    losses = law.loss(student_params, student_tokens, teachers)
    endless = law.infinite_data_loss(student_params, teachers)
    grid = np.geomspace(1e-3, 1e6, 19)[:, None] * student_tokens
    labels = law.supervised.loss(student_params, grid)
    soft = law.loss(student_params, grid, perfect)
    copies = law.loss(1e60, 1e60, teachers)
    # Unchecked: no model is as bad as this teacher.
    logs = map(np.log, (student_params, student_tokens, 1e9 * entropy))
    useless = np.exp(law.log_loss(*logs))
    floor = law.infinite_data_loss(student_params, perfect)
    return {
        "copies": _same(copies, teachers),
        "useless": _same(useless, 1e9 * entropy),
        "floor": _same(floor, law.supervised.infinite_data_loss(student_params)),
        "soft_labels": bool((soft <= labels * (1 + _CLOSE)).all()),
        "gap": _interior(losses),
        "gap_closes": not _interior(endless),
        "weak_to_strong": bool((losses < teachers - _NATS).any()),
    }


def _same(values, expected):
    return bool(np.allclose(values, expected, rtol=_CLOSE, atol=0))


def _interior(losses):
    """Whether a better teacher than the best one (rows, best first) makes a student worse."""
    return bool((losses[0] - losses.min(axis=0) > _NATS).any())
