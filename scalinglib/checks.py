"""Refuse bad input by name: every public function that takes numbers from a reader calls these."""

import sys
import warnings
from types import ModuleType

import numpy as np
from numpy.typing import ArrayLike


def namespace(*arrays: object) -> ModuleType:
    """`jax.numpy` if any of `arrays` is a JAX array or tracer, else `numpy`.

    So one formula serves both a notebook, which wants NumPy back and no compilation, and `jit`.
    """
    jax = _jax()
    return jax.numpy if jax and any(isinstance(array, jax.Array) for array in arrays) else np


def positive(name: str, value: ArrayLike, *, or_zero: bool = False) -> np.ndarray:
    """`value` as a float array; ValueError if an entry is not positive and finite.

    NumPy arrays come back as float64. Under `jit` the values are not known: a tracer passes
    unchecked.

    - or_zero: whether 0 is allowed too.
    """
    jax = _jax()
    if jax and isinstance(value, jax.core.Tracer):
        return value
    array = np.asarray(value, dtype=float)
    bad = ~(np.isfinite(array) & ((array >= 0) if or_zero else (array > 0)))
    if bad.any():
        first = float(array[bad].flat[0])
        allowed = "0 or more, and finite" if or_zero else "positive and finite"
        raise ValueError(f"{name} is {first!r}; it must be {allowed}")
    return value if jax and isinstance(value, jax.Array) else array


def plausible(name: str, value: ArrayLike, low: float, high: float) -> None:
    """Warn where an entry of `value` is outside what models are; Python shows a warning once.

    Tracers pass: their values are not known.
    """
    jax = _jax()
    if jax and isinstance(value, jax.core.Tracer):
        return
    array = np.asarray(value)
    odd = (array < low) | (array > high)
    if odd.any():
        warnings.warn(
            f"{name} is {float(array[odd].flat[0]):.4g}, which no model has: is it in parameters, "
            "tokens, or nats per token?",
            stacklevel=3,
        )


def _jax():
    """JAX if the program uses it: without it no array is JAX's, and its import takes a second."""
    return sys.modules.get("jax")
