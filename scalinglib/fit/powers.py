"""The coordinates of (A / N^alpha + B / D^beta)^gamma, which both laws of the paper share."""

import jax
import jax.numpy as jnp
import numpy as np
from numpy.typing import ArrayLike

from scalinglib.fit.spec import Edges, or_fixed

SHARES = -7.0, 7.0  # logits
LOG_GAMMA = -4.0, 4.0
LOG_SLOPES = -12.0, 2.0
_STEEPEST = 25.0  # exponent; beyond it A and B leave the range of float64


def power_terms(
    z: np.ndarray, log_scale: np.ndarray, shift: np.ndarray, fixed: np.ndarray, centre: np.ndarray
) -> list[np.ndarray]:
    """A, B, alpha, beta, gamma of a sum of powers that is exp(log_scale + shift) in the middle.

    z: logit of the size term's share, logs of the slopes in log N and log D, log gamma.
    """
    gamma = or_fixed(fixed[4], jnp.exp(z[3]))
    log_shares = jax.nn.log_sigmoid(z[0]), jax.nn.log_sigmoid(-z[0])
    slopes = [jnp.exp(z[1 + i] - log_shares[i] + shift) / gamma for i in (0, 1)]
    exponents = [or_fixed(fixed[2 + i], jnp.minimum(slopes[i], _STEEPEST)) for i in (0, 1)]
    scales = [
        or_fixed(fixed[i], jnp.exp(log_scale / gamma + log_shares[i] + exponents[i] * centre[i]))
        for i in (0, 1)
    ]
    return [*scales, *exponents, gamma]


def power_edges(first: int) -> Edges:
    """Ends of the box for coordinates of `power_terms` that begin at `first`.

    The runs tell alpha gamma and beta gamma, so that a gamma at its end makes bounds of all three.
    """
    steep, flat = {"alpha": ">", "beta": ">"}, {"alpha": "<", "beta": "<"}
    return {
        first: ({"A": "<"}, {"B": "<"}),
        first + 1: ({"alpha": "<"}, {"alpha": ">"}),
        first + 2: ({"beta": "<"}, {"beta": ">"}),
        first + 3: ({"gamma": "<"} | steep, {"gamma": ">"} | flat),
    }


def logit(share: ArrayLike) -> np.ndarray:
    """log(share / (1 - share))."""
    return np.log(share / (1 - share))
