"""A table of training runs on disk: a CSV file with an `id` column that grows as runs finish.

Each change replaces the file as a whole, so that a kill leaves rows complete. Rows that others
wrote into it (with other line ends, no last line end, a byte order mark) are kept.
"""

import csv
import fcntl
import hashlib
import os
import socket
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from scalinglib.experiment import files


class LockedError(RuntimeError):
    """Another runner holds the lock of a table."""


def identity(configuration: Mapping[str, Any]) -> str:
    """Twelve hexadecimal digits that stand for a configuration."""
    return hashlib.sha256(repr(sorted(configuration.items())).encode()).hexdigest()[:12]


def read(path: str | Path, dtype: Mapping[str, Any] | None = None) -> pd.DataFrame:
    """The table; empty, with an `id` column, if there is none yet.

    - dtype: types of other columns that pandas would guess wrong
    - raises ValueError: if the file is not such a table: the line is named.
    """
    if not _header(path):
        return pd.DataFrame({"id": pd.Series(dtype=str)})
    return pd.read_csv(path, dtype={"id": str, **(dtype or {})})


def matching(path: str | Path, columns: Iterable[str]) -> list[str]:
    """The table's columns in its order, or ValueError if they are others than those named."""
    header = _header(path)
    if header and sorted(header) != sorted(columns):
        twice = sorted({name for name in header if header.count(name) > 1})
        if twice:
            raise ValueError(f"{path} has the columns {twice} more than once")
        missing, unknown = sorted(set(columns) - set(header)), sorted(set(header) - set(columns))
        raise ValueError(
            f"{path} has other columns than its rows: it lacks {missing} and has {unknown} besides"
        )
    return header or list(columns)


def append(path: str | Path, rows: pd.DataFrame) -> None:
    """Add rows under their names, in the order of the file's columns.

    - raises ValueError: if the file has other columns than `rows`, in whatever order.
    """
    columns, path = matching(path, rows.columns), Path(path)
    text = path.read_text(encoding="utf-8-sig") if path.exists() else ""
    if text and not text.endswith("\n"):
        text += "\n"
    new = rows[columns].to_csv(
        index=False, header=not text, float_format="%.6g", lineterminator="\n"
    )
    with files.replacing(path) as file:
        file.write((text + new).encode())


def _header(path):
    """Names of a table's columns, none where there is no table yet; its rows are checked."""
    path = Path(path)
    if not path.exists():
        return []
    with path.open(encoding="utf-8-sig", newline="") as file:
        reader = csv.reader(file, strict=True)
        try:
            rows = [(reader.line_num, row) for row in reader if row]
        except (csv.Error, UnicodeDecodeError) as error:
            raise ValueError(f"{path} line {reader.line_num}: {error}") from None
    header = rows[0][1] if rows else []
    if header and "id" not in header:
        raise ValueError(f"{path} has the columns {header}; one must be 'id'")
    seen, last = {}, None
    for line, row in rows[1:]:
        where = f"{path} line {line}"
        if len(row) != len(header):
            raise ValueError(f"{where} has {len(row)} fields; the table has {len(header)} columns")
        if not (name := row[header.index("id")]):
            raise ValueError(f"{where} has an empty id")
        # Rows of one run were written together, and say different things.
        if name in seen and (name != last or row in seen[name]):
            raise ValueError(f"{where} has the run {name} once more; one of its rows must go")
        seen.setdefault(name, []).append(row)
        last = name
    return header


def frame(rows: list[dict[str, Any]]) -> pd.DataFrame:
    """Rows as a DataFrame whose whole numbers stay whole beside empty cells."""
    found = pd.DataFrame(rows)
    for name in found:
        cells = [row[name] for row in rows if not pd.isna(row[name])]
        if cells and all(type(x) is int or isinstance(x, np.integer) for x in cells):
            found[name] = found[name].astype("Int64")
    return found


def select(runs: pd.DataFrame, jobs: Iterable) -> pd.DataFrame:
    """The rows of a table that are those of some jobs; ValueError if some lack."""
    wanted = list(dict.fromkeys(row_id for job in jobs for row_id in job.ids))
    missing = sorted(set(wanted) - set(runs.id))
    if missing:
        raise ValueError(f"runs lacks {len(missing)} of {len(wanted)} rows, {missing[0]} the first")
    return runs[runs.id.isin(wanted)]


@contextmanager
def locked(path: str | Path) -> Iterator[None]:
    """Hold the table at `path` alone; what a kill left beside it is cleared away.

    The lock is a file beside the table, and signed. That of a process which has died is taken over:
    the kernel lets go of it, however the process died.

    - raises LockedError: if somebody else holds it: says which process, where, and since when.
    """
    path, host = Path(path).resolve(), socket.gethostname()
    path.parent.mkdir(parents=True, exist_ok=True)
    lock = path.with_name(f".{path.name}.lock")
    with lock.open("a+", encoding="utf-8") as file:
        file.seek(0)
        holder = file.read()
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            free = lock.exists() and os.path.samestat(os.fstat(file.fileno()), lock.stat())
        except BlockingIOError:
            free = False
        if not free:
            raise LockedError(f"{path} is being written by {holder or 'another process'}")
        if holder and f" on {host} " not in holder:
            # Not every file system carries locks from machine to machine.
            died = f"if it has died, delete {lock}"
            raise LockedError(f"{path} is being written by {holder}; {died}")
        file.truncate(0)
        since = datetime.now(UTC).isoformat(timespec="seconds")
        file.write(f"process {os.getpid()} on {host} since {since}")
        file.flush()
        for left in files.partials(path):
            left.unlink(missing_ok=True)
        try:
            yield
        finally:
            lock.unlink(missing_ok=True)
