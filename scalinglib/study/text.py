"""Text from files or from C4 as a corpus of bytes."""

import hashlib
import math
import re
from pathlib import Path

import numpy as np

from scalinglib.study.corpus import N_CTX, SPLITS

__all__ = ["Text", "c4"]


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
        told = [hashlib.sha256(symbols).digest() for symbols in self._bytes.values()]
        told = hashlib.sha256(b"".join(told) + str(n_ctx).encode())
        self.id = f"text-{told.hexdigest()[:12]}"

    @classmethod
    def from_files(cls, paths, n_ctx=N_CTX):
        """A corpus of local UTF-8 files; paragraphs (separated by empty lines) are documents."""
        texts = (Path(path).read_text(encoding="utf-8") for path in paths)
        return cls((p for text in texts for p in re.split(r"\n\s*\n", text) if p.strip()), n_ctx)

    def __repr__(self):
        return self.id

    def __eq__(self, other):
        return self.id == getattr(other, "id", None)

    def __hash__(self):
        return hash(self.id)

    def sample(self, split, rng, windows):
        """Windows of bytes cut anywhere, (windows, n_ctx + 1) of uint8."""
        symbols = self._bytes[split]
        starts = rng.integers(0, len(symbols) - self.n_ctx, windows)
        return symbols[starts[:, None] + np.arange(self.n_ctx + 1)]

    def score(self, log_probs, windows):
        """Loss and accuracy against the bytes that came; completion is NaN."""
        labels = windows[:, 1:].astype(int)
        return {
            "loss": -np.mean(np.take_along_axis(log_probs, labels[..., None], -1)),
            "accuracy": np.mean(log_probs.argmax(-1) == labels),
            "completion": math.nan,
        }


def c4(documents=10_000, n_ctx=N_CTX):
    """`Text` from the first `documents` of English C4, streamed (needs the `text` extra)."""
    import datasets

    rows = datasets.load_dataset("allenai/c4", "en", split="train", streaming=True)
    return Text((row["text"] for row in rows.take(documents)), n_ctx)
