"""Minimise a sum of Huber over thousands of starts at once, with exact derivatives.

Every lane is one problem: a start, its weights (a bootstrap replicate counts runs), its fixed
coefficients. Two phases, each a damped Newton method that tries a few dampings per iteration and
takes the best: Gauss-Newton on nearly a sum of squares (Huber with a wide delta), which gets there
from afar, then the exact Hessian while delta narrows to the one asked for, which finishes. With
delta = 1e-3 most runs are in the linear part of Huber; started there at once, the search crawls
along kinks. Lanes that are done leave the batch, so that slow ones do not hold up the rest.
"""

import os
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from tqdm import tqdm

__all__ = ["WIDE", "Solution", "approach", "finish", "sum_of_huber"]

_LANES = 64  # problems per compiled call: one shape, one compilation
_ITERATIONS = 4  # per call, after which finished lanes make room
_MOST_ITERATIONS = 160  # per phase
WIDE = 0.1  # delta of the first phase: residuals of log-loss are smaller, but for outliers
_NARROWING = 4.0
_NEAR = 1e-2  # promised gain, relative to the objective, at which a wide delta has served
_LONGEST_STEP = 2.0  # in any coordinate, all of which are logs of something
_FACTORS = np.array([0.1, 3.0])  # times the last damping that worked
_ACTIVE, _CONVERGED, _STUCK = 0, 1, 2
# What the quadratic model still promises, relative to the objective, where a lane counts as done.
TOLERANCE = 1e-12


class Solution(NamedTuple):
    """Where each lane ended.

    Attributes
    ----------
    z : array (lanes, coordinates)
    value : array (lanes,)
        Sum of Huber over delta squared.
    converged : array (lanes,) of bool
        Whether the exact quadratic model promises less than TOLERANCE of the objective.
    """

    z: np.ndarray
    value: np.ndarray
    converged: np.ndarray


def sum_of_huber(residuals, weights, delta):
    """Sum of w Huber_delta(r) / delta^2: with u = r / delta, u^2 / 2 to |u| = 1, then |u| - 1/2."""
    size = jnp.abs(residuals / delta)
    inner = jnp.minimum(size, 1.0)
    return jnp.sum(weights * inner * (size - inner / 2))


def approach(residuals, starts, lanes, shared, box, delta):
    """Bring every start close to a minimum of nearly a sum of squares; arguments as for `finish`.

    Returns
    -------
    array (lanes, coordinates)
    """
    z = np.clip(np.asarray(starts, float), *box)
    wide = max(delta, WIDE)
    return _phase(residuals, "gauss-newton", z, wide, lanes, shared, box, wide, _NEAR)[0]


def finish(residuals, starts, lanes, shared, box, delta, width=WIDE, tolerance=TOLERANCE):
    """Minimise the sum of Huber of `residuals` from starts that are close, as delta narrows.

    Parameters
    ----------
    residuals : function (z, lane, shared) -> array (runs,)
        Differences of logs; must be the same object in every call, since it keys the compilation.
    starts : array (lanes, coordinates)
    lanes : dict of arrays (lanes, ...)
        What differs between problems: "weights" (lanes, runs), and the rest for `residuals`.
    shared : dict of arrays
        What does not.
    box : pair of arrays (coordinates,)
        Lower and upper bounds.
    delta, width : float
        Huber's delta, and the one to narrow from.
    tolerance : float
        See `Solution.converged`.

    Returns
    -------
    Solution
    """
    z = np.clip(np.asarray(starts, float), *box)
    width = max(delta, width)
    z, converged = _phase(residuals, "exact", z, width, lanes, shared, box, delta, tolerance)
    parts = np.split(np.arange(len(z)), range(_LANES, len(z), _LANES))
    values = [
        _values(residuals, z[padded], {k: v[padded] for k, v in lanes.items()}, shared, delta)
        for padded in (np.resize(part, _LANES) for part in parts)
    ]
    return Solution(z, np.concatenate(values)[: len(z)], converged)


@partial(jax.jit, static_argnums=0)
def _values(residuals, z, lanes, shared, delta):
    def one(z, lane):
        return sum_of_huber(residuals(z, lane, shared), lane["weights"], delta)

    return jax.vmap(one)(z, lanes)


