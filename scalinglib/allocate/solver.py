"""The optimiser behind `allocate`: the best teacher of every problem, batched and to all digits.

L_S falls with D_S at any teacher, so what the teacher leaves of the budget goes into D_S and two
unknowns remain, (log N_T, log D_T). Each problem takes the best point of a coarse grid and goes on
from there with Newton steps, some of them along the curved valley of teachers of equal loss.

All in NumPy, on blocks of problems over all cores, derivatives by finite differences: problems
leave as they are done, which makes it as fast as a compiled loop of fixed length, with nothing to
compile; and the law may be any object with the two formulas, never looked into.

Where a bound on tokens binds, the optimum often lies where the budget is just spent and the bound
just met: L_S has a kink, and a Newton step has nothing to go by. There values alone decide.
"""

import os
from concurrent.futures import ThreadPoolExecutor
from typing import NamedTuple

import numpy as np

from scalinglib.allocate.elementwise import minimise
from scalinglib.flops import forward_flops
from scalinglib.laws import Law, StudentLaw

# Section D.4.1; notebook 07 says where an optimum meets these bounds.
TEACHER_PARAMS_BOX = (1e6, 1e17)
TOKENS_BOX = (1e6, 1e17)
ENDLESS = 300.0  # log of a size, or of tokens, at which nothing is left of their term of any law

GRID = 12  # points along each side of the coarse grid
_BLOCK = 2048  # problems worked on at once: enough that NumPy works and Python waits
_STEPS = 40
_SETTLING = 3  # Newton steps along a line of equal loss, from about 1e-4 away
_NEARBY = 1e-2  # the longest of them, in log N_T
_SHORT = 4.0 ** -np.arange(3, 9)[:, None]  # of a Newton step, where no longer one is better
_NO_SHARE = 1e-15
_ROUNDS = 10  # of a search by values, each a quarter as wide as the one before
_CLEARLY = 1e-9  # in log L_S, that a search by values must be better
# Of the bounds of a student's tokens, and tokens a parameter: beyond, laws have several valleys.
_FEW, _MANY, _ABSURD = 20.0, 0.8, 1e8
_DONE = 1e-5  # the Newton step of such a length is the last: the next would be its square

_LOW, _HIGH = np.log([TEACHER_PARAMS_BOX, TOKENS_BOX]).T[:, :, None]
# Centre; two steps to either side along each axis; the four corners.
_STENCIL = np.array(
    [
        [0, 0],
        *([i, 0] for i in (1, -1, 2, -2)),
        *([0, i] for i in (1, -1, 2, -2)),
        *([i, j] for i in (1, -1) for j in (1, -1)),
    ]
).T[:, :, None]
# Steps of the differences, small against what the formula turns on: exponents of about 0.4 of sizes
# and tokens, and an eleventh power of the teacher's loss.
_STEP, _LOSS_STEP = 5e-3, 3e-4


class _Problems(NamedTuple):
    """Arrays of shape (problems,)."""

    log_student_params: np.ndarray
    student_flops: np.ndarray
    compute: np.ndarray
    delta_lgt: np.ndarray
    delta_pre: np.ndarray
    most_tokens: np.ndarray

    def take(self, which):
        return _Problems(*(array[which] for array in self))


