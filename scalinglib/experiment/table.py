"""A table of training runs on disk: a CSV file with an `id` column that grows as runs finish.

Each change replaces the file as a whole, so that a kill leaves rows complete. What others wrote
into it (other line ends, no last line end, a byte order mark) is read whole and kept byte for byte.
"""

import csv
import fcntl
import hashlib
import io
import json
import os
import socket
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pandas as pd

from scalinglib.experiment import files

__all__ = ["LockedError", "append", "frame", "identity", "locked", "matching", "read", "select"]

BOM = "\ufeff"


class LockedError(RuntimeError):
    """Another runner holds the lock of a table."""


def identity(configuration):
    """Twelve hexadecimal digits that stand for a configuration (a dict)."""
    return hashlib.sha256(repr(sorted(configuration.items())).encode()).hexdigest()[:12]


def read(path, dtype=None):
    """The table as a DataFrame; empty, with an `id` column, if there is none yet.

    A last line without a line end is a row like others if it has all its fields; with fewer it is
    what a kill left of a row, and left out.

    Parameters
    ----------
    path : path of a CSV file with an `id` column
    dtype : dict, types of other columns that pandas would guess wrong

    Raises
    ------
    ValueError
        If the file is not such a table: the line is named.
    """
    text, header = _whole(Path(path))
    if not header:
        return pd.DataFrame({"id": pd.Series(dtype=str)})
    return pd.read_csv(io.StringIO(text), dtype={"id": str} | (dtype or {}))


def matching(path, columns):
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


def append(path, rows):
    """Add rows (a DataFrame) under their names, in the order of the file's columns.

    Raises
    ------
    ValueError
        If the file has other columns than `rows`, in whatever order.
    """
    path = Path(path)
    matching(path, rows.columns)
    text, header = _whole(path)
    mark = BOM if path.exists() and path.read_bytes().startswith(BOM.encode()) else ""
    end = next((end for end in ("\r\n", "\n", "\r") if end in text), "\n")
    if text and not text.endswith(end):
        text += end
    new = rows[header or list(rows.columns)]
    new = new.to_csv(index=False, header=not header, float_format="%.6g", lineterminator=end)
    with files.replacing(path) as file:
        file.write((mark + text + new).encode())


def frame(rows):
    """Rows (a list of dicts) as a DataFrame whose whole numbers stay whole beside empty cells."""
    found = pd.DataFrame(rows)
    for name in found:
        cells = [row[name] for row in rows if not pd.isna(row[name])]
        if cells and all(type(x) is int or isinstance(x, np.integer) for x in cells):
            found[name] = found[name].astype("Int64")
    return found


def select(runs, jobs):
    """The rows of a table (a DataFrame) that are those of some jobs; ValueError if some lack."""
    wanted = list(dict.fromkeys(row_id for job in jobs for row_id in job.ids))
    missing = sorted(set(wanted) - set(runs.id))
    if missing:
        raise ValueError(f"runs lacks {len(missing)} of {len(wanted)} rows, {missing[0]} the first")
    return runs[runs.id.isin(wanted)]


@contextmanager
def locked(path):
    """Hold the table at `path` alone; what a kill left beside it is cleared away.

    The lock is a file beside the table. That of a process which has died is taken over.

    Raises
    ------
    LockedError
        If somebody else holds it: says which process, where, and since when.
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
    """Text of a table without mark and torn last line, and the names of its columns."""
    try:
        text = path.read_bytes().decode().removeprefix(BOM) if path.exists() else ""
    except UnicodeDecodeError as error:
        raise ValueError(f"{path} is not UTF-8 text: {error}") from None
    cut = max(text.rfind("\n"), text.rfind("\r")) + 1
    if not cut:  # no line at all, or what a kill left of a header
        return "", []
    reader = csv.reader(io.StringIO(text[:cut], newline=""), strict=True)
    header = next(reader, [])
    if header and "id" not in header:
        raise ValueError(f"{path} has the columns {header}; one must be 'id'")
    try:
        for row in reader:
            if row:
                _check(row, header, f"{path} line {reader.line_num}")
    except csv.Error as error:
        raise ValueError(f"{path} line {reader.line_num}: {error}") from None
    last = _last_row(text[cut:], header, path) if cut < len(text) else ""
    return text[:cut] + last, header


def _last_row(line, header, path):
    """A last line without its end, or nothing where it is the beginning of a row."""
    try:
        row = next(csv.reader([line], strict=True), [])
    except csv.Error:  # an open quotation mark
        return ""
    if len(row) < len(header):
        return ""
    _check(row, header, f"{path}, its last line,")
    return line


def _check(row, header, where):
    if len(row) != len(header):
        raise ValueError(f"{where} has {len(row)} fields; the table has {len(header)} columns")
    if not row[header.index("id")]:
        raise ValueError(f"{where} has an empty id")