def _phase(residuals, method, z, width, lanes, shared, box, delta, tolerance):
    """Run all lanes until each is done or out of iterations, in batches over all cores."""
    count = len(z)
    state = [z.copy(), np.full(count, 1e-3), np.full(count, width), np.zeros(count, int)]
    advance = partial(_advance, residuals, method)

    def work(chunk):
        padded = np.resize(chunk, _LANES)  # repeats fill the last batch
        lane = {name: values[padded] for name, values in lanes.items()}
        new = advance([part[padded] for part in state], lane, shared, box, delta, tolerance)
        return [np.asarray(part)[: len(chunk)] for part in new]

    # disable=None: drawn on a terminal only, so that executed notebooks do not differ.
    bar = tqdm(total=count, desc=f"{method} from {count} starts", disable=None, leave=False)
    with bar, ThreadPoolExecutor(os.cpu_count()) as pool:
        for _ in range(_MOST_ITERATIONS // _ITERATIONS):
            active = np.flatnonzero(state[3] == _ACTIVE)
            if not len(active):
                break
            chunks = np.split(active, range(_LANES, len(active), _LANES))
            for chunk, new in zip(chunks, pool.map(work, chunks), strict=True):
                for part, values in zip(state, new, strict=True):
                    part[chunk] = values
                bar.update(int(np.count_nonzero(state[3][chunk] != _ACTIVE)))
    return state[0], state[3] == _CONVERGED


@partial(jax.jit, static_argnums=(0, 1))
def _advance(residuals, method, state, lanes, shared, box, delta, tolerance):
    def one(state, lane):
        body = partial(_iterate, residuals, method, lane, shared, box, delta, tolerance)
        return jax.lax.fori_loop(0, _ITERATIONS, lambda _, s: body(s), tuple(state))

    return jax.vmap(one)(state, lanes)


def _iterate(residuals, method, lane, shared, box, delta, tolerance, state):
    """One damped Newton step of one lane; a lane that is done stays as it is."""
    z, damping, width, status = state
    weights = lane["weights"]

    def scaled(z):
        return residuals(z, lane, shared) / width

    def objective(z):
        return sum_of_huber(scaled(z), weights, 1.0)

    if method == "exact":
        value, gradient, curvature = _exact(objective, z)
    else:
        value, gradient, curvature = _gauss_newton(scaled, weights, z)
    bounded = ((z <= box[0]) & (gradient > 0)) | ((z >= box[1]) & (gradient < 0))
    gradient = jnp.where(bounded, 0.0, gradient)
    curvature = jnp.where(bounded[:, None] | bounded, jnp.diag(bounded * 1.0), curvature)
    dampings = jnp.concatenate([jnp.zeros(1), damping * _FACTORS])
    steps = jax.vmap(partial(_newton_step, curvature, gradient))(dampings)
    promised = -(gradient @ steps[0]) / 2
    final = width <= delta
    # The floor lets exact data end: residuals of 1e-8 delta count as none.
    floor = 1e-4 * tolerance * weights.sum()
    done = final & (promised <= tolerance * value + floor)

    longest = jnp.abs(steps).max(axis=1, keepdims=True)
    tries = jnp.clip(z + steps * jnp.minimum(1.0, _LONGEST_STEP / (longest + 1e-300)), *box)
    values = jax.vmap(objective)(tries)
    values = jnp.where(jnp.isfinite(values), values, jnp.inf)
    best = jnp.argmin(values)
    better = values[best] < value
    damping = jnp.maximum(
        damping
        * jnp.where(better, jnp.concatenate([jnp.full(1, 1e-4), jnp.asarray(_FACTORS)])[best], 1e3),
        1e-12,
    )
    stuck = damping > 1e8
    served = ~final & ((promised <= _NEAR * value + floor) | stuck)
    new = (
        # A lane that is done stays where its value and gradient were taken.
        jnp.where(better & ~done, tries[best], z),
        jnp.where(served, 1e-6, damping),
        jnp.where(served, jnp.maximum(width / _NARROWING, delta), width),
        jnp.where(done, _CONVERGED, jnp.where(final & stuck, _STUCK, _ACTIVE)),
    )
    return jax.tree.map(lambda a, b: jnp.where(status == _ACTIVE, a, b), new, tuple(state))


def _exact(objective, z):
    """Value, gradient and Hessian."""

    def gradient(z):
        value, slope = jax.value_and_grad(objective)(z)
        return slope, (value, slope)

    hessian, (value, slope) = jax.jacfwd(gradient, has_aux=True)(z)
    return value, slope, hessian


def _gauss_newton(scaled, weights, z):
    """Value, gradient and J^T W J, W making the sum of Huber a sum of squares at z."""
    u, pull = jax.vjp(scaled, z)
    squares = weights / jnp.maximum(1.0, jnp.abs(u))
    push = partial(jax.jvp, scaled, (z,))
    matrix = jax.vmap(lambda e: pull(squares * push((e,))[1])[0])(jnp.eye(len(z)))
    return sum_of_huber(u, weights, 1.0), pull(weights * jnp.clip(u, -1.0, 1.0))[0], matrix


def _newton_step(matrix, gradient, damping):
    """-(H + damping max(diag H))^-1 g, from L D L^T with the pivots D made positive.

    Written out, since the batched factorisations of a library, called from several threads, wait
    for one another's workers and may wait for ever.
    """
    size = len(gradient)
    index = jnp.arange(size)
    largest = jnp.abs(jnp.diagonal(matrix)).max() + 1e-300

    def eliminate(i, state):
        rest, lower, pivots, solved = state
        pivot = rest[i, i]
        pivot = jnp.where(jnp.abs(pivot) > 1e-14 * largest, pivot, 1e-14 * largest)
        below = jnp.where(index > i, rest[:, i] / pivot, 0.0)
        rest = rest - pivot * below[:, None] * below
        return (
            rest,
            lower.at[i].set(below),
            pivots.at[i].set(jnp.abs(pivot)),
            solved - below * solved[i],
        )

    def substitute(i, solved):
        i = size - 1 - i
        return solved.at[i].add(-jnp.sum(lower[i] * solved))

    start = matrix + damping * largest * jnp.eye(size), jnp.zeros((size, size)), gradient, gradient
    _, lower, pivots, solved = jax.lax.fori_loop(0, size, eliminate, start)
    return -jax.lax.fori_loop(0, size, substitute, solved / pivots)
