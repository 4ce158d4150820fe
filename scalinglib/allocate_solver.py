"""The optimiser behind `allocate`: the best teacher of every problem, batched and to all digits.

L_S falls with D_S at any teacher, so what the teacher leaves of the budget goes into D_S and two
unknowns remain, (log N_T, log D_T). Each problem takes the best point of a coarse grid and goes on
from there with Newton steps, some of them along the curved valley of teachers of equal loss.
Problems run in chunks of one compiled shape, over all cores.
"""

import os
from concurrent.futures import ThreadPoolExecutor
from functools import partial

import jax
import jax.numpy as jnp
import numpy as np

from scalinglib.flops import forward_flops

__all__ = ["GRID", "TEACHER_PARAMS_BOX", "TOKENS_BOX", "best_teachers"]

# The paper's bounds were lost with its formulas; notebook 07 says where an optimum meets these.
TEACHER_PARAMS_BOX = (1e6, 1e17)
TOKENS_BOX = (1e6, 1e17)

GRID = 16  # points along each side of the coarse grid
_CHUNK = 64  # problems per compiled call: one shape, one compilation
_NEWTON_STEPS = 16


def best_teachers(law, student_params, compute, delta_lgt, delta_pre):
    """The (N_T, D_T) that leave the best student, for many problems at once.

    Parameters
    ----------
    law : DistillationLaw
    student_params, compute, delta_lgt, delta_pre : arrays, shape (problems,)
        Checked: see `allocate.optimal`.

    Returns
    -------
    teacher_params, teacher_tokens : arrays, shape (problems,)
    """
    problems = np.stack([np.log(student_params), compute, delta_lgt, delta_pre])
    count = problems.shape[1]
    padded = np.pad(problems, ((0, 0), (0, -count % _CHUNK)), mode="edge")
    chunks = np.split(padded, padded.shape[1] // _CHUNK, axis=1)
    _solve_chunk(law, *chunks[0][:, :1].repeat(_CHUNK, axis=1))  # compile once, before the threads
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        solved = list(pool.map(lambda chunk: np.asarray(_solve_chunk(law, *chunk)), chunks))
    log_teacher = np.concatenate(solved, axis=0)[:count]
    low, high = np.log(TEACHER_PARAMS_BOX[0]), np.log(TEACHER_PARAMS_BOX[1])
    return (
        np.exp(np.clip(log_teacher[:, 0], low, high)),
        np.exp(np.clip(log_teacher[:, 1], *np.log(TOKENS_BOX))),
    )


@jax.jit
def _solve_chunk(law, log_student_params, compute, delta_lgt, delta_pre):
    return jax.vmap(partial(_solve_one, law))(log_student_params, compute, delta_lgt, delta_pre)


def _solve_one(law, *problem):
    """Log of (N_T, D_T) that minimises log L_S for one problem."""
    low = jnp.log(jnp.array([TEACHER_PARAMS_BOX[0], TOKENS_BOX[0]]))
    high = jnp.log(jnp.array([TEACHER_PARAMS_BOX[1], TOKENS_BOX[1]]))
    log_loss = partial(_log_student_loss, law, problem)

    # The grid only picks the valley: single precision is enough and three times faster.
    coarse_law, coarse_problem = jax.tree.map(jnp.float32, (law, problem))
    axes = [jnp.linspace(low[i], high[i], GRID) for i in (0, 1)]
    grid = jnp.stack(jnp.meshgrid(*axes, indexing="ij"), axis=-1).reshape(-1, 2)
    coarse = jax.vmap(partial(_log_student_loss, coarse_law, coarse_problem))
    start = grid[jnp.nanargmin(coarse(grid.astype(jnp.float32)))]
    fractions = 4.0 ** -jnp.arange(4)

    def polish(x):
        # Comparing values finds a minimum to half the digits only; a last Newton step finds it
        # to all, and so to the same printed digits on every processor.
        gradient, hessian = jax.grad(log_loss)(x), jax.hessian(log_loss)(x)
        pushed_out = ((x <= low) & (gradient > 0)) | ((x >= high) & (gradient < 0))
        step = _modified_solve(hessian, gradient, pushed_out)
        return jnp.where(jnp.abs(step).max() < 1e-3, x - jnp.where(pushed_out, 0.0, step), x)

    def descend(_, x):
        gradient, hessian = jax.grad(log_loss)(x), jax.hessian(log_loss)(x)
        # A coordinate that is drawn to a bound close by is put there, the other one solved for;
        # and the size alone is solved for too, which is what is left to do at the token bound.
        wall = jnp.where(gradient < 0, high, low)
        pinned = jnp.abs(x - wall) < 0.1
        straight = x - fractions[:, None] * _modified_solve(hessian, gradient, pinned)
        straight = jnp.where(pinned, wall, straight)
        only_size = jnp.array([False, True])
        sideways = x - fractions[:2, None] * _modified_solve(hessian, gradient, only_size)
        # Teachers of equal loss lie on a curved valley floor; along (log N_T, teacher loss) the
        # floor is straight, and a Newton step taken there follows it.
        z = _to_valley(law.supervised, x)
        from_valley = partial(_from_valley, law.supervised)
        slope, bend = jax.jacfwd(from_valley)(z), jax.hessian(from_valley)(z)
        hessian = slope.T @ hessian @ slope + jnp.tensordot(gradient, bend, 1)
        step = _modified_solve(hessian, slope.T @ gradient, jnp.zeros(2, bool))
        curved = jax.vmap(from_valley)(z - fractions[:, None] * step)
        trials = jnp.clip(jnp.concatenate([straight, sideways, curved]), low, high)
        values = jax.vmap(log_loss)(trials)
        best = jnp.nanargmin(values)
        return jnp.where(values[best] < log_loss(x), trials[best], x)

    return polish(jax.lax.fori_loop(0, _NEWTON_STEPS, descend, start))


def _log_student_loss(law, problem, x):
    """Log L_S with the teacher x = log (N_T, D_T) and what it leaves of the budget; inf if less."""
    log_student_params, compute, delta_lgt, delta_pre = problem
    teacher_flops = forward_flops(jnp.exp(x[0]))
    left = compute - 3 * delta_pre * teacher_flops * jnp.exp(x[1])
    student_flops = 3 * forward_flops(jnp.exp(log_student_params))
    student_tokens = left / (student_flops + delta_lgt * teacher_flops)
    # The clip keeps derivatives finite on the side of `where` that is thrown away.
    log_tokens = jnp.log(jnp.clip(student_tokens, *TOKENS_BOX))
    value = law.log_loss(log_student_params, log_tokens, law.supervised.log_loss(x[0], x[1]))
    return jnp.where(student_tokens >= TOKENS_BOX[0], value, jnp.inf)


def _to_valley(law, x):
    """(log N, log D) -> (log N, log(A / N^alpha + B / D^beta))."""
    size, data = jnp.log(law.A) - law.alpha * x[0], jnp.log(law.B) - law.beta * x[1]
    return jnp.array([x[0], jnp.logaddexp(size, data)])


def _from_valley(law, z):
    """The inverse of `_to_valley`; unreachable losses map to very many tokens."""
    size = jnp.log(law.A) - law.alpha * z[0]
    data = z[1] + jnp.log1p(-jnp.exp(jnp.minimum(size - z[1], -1e-12)))
    return jnp.array([z[0], (jnp.log(law.B) - data) / law.beta])


def _modified_solve(hessian, gradient, fixed):
    """|H|^-1 g over the free coordinates: Newton where H is positive, descent elsewhere."""
    a = jnp.where(fixed[0], 1.0, hessian[0, 0])
    d = jnp.where(fixed[1], 1.0, hessian[1, 1])
    b = jnp.where(fixed.any(), 0.0, hessian[0, 1])
    g = jnp.where(fixed, 0.0, gradient)
    mean, half = (a + d) / 2, (a - d) / 2
    radius = jnp.sqrt(half**2 + b**2) + 1e-300
    # Eigenvalues are mean ± radius, projectors (I ± R / radius) / 2 with R = H - mean I.
    rotated = jnp.array([half * g[0] + b * g[1], b * g[0] - half * g[1]]) / radius
    large, small = (jnp.maximum(jnp.abs(mean + s * radius), 1e-12) for s in (1, -1))
    return (g + rotated) / (2 * large) + (g - rotated) / (2 * small)
