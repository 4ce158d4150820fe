"""Learning rates over a run, as functions of a step that may be traced."""

import jax
import jax.numpy as jnp
from jax.typing import ArrayLike

__all__ = ["one_cycle", "warmup_cosine"]


def warmup_cosine(
    step: ArrayLike, steps: ArrayLike, *, peak: ArrayLike, warmup: float, final: float
) -> jax.Array:
    """Linear warm-up, then a cosine down to `final` times the peak.

    - warmup: its share of the steps, rounded up to a whole step
    - final: last rate over peak
    """
    warm = jnp.ceil(warmup * steps)
    progress = jnp.clip((step - warm) / jnp.maximum(steps - warm, 1), 0, 1)
    cosine = final + (1 - final) * (1 + jnp.cos(jnp.pi * progress)) / 2
    return peak * jnp.minimum((step + 1) / jnp.maximum(warm, 1), cosine)


def one_cycle(
    step: ArrayLike, steps: ArrayLike, *, peak: ArrayLike, warmup: ArrayLike
) -> jax.Array:
    """Linear warm-up, then a cosine to just above zero, float32.

    - warmup: share of the steps on the way up, in (0, 1)
    """
    done = (step + 1) / (steps + 1)
    up = done / warmup
    down = 0.5 + 0.5 * jnp.cos(jnp.pi * (done - warmup) / (1 - warmup))
    return (peak * jnp.where(up < 1, up, down)).astype(jnp.float32)
