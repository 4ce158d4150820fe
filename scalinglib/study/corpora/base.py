"""What a corpus must offer, and the random streams of its splits."""

from typing import Protocol

import numpy as np

from scalinglib.checks import one_of

__all__ = ["N_CTX", "SPLITS", "Corpus", "divergence", "stream"]

SPLITS = ("teacher", "student", "evaluation")
N_CTX = 64  # symbols that a model of the committed studies sees


class Corpus(Protocol):
    """A source of symbols and a judge of models; equal where the `id` is.

    - id: stands for the contents, vocabulary and context: part of the identity of a run.
    - n_vocab, n_ctx: symbols that there are; symbols that a model predicts in one window.
    - tokens: optional; tokens that each split holds; without it the corpus has no end.
    - tokenizer: optional; what the symbols stand for; teacher and student must have the same.
    - entropy: nats per token; None where nobody knows it. Where it is known, `truth(windows)` gives
      the probabilities of the next symbol, (windows, n_ctx, n_vocab), zeros included.
    """

    id: str
    n_vocab: int
    n_ctx: int
    entropy: float | None

    def __repr__(self):
        return self.id

    def __eq__(self, other):
        return self.id == getattr(other, "id", None)

    def __hash__(self):
        return hash(self.id)

    def sample(self, split: str, rng: np.random.Generator, windows: int) -> np.ndarray:
        """Symbols, (windows, n_ctx + 1) of an unsigned type; no two splits share any text.

        A model reads all but the last and predicts all but the first.
        """

    def score(self, log_probs: np.ndarray, windows: np.ndarray) -> dict[str, float]:
        """What a model knows: loss (nats per token), accuracy, and more where it is.

        Of what is more, a table of runs keeps completion.

        - log_probs: float64 (windows, n_ctx, n_vocab)
        """


def stream(split: str, *key: int) -> np.random.Generator:
    """The random generator of a split and of whole numbers; no two choices share a stream."""
    one_of("split", split, SPLITS)
    return np.random.default_rng([SPLITS.index(split), *key])


def divergence(truth: np.ndarray, log_probs: np.ndarray) -> float:
    """Mean KL(truth || model) over contexts; the last axis holds symbols, truth may hold zeros."""
    log_truth = np.log(truth, out=np.zeros_like(truth), where=truth > 0)
    return np.mean(np.sum(truth * (log_truth - log_probs), axis=-1))
