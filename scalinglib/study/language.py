"""What the small models learn: words with known frequencies, or text from files.

A corpus has `n_vocab`, `n_ctx`, an `entropy` (nats per token, None where nobody knows it) and
`sample(split, rng, windows)`, which returns (windows, n_ctx + 1) symbols: a model reads all but
the last and predicts all but the first. The splits of a corpus are disjoint.
"""

import re
from functools import cache, cached_property
from pathlib import Path

import numpy as np
import wordfreq

__all__ = ["SPLITS", "Text", "Words", "c4", "lexicon", "stream", "words"]

SPLITS = ("teacher", "student", "evaluation")
N_CTX = 64  # characters that a model sees


def stream(split, *key):
    """The random generator of a split and of whole numbers; no two choices share a stream."""
    if split not in SPLITS:
        raise ValueError(f"split is {split!r}; it must be one of {SPLITS}")
    return np.random.default_rng([SPLITS.index(split), *key])


def lexicon(size=100_000):
    """The `size` most frequent English words in a-z and their probabilities (`wordfreq`)."""
    frequencies = wordfreq.get_frequency_dict("en", wordlist="large")
    found = [(w, f) for w, f in frequencies.items() if re.fullmatch("[a-z]+", w)]
    found = sorted(found, key=lambda pair: (-pair[1], pair[0]))[:size]
    probabilities = np.array([f for _, f in found])
    return [w for w, _ in found], probabilities / probabilities.sum()


class Words:
    """Characters of words drawn independently, a space after each: 27 symbols, space first.

    A trie over the lexicon knows the probability of every next character, hence the entropy, the
    distance of any model from the truth, and a perfect teacher. Windows begin where a word does,
    so that the truth needs nothing from before the window.

    Parameters
    ----------
    lexicon : list of str
        Words in a-z, each once.
    probabilities : array (len(lexicon),)
        Positive; they sum to one.
    n_ctx : int
        Symbols that a model predicts in one window.
    """

    n_vocab = 27

    def __init__(self, lexicon, probabilities, n_ctx=N_CTX):
        bad = next((w for w in lexicon if not re.fullmatch("[a-z]+", w)), None)
        if bad is not None:
            raise ValueError(f"lexicon holds {bad!r}; words must be letters a-z")
        if len(set(lexicon)) < len(lexicon):
            raise ValueError("lexicon holds a word twice")
        probabilities = np.asarray(probabilities, dtype=float)
        if not (probabilities > 0).all() or abs(probabilities.sum() - 1) > 1e-9:
            raise ValueError("probabilities must be positive and sum to one")
        self.n_ctx = n_ctx
        self._children, self._probabilities = _trie(lexicon, probabilities)
        cumulative = np.cumsum(self._probabilities, axis=1)
        # Rounding must not leave a gap below one into which a draw could fall.
        cumulative[cumulative >= cumulative[:, -1:]] = 1.0
        self._cumulative = cumulative

    @cached_property
    def entropy(self):
        """Nats per predicted character, averaged over a window: the irreducible loss E."""
        p = self._probabilities
        own = -np.sum(p * np.log(p, out=np.zeros_like(p), where=p > 0), axis=1)
        nodes, symbols = np.nonzero(p)
        here = np.zeros(len(p))
        here[0] = 1.0
        total = 0.0
        for _ in range(self.n_ctx):
            total += here @ own
            flow = here[nodes] * p[nodes, symbols]
            here = np.bincount(self._children[nodes, symbols], flow, minlength=len(p))
        return float(total / self.n_ctx)

    def sample(self, split, rng, windows):
        """Windows of symbols, (windows, n_ctx + 1) of uint8; the first of each is a space."""
        del split  # the stream is endless: the generator alone keeps splits apart
        drawn = np.zeros((windows, self.n_ctx + 1), dtype=np.uint8)
        node = np.zeros(windows, dtype=np.int64)
        uniform = rng.random((self.n_ctx, windows))
        for t in range(self.n_ctx):
            drawn[:, t + 1] = np.sum(uniform[t][:, None] >= self._cumulative[node], axis=1)
            node = self._children[node, drawn[:, t + 1]]
        return drawn

    def truth(self, windows):
        """Exact probabilities of the next symbol, (windows, n_ctx, n_vocab)."""
        node = np.zeros(len(windows), dtype=np.int64)
        found = np.empty((len(windows), self.n_ctx, self.n_vocab))
        for t in range(self.n_ctx):
            found[:, t] = self._probabilities[node]
            node = self._children[node, windows[:, t + 1]]
        return found


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


@cache
def words(size=100_000):
    """The study's corpus: `Words` over the `size` most frequent words; built once a process."""
    return Words(*lexicon(size))


class Text:
    """Bytes of UTF-8 documents: 256 symbols, entropy unknown.

    Each document belongs to one split (by its position: of ten, six to teachers, three to
    students, one to evaluation), so that no split sees another's text.

    Parameters
    ----------
    documents : iterable of str
        At least ten; each enters followed by a line break.
    n_ctx : int
        Symbols that a model predicts in one window.
    """

    n_vocab = 256
    entropy = None

    def __init__(self, documents, n_ctx=N_CTX):
        parts = {split: [] for split in SPLITS}
        for i, document in enumerate(documents):
            split = SPLITS[np.searchsorted([6, 9], i % 10, side="right")]
            parts[split].append(document.encode() + b"\n")
        self.n_ctx = n_ctx
        self._bytes = {s: np.frombuffer(b"".join(p), dtype=np.uint8) for s, p in parts.items()}
        for split, symbols in self._bytes.items():
            if len(symbols) <= n_ctx:
                raise ValueError(
                    f"documents leave {len(symbols)} bytes for the {split} split; "
                    f"it needs more than n_ctx = {n_ctx} (ten documents or more)"
                )

    @classmethod
    def from_files(cls, paths, n_ctx=N_CTX):
        """A corpus of local UTF-8 files; paragraphs (separated by empty lines) are documents."""
        texts = (Path(path).read_text(encoding="utf-8") for path in paths)
        return cls((p for text in texts for p in re.split(r"\n\s*\n", text) if p.strip()), n_ctx)

    def sample(self, split, rng, windows):
        """Windows of bytes cut anywhere, (windows, n_ctx + 1) of uint8."""
        symbols = self._bytes[split]
        starts = rng.integers(0, len(symbols) - self.n_ctx, windows)
        return symbols[starts[:, None] + np.arange(self.n_ctx + 1)]


def c4(documents=10_000, n_ctx=N_CTX):
    """`Text` from the first `documents` of English C4, streamed (needs the `text` extra)."""
    import datasets

    rows = datasets.load_dataset("allenai/c4", "en", split="train", streaming=True)
    return Text((row["text"] for row in rows.take(documents)), n_ctx)
