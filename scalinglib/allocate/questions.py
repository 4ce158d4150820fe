"""Compute-optimal distillation and supervised training, and which teacher to use (Section 5, D).

The problem (Equations 9, 10, 28, 29): for a student of N_S parameters and C FLOPs, find the
teacher (N_T, D_T) and the distillation tokens D_S that minimise L_S subject to

    3 F(N_S) D_S + F(N_T) (delta_lgt D_S + 3 delta_pre D_T) <= C.

`solver` solves it for many problems at once; here are the questions that readers ask.
"""

import warnings
from collections.abc import Sequence
from functools import partial

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike

from scalinglib import laws
from scalinglib.allocate.elementwise import minimise, root
from scalinglib.allocate.solver import ENDLESS, TEACHER_PARAMS_BOX, TOKENS_BOX, best_teachers
from scalinglib.allocate.supervised import cheapest_model
from scalinglib.checks import one_of, positive, within
from scalinglib.flops import N_VOCAB, forward_flops
from scalinglib.laws import Law, StudentLaw

SCENARIOS = {  # name: (delta_lgt, delta_pre), Table 2
    "best_case": (0.0, 0.0),
    "teacher_inference": (1.0, 0.0),
    "teacher_pretraining": (0.0, 1.0),
    "teacher_pretraining_inference": (1.0, 1.0),
}
MOST_COMPUTE = 1e28  # FLOPs up to which a crossover is looked for
Scenario = str | tuple[ArrayLike, ArrayLike]  # a name of these, or (delta_lgt, delta_pre)


def deltas(scenario: Scenario) -> tuple[ArrayLike, ArrayLike]:
    """(delta_lgt, delta_pre) of a scenario: a name of Table 2 or a pair of numbers in [0, 1]."""
    if isinstance(scenario, str):
        one_of("scenario", scenario, SCENARIOS)
        return SCENARIOS[scenario]
    try:
        delta_lgt, delta_pre = scenario
    except (TypeError, ValueError):
        raise ValueError(
            f"scenario is {scenario!r}; it must be one of {list(SCENARIOS)} "
            "or a pair (delta_lgt, delta_pre)"
        ) from None
    within("delta_lgt", delta_lgt, 0, 1)
    within("delta_pre", delta_pre, 0, 1)
    return delta_lgt, delta_pre


