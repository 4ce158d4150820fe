"""Minimise a sum of Huber over thousands of starts at once, with exact derivatives.

Every lane is one problem: a start, its weights (a bootstrap replicate counts runs), its fixed
coefficients. Two phases, each a damped Newton method that tries a few dampings per iteration and
takes the best: Gauss-Newton on nearly a sum of squares (Huber with a wide delta), which gets there
from afar, then the exact Hessian while delta narrows to the one asked for, which finishes. With
delta = 1e-3 most runs are in the linear part of Huber; started there at once, the search crawls
along kinks. Lanes that are done leave the batch, so that slow ones do not hold up the rest.
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache, partial
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from tqdm import tqdm

from scalinglib.lanes import over_threads

# Fewer than the lanes of an allocation: a lane is a table of runs, and the last ones of a phase
# still cost a whole batch.
LANES = 16
_ITERATIONS = 4  # per call, after which finished lanes make room
_MOST_ITERATIONS = 160  # per phase
WIDE = 0.1  # delta of the first phase: residuals of log-loss are smaller, but for outliers
_NARROWING = 4.0
_NEAR = 1e-2  # promised gain, relative to the objective, at which a wide delta has served
_LONGEST_STEP = 2.0  # in any coordinate, all of which are logs of something
_FACTORS = np.array([0.1, 3.0])  # times the last damping that worked
_ACTIVE, _CONVERGED, _STUCK = 0, 1, 2
# What the quadratic model still promises, relative to the objective, where a lane counts as done.
_TOLERANCE = 1e-12
# Compilation is most of a small fit. XLA's newer emitters take twice as long for these programs,
# which then run no faster.
_COMPILE = {
    "xla_cpu_use_fusion_emitters": False,
    "xla_cpu_parallel_codegen_split_count": 1,
    "xla_backend_optimization_level": 1,
}


@cache
def _known_options():
    try:
        jax.jit(jnp.negative, compiler_options=_COMPILE)(0.0).block_until_ready()
    except RuntimeError:  # another release of XLA, which has no such option
        return None
    return _COMPILE


@cache
def compiled(function: Callable, static_argnums: tuple[int, ...]) -> Callable:
    """The jitted `function`, with options under which programs of fits compile fastest."""
    return jax.jit(function, static_argnums=static_argnums, compiler_options=_known_options())


@dataclass(frozen=True)
class Objective:
    """What to minimise, for each lane.

    - residuals: function (z, lane, table) -> array (runs,); differences of logs; must be equal in
      every call, since it keys the compilation.
    - lanes: dict of arrays (lanes, ...); what differs between problems: "weights" (lanes, runs),
      and the rest for `residuals`.
    - box: pair of arrays (coordinates,); lower and upper bounds.
    """

    residuals: object
    lanes: dict
    table: dict
    box: tuple
    delta: float


class Solution(NamedTuple):
    """Where each lane ended.

    - value: array (lanes,); sum of Huber over delta squared; inf for a lane without a finite one,
      or that ran out of iterations before its delta was as narrow as that.
    - converged: array (lanes,) of bool; whether the exact quadratic model promises less than the
      tolerance, a share of the value.
    """

    z: np.ndarray
    value: np.ndarray
    converged: np.ndarray


class _State(NamedTuple):
    z: object
    damping: object
    width: object  # the delta of this moment
    status: object
    value: object


class _Aim(NamedTuple):
    box: tuple
    delta: float
    tolerance: float


def sum_of_huber(residuals: np.ndarray, weights: np.ndarray, delta: float) -> np.ndarray:
    """Sum of w Huber_delta(r) / delta^2: with u = r / delta, u^2 / 2 to |u| = 1, then |u| - 1/2."""
    size = jnp.abs(residuals / delta)
    inner = jnp.minimum(size, 1.0)
    return jnp.sum(weights * inner * (size - inner / 2))


def approach(objective: Objective, starts: np.ndarray) -> np.ndarray:
    """Bring every start close to a minimum of nearly a sum of squares."""
    wide = max(objective.delta, WIDE)
    return _phase(objective, "gauss-newton", starts, wide, _Aim(objective.box, wide, _NEAR)).z


def finish(
    objective: Objective, starts: np.ndarray, width: float = WIDE, tolerance: float = _TOLERANCE
) -> Solution:
    """Minimise from starts that are close, as delta narrows."""
    aim = _Aim(objective.box, objective.delta, tolerance)
    end = _phase(objective, "exact", starts, max(objective.delta, width), aim)
    known = (end.width <= objective.delta) & np.isfinite(end.value)
    value = np.where(known, end.value, np.inf)
    return Solution(end.z, value, end.status == _CONVERGED)


def _phase(objective, method, starts, width, aim):
    """Run all lanes until each is done or out of iterations, in batches over all cores."""
    z = np.clip(np.asarray(starts, float), *objective.box)
    count = len(z)
    status, value = np.zeros(count, int), np.full(count, np.inf)
    state = _State(z, np.full(count, 1e-3), np.full(count, float(width)), status, value)

    def work(batch):
        own = _State(*(part[batch] for part in state))
        lanes = {name: values[batch] for name, values in objective.lanes.items()}
        advance = compiled(_advance, (0, 1))
        return advance(objective.residuals, method, own, lanes, objective.table, aim)

    # disable=None: drawn on a terminal only, so that executed notebooks do not differ.
    with tqdm(total=count, desc=f"{method} from {count} starts", disable=None, leave=False) as bar:
        for _ in range(_MOST_ITERATIONS // _ITERATIONS):
            active = np.flatnonzero(status == _ACTIVE)
            if not len(active):
                break
            for batch, new in over_threads(work, active, LANES):
                for part, values in zip(state, new, strict=True):
                    part[batch] = values
                bar.update(int(np.count_nonzero(status[batch] != _ACTIVE)))
    return state


def _advance(residuals, method, state, lanes, table, aim):
    def one(state, lane):
        body = partial(_iterate, lambda z: residuals(z, lane, table), method, lane["weights"], aim)
        return jax.lax.fori_loop(0, _ITERATIONS, lambda _, s: body(s), state)

    return jax.vmap(one)(state, lanes)


def _iterate(residuals, method, weights, aim, state):
    """One damped Newton step of one lane; a lane that is done stays as it is."""
    z, damping, width, status, _ = state
    low, high = aim.box

    def objective(z):
        return sum_of_huber(residuals(z) / width, weights, 1.0)

    if method == "exact":
        value, gradient, curvature = _exact(objective, z)
    else:
        value, gradient, curvature = _gauss_newton(lambda z: residuals(z) / width, weights, z)
    bounded = ((z <= low) & (gradient > 0)) | ((z >= high) & (gradient < 0))
    gradient = jnp.where(bounded, 0.0, gradient)
    curvature = jnp.where(bounded[:, None] | bounded, jnp.diag(bounded * 1.0), curvature)
    dampings = jnp.concatenate([jnp.zeros(1), damping * _FACTORS])
    steps = jax.vmap(partial(newton_step, curvature, gradient))(dampings)
    promised = -(gradient @ steps[0]) / 2
    final = width <= aim.delta
    # The floor lets exact data end: residuals of 1e-8 delta count as none.
    floor = 1e-4 * aim.tolerance * weights.sum()
    done = final & (promised <= aim.tolerance * value + floor)

    longest = jnp.abs(steps).max(axis=1, keepdims=True)
    tries = jnp.clip(z + steps * jnp.minimum(1.0, _LONGEST_STEP / (longest + 1e-300)), low, high)
    values = jax.vmap(objective)(tries)
    values = jnp.where(jnp.isfinite(values), values, jnp.inf)
    best = jnp.argmin(values)
    better = values[best] < value
    factors = jnp.concatenate([jnp.full(1, 1e-4), jnp.asarray(_FACTORS)])
    damping = jnp.maximum(damping * jnp.where(better, factors[best], 1e3), 1e-12)
    stuck = damping > 1e8
    served = ~final & ((promised <= _NEAR * value + floor) | stuck)
    moves = better & ~done  # a lane that is done stays where its value and gradient were taken
    new = _State(
        z=jnp.where(moves, tries[best], z),
        damping=jnp.where(served, 1e-6, damping),
        width=jnp.where(served, jnp.maximum(width / _NARROWING, aim.delta), width),
        status=jnp.where(done, _CONVERGED, jnp.where(final & stuck, _STUCK, _ACTIVE)),
        # Of another width, and so no value yet, where the width has just changed.
        value=jnp.where(served, jnp.inf, jnp.where(moves, values[best], value)),
    )
    return jax.tree.map(lambda a, b: jnp.where(status == _ACTIVE, a, b), new, state)


def _exact(objective, z):
    """Value, gradient and Hessian.

    A loop over its columns: side by side, each of their many sums over the runs would compute the
    law anew, which takes three times as long.
    """
    value, slope = jax.value_and_grad(objective)(z)

    def column(direction):
        return jax.jvp(jax.grad(objective), (z,), (direction,))[1]

    return value, slope, jax.lax.map(column, jnp.eye(len(z)))


def _gauss_newton(scaled, weights, z):
    """Value, gradient and J^T W J, W making the sum of Huber a sum of squares at z."""
    u, slopes = scaled(z), jax.jacfwd(scaled)(z)
    squares = weights / jnp.maximum(1.0, jnp.abs(u))
    gradient = (weights * jnp.clip(u, -1.0, 1.0)) @ slopes
    return sum_of_huber(u, weights, 1.0), gradient, slopes.T @ (squares[:, None] * slopes)


def newton_step(matrix: np.ndarray, gradient: np.ndarray, damping: float) -> np.ndarray:
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
        pivots = pivots.at[i].set(jnp.abs(pivot))
        return rest, lower.at[i].set(below), pivots, solved - below * solved[i]

    def substitute(i, solved):
        i = size - 1 - i
        return solved.at[i].add(-jnp.sum(lower[i] * solved))

    start = matrix + damping * largest * jnp.eye(size), jnp.zeros((size, size)), gradient, gradient
    _, lower, pivots, solved = jax.lax.fori_loop(0, size, eliminate, start)
    return -jax.lax.fori_loop(0, size, substitute, solved / pivots)
