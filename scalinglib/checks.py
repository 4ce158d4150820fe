"""Refuse bad input by name: every public function that takes numbers from a reader calls these."""

import sys
import warnings
from collections.abc import Iterable
from types import ModuleType

import numpy as np
from numpy.typing import ArrayLike


def namespace(*arrays: object) -> ModuleType:
    """`jax.numpy` if any of `arrays` is a JAX array or tracer, else `numpy`.

    So one formula serves both a notebook, which wants NumPy back and no compilation, and `jit`.
    """
    jax = _jax()
    return jax.numpy if jax and any(isinstance(array, jax.Array) for array in arrays) else np


def positive(name: str, value: ArrayLike) -> np.ndarray:
    """`value` as a float array; ValueError if an entry is not positive and finite.

    NumPy arrays come back as float64. Under `jit` the values are not known: a tracer passes
    unchecked, here and below.
    """
    return _numbers(name, value, lambda x: np.isfinite(x) & (x > 0), "be positive and finite")


def not_negative(name: str, value: ArrayLike) -> np.ndarray:
    """`value` as a float array; ValueError if an entry is negative or not finite."""
    return _numbers(name, value, lambda x: np.isfinite(x) & (x >= 0), "be 0 or more, and finite")


def within(name: str, value: ArrayLike, low: float, high: float) -> np.ndarray:
    """`value` as a float array; ValueError if an entry is not from low to high."""
    return _numbers(
        name, value, lambda x: (x >= low) & (x <= high), f"lie within [{low:g}, {high:g}]"
    )


def _numbers(name, value, fine, must):
    jax = _jax()
    if jax and isinstance(value, jax.core.Tracer):
        return value
    array = np.asarray(value, dtype=float)
    bad = ~fine(array)
    if bad.any():
        raise ValueError(f"{name} is {float(array[bad].flat[0])!r}; it must {must}")
    return value if jax and isinstance(value, jax.Array) else array


def whole(name: str, value: int, least: int, most: float = np.inf) -> None:
    """ValueError if `value` is not a whole number from `least` to `most`."""
    if not (isinstance(value, int | np.integer) and least <= value <= most):
        ends = f"from {least}" + (f" to {most}" if most < np.inf else "")
        raise ValueError(f"{name} is {value!r}; it must be a whole number {ends}")


def one_of(name: str, value: object, allowed: Iterable) -> None:
    """ValueError if `value` is none of those allowed."""
    if value not in allowed:
        raise ValueError(f"{name} is {value!r}; it must be one of {list(allowed)}")


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
