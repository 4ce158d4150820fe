"""Compute-optimal distillation and supervised training, and which teacher to use (Section 5, D).

The problem (Equations 9, 10, 28, 29): for a student of N_S parameters and C FLOPs, find the
teacher (N_T, D_T) and the distillation tokens D_S that minimise L_S subject to

    3 F(N_S) D_S + F(N_T) (delta_lgt D_S + 3 delta_pre D_T) <= C.

`solver` solves it for many problems at once; here are the questions that readers ask.
"""

from functools import partial

import numpy as np
import pandas as pd

from scalinglib.allocate.search import best_teachers_within, minimise, root
from scalinglib.allocate.solver import ENDLESS, TEACHER_PARAMS_BOX, TOKENS_BOX, best_teachers
from scalinglib.allocate.supervised import cheapest_model
from scalinglib.checks import positive
from scalinglib.flops import forward_flops
from scalinglib.laws import StudentLaw

__all__ = [
    "SCENARIOS",
    "best_teacher_loss",
    "compute_for_loss",
    "crossover",
    "deltas",
    "minimum_compute",
    "optimal",
    "tokens_with_teacher",
]

SCENARIOS = {  # name: (delta_lgt, delta_pre), Table 2
    "best_case": (0.0, 0.0),
    "teacher_inference": (1.0, 0.0),
    "teacher_pretraining": (0.0, 1.0),
    "teacher_pretraining_inference": (1.0, 1.0),
}


def deltas(scenario):
    """(delta_lgt, delta_pre) of a scenario: a name of Table 2 or a pair of numbers in [0, 1]."""
    if isinstance(scenario, str):
        if scenario not in SCENARIOS:
            raise ValueError(f"scenario is {scenario!r}; it must be one of {list(SCENARIOS)}")
        return SCENARIOS[scenario]
    try:
        delta_lgt, delta_pre = scenario
    except (TypeError, ValueError):
        raise ValueError(
            f"scenario is {scenario!r}; it must be one of {list(SCENARIOS)} "
            "or a pair (delta_lgt, delta_pre)"
        ) from None
    for name, value in (("delta_lgt", delta_lgt), ("delta_pre", delta_pre)):
        array = np.asarray(value, dtype=float)
        bad = ~((array >= 0) & (array <= 1))
        if bad.any():
            raise ValueError(f"{name} is {float(array[bad].flat[0])!r}; it must be within [0, 1]")
    return delta_lgt, delta_pre


