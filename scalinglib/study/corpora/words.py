"""Words with known frequencies as a corpus: the language of the committed studies."""

import hashlib
import re
from functools import cache

import numpy as np
import wordfreq

from scalinglib.study.corpora.base import N_CTX, Corpus, divergence

__all__ = ["Words", "lexicon"]

PROMPT = 3  # letters of a word that are given for its completion


def lexicon(size: int = 100_000) -> tuple[list[str], np.ndarray]:
    """The `size` most frequent English words in a-z and their probabilities (`wordfreq`)."""
    frequencies = wordfreq.get_frequency_dict("en", wordlist="large")
    found = [(w, f) for w, f in frequencies.items() if re.fullmatch("[a-z]+", w)]
    found = sorted(found, key=lambda pair: (-pair[1], pair[0]))[:size]
    probabilities = np.array([f for _, f in found])
    return [w for w, _ in found], probabilities / probabilities.sum()


class Words(Corpus):
    """Characters of words drawn independently, a space after each: 27 symbols, space first.

    A trie over the lexicon knows the probability of every next character, hence the entropy, the
    distance of any model from the truth, and a perfect teacher. Windows begin where a word does,
    so that the truth needs nothing from before the window.

    - lexicon: words in a-z, each once; None takes those of `lexicon()`
    - probabilities: (len(lexicon),), positive; they sum to one
    """

    n_vocab = 27

    def __init__(
        self,
        lexicon: list[str] | None = None,
        probabilities: np.ndarray | None = None,
        n_ctx: int = N_CTX,
    ):
        self.n_ctx = n_ctx
        self._lexicon = None
        # The committed studies know this language by its bare name.
        self.id = "words" if n_ctx == N_CTX else f"words-{n_ctx}"
        if lexicon is None:
            return
        bad = next((w for w in lexicon if not re.fullmatch("[a-z]+", w)), None)
        if bad is not None:
            raise ValueError(f"lexicon holds {bad!r}; words must be letters a-z")
        if len(set(lexicon)) < len(lexicon):
            raise ValueError("lexicon holds a word twice")
        probabilities = np.asarray(probabilities, dtype=float)
        if not (probabilities > 0).all() or abs(probabilities.sum() - 1) > 1e-9:
            raise ValueError("probabilities must be positive and sum to one")
        self._lexicon = list(lexicon), probabilities
        told = repr((list(lexicon), probabilities.tolist(), n_ctx))
        self.id = f"words-{hashlib.sha256(told.encode()).hexdigest()[:12]}"

    @property
    def entropy(self) -> float:
        """Nats per predicted character, averaged over a window: the irreducible loss E."""
        return _entropy(self)

    def sample(self, split: str, rng: np.random.Generator, windows: int) -> np.ndarray:
        """Windows of symbols, (windows, n_ctx + 1) of uint8; the first of each is a space."""
        del split  # the stream is endless: the generator alone keeps splits apart
        children, _, cumulative = _built(self)
        drawn = np.zeros((windows, self.n_ctx + 1), dtype=np.uint8)
        node = np.zeros(windows, dtype=np.int64)
        uniform = rng.random((self.n_ctx, windows))
        for t in range(self.n_ctx):
            drawn[:, t + 1] = np.sum(uniform[t][:, None] >= cumulative[node], axis=1)
            node = children[node, drawn[:, t + 1]]
        return drawn

    def truth(self, windows: np.ndarray) -> np.ndarray:
        """Exact probabilities of the next symbol, (windows, n_ctx, n_vocab)."""
        children, probabilities, _ = _built(self)
        node = np.zeros(len(windows), dtype=np.int64)
        found = np.empty((len(windows), self.n_ctx, self.n_vocab))
        for t in range(self.n_ctx):
            found[:, t] = probabilities[node]
            node = children[node, windows[:, t + 1]]
        return found

    def score(self, log_probs: np.ndarray, windows: np.ndarray) -> dict[str, float]:
        """What a model knows, by exact expectations over the next symbol: little noise is left.

        - returns: loss (the entropy plus the mean KL(truth || model)), accuracy (of the likeliest
          symbol), completion (share of words of more than three letters that greedy decoding
          finishes rightly from the first three)
        """
        truth, best, labels = self.truth(windows), log_probs.argmax(-1), windows[:, 1:].astype(int)
        return {
            "loss": self.entropy + divergence(truth, log_probs),
            "accuracy": np.mean(np.take_along_axis(truth, best[..., None], -1)),
            "completion": _completion(best == labels, labels),
        }


@cache
def _built(words):
    """Children and probabilities of the trie, and these cumulated; built once a process."""
    children, probabilities = _trie(*(words._lexicon or lexicon()))
    cumulative = np.cumsum(probabilities, axis=1)
    # Rounding must not leave a gap below one into which a draw could fall.
    cumulative[cumulative >= cumulative[:, -1:]] = 1.0
    return children, probabilities, cumulative


@cache
def _entropy(words):
    children, p, _ = _built(words)
    own = -np.sum(p * np.log(p, out=np.zeros_like(p), where=p > 0), axis=1)
    nodes, symbols = np.nonzero(p)
    targets, shares = children[nodes, symbols], p[nodes, symbols]
    here = np.zeros(len(p))
    here[0] = 1.0
    total = 0.0
    for _ in range(words.n_ctx):
        total += here @ own
        here = np.bincount(targets, here[nodes] * shares, minlength=len(p))
    return float(total / words.n_ctx)


def _completion(right, labels):
    """Share of whole words, longer than the prompt, all of whose later symbols are `right`."""
    done = good = 0
    for window, hits in zip(labels, right, strict=True):
        ends = np.flatnonzero(window == 0)
        starts = np.concatenate([[0], ends[:-1] + 1])
        long = ends - starts > PROMPT
        missed = np.concatenate([[0], np.cumsum(~hits)])
        done += long.sum()
        good += np.sum(missed[ends[long] + 1] == missed[starts[long] + PROMPT])
    return good / done


def _trie(lexicon, probabilities):
    """Children (nodes, 27) and next-symbol probabilities (nodes, 27), the root first."""
    letters = np.zeros((len(lexicon), max(map(len, lexicon)) + 1), dtype=np.int64)
    for row, word in zip(letters, lexicon, strict=True):
        row[: len(word)] = np.frombuffer(word.encode(), dtype=np.uint8) - 96
    node = np.zeros(len(lexicon), dtype=np.int64)
    edges, count = [], 1
    for column in letters.T:
        active = node >= 0
        parents, symbols = node[active], column[active]
        keys, which = np.unique(parents * 27 + symbols, return_inverse=True)
        mass = np.bincount(which, probabilities[active])
        inner = keys % 27 > 0  # a space ends the word: back to the root
        target = np.where(inner, count - 1 + np.cumsum(inner), 0)
        count += inner.sum()
        edges.append((keys, target, mass))
        node[active] = np.where(symbols > 0, target[which], -1)
    keys, target, mass = map(np.concatenate, zip(*edges, strict=True))
    children = np.zeros((count, 27), dtype=np.int64)
    flow = np.zeros((count, 27))
    children.flat[keys], flow.flat[keys] = target, mass
    return children, flow / flow.sum(axis=1, keepdims=True)
