"""The compute-optimal size and tokens of supervised training (Equation 2)."""

import numpy as np
from scipy.optimize.elementwise import find_root

from scalinglib.checks import positive
from scalinglib.flops import N_CTX, N_VOCAB, forward_flops

__all__ = ["supervised_optimum"]

_SIZES = 1e-9, 1e36  # parameters between which the optimum is looked for


def supervised_optimum(law, compute, *, n_ctx=N_CTX, n_vocab=N_VOCAB):
    """The size N and tokens D = C / (3 F(N)) that make the best model of each budget.

    They do not depend on E and gamma: what is minimised is A / N^alpha + B / D^beta, which is
    convex in log N.

    Parameters
    ----------
    law : SupervisedLaw
        Its coefficients may be arrays (a fit's replicates); they broadcast against `compute`.
    compute : array_like
        Training budget in FLOPs, positive and finite.
    n_ctx, n_vocab : float
        Of `flops.forward_flops`; with zeros training costs 6 N a token and the optimum is
        N = (alpha A / (beta B))^(1 / (alpha + beta)) (C / 6)^(beta / (alpha + beta)).

    Returns
    -------
    params, tokens : arrays of the broadcast shape
    """
    coefficients = law.A, law.B, law.alpha, law.beta
    compute, *coefficients = np.broadcast_arrays(positive("compute", compute), *coefficients)

    def slope(log_params, compute, a, b, alpha, beta):
        """Log of what another parameter costs through tokens over what it gains; it rises."""
        params = np.exp(log_params)
        full = forward_flops(params, n_ctx, n_vocab)
        # F is a sum of powers 1, 2/3 and 1/3 of N.
        by_power = 2 * params + forward_flops(params, n_ctx, n_vocab=0) + full
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
    return params, compute / (3 * forward_flops(params, n_ctx, n_vocab))
