"""A table of training runs on disk: a CSV file with an `id` column that grows as runs finish.

Each change replaces the file as a whole, so that a kill leaves rows complete. Rows that others
wrote into it (with other line ends, no last line end, a byte order mark) are kept.
"""

import csv
import fcntl
import hashlib
import io
import json
import os
import socket
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
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

    A last line without a line end is a row like others if it has all its fields; with fewer it is
    what a kill left of a row, and left out.

    - dtype: types of other columns that pandas would guess wrong
    - raises ValueError: if the file is not such a table: the line is named.
    """
    text, header = _whole(Path(path))
    if not header:
        return pd.DataFrame({"id": pd.Series(dtype=str)})
    return pd.read_csv(io.StringIO(text), dtype={"id": str, **(dtype or {})})


def matching(path: str | Path, columns: Iterable[str]) -> None:
    """Nothing, or ValueError if the table at `path` has other columns than those named."""
    _, header = _whole(Path(path))
    if header and sorted(header) != sorted(columns):
        twice = sorted({name for name in header if header.count(name) > 1})
        if twice:
            raise ValueError(f"{path} has the columns {twice} more than once")
        missing, unknown = sorted(set(columns) - set(header)), sorted(set(header) - set(columns))
        raise ValueError(
            f"{path} has other columns than its rows: it lacks {missing} and has {unknown} besides"
        )


def append(path: str | Path, rows: pd.DataFrame) -> None:
    """Add rows under their names, in the order of the file's columns.

    - raises ValueError: if the file has other columns than `rows`, in whatever order.
    """
    matching(path, rows.columns)
    text, header = _whole(Path(path))
    if text and not text.endswith("\n"):
        text += "\n"
    new = rows[header or list(rows.columns)]
    new = new.to_csv(index=False, header=not header, float_format="%.6g", lineterminator="\n")
    with files.replacing(path) as file:
        file.write((text + new).encode())


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

    The lock is a file beside the table. That of a process which has died is taken over.

    - raises LockedError: if somebody else holds it: says which process, where, and since when.
    """
    path = Path(path).resolve()
    path.parent.mkdir(parents=True, exist_ok=True)
    lock = path.with_name(f".{path.name}.lock")
    with _opened(lock, path) as file:
        file.truncate(0)
        since = datetime.now(UTC).isoformat(timespec="seconds")
        holder = {"pid": os.getpid(), "host": socket.gethostname(), "since": since}
        file.write(json.dumps(holder))
        file.flush()
        for left in files.partials(path):
            left.unlink(missing_ok=True)
        try:
            yield
        finally:
            lock.unlink(missing_ok=True)


def _opened(lock, path):
    """The lock's file, held: the kernel lets go of it when its holder dies, however it dies."""
    while True:
        file = lock.open("a+", encoding="utf-8")
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            told = _words(_holder(file))
            file.close()
            raise LockedError(f"{path} is being written by {told}") from None
        with suppress(FileNotFoundError):
            if os.path.samestat(os.fstat(file.fileno()), lock.stat()):
                break
        file.close()  # whoever held it has just removed it
    holder = _holder(file)
    if holder and holder["host"] != socket.gethostname():
        # Not every file system carries locks from machine to machine.
        file.close()
        told = f"{_words(holder)}; if it has died, delete {lock}"
        raise LockedError(f"{path} is being written by {told}")
    return file


def _holder(file):
    """Who signed a lock (a dict); empty where nobody has yet."""
    file.seek(0)
    try:
        return json.loads(file.read())
    except json.JSONDecodeError:
        return {}


def _words(holder):
    if not holder:
        return "another process"
    return f"process {holder['pid']} on {holder['host']} since {holder['since']}"


def _whole(path):
    """Text of a table, whole rows under plain line ends, and the names of its columns."""
    try:
        text = path.read_text(encoding="utf-8-sig") if path.exists() else ""
    except UnicodeDecodeError as error:
        raise ValueError(f"{path} is not UTF-8 text: {error}") from None
    cut = text.rfind("\n") + 1
    if not cut:  # no line at all, or what a kill left of a header
        return "", []
    reader = csv.reader(io.StringIO(text[:cut]), strict=True)
    header = next(reader, [])
    if header and "id" not in header:
        raise ValueError(f"{path} has the columns {header}; one must be 'id'")
    seen = {}
    try:
        for row in reader:
            if row:
                _check(row, header, f"{path} line {reader.line_num}", seen)
    except csv.Error as error:
        raise ValueError(f"{path} line {reader.line_num}: {error}") from None
    last = _last_row(text[cut:], header, path, seen) if cut < len(text) else ""
    return text[:cut] + last, header


def _last_row(line, header, path, seen):
    """A last line without its end, or nothing where it is the beginning of a row."""
    try:
        row = next(csv.reader([line], strict=True), [])
    except csv.Error:  # an open quotation mark
        return ""
    if len(row) < len(header):
        return ""
    _check(row, header, f"{path}, its last line,", seen)
    return line


def _check(row, header, where, seen):
    if len(row) != len(header):
        raise ValueError(f"{where} has {len(row)} fields; the table has {len(header)} columns")
    if not (name := row[header.index("id")]):
        raise ValueError(f"{where} has an empty id")
    # Rows of one run were written together, and say different things.
    if name in seen and (name != next(reversed(seen)) or row in seen[name]):
        raise ValueError(f"{where} has the run {name} once more; one of its rows must go")
    seen.setdefault(name, []).append(row)