def best_teachers(
    law: StudentLaw,
    student_params: np.ndarray,
    compute: np.ndarray,
    delta_lgt: np.ndarray,
    delta_pre: np.ndarray,
    most_tokens: np.ndarray,
) -> np.ndarray:
    """The (N_T, D_T) that leave the best student, where no model sees more than `most_tokens`.

    - student_params, compute, delta_lgt, delta_pre, most_tokens: shape (problems,), checked: see
      `allocate.optimal`; most_tokens within `TOKENS_BOX`.
    - returns: array (2, problems)
    """
    flops = 3 * forward_flops(student_params)
    # So small a share of the training is none, to 1e-8 nats; rounding would lose its slope.
    delta_pre = np.where(delta_pre < _NO_SHARE, 0.0, delta_pre)
    shares = delta_lgt, delta_pre, most_tokens
    problems = _Problems(np.log(student_params), flops, compute, *shares)
    free = problems._replace(most_tokens=np.full(len(compute), TOKENS_BOX[1]))
    blocks = [free.take(slice(i, i + _BLOCK)) for i in range(0, len(compute), _BLOCK)]
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        side_by_side = pool.map if len(blocks) > 1 else map
        solved = list(side_by_side(lambda block: _solve(law, block), blocks))
    found = np.clip(np.concatenate([np.empty((2, 0)), *solved], axis=1), _LOW, _HIGH)
    tokens = _student_tokens(problems, *found)
    beyond = (np.maximum(np.exp(found[1]), tokens) > most_tokens) & (most_tokens < TOKENS_BOX[1])
    near = (tokens < _FEW * TOKENS_BOX[0]) | (tokens > _MANY * TOKENS_BOX[1])
    near |= tokens > _ABSURD * student_params
    near &= (delta_lgt > 0) | (delta_pre > 0)  # else what a student gets is no choice
    limited = near | beyond
    if limited.any():
        these = problems.take(limited)
        searched = _by_values(law, these)
        # Where the Newton steps' answer is as good it is the one to more digits.
        worth = _student_loss(law, these, *found[:, limited]) - _CLEARLY
        better = _student_loss(law, these, *searched) < worth
        found[:, limited] = np.where(better | beyond[limited], searched, found[:, limited])
    return np.clip(np.exp(found), *np.transpose([TEACHER_PARAMS_BOX, TOKENS_BOX])[:, :, None])


def _by_values(law, problems):
    """Log of the best (N_T, D_T) by ever finer grids, an array (2, problems).

    Tokens are looked for to either side of those that leave the student just `most_tokens`, where
    the loss has a kink: at a place from -1, the fewest, over 0, the kink, to 1, the most.
    """
    shaped = _Problems(*(array[:, None, None] for array in problems))
    few, many = np.log(TOKENS_BOX[0]), np.log(shaped.most_tokens)

    def log_tokens(log_params, place):
        flops = forward_flops(np.exp(log_params))
        spare = shaped.compute - shaped.most_tokens * (
            shaped.student_flops + shaped.delta_lgt * flops
        )
        with np.errstate(divide="ignore", invalid="ignore"):
            kink = np.log(spare / (3 * shaped.delta_pre * flops))
        kink = np.where((kink > few) & (kink < many), kink, (few + many) / 2)
        return kink + place * np.where(place < 0, kink - few, many - kink)

    low, high = (np.full(len(problems.compute), np.log(end)) for end in TEACHER_PARAMS_BOX)
    left, right = np.full(low.shape, -1.0), np.full(low.shape, 1.0)
    for points in (31, *[9] * _ROUNDS):
        log_params = np.linspace(low, high, points, axis=-1)[..., None]

        def loss(place, log_params=log_params):
            return _student_loss(law, shaped, log_params, log_tokens(log_params, place))

        ends = (np.repeat(end[:, None], points, axis=1) for end in (left, right))
        places = minimise(loss, *ends, points=points, rounds=9)[..., None]
        places = np.concatenate([places, 0 * places, 0 * places + 1], axis=-1)
        values = loss(places)
        which = np.argmin(values, axis=-1)[..., None]
        places = np.take_along_axis(places, which, -1)
        best = np.argmin(values.min(axis=-1), axis=-1)[:, None]
        around = np.clip(best + np.arange(-1, 2), 0, points - 1)[..., None]
        low, middle, high = np.take_along_axis(log_params, around, 1)[..., 0].T
        beside = np.take_along_axis(places, around, 1)[..., 0]
        margin = (right - left) / points
        left = np.maximum(beside.min(axis=1) - margin, -1)
        right = np.minimum(beside.max(axis=1) + margin, 1)
        found = middle[:, None, None], beside[:, 1][:, None, None]
    return np.stack([found[0], log_tokens(*found)])[..., 0, 0]


def _solve(law, problems):
    """Log of (N_T, D_T) that minimises log L_S for each problem, an array (2, problems)."""
    found = _best_of_grid(law, problems)
    active = np.arange(found.shape[1])
    value = _student_loss(law, problems, *found)
    for _ in range(_STEPS):
        x, here = found[:, active], problems.take(active)
        best, best_value, done = _step(law, here, x, value[active])
        found[:, active], value[active] = best, best_value
        active = active[~done]
        if not len(active):
            break
    return _settled(law, problems, found)


