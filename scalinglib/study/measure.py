"""What a trained model knows, and the teachers that a student may have."""

from dataclasses import dataclass
from functools import partial

import jax
import jax.numpy as jnp
import numpy as np

from scalinglib.lanes import float64
from scalinglib.study import transformer
from scalinglib.study.corpus import Corpus, divergence, stream

__all__ = [
    *("ModelEnsemble", "Model", "Truth", "at_once", "average", "evaluate", "log_probabilities"),
    *("parts", "score"),
]

PART = 8  # windows that go through a model at once on a CPU: what they need stays in the cache
EVALUATED = 65536  # tokens of the evaluation split
ENTRIES = 2**20  # probabilities in float64 that are judged at once
CPU_BYTES = 2**31  # memory that a model may need on a CPU while it is trained


@dataclass(frozen=True, eq=False)
class Model:
    """A teacher that is a trained model.

    Attributes
    ----------
    params : dict, its weights
    """

    params: dict

    def __call__(self, windows):
        """Log-probabilities (n_vocab, windows * n_ctx) of the next symbols."""
        return log_probabilities(self.params, windows)


@dataclass(frozen=True, eq=False)
class ModelEnsemble:
    """A teacher that is several trained models: the mean of their probabilities.

    Attributes
    ----------
    members : tuple of dict, their weights
    """

    members: tuple

    def __call__(self, windows):
        """Log-probabilities (n_vocab, windows * n_ctx) of the next symbols."""
        return average([log_probabilities(params, windows) for params in self.members])


def average(log_probs):
    """Log of the mean of probabilities: a list of arrays to one array; a single one as it is."""
    if len(log_probs) == 1:
        return log_probs[0]
    return jax.nn.logsumexp(jnp.stack(log_probs), axis=0) - np.float32(np.log(len(log_probs)))


@dataclass(frozen=True)
class Truth:
    """The teacher that knows a corpus's own probabilities."""

    corpus: Corpus

    def __call__(self, windows):
        """Log-probabilities (n_vocab, windows * n_ctx) of the next symbols, -inf where none."""
        truth = self.corpus.truth(windows).reshape(-1, self.corpus.n_vocab).T.astype(np.float32)
        return np.log(truth, out=np.full_like(truth, -np.inf), where=truth > 0)


def at_once(params, windows, n_ctx):
    """How many of `windows` go through a model at once on this device: a divisor of their number.

    On a CPU as many as the cache holds; elsewhere what a third of the device's memory does.
    """
    device = jax.devices()[0]
    most = windows
    if device.platform == "cpu":
        room = CPU_BYTES
        most = PART if windows % PART == 0 else windows
    else:
        room = (device.memory_stats() or {}).get("bytes_limit", 3 * CPU_BYTES) // 3
    most = max(1, min(most, room // transformer.window_bytes(params, n_ctx)))
    return next(n for n in range(most, 0, -1) if windows % n == 0)


def parts(params, windows):
    """Windows (n, ...) in equal parts that go through a model at once: (parts, n / parts, ...)."""
    part = at_once(params, len(windows), windows.shape[1])
    return windows.reshape(-1, part, windows.shape[1])


def log_probabilities(params, windows):
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


def evaluate(params, corpus, teacher=None):
    """What a model has learnt, on windows of the evaluation split that are the same for all.

    Parameters
    ----------
    params : dict, a model's weights
    corpus : Corpus
    teacher : Model, Truth or another such function of windows, or None

    Returns
    -------
    dict: what the corpus's `score` gives, loss (nats per token) and accuracy among it, and
    kl_teacher (KL(teacher || model), NaN without a teacher)

    Raises
    ------
    FloatingPointError
        If the loss is not finite.
    """
    if params["head"].shape[0] != corpus.n_vocab:
        raise ValueError(
            f"params has a vocabulary of {params['head'].shape[0]}; corpus {corpus.id} has "
            f"{corpus.n_vocab} symbols"
        )
    return score(Model(params), corpus, teacher)


def score(model, corpus, teacher=None):
    """As `evaluate`, for any function of windows that gives log-probabilities."""
    rng = stream("evaluation", 0)
    size = max(1, min(EVALUATED // 2, ENTRIES // corpus.n_vocab) // corpus.n_ctx)
    pieces = max(1, EVALUATED // (size * corpus.n_ctx))
    judge = partial(_score, model, corpus, teacher)
    measured = [judge(corpus.sample("evaluation", rng, size)) for _ in range(pieces)]
    found = {name: np.mean([m[name] for m in measured]) for name in measured[0]}
    if not np.isfinite(found["loss"]):
        raise FloatingPointError(f"the loss is {found['loss']}: training diverged")
    return found


def _score(model, corpus, teacher, windows):
    own = _by_window(model(windows), windows)
    kl = np.nan
    if teacher is not None:
        kl = divergence(np.exp(_by_window(teacher(windows), windows)), own)
    return corpus.score(own, windows) | {"kl_teacher": kl}


def _by_window(log_probs, windows):
    """(n_vocab, columns) as (windows, n_ctx, n_vocab) in float64."""
    log_probs = np.asarray(log_probs, dtype=float)
    return log_probs.T.reshape(len(windows), -1, len(log_probs))
