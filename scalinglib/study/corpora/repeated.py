"""A corpus whose students read the same windows again and again, or what somebody else wrote."""

import hashlib

import numpy as np

from scalinglib.study.corpora.base import Corpus


class Repeated(Corpus):
    """A corpus of which students have so many windows and no more; all else is as it was.

    Students read all windows once, in an order of their seed's, before they read any again, and in
    another order each time.

    - corpus: Corpus; judges models, and has what is not the students'.
    - windows: unsigned array (n, n_ctx + 1); as from `Corpus.sample`.
    """

    def __init__(self, corpus: Corpus, windows: np.ndarray):
        if windows.ndim != 2 or windows.shape[1] != corpus.n_ctx + 1 or not len(windows):
            raise ValueError(
                f"windows has the shape {windows.shape}; it must be (n, {corpus.n_ctx + 1})"
            )
        self._corpus, self._windows = corpus, windows
        self.n_vocab, self.n_ctx, self.entropy = corpus.n_vocab, corpus.n_ctx, corpus.entropy
        told = hashlib.sha256(np.ascontiguousarray(windows).tobytes()).hexdigest()
        self.id = f"{corpus.id}-{len(windows)}-{told[:12]}"

    def __getattr__(self, name):
        """`truth` and the tokenizer are the corpus's."""
        if name.startswith("_"):  # while it is unpickled
            raise AttributeError(name)
        return getattr(self._corpus, name)

    @property
    def tokens(self) -> dict[str, float]:
        """Tokens that each split holds."""
        others = getattr(self._corpus, "tokens", dict.fromkeys(("teacher", "evaluation"), np.inf))
        return others | {"student": len(self._windows) * self.n_ctx}

    def sample(self, split, rng, windows):
        """Windows of symbols; those of students are the next of the stream's epochs."""
        if split != "student":
            return self._corpus.sample(split, rng, windows)
        seeds, size = rng.bit_generator.seed_seq, len(self._windows)
        first = seeds.n_children_spawned  # windows that this stream has given
        seeds.spawn(windows)
        epochs, places = np.divmod(first + np.arange(windows), size)
        orders = {
            e: np.random.default_rng([*seeds.entropy, e]).permutation(size) for e in set(epochs)
        }
        return self._windows[[orders[e][place] for e, place in zip(epochs, places, strict=True)]]

    def score(self, log_probs, windows):
        """As the corpus's."""
        return self._corpus.score(log_probs, windows)
