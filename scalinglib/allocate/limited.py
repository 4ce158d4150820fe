"""The best teachers where a bound on tokens binds, by values alone.

There the optimum often lies where the budget is just spent and the bound just met: L_S has a kink,
and a Newton step has nothing to go by.
"""

import numpy as np

from scalinglib.allocate.elementwise import minimise
from scalinglib.allocate.solver import TEACHER_PARAMS_BOX, TOKENS_BOX, best_teachers
from scalinglib.flops import forward_flops
from scalinglib.laws import StudentLaw

_CLEARLY = 1e-9  # in log L_S
# Of the bounds of a student's tokens, and tokens a parameter: beyond, laws have several valleys.
_FEW, _MANY, _ABSURD = 20.0, 0.8, 1e8


def best_teachers_within(
    law: StudentLaw,
    student_params: np.ndarray,
    compute: np.ndarray,
    delta_lgt: np.ndarray,
    delta_pre: np.ndarray,
    most_tokens: np.ndarray,
) -> tuple[np.ndarray, np.ndarray]:
    """The (N_T, D_T) that leave the best student, where no model sees more than `most_tokens`.

    - student_params, compute, delta_lgt, delta_pre, most_tokens: shape (problems,). Checked: see
      `allocate.optimal`; most_tokens within `TOKENS_BOX`.
    """
    problem = (student_params, compute, delta_lgt, delta_pre, most_tokens)
    teachers = np.stack(best_teachers(law, *problem[:-1]))
    tokens = _student_tokens(teachers[0], teachers[1], *problem[:-1])
    beyond = (np.maximum(teachers[1], tokens) > most_tokens) & (most_tokens < TOKENS_BOX[1])
    near = (tokens < _FEW * TOKENS_BOX[0]) | (tokens > _MANY * TOKENS_BOX[1])
    near |= tokens > _ABSURD * student_params
    near &= (delta_lgt > 0) | (delta_pre > 0)  # else what a student gets is no choice
    if not (near | beyond).any():
        return tuple(teachers)
    limited = near | beyond
    problem = [p[limited] for p in problem]
    searched, found = _search(law, *problem), teachers[:, limited]
    # Where the solver's answer is as good it is the one to more digits.
    better = (
        _log_loss(law, *np.log(searched), *problem)
        < _log_loss(law, *np.log(found), *problem) - _CLEARLY
    )
    teachers[:, limited] = np.where(better | beyond[limited], searched, found)
    return tuple(teachers)


def _student_tokens(teacher_params, teacher_tokens, student_params, compute, lgt, pre):
    flops = forward_flops(teacher_params)
    return (compute - 3 * pre * flops * teacher_tokens) / (
        3 * forward_flops(student_params) + lgt * flops
    )


def _log_loss(law, log_params, log_tokens, student, budget, lgt, pre, limit):
    """Log L_S with a teacher (N_T, D_T) and what it leaves; infinite if too little."""
    tokens = _student_tokens(np.exp(log_params), np.exp(log_tokens), student, budget, lgt, pre)
    value = law.log_loss(
        np.log(student),
        np.log(np.clip(tokens, TOKENS_BOX[0], limit)),
        law.supervised.log_loss(log_params, log_tokens),
    )
    return np.where(tokens >= TOKENS_BOX[0] * (1 - 1e-9), value, np.inf)


def _search(law, *problem):
    """The same by values alone, an array (2, problems)."""
    shaped = [p[:, None, None] for p in problem]

    def loss(log_params, log_tokens):
        """Arrays (problems, sizes, 1) and (problems, sizes, tokens)."""
        return _log_loss(law, log_params, log_tokens, *shaped)

    def best_tokens(log_params):
        sizes = log_params[..., None]
        few = np.full(log_params.shape, np.log(TOKENS_BOX[0]))
        many = np.broadcast_to(np.log(problem[-1][:, None]), log_params.shape)
        return minimise(lambda grid: loss(sizes, grid), few, many, points=41, rounds=8)

    def best_loss(log_params):
        return loss(log_params[..., None], best_tokens(log_params)[..., None])[..., 0]

    small, large = (np.full(len(problem[0]), np.log(end)) for end in TEACHER_PARAMS_BOX)
    log_params = minimise(best_loss, small, large, points=41, rounds=8)
    return np.exp([log_params, best_tokens(log_params[:, None])[:, 0]])
