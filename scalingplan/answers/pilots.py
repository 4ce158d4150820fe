"""Which runs would most likely settle a decision that somebody's runs leave open."""

import numpy as np
import pandas as pd

from scalinglib.allocate import Problem, Teacher
from scalingplan.answers.fitting import OwnLaws
from scalingplan.pilots import Choice, Worlds, grid, propose

SHARE = 0.1  # of the decision's FLOPs that pilots may cost
_TEACHERS, _SIZES, _TOKENS = 4, 3, 4  # of the runs, that are taken for candidates


def next_runs(laws: OwnLaws, problem: Problem, teachers: pd.DataFrame) -> str:
    """One sentence: what to train next, for a tenth of the decision's FLOPs, or why not.

    - teachers: the answer's, best first; candidates are sizes and tokens like those of the runs.
    """
    runs = laws.distillation.runs
    known = tuple(
        Teacher(f"{row.teacher_params:.3g}", row.teacher_params, row.teacher_loss)
        for row in teachers.head(_TEACHERS).itertuples()
    )
    names = ("student_params", "student_tokens")
    sizes, tokens = (
        np.unique(np.quantile(runs[name], np.linspace(0, 1, count), method="nearest"))
        for name, count in zip(names, (_SIZES, _TOKENS), strict=True)
    )
    delta = {"delta_lgt": problem.delta_lgt}
    candidates = grid(sizes, tokens, known, **delta)
    question = Choice(problem.student_params, problem.compute, known, **delta)
    told = [runs]
    if laws.supervised:  # else the published law, and no run of it
        alone = laws.supervised.runs.rename(columns={"params": names[0], "tokens": names[1]})
        told.append(alone)
    # Of a Laplace distribution, which Huber takes residuals for, as of a normal one.
    noise = max(float(np.median(np.abs(laws.distillation.residuals()))), 1e-4) / 0.6745
    try:
        found = propose(
            Worlds.of(laws.distillation.ensemble()),
            candidates,
            question,
            SHARE * problem.compute,
            noise=noise,
            known=pd.concat(told, ignore_index=True),
            most_runs=3,
        )
    except ValueError as error:
        return f"which runs next: none ({error})"
    return f"which runs next: {found.sentence()}; scalinglib design has them in full"
