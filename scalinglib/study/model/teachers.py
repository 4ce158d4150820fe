"""Teachers: functions of windows that give log-probabilities of the next symbols."""

from collections.abc import Callable
from dataclasses import dataclass

import jax
import jax.numpy as jnp
import numpy as np
from jax.typing import ArrayLike

from scalinglib.lanes import float64
from scalinglib.study.corpora.base import Corpus
from scalinglib.study.model import transformer
from scalinglib.study.model.transformer import Params

__all__ = [
    "Model",
    "Teacher",
    "Truth",
    "log_probabilities",
    "parts",
]

PART = 8  # windows at once on a CPU: what they need stays in the cache

# Of windows of symbols: log-probabilities (n_vocab, windows * n_ctx) of the next symbols.
Teacher = Callable[[np.ndarray], ArrayLike]


class Model:
    """A teacher that is a trained model, or the mean of several's probabilities, by weights."""

    def __init__(self, *members: Params):
        self.members = members

    def __call__(self, windows: np.ndarray) -> jax.Array:
        """Log-probabilities (n_vocab, windows * n_ctx) of the next symbols."""
        told = [log_probabilities(params, windows) for params in self.members]
        if len(told) == 1:
            return told[0]
        return jax.nn.logsumexp(jnp.stack(told), axis=0) - np.float32(np.log(len(told)))


@dataclass(frozen=True)
class Truth:
    """The teacher that knows a corpus's own probabilities."""

    corpus: Corpus

    def __call__(self, windows: np.ndarray) -> np.ndarray:
        """Log-probabilities (n_vocab, windows * n_ctx) of the next symbols, -inf where none."""
        truth = self.corpus.truth(windows).reshape(-1, self.corpus.n_vocab).T.astype(np.float32)
        return np.log(truth, out=np.full_like(truth, -np.inf), where=truth > 0)


def parts(windows: ArrayLike) -> ArrayLike:
    """Windows (n, ...) in parts that go through a model at once: (parts, n / parts, ...).

    On a CPU `PART` at once, where their number allows it; elsewhere all.
    """
    few = jax.default_backend() == "cpu" and len(windows) % PART == 0
    return windows.reshape(-1, PART if few else len(windows), windows.shape[1])


@float64()  # for what JAX's setting decides; arrays have types of their own
@jax.jit
def log_probabilities(params: Params, windows: np.ndarray) -> jax.Array:
    """A model's log-probabilities (n_vocab, windows * n_ctx) of the next symbols, float32."""
    found = jax.lax.map(
        lambda part: jax.nn.log_softmax(transformer.logits(params, part), axis=0),
        parts(windows[:, :-1]),
    )
    return found.swapaxes(0, 1).reshape(found.shape[1], -1)