def optimal(
    law: StudentLaw,
    student_params: ArrayLike,
    compute: ArrayLike,
    scenario: Scenario,
    *,
    max_tokens: ArrayLike | None = None,
) -> pd.DataFrame:
    """The compute-optimal distillation of each student on each budget (Equations 10 and 28).

    - student_params, compute: N_S and the budget C in FLOPs, positive and finite. They broadcast.
    - scenario: a name of `SCENARIOS` or (delta_lgt, delta_pre), each in [0, 1]; a pair broadcasts
      too.
    - max_tokens: the most tokens that any model, student or teacher, can be trained on; broadcasts
      too. None stands for the bound of `TOKENS_BOX`.
    - returns: one row a problem, in C order of the broadcast shape: student_params, compute,
      scenario, student_tokens, teacher_params, teacher_tokens, teacher_loss, student_loss,
      supervised_loss (the same student trained on data with the whole budget), and the shares of
      the FLOPs spent: share_student, share_inference, share_pretraining. Last, at_bound: which of
      student_tokens, teacher_params and teacher_tokens are no optimum but a bound of `TOKENS_BOX`,
      `TEACHER_PARAMS_BOX` or max_tokens, joined by commas, "" where none is. Where no teacher FLOPs
      are counted, or the student's tokens are at their bound, only L_T matters: the teacher
      reported is the cheapest that reaches it. Where only inference is counted the teacher's tokens
      run to their upper bound.
    - raises ValueError: where an argument is not what it must be, or the budget does not pay for
      the smallest teacher and token count.
    - raises TypeError: where `law` is not such a law.
    - warns: of a student_loss above that of guessing, where the law runs away on few tokens.
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
    _refuse_short(student_params, compute, (delta_lgt, delta_pre))
    best = _best(law, student_params, compute, delta_lgt, delta_pre, most_tokens)
    teacher_params, teacher_tokens, teacher_loss, student_tokens, student_loss = best
    # Of a free teacher, and of one beside a student that sees all tokens there are.
    only_loss = ((delta_lgt == 0) & (delta_pre == 0)) | (student_tokens >= most_tokens)
    if only_loss.any():
        with np.errstate(divide="ignore", invalid="ignore"):
            inference = np.where(delta_lgt > 0, delta_lgt * student_tokens / (3 * delta_pre), 0.0)
        teacher_params[only_loss], teacher_tokens[only_loss] = cheapest_model(
            law.supervised,
            teacher_loss[only_loss],
            max_tokens=most_tokens[only_loss],
            inference_tokens=inference[only_loss],
        )
    costs = cost_per_token(student_params, teacher_params, (delta_lgt, delta_pre))
    read = {"student": student_tokens, "inference": student_tokens, "pretraining": teacher_tokens}
    spent = np.array([costs[name] * tokens for name, tokens in read.items()])
    share = spent / spent.sum(axis=0)
    table = pd.DataFrame(
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
            "supervised_loss": loss_under(
                law.supervised, student_params, np.minimum(compute / costs["student"], limit)
            ),
            "share_student": share[0],
            "share_inference": share[1],
            "share_pretraining": share[2],
            "at_bound": _at_bound(student_tokens, teacher_params, teacher_tokens, most_tokens),
        }
    )
    remark(table, "student_loss")
    return table


def _best(law, student_params, compute, delta_lgt, delta_pre, most_tokens):
    """N_T, D_T, L_T, D_S and L_S of each problem; of a free teacher only L_T is determined."""
    teacher_params, teacher_tokens = best_teachers(
        law, student_params, compute, delta_lgt, delta_pre, most_tokens
    )
    costs = cost_per_token(student_params, teacher_params, (delta_lgt, delta_pre))
    student_tokens = np.clip(
        (compute - costs["pretraining"] * teacher_tokens) / (costs["student"] + costs["inference"]),
        TOKENS_BOX[0],
        most_tokens,
    )
    teacher_loss = loss_under(law.supervised, teacher_params, teacher_tokens)
    student_loss = loss_under(law, student_params, student_tokens, teacher_loss)
    return teacher_params, teacher_tokens, teacher_loss, student_tokens, student_loss


def loss_under(law: Law, *arguments: ArrayLike) -> np.ndarray:
    """The loss of any law, in nats per token, from sizes, tokens and losses as they are."""
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


class RunawayWarning(UserWarning):
    """A law has a loss that no model has."""


def remark(table: pd.DataFrame, column: str) -> None:
    """Warn of the first loss of a column above that of guessing."""
    guess = np.log(N_VOCAB)
    for row in table[~(table[column] <= guess)].head(1).itertuples():
        warnings.warn(
            f"{column} is {getattr(row, column):.3g} for student_params {row.student_params:.3g} "
            f"on {row.student_tokens:.3g} tokens, above that of guessing ({guess:.3g}): the law "
            "says nothing on so few",
            RunawayWarning,
            stacklevel=3,
        )


def _refuse_short(student_params, compute, shares):
    needed = np.broadcast_to(minimum_compute(student_params, shares), student_params.shape)
    short = compute < needed
    if short.any():
        i = int(np.argmax(short))
        raise ValueError(
            f"compute is {compute[i]:.6g}; for student_params {student_params[i]:.6g} it must be "
            f"at least {needed[i]:.6g}, which pays for {TOKENS_BOX[0]:.0e} tokens and the smallest "
            "teacher"
        )


def minimum_compute(student_params: ArrayLike, scenario: Scenario) -> np.ndarray:
    """FLOPs for the fewest student tokens with the cheapest teacher of the box."""
    costs = cost_per_token(student_params, TEACHER_PARAMS_BOX[0], deltas(scenario))
    return sum(costs.values()) * TOKENS_BOX[0] * (1 + 1e-9)


def compute_for_loss(
    law: StudentLaw, student_params: ArrayLike, loss: ArrayLike, scenario: Scenario
) -> np.ndarray:
    """FLOPs of the cheapest distillation that brings a student to `loss` (Section D.5).

    - student_params, loss: N_S and the target L_S in nats per token; they broadcast.
    - returns: array of the broadcast shape; FLOPs; inf where no budget below 1e32 reaches the loss.
    """
    student_params, loss, *pair = np.broadcast_arrays(
        positive("student_params", student_params), positive("loss", loss), *deltas(scenario)
    )

    def excess(log_compute, student_params, loss, *pair):
        most = np.full(log_compute.shape, TOKENS_BOX[1])
        return _best(law, student_params, np.exp(log_compute), *pair, most)[-1] - loss

    problem = [np.ravel(p) for p in (student_params, loss, *pair)]
    # A few budgets at once: a search that starts on both ends asks many times for one budget.
    low = np.log(minimum_compute(problem[0], problem[2:]) * (1 + 1e-9))
    grid = np.linspace(low, np.log(1e32), 9)
    above = excess(np.ravel(grid), *(np.tile(part, len(grid)) for part in problem))
    enough = above.reshape(grid.shape) <= 0
    first, column = enough.argmax(axis=0), np.arange(len(low))
    compute = np.where(enough.any(axis=0), np.exp(low), np.inf)
    search = enough.any(axis=0) & (first > 0)
    ends = grid[first - 1, column], grid[first, column]
    compute[search] = np.exp(root(excess, *ends, problem, search))
    return compute.reshape(loss.shape)


def crossover(
    law: StudentLaw, student_params: ArrayLike, scenario: Scenario, low: float = 1e17
) -> np.ndarray:
    """The budget from which supervised training of a student is at least as good (Section 5.3).

    - law, student_params, scenario: as for `optimal`; one scenario for all.
    - low: the least budget that is looked at, FLOPs; the largest is `MOST_COMPUTE`.
    - returns: FLOPs at the last change of sign of L_S - L̃_S; `low` where distillation never wins
      and inf where it still wins at `MOST_COMPUTE`.
    """
    student_params = np.ravel(positive("student_params", student_params))
    pair = tuple(float(delta) for delta in deltas(scenario))
    _refuse_short(student_params, np.full(student_params.shape, low), pair)

    def gap(log_compute, student_params):
        compute = np.exp(log_compute)
        each = (np.full(compute.shape, value) for value in (*pair, TOKENS_BOX[1]))
        tokens = compute / (3 * forward_flops(student_params))
        distilled = _best(law, student_params, compute, *each)[-1]
        return distilled - loss_under(law.supervised, student_params, tokens)

    grid = np.linspace(np.log(low), np.log(MOST_COMPUTE), 90)
    gaps = gap(np.tile(grid, len(student_params)), np.repeat(student_params, len(grid)))
    budget = last_gain(np.exp(grid), -gaps.reshape(len(student_params), -1))
    search = np.isfinite(budget) & (budget > 0)
    at = np.searchsorted(grid[1:-1], np.log(np.where(search, budget, low)), side="right")
    budget[search] = np.exp(root(gap, grid[at], grid[at + 1], [student_params], search))
    return np.where(budget == 0, low, budget)


def last_gain(axis: ArrayLike, gains: ArrayLike, least: float = 0.0) -> np.ndarray:
    """Where on a rising axis of budgets, or of tokens, the last gain above `least` ends.

    - axis: shape (points,), positive and rising.
    - gains: shape (..., points).
    - returns: array of shape (...); between the last point that gains more than `least` and the
      next, drawn straight in the logarithm of the axis; 0 where no point gains more, inf where the
      last one still does.
    """
    axis, gains = np.asarray(axis, float), np.asarray(gains, float)
    wins = gains > least
    last = len(axis) - 1 - np.argmax(wins[..., ::-1], axis=-1)
    after = np.minimum(last + 1, len(axis) - 1)
    here, there = (np.take_along_axis(gains, i[..., None], -1)[..., 0] for i in (last, after))
    ended = wins.any(axis=-1) & ~wins[..., -1]
    share = np.where(ended, here - least, 0.0) / np.where(ended, here - there, 1.0)
    ends = axis[last] * (axis[after] / axis[last]) ** share
    return np.where(wins[..., -1], np.inf, np.where(wins.any(axis=-1), ends, 0.0))


def optima(law: StudentLaw, students: ArrayLike, budgets: ArrayLike) -> pd.DataFrame:
    """The optimum of each scenario, student and budget, with what figures plot of it.

    - returns: the columns of `optimal`, scenario by scenario, and: supervised_tokens on the same
      budget; gap, L_S less the supervised loss; student_ratio and teacher_ratio, tokens a
      parameter; size_ratio, N_T / N_S.
    """
    tables = [optimal(law, np.asarray(students)[:, None], budgets, name) for name in SCENARIOS]
    table = pd.concat(tables, ignore_index=True)
    return table.assign(
        supervised_tokens=table.compute / (3 * forward_flops(table.student_params)),
        gap=table.student_loss - table.supervised_loss,
        student_ratio=table.student_tokens / table.student_params,
        teacher_ratio=table.teacher_tokens / table.teacher_params,
        size_ratio=table.teacher_params / table.student_params,
    )


def inside_trained_range(table: pd.DataFrame) -> np.ndarray:
    """`laws.inside_trained_range`, blind to teacher tokens at the bound of the box: without end."""
    endless = table.teacher_tokens >= 0.999 * TOKENS_BOX[1]
    return laws.inside_trained_range(
        table.assign(teacher_tokens=table.teacher_tokens.mask(endless))
    )


def costs_of_losses(
    law: StudentLaw,
    students: Sequence[float],
    above: Sequence[float],
    *,
    scenarios: Sequence[str] = tuple(SCENARIOS),
) -> pd.DataFrame:
    """What losses cost by distillation, over what they cost by supervised training (Section D.5).

    - law: a `DistillationLaw`, or another whose `supervised` has `tokens_for_loss`.
    - above: target losses, as nats above L(N_S, infinite data) of each student; positive.
    - returns: a row a student, scenario and target: student_params, scenario, above_floor,
      student_loss, compute_ratio, token_ratio (the teacher's counted where they are paid, Equation
      34), and the recipe's student_tokens, teacher_params, teacher_tokens; ratios are inf where
      distillation does not reach the loss.
    """
    rows = [(n, s, d) for n in students for s in scenarios for d in above]
    table = pd.DataFrame(rows, columns=["student_params", "scenario", "above_floor"])
    size = table.student_params.to_numpy()
    loss = law.supervised.infinite_data_loss(size) + table.above_floor.to_numpy()
    pair = tuple(np.array([SCENARIOS[s] for s in table.scenario]).T)
    compute = compute_for_loss(law, size, loss, pair)
    reached = np.isfinite(compute)
    recipe = optimal(law, size, np.where(reached, compute, 1e30) * (1 + 1e-9), pair)
    tokens = np.where(reached, recipe.student_tokens + pair[1] * recipe.teacher_tokens, np.inf)
    alone = law.supervised.tokens_for_loss(size, loss)
    return table.assign(
        student_loss=loss,
        compute_ratio=compute / (3 * forward_flops(size) * alone),
        token_ratio=tokens / alone,
        **{name: recipe[name] for name in ("student_tokens", "teacher_params", "teacher_tokens")},
    )


def best_teacher_loss(
    law: StudentLaw, student_params: ArrayLike, student_tokens: ArrayLike | None = None
) -> np.ndarray:
    """The L_T that makes the best student, whatever the teacher costs (Sections 5.2 and E.6).

    - student_tokens: D_S; None stands for infinite data.
    - returns: array of the broadcast shape; nats per token, between the least loss of a teacher, E,
      and ten times that.
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


def tokens_with_teacher(
    student_params: ArrayLike,
    teacher_params: ArrayLike,
    compute: ArrayLike,
    delta_lgt: ArrayLike = 1.0,
) -> np.ndarray:
    """Distillation tokens that a budget pays for with an existing teacher (Equation 27)."""
    costs = cost_per_token(
        positive("student_params", student_params),
        positive("teacher_params", teacher_params),
        deltas((delta_lgt, 0.0)),
    )
    return positive("compute", compute) / (costs["student"] + costs["inference"])


def cost_per_token(
    student_params: ArrayLike, teacher_params: ArrayLike, shares: tuple[ArrayLike, ArrayLike]
) -> dict[str, np.ndarray]:
    """FLOPs per student token (student, inference) and per teacher token (pretraining).

    `shares` are (delta_lgt, delta_pre).
    """
    teacher = forward_flops(teacher_params)
    return {
        "student": 3 * forward_flops(student_params),
        "inference": shares[0] * teacher,
        "pretraining": 3 * shares[1] * teacher,
    }
