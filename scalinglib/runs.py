"""A table of training runs on disk: one row a run, appended as runs finish, safe to kill."""

import hashlib
import io
import os
from pathlib import Path

import pandas as pd

__all__ = ["append", "identity", "read"]


def identity(configuration):
    """Twelve hexadecimal digits that stand for a configuration (a dict)."""
    return hashlib.sha256(repr(sorted(configuration.items())).encode()).hexdigest()[:12]


def read(path, dtype=None):
    """The table as a DataFrame; empty, with an `id` column, if there is none yet.

    A last line that a kill cut short is left out.

    Parameters
    ----------
    path : path of a CSV file with an `id` column
    dtype : dict, types of other columns that pandas would guess wrong
    """
    text = _whole_lines(Path(path))
    if not text:
        return pd.DataFrame({"id": pd.Series(dtype=str)})
    return pd.read_csv(io.BytesIO(text), dtype={"id": str} | (dtype or {}))


def append(path, rows):
    """Add rows in one write, so that a kill can tear one line at most; a torn last line goes."""
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    whole = _whole_lines(path)
    if path.exists() and path.stat().st_size > len(whole):
        os.truncate(path, len(whole))
    text = rows.to_csv(index=False, header=not whole, float_format="%.6g", lineterminator="\n")
    with path.open("ab", buffering=0) as file:  # a buffer would cut a long text in two writes
        file.write(text.encode())
        os.fsync(file.fileno())


def _whole_lines(path):
    text = path.read_bytes() if path.exists() else b""
    return text[: text.rfind(b"\n") + 1]