def _settled(law, problems, x):
    """The same teachers, moved along lines of equal loss to where they cost least.

    L_S says little of where on its line a teacher lies that is a small part of the budget: to six
    digits only what it costs does, 3 delta_pre F(N_T) D_T + delta_lgt F(N_T) D_S.
    """
    floor = _floor(law.supervised)
    for _ in range(_SETTLING):
        s, (s_n, s_d), (s_nn, s_nd, s_dd) = reducible_loss(law.supervised, x)
        _, e, ee = flops_elasticity(x[0])
        student_tokens = _student_tokens(problems, *x)
        with np.errstate(all="ignore"):  # where the teacher's training is free nothing is moved
            inference = problems.delta_lgt * student_tokens
            inference = inference / (3 * problems.delta_pre * np.exp(x[1]))
            d_n = -s_n / s_d  # of log D_T by log N_T on the line
            slope = (1 + inference) * e + d_n
            bend = (1 + inference) * ee - inference * d_n * e
            bend -= (s_nn + 2 * s_nd * d_n + s_dd * d_n**2) / s_d
            step = -slope / bend
            params, tokens = x[0] + step, x[1] + d_n * step
            now = _reducible(law.supervised.log_loss(params, tokens), floor)
            tokens = tokens + (s - now) / s_d
            moved = np.stack([params, tokens])
            inside = ((moved > _LOW) & (moved < _HIGH)).all(axis=0)
            small = (bend > 0) & (np.abs(step) < _NEARBY) & inside
        spends = (student_tokens < TOKENS_BOX[1]) & (problems.delta_pre > 0)
        x = np.where(small & spends, moved, x)
    return x


def _best_of_grid(law, problems):
    axes = np.linspace(_LOW[:, 0], _HIGH[:, 0], GRID).T
    grid = np.stack(np.meshgrid(*axes, indexing="ij")).reshape(2, -1, 1)
    values = _student_loss(law, problems, *grid)
    return grid[:, np.argmin(values, axis=0), 0]


def _step(law, problems, x, value):
    """One step of each problem: the best of many trial points, or the last Newton step."""
    gradient, hessian, valley = _slopes(law, problems, x)
    # A coordinate that is drawn to a bound close by is put there, the other one solved for; and the
    # size alone is solved for too, which is what is left to do at the token bound.
    wall = np.where(gradient < 0, _HIGH, _LOW)
    pinned = np.abs(x - wall) < 0.1
    newton = np.where(pinned, x - wall, _modified_solve(hessian, gradient, pinned))
    size_only = np.broadcast_to([[False], [True]], x.shape)
    sideways = _modified_solve(hessian, gradient, size_only)
    trials = [x - f * newton for f in (1, 1 / 4, 1 / 16)]
    trials[1:] = [np.where(pinned, wall, trial) for trial in trials[1:]]
    trials += [x - f * sideways for f in (1, 1 / 4)]
    trials += _along_valley(law, x, gradient, hessian, valley)
    trials = np.clip(np.stack([x, *trials], axis=1), _LOW[:, None], _HIGH[:, None])
    values = _student_loss(law, problems, *trials)
    values[0] = value
    best = np.argmin(np.where(np.isnan(values), np.inf, values), axis=0)
    index = np.arange(x.shape[1])
    length = np.abs(newton).max(axis=0)
    # Where a little more teacher leaves no student, only a short step is better.
    held = (best == 0) & (length > _NEARBY)
    if held.any():
        short = x[:, None, held] - _SHORT * np.where(pinned, 0.0, newton)[:, None, held]
        short = np.clip(short, _LOW[:, None], _HIGH[:, None])
        there = _student_loss(law, problems.take(held), *short)
        which = np.argmin(there, axis=0)
        trials[:, 1, held] = np.take_along_axis(short, which[None, None], 1)[:, 0]
        values[1, held] = there.min(axis=0)
        best[held] = values[1, held] < values[0, held]
    # Comparing values finds a minimum to half the digits only; the last step is taken unseen.
    done = (length < _DONE) | (best == 0)
    best[done & (length < 1e-3)] = 1
    return trials[:, best, index], values[best, index], done


