"""How every model of the study is trained: optimizer, learning rate, batches."""

import math
from dataclasses import asdict, dataclass, fields

import jax
import jax.numpy as jnp
import numpy as np
from jax.typing import ArrayLike

from scalinglib.checks import positive, whole

__all__ = ["B1", "B2", "CLIP", "FINAL", "WARMUP", "WEIGHT_DECAY", "Recipe", "batches", "rate"]

B1, B2, WEIGHT_DECAY = 0.9, 0.99, 1e-4  # of AdamW, with decoupled decay
CLIP = 1.0  # largest global norm of a gradient
WARMUP, FINAL = 0.05, 1e-3  # share of the steps with rising rate; last rate over peak (cosine)


@dataclass(frozen=True)
class Recipe:
    """The knobs of training that runs may set; notebook 08 shows other batches and rates.

    A new one is a field here, with the value of the committed runs as its default, and its use in
    `train`: identities of runs, tables and design files take it from here.

    - peak: highest learning rate, at width 16; matrices of wider models get less (µP).
    - windows: windows a batch; None lets them grow with the tokens of the run (`batches`).
    """

    peak: float = 2e-2
    windows: int | None = None

    def __post_init__(self):
        positive("peak", self.peak)

    def identity(self) -> dict[str, float | int]:
        """The peak, and what else is not its default: what the identity of a run holds."""
        usual = {field.name: field.default for field in fields(self)}
        own = asdict(self)
        return {name: own[name] for name in own if name == "peak" or own[name] != usual[name]}


def batches(tokens: float, n_ctx: int, windows: int | None = None) -> tuple[int, int]:
    """Windows a batch, and batches, for a run on about `tokens` tokens.

    Without `windows` a batch has sqrt(tokens) / 2 tokens, to the nearest power of two of windows
    between 2 and 32: few tokens want small batches, because steps are scarce; many tokens want
    calm gradients.
    """
    positive("tokens", tokens)
    if windows is None:
        windows = int(np.clip(2 ** round(math.log2(math.sqrt(tokens) / (2 * n_ctx))), 2, 32))
    whole("windows", windows, 1)
    return windows, max(1, round(tokens / (windows * n_ctx)))


def rate(step: ArrayLike, steps: ArrayLike, peak: ArrayLike) -> jax.Array:
    """The learning rate of a step, which may be traced: a linear warm-up, then a cosine."""
    warm = jnp.ceil(WARMUP * steps)
    progress = jnp.clip((step - warm) / jnp.maximum(steps - warm, 1), 0, 1)
    cosine = FINAL + (1 - FINAL) * (1 + jnp.cos(jnp.pi * progress)) / 2
    return peak * jnp.minimum((step + 1) / jnp.maximum(warm, 1), cosine)
