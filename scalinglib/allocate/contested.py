"""Statements on the law whose truth hangs on what the runs do not show; one answer a law.

Each is one of Sections 5 and D (ids as in data/claims.toml). Under one set of coefficients it holds
or does not; the share of an ensemble under which it holds says whether the evidence decides.
"""

import numpy as np
import pandas as pd

from scalinglib.allocate import questions as allocate
from scalinglib.allocate.uncertainty import infinite_data_gap
from scalinglib.flops import forward_flops

__all__ = ["answers", "shares"]

STUDENTS = np.array([300e6, 1e9, 3e9, 10e9])
TOKENS = np.geomspace(1e9, 1e14, 26)
ERROR = 0.005  # nats per token, the law's own error of 0.2%: less is no difference
NEAR_FLOOR = 0.003  # nats above the supervised floor that count as "approaching" it
DECIDED = 0.9  # share of the laws from which the evidence decides


def answers(law):
    """Whether each statement holds under a law, a dict of id -> bool.

    Parameters
    ----------
    law : DistillationLaw or a form of `laws.FORMS`
    """
    gap = infinite_data_gap(law, STUDENTS)
    floor = np.asarray(law.supervised.infinite_data_loss(STUDENTS))
    many = law.loss(STUDENTS, 1e15, allocate.best_teacher_loss(law, STUDENTS, 1e15))
    small, _, _, large = (allocate.best_teacher_loss(law, n, TOKENS) for n in STUDENTS)
    compute_ratio, token_ratio = _against_supervised(
        law, np.append([500e6, 10e9], STUDENTS), np.append([2.4, 2.2], floor + NEAR_FLOOR)
    )
    return {
        "bound-not-crossed": bool((gap >= -ERROR).all()),
        "supervised-wins-every-size": bool(
            (many > law.supervised.loss(STUDENTS, 1e15) - ERROR).all()
        ),
        "best-teacher-falls-with-tokens": bool((np.diff(small) <= ERROR).all()),
        "best-teacher-large-student": bool(_rise(large) <= ERROR),
        "large-weak-teacher": _large_weak_teacher(law),
        "d5-500m": _within(compute_ratio[0], 0.75, 0.05),
        "d5-10b": _within(compute_ratio[1], 0.5, 0.06),
        "d5-tokens-500m": _within(token_ratio[0], 0.667, 0.07),
        "d5-tokens-10b": _within(token_ratio[1], 0.5, 0.06),
        "d5-near-floor": bool((compute_ratio[2:] >= 1).all()),
        "weak-to-strong-law": bool(law.loss(STUDENTS, 20 * STUDENTS, 2.6).min() < 2.6),
    }


def shares(ensemble, **named):
    """The statements under an ensemble, and under laws of their own.

    Parameters
    ----------
    ensemble : Ensemble
    named : laws, by the name of their column

    Returns
    -------
    DataFrame
        Indexed by claim: share (of the laws under which it holds), verdict ("holds", "does not
        hold" or "undecided by the evidence"), and a column of bool for each named law.
    """
    each = pd.DataFrame([answers(law) for law in ensemble.members])
    share = pd.Series(ensemble.share(each.to_numpy()), index=each.columns)
    verdict = np.select(
        [share >= DECIDED, share <= 1 - DECIDED],
        ["holds", "does not hold"],
        "undecided by the evidence",
    )
    table = pd.DataFrame({"share": share, "verdict": verdict}).rename_axis("claim")
    return table.assign(**{name: pd.Series(answers(law)) for name, law in named.items()})


def _within(value, expected, tolerance):
    return bool(abs(value - expected) <= tolerance)


def _rise(values):
    return np.max(values - np.minimum.accumulate(values))


def _against_supervised(law, student_params, loss):
    """Compute and tokens of the cheapest distillation, inference paid, over supervised ones'."""
    tokens = law.supervised.tokens_for_loss(student_params, loss)
    compute = allocate.compute_for_loss(law, student_params, loss, "teacher_inference")
    reached = np.isfinite(compute)
    found = np.full(len(compute), np.inf)
    recipe = allocate.optimal(
        law, student_params[reached], compute[reached] * (1 + 1e-9), "teacher_inference"
    )
    found[reached] = recipe.student_tokens
    return compute / (3 * forward_flops(student_params) * tokens), found / tokens


def _large_weak_teacher(law):
    """Whether the best training of a 7.75B teacher grows with the budget, at every student size."""
    teacher, trained = 7.75e9, np.geomspace(1e9, 1e13, 81)
    teacher_loss = law.supervised.loss(teacher, trained)
    early, late = (
        np.argmin(
            law.loss(
                STUDENTS[:, None],
                allocate.tokens_with_teacher(STUDENTS, teacher, budget)[:, None],
                teacher_loss,
            ),
            axis=1,
        )
        for budget in (1e20, 1e23)
    )
    return bool((late > early).all())