def _student_loss(law, problems, log_params, log_tokens):
    """Log L_S with a teacher (N_T, D_T) and what it leaves; infinite if too little for any student.

    Takes and returns arrays (trials, problems).
    """
    student_tokens = _student_tokens(problems, log_params, log_tokens)
    value = law.log_loss(
        problems.log_student_params,
        np.log(np.clip(student_tokens, TOKENS_BOX[0], problems.most_tokens)),
        law.supervised.log_loss(log_params, log_tokens),
    )
    return np.where(student_tokens >= TOKENS_BOX[0] * (1 - 1e-9), value, np.inf)


def _student_tokens(problems, log_params, log_tokens):
    """What a teacher (N_T, D_T) leaves of the budget, in student tokens."""
    teacher_flops = forward_flops(np.exp(log_params))
    left = problems.compute - 3 * problems.delta_pre * teacher_flops * np.exp(log_tokens)
    return left / (problems.student_flops + problems.delta_lgt * teacher_flops)


def _slopes(law, problems, x):
    """Gradient (2, problems) and Hessian (3, problems) of log L_S at x = log (N_T, D_T).

    By the chain rule over log L_S (log D_S, log L_T): differences are taken of the two formulas,
    where nothing cancels, and what the budget does is known exactly. So an optimum at which the
    parts cancel to the seventh digit is still found to six.

    - returns: gradient, hessian, and valley (s, gradient of s, Hessian of s), s the log of the
      teacher's reducible loss.
    """
    floor = _floor(law.supervised)
    s, (s_n, s_d), (s_nn, s_nd, s_dd) = valley = reducible_loss(law.supervised, x)
    teacher_loss = floor + np.exp(s)
    part = 1 - floor / teacher_loss
    t = part * np.stack([s_n, s_d])
    tt = part * np.stack([s_nn, s_nd, s_dd])
    tt += part * (1 - part) * np.stack([s_n**2, s_n * s_d, s_d**2])

    # log D_S = log(C - pretraining) - log(student + inference), F(N_T) of elasticity e.
    flops, e, ee = flops_elasticity(x[0])
    pretraining = 3 * problems.delta_pre * flops * np.exp(x[1])
    inference = problems.delta_lgt * flops
    student_tokens = (problems.compute - pretraining) / (problems.student_flops + inference)
    spendable = student_tokens < TOKENS_BOX[1]
    p = spendable * pretraining / (problems.compute - pretraining)
    q = spendable * inference / (problems.student_flops + inference)
    d = np.stack([-(p + q) * e, -p])
    pp, qq = p * (1 + p), q * (1 - q)
    dd = np.stack([-(pp + qq) * e**2 - (p + q) * ee, -pp * e, -pp])

    f = law.log_loss(
        problems.log_student_params,
        np.log(np.clip(student_tokens, *TOKENS_BOX)) + _STENCIL[0] * _STEP,
        np.log(teacher_loss) + _STENCIL[1] * _LOSS_STEP,
    )
    (f_d, f_t), (f_dd, f_dt, f_tt) = _derivatives(f, _STEP, _LOSS_STEP)
    hessian = f_d * dd + f_t * tt
    for k, (i, j) in enumerate([(0, 0), (0, 1), (1, 1)]):
        hessian[k] += f_dd * d[i] * d[j] + f_dt * (d[i] * t[j] + t[i] * d[j]) + f_tt * t[i] * t[j]
    return f_d * d + f_t * t, hessian, valley


