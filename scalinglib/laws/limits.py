"""Which exact limits a distillation law meets, by evaluating it."""

import numpy as np

__all__ = ["LIMITS", "met"]

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


def met(law, student_params, student_tokens):
    """Each limit of `LIMITS`, met or not, for students of these sizes and tokens.

    Parameters
    ----------
    law : DistillationLaw or a form of `laws.forms`
    student_params, student_tokens : array (students,)
        For the limits on finite students; where D_S runs to infinity all the sizes are taken.

    Returns
    -------
    dict of str -> bool
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
