"""Ids, made by the application so that a retried question names the same object."""

from datetime import UTC, datetime, timedelta
from typing import NamedTuple
from uuid import UUID

from uuid_utils import uuid7

__all__ = ["WrittenId", "made_at", "new_id", "new_id_text", "new_written_id"]

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


class WrittenId(NamedTuple):
    """An id that is only written: its text, and its 16 bytes."""

    text: str
    bytes: bytes


def new_id() -> UUID:
    """Make a UUIDv7 (RFC 9562): random, yet sorting by time of making."""
    return UUID(int=uuid7().int)  # in half the time of `uuid_utils.compat`


def new_id_text() -> str:
    """Make one that is only written, in a tenth of the time."""
    return str(uuid7())


def new_written_id() -> WrittenId:
    """Make one that is only written, as text and as bytes: sooner, as that is."""
    made = uuid7()
    return WrittenId(str(made), made.bytes)


def made_at(made: UUID) -> datetime:
    """Read when a UUIDv7 was made; `OverflowError` for the time of what is none."""
    return _EPOCH + timedelta(milliseconds=made.int >> 80)
