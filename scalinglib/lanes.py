"""One compiled function over many problems: batches of one shape, all cores, in float64.

Each new shape costs a compilation, so problems go through in batches of `LANES`, the last one
filled up with repeats; and float64 is switched on for these calls only, never for the process.
"""

import os
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any

import jax
import numpy as np

LANES = 64


@contextmanager
def float64() -> Iterator[None]:
    """A context, or decorator, with JAX in float64; a thread's own, as JAX's settings are."""
    with jax.enable_x64(True):
        yield


def over_threads(
    function: Callable, index: np.ndarray, lanes: int = LANES
) -> Iterator[tuple[np.ndarray, Any]]:
    """Apply `function` to batches of `index`, over all cores, yielding results in order.

    - function: takes an integer array of shape (lanes,), returns a pytree of arrays (lanes, ...).
    - yields batch, found: a part of `index`, and what `function` gave for it as NumPy arrays
      (len(batch), ...).
    """
    batches = np.split(index, range(lanes, len(index), lanes)) if len(index) else []

    def work(batch):
        with float64():
            found = function(np.resize(batch, lanes))
            return jax.tree.map(lambda part: np.asarray(part)[: len(batch)], found)

    with ThreadPoolExecutor(os.cpu_count()) as pool:
        yield from zip(batches, pool.map(work, batches), strict=True)
