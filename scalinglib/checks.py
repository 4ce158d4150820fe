"""Refuse bad input by name: every public function that takes numbers from a reader calls these."""

import jax
import jax.numpy as jnp
import numpy as np

__all__ = ["namespace", "positive"]


def namespace(*arrays):
    """`jax.numpy` if any of `arrays` is a JAX array or tracer, else `numpy`.

    So one formula serves both a notebook, which wants NumPy back and no compilation, and `jit`.
    """
    return jnp if any(isinstance(array, jax.Array) for array in arrays) else np


def positive(name, value):
    """`value` as a float64 array; ValueError if an entry is not positive and finite.

    Under `jit` the values are not known: a tracer passes unchecked.
    """
    if isinstance(value, jax.core.Tracer):
        return value
    array = np.asarray(value, dtype=float)
    bad = ~(np.isfinite(array) & (array > 0))
    if bad.any():
        first = float(array[bad].flat[0])
        raise ValueError(f"{name} is {first!r}; it must be positive and finite")
    return jnp.asarray(array) if isinstance(value, jax.Array) else array
