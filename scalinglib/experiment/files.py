"""Files that are whole at every moment, and errors of the system that say which file it was."""

import errno
import os
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
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