def reducible_loss(law: Law, x: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Log of what a model's loss is above the law's floor, with derivatives by differences.

    - law: with `log_loss(log_params, log_tokens)`.
    - x: log (N, D), shape (2, models).
    - returns value: array (models,)
    - returns gradient, hessian: arrays (2, models), (3, models)
    """
    log_loss = law.log_loss(*(x[:, None] + _STENCIL * _STEP))
    s = _reducible(log_loss, _floor(law))
    return s[0], *_derivatives(s, _STEP, _STEP)


def flops_elasticity(log_params: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """F(N) of models of `log_params`, d log F / d log N, and its derivative, by differences."""
    h = _STEP
    log_flops = np.log(forward_flops(np.exp(log_params + h * _STENCIL[0, :5])))
    return np.exp(log_flops[0]), *_along_axis(log_flops[0], log_flops[1:], h)


def _floor(law):
    """The loss that no model gets below."""
    return np.exp(law.log_loss(ENDLESS, ENDLESS))


def _reducible(log_loss, floor):
    """Log of what a teacher's loss is above the floor."""
    return np.log(np.maximum(np.exp(log_loss) - floor, 1e-300))


def _derivatives(values, h_x, h_y):
    """Gradient (2, problems) and Hessian (xx, xy, yy) from values on the stencil."""
    x, xx = _along_axis(values[0], values[1:5], h_x)
    y, yy = _along_axis(values[0], values[5:9], h_y)
    xy = (values[9] - values[10] - values[11] + values[12]) / (4 * h_x * h_y)
    return np.stack([x, y]), np.stack([xx, xy, yy])


def _along_axis(centre, sides, h):
    """First and second derivative from the values at h, -h, 2 h and -2 h, of fourth order."""
    near, near_left, far, far_left = sides
    slope = (8 * (near - near_left) - (far - far_left)) / (12 * h)
    return slope, (16 * (near + near_left) - (far + far_left) - 30 * centre) / (12 * h**2)


def _along_valley(law, x, gradient, hessian, valley):
    """Trial points (2, problems) of a Newton step in (log N_T, s) instead of (log N_T, log D_T).

    Teachers of equal loss lie on a curved valley floor, which is straight in these coordinates;
    `valley` is s, the log of the teacher's reducible loss, with its derivatives.
    """
    floor = _floor(law.supervised)
    s, (s_n, s_d), (s_nn, s_nd, s_dd) = valley
    # log D_T as a function of (log N_T, s), to second order.
    with np.errstate(all="ignore"):
        d_n, d_s = -s_n / s_d, 1 / s_d
        d_nn = -(s_nn + 2 * s_nd * d_n + s_dd * d_n**2) / s_d
        d_ns = -(s_nd + s_dd * d_n) * d_s / s_d
        d_ss = -s_dd * d_s**2 / s_d
        h_nn, h_nd, h_dd = hessian
        slope = np.stack([gradient[0] + gradient[1] * d_n, gradient[1] * d_s])
        bend = np.stack(
            [
                h_nn + 2 * h_nd * d_n + h_dd * d_n**2 + gradient[1] * d_nn,
                (h_nd + h_dd * d_n) * d_s + gradient[1] * d_ns,
                h_dd * d_s**2 + gradient[1] * d_ss,
            ]
        )
        step = _modified_solve(bend, slope, np.zeros(x.shape, bool))
        fraction = np.array([[1], [1 / 4], [1 / 16]])
        log_params = x[0] - fraction * step[0]
        target = s - fraction * step[1]
        # Secant steps bring log D_T to where the teacher has the loss aimed at.
        before, before_s = x[1], _reducible(law.supervised.log_loss(log_params, x[1]), floor)
        log_tokens = x[1] + (target - before_s) * d_s
        for _ in range(3):
            log_tokens = np.clip(log_tokens, _LOW[1], _HIGH[1])
            now = _reducible(law.supervised.log_loss(log_params, log_tokens), floor)
            secant = (log_tokens - before) / (now - before_s)
            before, before_s = log_tokens, now
            log_tokens = log_tokens + (target - now) * np.where(np.isfinite(secant), secant, 0.0)
    # Where a formula above has no value there is no such step.
    found = np.stack([log_params, log_tokens])
    found = np.where(np.isfinite(found).all(axis=0), found, x[:, None])
    return list(np.moveaxis(found, 1, 0))


def _modified_solve(hessian, gradient, fixed):
    """|H|^-1 g over the free coordinates: Newton where H is positive, descent elsewhere."""
    a = np.where(fixed[0], 1.0, hessian[0])
    d = np.where(fixed[1], 1.0, hessian[2])
    b = np.where(fixed[0] | fixed[1], 0.0, hessian[1])
    g = np.where(fixed, 0.0, gradient)
    mean, half = (a + d) / 2, (a - d) / 2
    radius = np.sqrt(half**2 + b**2) + 1e-300
    # Eigenvalues are mean ± radius, projectors (I ± R / radius) / 2 with R = H - mean I.
    rotated = np.stack([half * g[0] + b * g[1], b * g[0] - half * g[1]]) / radius
    # Differences leave some 1e-10 in the Hessian: below that a curvature is none.
    large, small = (np.maximum(np.abs(mean + s * radius), 1e-10) for s in (1, -1))
    return (g + rotated) / (2 * large) + (g - rotated) / (2 * small)
