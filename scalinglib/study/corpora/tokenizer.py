"""Text as whole numbers: bytes, or a byte-level BPE learnt from text."""

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from scalinglib.checks import whole
from scalinglib.extras import missing

__all__ = ["BYTES", "Bpe", "Bytes"]


@dataclass(frozen=True)
class Bytes:
    """UTF-8 bytes as tokens."""

    id = "bytes"
    n_vocab = 256

    def encode(self, document: bytes) -> np.ndarray:
        """Tokens of UTF-8 text (bytes), uint8."""
        return np.frombuffer(document, dtype=np.uint8)


BYTES = Bytes()


@dataclass(frozen=True)
class Bpe:
    """Byte pairs merged by frequency: every text can be told, however rare its characters.

    - json: as the `tokenizers` package (of the `text` extra) writes it.
    """

    json: str

    @classmethod
    def learnt(cls, documents: Iterable[bytes], n_vocab: int) -> "Bpe":
        """The tokenizer of `n_vocab` tokens that merges the commonest pairs of some text.

        - n_vocab: more than the 256 bytes
        - raises ValueError: if the text has too few pairs for so many tokens.
        """
        whole("n_vocab", n_vocab, 257)
        package = _package()
        model = package.Tokenizer(package.models.BPE())
        model.pre_tokenizer = package.pre_tokenizers.ByteLevel(add_prefix_space=False)
        model.decoder = package.decoders.ByteLevel()
        trainer = package.trainers.BpeTrainer(
            vocab_size=n_vocab,
            show_progress=False,
            initial_alphabet=sorted(package.pre_tokenizers.ByteLevel.alphabet()),
        )
        model.train_from_iterator((document.decode() for document in documents), trainer)
        if model.get_vocab_size() != n_vocab:
            raise ValueError(
                f"n_vocab is {n_vocab}, but the text gives {model.get_vocab_size()} tokens: "
                "take that many or more text"
            )
        return cls(model.to_str())

    @cached_property
    def _model(self):
        return _package().Tokenizer.from_str(self.json)

    def __getstate__(self):
        """The text alone: the package's object is made again where it is used."""
        return {"json": self.json}

    @cached_property
    def n_vocab(self) -> int:
        """Tokens that there are."""
        return self._model.get_vocab_size()

    @cached_property
    def id(self) -> str:
        """Stands for the tokens and the merges."""
        return f"bpe-{hashlib.sha256(self.json.encode()).hexdigest()[:12]}"

    def encode(self, document: bytes) -> np.ndarray:
        """Tokens of UTF-8 text (bytes), uint16 or, of large vocabularies, uint32."""
        found = self._model.encode(document.decode()).ids
        return np.array(found, dtype=np.uint16 if self.n_vocab <= 2**16 else np.uint32)


def _package():
    try:
        import tokenizers
    except ImportError as error:
        raise missing("text", error) from error
    return tokenizers
