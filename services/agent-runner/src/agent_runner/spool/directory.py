"""Whose a spool directory is: the lock of its one writer, and the spool's id."""

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from uuid import UUID

from shared.ids import new_id

from .errors import SpoolDamagedError, SpoolLockedError, translated

__all__ = ["lock_directory", "spool_identity"]


@contextmanager
def lock_directory(directory: Path) -> Iterator[int]:
    """Hold *directory* (made if need be) for this process alone; yield its descriptor.

    The kernel lets go of the lock when the process dies, however it dies. Raises
    `SpoolLockedError` while another process holds it.
    """
    with translated("open its directory"):
        directory.mkdir(mode=0o700, parents=True, exist_ok=True)
        descriptor = os.open(directory, os.O_RDONLY | os.O_DIRECTORY)
    try:
        _lock(descriptor)
        yield descriptor
    finally:
        os.close(descriptor)


def spool_identity(directory: Path, descriptor: int) -> UUID:
    """Read the spool's id; give it one, for good, when it has none."""
    path = directory / "spool.id"
    with translated("read its id", may_be_full=True):
        if not path.exists():
            _write_durably(path, f"{new_id()}\n".encode(), descriptor)
        text = path.read_text()
    try:
        return UUID(text.strip())
    except ValueError as error:
        raise SpoolDamagedError("The file spool.id holds no id.") from error


def _lock(descriptor: int) -> None:
    with translated("lock its directory"):
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            reason = "Another process has the spool open."
            raise SpoolLockedError(reason) from error


def _write_durably(path: Path, content: bytes, directory_descriptor: int) -> None:
    unfinished = path.with_suffix(".new")
    unfinished.touch(mode=0o600)
    with unfinished.open("wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    unfinished.rename(path)
    os.fsync(directory_descriptor)