def optimal(law, student_params, compute, scenario, *, max_tokens=None):
    """The compute-optimal distillation of each student on each budget (Equations 10 and 28).

    Parameters
    ----------
    law : StudentLaw
        `DistillationLaw` or a form.
    student_params, compute : array_like
        N_S and the budget C in FLOPs, positive and finite. They broadcast.
    scenario : str or pair of array_like
        A name of `SCENARIOS` or (delta_lgt, delta_pre), each in [0, 1]; a pair broadcasts too.
    max_tokens : array_like, optional
        The most tokens that any model, student or teacher, can be trained on; broadcasts too. None
        stands for the bound of `TOKENS_BOX`.

    Returns
    -------
    DataFrame
        One row a problem, in C order of the broadcast shape: student_params, compute, scenario,
        student_tokens, teacher_params, teacher_tokens, teacher_loss, student_loss,
        supervised_loss (the same student trained on data with the whole budget), and the shares of
        the FLOPs spent: share_student, share_inference, share_pretraining. Last, at_bound: which
        of student_tokens, teacher_params and teacher_tokens are no optimum but a bound of
        `TOKENS_BOX`, `TEACHER_PARAMS_BOX` or max_tokens, joined by commas, "" where none is. Where
        no teacher FLOPs are counted only L_T matters: the teacher reported is the cheapest that
        reaches it. Where only inference is counted the teacher's tokens run to their upper bound. A
        budget larger than the box can spend has student_tokens at theirs.

    Raises
    ------
    ValueError
        Where an argument is not what it must be, or the budget does not pay for the smallest
        teacher and token count.
    TypeError
        Where `law` is not such a law.
    """
    if not isinstance(law, StudentLaw):
        raise TypeError(f"law is {law!r}; it must be a StudentLaw")
    names = scenario if isinstance(scenario, str) else None
    problems = np.broadcast_arrays(
        positive("student_params", student_params),
        positive("compute", compute),
        *deltas(scenario),
        np.inf if max_tokens is None else positive("max_tokens", max_tokens),
    )
    student_params, compute, delta_lgt, delta_pre, limit = (
        np.ravel(p).astype(float) for p in problems
    )
    if np.any(limit <= TOKENS_BOX[0]):
        raise ValueError(f"max_tokens is {limit.min():.6g}; it must be above {TOKENS_BOX[0]:.0e}")
    most_tokens = np.minimum(limit, TOKENS_BOX[1])
    needed = minimum_compute(student_params, (delta_lgt, delta_pre))
    short = compute < needed
    if short.any():
        i = int(np.argmax(short))
        raise ValueError(
            f"compute is {compute[i]:.6g}; for student_params {student_params[i]:.6g} it must be "
            f"at least {needed[i]:.6g}, which pays for {TOKENS_BOX[0]:.0e} tokens and the smallest "
            "teacher"
        )
    best = _best(
        law,
        student_params,
        compute,
        delta_lgt,
        delta_pre,
        most_tokens=None if max_tokens is None else most_tokens,
    )
    teacher_params, teacher_tokens, teacher_loss, student_tokens, student_loss = best
    free = (delta_lgt == 0) & (delta_pre == 0)
    if free.any():
        teacher_params[free], teacher_tokens[free] = cheapest_model(
            law.supervised, teacher_loss[free], max_tokens=most_tokens[free]
        )
    costs = _costs(student_params, teacher_params, delta_lgt, delta_pre)
    spent = np.array(
        [
            costs["student"] * student_tokens,
            costs["inference"] * student_tokens,
            costs["pretraining"] * teacher_tokens,
        ]
    )
    share = spent / spent.sum(axis=0)
    return pd.DataFrame(
        {
            "student_params": student_params,
            "compute": compute,
            "scenario": names
            or [f"({a:g}, {b:g})" for a, b in zip(delta_lgt, delta_pre, strict=True)],
            "student_tokens": student_tokens,
            "teacher_params": teacher_params,
            "teacher_tokens": teacher_tokens,
            "teacher_loss": teacher_loss,
            "student_loss": student_loss,
            "supervised_loss": _loss(
                law.supervised, student_params, np.minimum(compute / costs["student"], limit)
            ),
            "share_student": share[0],
            "share_inference": share[1],
            "share_pretraining": share[2],
            "at_bound": _at_bound(student_tokens, teacher_params, teacher_tokens, most_tokens),
        }
    )


def _best(law, student_params, compute, delta_lgt, delta_pre, *, most_tokens=None):
    """N_T, D_T, L_T, D_S and L_S of each problem; of a free teacher only L_T is determined."""
    problem = (student_params, compute, delta_lgt, delta_pre)
    if most_tokens is None:
        most_tokens = TOKENS_BOX[1]
        teacher_params, teacher_tokens = best_teachers(law, *problem)
    else:
        teacher_params, teacher_tokens = best_teachers_within(
            law, *problem, most_tokens=most_tokens
        )
    costs = _costs(student_params, teacher_params, delta_lgt, delta_pre)
    student_tokens = np.clip(
        (compute - costs["pretraining"] * teacher_tokens) / (costs["student"] + costs["inference"]),
        TOKENS_BOX[0],
        most_tokens,
    )
    teacher_loss = _loss(law.supervised, teacher_params, teacher_tokens)
    student_loss = _loss(law, student_params, student_tokens, teacher_loss)
    return teacher_params, teacher_tokens, teacher_loss, student_tokens, student_loss


def _loss(law, *arguments):
    return np.exp(law.log_loss(*map(np.log, arguments)))


def _at_bound(student_tokens, teacher_params, teacher_tokens, most_tokens):
    """Names of the variables that end at a bound, problem by problem."""
    boxes = {
        "student_tokens": (student_tokens, (TOKENS_BOX[0], most_tokens)),
        "teacher_params": (teacher_params, TEACHER_PARAMS_BOX),
        "teacher_tokens": (teacher_tokens, (TOKENS_BOX[0], most_tokens)),
    }
    at = {
        name: (value <= low * (1 + 1e-6)) | (value >= high * (1 - 1e-6))
        for name, (value, (low, high)) in boxes.items()
    }
    return [
        ", ".join(name for name, here in zip(at, row, strict=True) if here)
        for row in zip(*at.values(), strict=True)
    ]


def minimum_compute(student_params, scenario):
    """FLOPs for the fewest student tokens with the cheapest teacher of the box."""
    delta_lgt, delta_pre = deltas(scenario)
    costs = _costs(student_params, TEACHER_PARAMS_BOX[0], delta_lgt, delta_pre)
    return sum(costs.values()) * TOKENS_BOX[0] * (1 + 1e-9)


