"""Tables of compute-optimal recipes in all four scenarios, which figures and sheets show."""

from collections.abc import Sequence

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike

from scalinglib.allocate.questions import SCENARIOS, Scenario, compute_for_loss, deltas, optimal
from scalinglib.flops import forward_flops
from scalinglib.laws import StudentLaw


def optima(law: StudentLaw, students: ArrayLike, budgets: ArrayLike) -> pd.DataFrame:
    """The optimum of each scenario, student and budget, with what figures plot of it.

    - returns: the columns of `allocate.optimal`, scenario by scenario, and: supervised_tokens on
      the same budget; gap, L_S less the supervised loss; student_ratio and teacher_ratio, tokens a
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


def cost_ratios(
    law: StudentLaw, student_params: ArrayLike, loss: ArrayLike, scenario: Scenario
) -> tuple[np.ndarray, np.ndarray]:
    """What a loss costs by distillation, over what it costs by supervised training (Section D.5).

    - law: a `DistillationLaw`, or another whose `supervised` has `tokens_for_loss`.
    - returns compute, tokens: arrays of the broadcast shape; ratios of FLOPs and of tokens, the
      teacher's counted where they are paid (Equation 34); inf where distillation does not reach the
      loss.
    """
    size, loss, *pair = np.broadcast_arrays(student_params, loss, *deltas(scenario))
    compute = compute_for_loss(law, size, loss, tuple(pair))
    reached = np.isfinite(compute)
    recipe = optimal(law, size, np.where(reached, compute, 1e30) * (1 + 1e-9), tuple(pair))
    tokens = recipe.student_tokens + np.ravel(pair[1]) * recipe.teacher_tokens
    tokens = np.where(reached, tokens.to_numpy().reshape(size.shape), np.inf)
    alone = law.supervised.tokens_for_loss(size, loss)
    return compute / (3 * forward_flops(size) * alone), tokens / alone


def costs_of_losses(
    law: StudentLaw,
    students: Sequence[float],
    above: Sequence[float],
    *,
    scenarios: Sequence[str] = tuple(SCENARIOS),
) -> pd.DataFrame:
    """`cost_ratios` of losses above what each student reaches on infinite data.

    - above: target losses, as nats above L(N_S, infinite data) of each student; positive.
    - returns: a row a student, scenario and target: student_params, scenario, above_floor,
      student_loss, compute_ratio, token_ratio.
    """
    rows = [(n, s, d) for n in students for s in scenarios for d in above]
    table = pd.DataFrame(rows, columns=["student_params", "scenario", "above_floor"])
    size = table.student_params.to_numpy()
    loss = law.supervised.infinite_data_loss(size) + table.above_floor.to_numpy()
    pair = tuple(np.array([SCENARIOS[s] for s in table.scenario]).T)
    compute, tokens = cost_ratios(law, size, loss, pair)
    return table.assign(student_loss=loss, compute_ratio=compute, token_ratio=tokens)
