"""A folder for what a test's servers write: in memory, where there is room.

A database is hundreds of files; making and removing them on a disk costs more than
all that most tests ask of it.
"""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

__all__ = ["quick_folder"]

_MEMORY = "/dev/shm"  # noqa: S108 - `TemporaryDirectory` makes a folder of our own
_ROOM_BYTES = 4 * 2**30


@contextmanager
def quick_folder() -> Iterator[Path]:
    """Provide an empty folder that goes at the end; it survives no power cut."""
    place = _MEMORY if _has_room() else None
    with TemporaryDirectory(prefix="ag2trust-tests-", dir=place) as folder:
        yield Path(folder)


def _has_room() -> bool:
    try:
        found = os.statvfs(_MEMORY)
    except OSError:
        return False
    return found.f_bavail * found.f_frsize > _ROOM_BYTES