def compute_for_loss(law, student_params, loss, scenario):
    """FLOPs of the cheapest distillation that brings a student to `loss` (Section D.5).

    Parameters
    ----------
    law : object
        As for `optimal`.
    student_params, loss : array_like
        N_S and the target L_S in nats per token; they broadcast.
    scenario : str or pair
        As for `optimal`.

    Returns
    -------
    array of the broadcast shape
        FLOPs; inf where no budget below 1e32 reaches the loss.
    """
    student_params, loss, *pair = np.broadcast_arrays(
        positive("student_params", student_params), positive("loss", loss), *deltas(scenario)
    )

    def excess(log_compute, student_params, loss, *pair):
        return _best(law, student_params, np.exp(log_compute), *pair)[-1] - loss

    problem = [np.ravel(p) for p in (student_params, loss, *pair)]
    low = np.log(minimum_compute(problem[0], problem[2:]) * (1 + 1e-9))
    high = np.full(low.shape, np.log(1e32))
    reachable = excess(high, *problem) <= 0
    cheap = excess(low, *problem) <= 0
    compute = np.where(reachable, np.exp(low), np.inf)
    search = reachable & ~cheap
    compute[search] = np.exp(root(excess, low, high, problem, search))
    return compute.reshape(loss.shape)


def crossover(law, student_params, scenario, low=1e17, high=1e28):
    """The budget from which supervised training of a student is at least as good (Section 5.3).

    Parameters
    ----------
    law : object
        As for `optimal`.
    student_params : array_like
    scenario : str or pair
        As for `optimal`.
    low, high : float
        Budgets between which it is looked for, FLOPs.

    Returns
    -------
    array
        FLOPs at the last change of sign of L_S - L̃_S; `low` where distillation never wins
        and inf where it still wins at `high`.
    """
    student_params = np.ravel(positive("student_params", student_params))
    delta_lgt, delta_pre = (float(delta) for delta in deltas(scenario))

    def gap(log_compute, student_params):
        table = optimal(law, student_params, np.exp(log_compute), (delta_lgt, delta_pre))
        return (table.student_loss - table.supervised_loss).to_numpy()

    grid = np.linspace(np.log(low), np.log(high), 90)
    wins = gap(np.tile(grid, len(student_params)), np.repeat(student_params, len(grid))) < 0
    wins = wins.reshape(len(student_params), len(grid))
    last = len(grid) - 1 - np.argmax(wins[:, ::-1], axis=1)
    budget = np.where(wins.any(axis=1), np.inf, low)
    search = wins.any(axis=1) & ~wins[:, -1]
    left, right = grid[last], grid[np.minimum(last + 1, len(grid) - 1)]
    budget[search] = np.exp(root(gap, left, right, [student_params], search))
    return budget


def best_teacher_loss(law, student_params, student_tokens=None):
    """The L_T that makes the best student, whatever the teacher costs (Sections 5.2 and E.6).

    Parameters
    ----------
    law : object
        As for `optimal`.
    student_params : array_like
    student_tokens : array_like or None
        D_S; None stands for infinite data.

    Returns
    -------
    array of the broadcast shape
        Nats per token, between the least loss of a teacher, E, and ten times that.
    """
    endless = student_tokens is None
    student_params, student_tokens = np.broadcast_arrays(
        positive("student_params", student_params),
        positive("student_tokens", 1.0 if endless else student_tokens),
    )
    log_params = np.log(student_params)[..., None]
    log_tokens = ENDLESS if endless else np.log(student_tokens)[..., None]
    low = np.full(student_params.shape, law.supervised.log_loss(ENDLESS, ENDLESS))
    best = minimise(partial(law.log_loss, log_params, log_tokens), low, low + np.log(10.0))
    return np.exp(best)


def tokens_with_teacher(student_params, teacher_params, compute, delta_lgt=1.0):
    """Distillation tokens that a budget pays for with an existing teacher (Equation 27)."""
    delta_lgt, _ = deltas((delta_lgt, 0.0))
    costs = _costs(
        positive("student_params", student_params),
        positive("teacher_params", teacher_params),
        delta_lgt,
        0.0,
    )
    return positive("compute", compute) / (costs["student"] + costs["inference"])


def _costs(student_params, teacher_params, delta_lgt, delta_pre):
    """FLOPs per student token (student, inference) and per teacher token (pretraining)."""
    teacher = forward_flops(teacher_params)
    return {
        "student": 3 * forward_flops(student_params),
        "inference": delta_lgt * teacher,
        "pretraining": 3 * delta_pre * teacher,
    }
