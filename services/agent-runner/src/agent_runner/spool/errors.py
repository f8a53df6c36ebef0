"""The ways the spool can fail.

UnavailableError (shared)      503: no further call is admitted
 ├ SpoolFullError (shared)     no room for one more call; try again later
 ├ SpoolLockedError            another process writes here
 ├ SpoolBrokenError            the disk refused; what it holds is uncertain
 └ SpoolDamagedError           the disk holds what this spool did not write
PayloadTooLargeError           a bug of the caller, nothing was written
CallAlreadyOpenError           a bug of the caller, nothing was written
CallNotOpenError               a bug of the caller, nothing was written
"""

import errno
from collections.abc import Iterator
from contextlib import contextmanager
from uuid import UUID

from shared.errors import SpoolFullError, UnavailableError

__all__ = [
    "CallAlreadyOpenError",
    "CallNotOpenError",
    "PayloadTooLargeError",
    "SpoolBrokenError",
    "SpoolDamagedError",
    "SpoolFullError",
    "SpoolLockedError",
    "translated",
]

_NO_ROOM = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EFBIG})


class SpoolLockedError(UnavailableError):
    """Another process holds the spool's lock."""


class SpoolBrokenError(UnavailableError):
    """A system call on the spool failed.

    After a failed write or sync the spool admits no call until it is opened anew: the
    kernel drops pages that it could not write, so a second `fsync` proves nothing.
    """


class SpoolDamagedError(UnavailableError):
    """A file of the spool is not what was written; a person has to look."""


class PayloadTooLargeError(ValueError):
    """A payload is longer than its kind of record may be."""


class CallAlreadyOpenError(ValueError):
    def __init__(self, call_id: bytes) -> None:
        super().__init__(f"call {UUID(bytes=call_id)} is already open")


class CallNotOpenError(LookupError):
    def __init__(self, call_id: bytes) -> None:
        super().__init__(
            f"call {UUID(bytes=call_id)} was never opened, or is settled already"
        )


@contextmanager
def translated(action: str, *, may_be_full: bool = False) -> Iterator[None]:
    """Tell of a failed system call in our words.

    Raises `SpoolFullError` for want of room where *may_be_full*, else
    `SpoolBrokenError`: where room was set aside, the file system broke its word.
    """
    try:
        yield
    except OSError as error:
        message = f"The spool could not {action}: {error.strerror}."
        if may_be_full and error.errno in _NO_ROOM:
            raise SpoolFullError(message) from error
        raise SpoolBrokenError(message) from error
