"""Tables of compute-optimal recipes in all four scenarios, which notebooks 07 and 15 share."""

import numpy as np
import pandas as pd

from scalinglib.allocate import questions as allocate
from scalinglib.flops import forward_flops

__all__ = ["costs_of_losses", "optima"]


def optima(law, students, budgets):
    """The optimum of each scenario, student and budget, with what figures plot of it.

    Parameters
    ----------
    law : DistillationLaw
    students, budgets : arrays
        N_S and FLOPs.

    Returns
    -------
    DataFrame
        The columns of `allocate.optimal`, scenario by scenario, and: supervised_tokens on the same
        budget; gap, L_S less the supervised loss; student_ratio and teacher_ratio, tokens a
        parameter; size_ratio, N_T / N_S.
    """
    tables = [
        allocate.optimal(law, np.asarray(students)[:, None], budgets, scenario)
        for scenario in allocate.SCENARIOS
    ]
    table = pd.concat(tables, ignore_index=True)
    return table.assign(
        supervised_tokens=table.compute / (3 * forward_flops(table.student_params)),
        gap=table.student_loss - table.supervised_loss,
        student_ratio=table.student_tokens / table.student_params,
        teacher_ratio=table.teacher_tokens / table.teacher_params,
        size_ratio=table.teacher_params / table.student_params,
    )


def costs_of_losses(law, students, above, *, scenarios=tuple(allocate.SCENARIOS)):
    """What a loss costs by distillation, over what it costs by supervised training (Section D.5).

    Parameters
    ----------
    law : DistillationLaw
    students : array
        N_S.
    above : array
        Target losses, as nats above L(N_S, infinite data) of each student; positive.
    scenarios : sequence of str
        Of `SCENARIOS`.

    Returns
    -------
    DataFrame
        A row a student, scenario and target: student_params, scenario, above_floor, student_loss,
        compute_ratio, and token_ratio with the teacher's tokens where they are paid (Equation 34).
        Both ratios are inf where distillation does not reach the loss.
    """
    rows = [(n, s, d) for n in students for s in scenarios for d in above]
    table = pd.DataFrame(rows, columns=["student_params", "scenario", "above_floor"])
    size = table.student_params.to_numpy()
    loss = law.supervised.infinite_data_loss(size) + table.above_floor.to_numpy()
    pair = np.array([allocate.SCENARIOS[s] for s in table.scenario]).T
    compute = allocate.compute_for_loss(law, size, loss, tuple(pair))
    reached = np.isfinite(compute)
    recipe = allocate.optimal(law, size, np.where(reached, compute, 1e30) * (1 + 1e-9), tuple(pair))
    tokens = np.where(reached, recipe.student_tokens + pair[1] * recipe.teacher_tokens, np.inf)
    alone = law.supervised.tokens_for_loss(size, loss)
    return table.assign(
        student_loss=loss,
        compute_ratio=compute / (3 * forward_flops(size) * alone),
        token_ratio=tokens / alone,
    )
