"""How every model of the study is trained: optimizer, learning rate, batches."""

import math
from dataclasses import dataclass

import numpy as np

__all__ = ["Recipe", "batches"]


@dataclass(frozen=True)
class Recipe:
    """How every model of the study is trained; notebook 08 shows other batches and rates beside it.

    Attributes
    ----------
    peak : float
        Highest learning rate, at width 16; matrices of wider models get less (µP).
    windows : int or None
        Windows a batch; None lets them grow with the tokens of the run (`batches`).
    warmup, final : float
        Share of the steps with rising rate; last rate over peak (cosine in between).
    b1, b2, weight_decay, clip : float
        Of AdamW (decoupled decay), and the largest global norm of a gradient.
    bfloat16 : bool
        Matrix products of what is rounded to bfloat16, for GPUs; sums and weights stay float32.
    """

    peak: float = 2e-2
    windows: int | None = None
    warmup: float = 0.05
    final: float = 1e-3
    b1: float = 0.9
    b2: float = 0.99
    weight_decay: float = 1e-4
    clip: float = 1.0
    bfloat16: bool = False


def batches(tokens, n_ctx, windows=None):
    """Windows a batch, and batches, for a run on about `tokens` tokens.

    Without `windows` a batch has sqrt(tokens) / 2 tokens, to the nearest power of two of windows
    between 2 and 32: few tokens want small batches, because steps are scarce; many tokens want
    calm gradients.
    """
    if not 0 < tokens < math.inf:
        raise ValueError(f"tokens is {tokens!r}; it must be positive and finite")
    if windows is None:
        windows = int(np.clip(2 ** round(math.log2(math.sqrt(tokens) / (2 * n_ctx))), 2, 32))
    elif windows < 1 or windows != int(windows):
        raise ValueError(f"windows is {windows!r}; it must be a positive whole number")
    return windows, max(1, round(tokens / (windows * n_ctx)))
