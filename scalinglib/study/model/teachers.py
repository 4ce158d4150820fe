"""Teachers: functions of windows that give log-probabilities of the next symbols."""

from collections.abc import Callable, Sequence
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
    "ModelEnsemble",
    "Teacher",
    "Truth",
    "at_once",
    "average",
    "log_probabilities",
    "parts",
]

PART = 8  # windows that go through a model at once on a CPU: what they need stays in the cache
CPU_BYTES = 2**31  # memory that a model may need on a CPU while it is trained

# Of windows of symbols: log-probabilities (n_vocab, windows * n_ctx) of the next symbols.
Teacher = Callable[[np.ndarray], ArrayLike]


@dataclass(frozen=True, eq=False)
class Model:
    """A teacher that is a trained model, given by its weights."""

    params: Params

    def __call__(self, windows: np.ndarray) -> jax.Array:
        """Log-probabilities (n_vocab, windows * n_ctx) of the next symbols."""
        return log_probabilities(self.params, windows)


@dataclass(frozen=True, eq=False)
class ModelEnsemble:
    """A teacher that is several trained models: the mean of their probabilities."""

    members: tuple[Params, ...]

    def __call__(self, windows: np.ndarray) -> jax.Array:
        """Log-probabilities (n_vocab, windows * n_ctx) of the next symbols."""
        return average([log_probabilities(params, windows) for params in self.members])


@dataclass(frozen=True)
class Truth:
    """The teacher that knows a corpus's own probabilities."""

    corpus: Corpus

    def __call__(self, windows: np.ndarray) -> np.ndarray:
        """Log-probabilities (n_vocab, windows * n_ctx) of the next symbols, -inf where none."""
        truth = self.corpus.truth(windows).reshape(-1, self.corpus.n_vocab).T.astype(np.float32)
        return np.log(truth, out=np.full_like(truth, -np.inf), where=truth > 0)


def average(log_probs: Sequence[ArrayLike]) -> ArrayLike:
    """Log of the mean of probabilities: several arrays to one; a single one as it is."""
    if len(log_probs) == 1:
        return log_probs[0]
    return jax.nn.logsumexp(jnp.stack(log_probs), axis=0) - np.float32(np.log(len(log_probs)))


def at_once(params: Params, windows: int, n_ctx: int) -> int:
    """How many of `windows` go through a model at once on this device: a divisor of their number.

    On a CPU as many as the cache holds; elsewhere what a third of the device's memory does.
    """
    device = jax.devices()[0]
    if device.platform == "cpu":
        room, most = CPU_BYTES, PART if windows % PART == 0 else windows
    else:
        room = (device.memory_stats() or {}).get("bytes_limit", 3 * CPU_BYTES) // 3
        most = windows
    most = max(1, min(most, room // transformer.window_bytes(params, n_ctx)))
    return next(n for n in range(most, 0, -1) if windows % n == 0)


def parts(params: Params, windows: ArrayLike) -> ArrayLike:
    """Windows (n, ...) in equal parts that go through a model at once: (parts, n / parts, ...)."""
    part = at_once(params, len(windows), windows.shape[1])
    return windows.reshape(-1, part, windows.shape[1])


def log_probabilities(params: Params, windows: np.ndarray) -> jax.Array:
    """A model's log-probabilities (n_vocab, windows * n_ctx) of the next symbols, float32."""
    with float64():  # for what JAX's setting decides; arrays have types of their own
        return _log_probabilities(params, windows)


@jax.jit
def _log_probabilities(params, windows):
    found = jax.lax.map(
        lambda part: jax.nn.log_softmax(transformer.logits(params, part), axis=0),
        parts(params, windows[:, :-1]),
    )
    return found.swapaxes(0, 1).reshape(found.shape[1], -1)
