"""Files that are whole at every moment, and errors of the system that say which file it was."""

import errno
import os
import uuid
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryFile
from typing import BinaryIO


@contextmanager
def named(path: str | Path, elsewhere: str) -> Iterator[None]:
    """Let a refusal of the system say the file, which a full disk's does not, and another way.

    - elsewhere: how to write to another place, as in "--out FOLDER writes elsewhere"
    """
    try:
        yield
    except OSError as error:
        if error.errno in (errno.EACCES, errno.EROFS, errno.ENOSPC, errno.EPERM):
            error.filename = error.filename or str(path)
            error.strerror = f"{error.strerror}; {elsewhere}"
        raise


def writable(path: str | Path, elsewhere: str, *, folder: bool = True) -> None:
    """Raise now, not after the work, where nothing can be written; a folder is made if it lacks.

    - elsewhere: as `named` has it
    - folder: whether it is one, or a file
    - raises OSError: whatever the system refuses, with the path and `elsewhere`
    """
    path = Path(path)
    try:
        if folder:
            path.mkdir(parents=True, exist_ok=True)
        if path.exists() and not folder:
            path.open("ab").close()
        else:
            TemporaryFile(dir=path if folder else path.parent).close()
    except OSError as error:
        raise type(error)(error.errno, f"{error.strerror}; {elsewhere}", str(path)) from None


def one_of(path: str | Path, others: Iterable[str | Path]) -> bool:
    """Whether a file is there and is one of the others, by whatever name."""
    return any(
        os.path.exists(path) and os.path.exists(other) and os.path.samefile(path, other)
        for other in others
    )


@contextmanager
def replacing(path: str | Path) -> Iterator[BinaryIO]:
    """Open a new file for bytes that takes the place of `path` when the block ends without error.

    Whoever reads sees the old file or the new one, and a kill leaves the old one. Writers of one
    path at the same time do not disturb each other: the last one to end wins.
    """
    path = Path(path).resolve()
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_name(f".{path.name}.{uuid.uuid4().hex}.partial")
    try:
        with partial.open("xb") as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        partial.replace(path)
    finally:
        partial.unlink(missing_ok=True)


def partials(path: str | Path) -> list[Path]:
    """What kills have left of `replacing(path)`."""
    path = Path(path).resolve()
    return list(path.parent.glob(f".{path.name}.*.partial"))
