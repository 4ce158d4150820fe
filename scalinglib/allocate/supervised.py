"""Compute-optimal supervised training: the best model of a budget, the cheapest of a loss."""

import numpy as np
from numpy.typing import ArrayLike
from scipy.optimize.elementwise import find_root

from scalinglib.allocate.elementwise import zero_or_end
from scalinglib.allocate.solver import (
    TEACHER_PARAMS_BOX,
    TOKENS_BOX,
    flops_elasticity,
    reducible_loss,
)
from scalinglib.checks import positive
from scalinglib.flops import forward_flops
from scalinglib.laws import Law, SupervisedLaw

_SIZES = 1e-9, 1e36  # parameters between which the optimum is looked for


def supervised_optimum(law: SupervisedLaw, compute: ArrayLike) -> tuple[np.ndarray, np.ndarray]:
    """The size N and tokens D = C / (3 F(N)) that make the best model of each budget.

    They do not depend on E and gamma: what is minimised is A / N^alpha + B / D^beta, which is
    convex in log N.

    - law: its coefficients may be arrays (a fit's replicates); they broadcast against `compute`.
    """
    coefficients = law.A, law.B, law.alpha, law.beta
    compute, *coefficients = np.broadcast_arrays(positive("compute", compute), *coefficients)

    def slope(log_params, compute, a, b, alpha, beta):
        """Log of what another parameter costs through tokens over what it gains; it rises."""
        params = np.exp(log_params)
        full = forward_flops(params)
        # F is a sum of powers 1, 2/3 and 1/3 of N.
        by_power = 2 * params + forward_flops(params, n_vocab=0) + full
        cost = np.log(beta * b * by_power / (3 * full)) + beta * np.log(3 * full / compute)
        return cost - np.log(alpha * a) + alpha * log_params

    arguments = tuple(np.ravel(array).astype(float) for array in (compute, *coefficients))
    ends = [np.full(arguments[0].shape, np.log(size)) for size in _SIZES]
    smallest, largest = _SIZES
    outside = (slope(ends[0], *arguments) > 0) | (slope(ends[1], *arguments) < 0)
    if outside.any():
        raise ValueError(
            f"compute is {float(arguments[0][outside][0])!r}; its optimum under this law is not "
            f"between {smallest:g} and {largest:g} parameters"
        )
    tolerances = {"xatol": 1e-12, "xrtol": 0, "fatol": 0, "frtol": 0}
    found = find_root(slope, tuple(ends), args=arguments, tolerances=tolerances)
    params = np.exp(found.x).reshape(compute.shape)
    return params, compute / (3 * forward_flops(params))


def cheapest_model(
    law: Law,
    loss: ArrayLike,
    *,
    max_tokens: ArrayLike | None = None,
    inference_tokens: ArrayLike = 0.0,
) -> tuple[np.ndarray, np.ndarray]:
    """The (N, D) that reaches each `loss` at the least F(N) (D + inference_tokens).

    Without inference that is the supervised compute-optimal model.

    - law: a `SupervisedLaw`, or any with `log_loss(log N, log D)` that falls with both; with
      `tokens_for_loss(N, L)`, as that has, it is several times as fast.
    - loss: nats per token, reachable inside `TEACHER_PARAMS_BOX` and `TOKENS_BOX`.
    - max_tokens: of the shape of `loss`: bound on the tokens, within `TOKENS_BOX`.
    - inference_tokens: what the model's own inference costs, in tokens of its training; inf where
      only that does; broadcasts against `loss`.
    """
    loss = positive("loss", loss)
    (small, large), (few, many) = np.log(TEACHER_PARAMS_BOX), np.log(TOKENS_BOX)
    worst, best = (float(np.exp(law.log_loss(*corner))) for corner in ((small, few), (large, many)))
    outside = (loss < best * (1 - 1e-12)) | (loss > worst * (1 + 1e-12))
    if np.any(outside):
        raise ValueError(
            f"loss is {float(np.asarray(loss)[outside].flat[0])!r}; models of the box reach "
            f"{best:.6g} to {worst:.6g} nats per token"
        )
    target = np.log(np.clip(np.ravel(loss), best, worst))
    if max_tokens is not None:
        many = np.log(np.broadcast_to(max_tokens, loss.shape))
    few, many, inference_tokens = (
        np.broadcast_to(np.ravel(end), target.shape) for end in (few, many, inference_tokens)
    )

    def excess(log_tokens, log_params, target):
        return target - law.log_loss(log_params, log_tokens)

    def reaching(log_params, target, few, many):
        if not hasattr(law, "tokens_for_loss"):
            return zero_or_end(excess, few, many, [log_params, target])
        found = law.tokens_for_loss(np.exp(log_params), np.exp(target))
        return np.clip(np.log(found), few, many)

    def cost_slope(log_params, target, few, many, inference_tokens):
        log_tokens = reaching(log_params, target, few, many)
        _, elasticity, _ = flops_elasticity(log_params)
        _, (by_params, by_tokens), _ = reducible_loss(law, np.stack([log_params, log_tokens]))
        trained = np.exp(log_tokens)
        return elasticity - trained / (trained + inference_tokens) * by_params / by_tokens

    # Between these sizes the loss is reached on a number of tokens inside the box.
    low, high = (
        zero_or_end(lambda n, t, d: excess(d, n, t), small, large, [target, tokens])
        for tokens in (many, few)
    )
    log_params = zero_or_end(cost_slope, low, high, [target, few, many, inference_tokens])
    log_tokens = reaching(log_params, target, few, many)
    return np.exp(log_params).reshape(loss.shape), np.exp(log_tokens).reshape(loss.shape)
