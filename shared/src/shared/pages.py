"""Lists in pages, newest first: UUIDv7 ids sort by time, so the cursor is an id."""

from collections.abc import Callable, Sequence
from typing import TypeVar
from uuid import UUID

from .contracts.base import Message, Page
from .errors import InvalidError

__all__ = ["before", "fitting", "page_of", "unknown_cursor"]

ItemT = TypeVar("ItemT")

_MOST_BYTES = 700_000  # an answer on the bus is 1 MiB at most


def before(cursor: str | None) -> UUID | None:
    """Read where a page begins: below this id; None is the top."""
    if cursor is None:
        return None
    try:
        return UUID(cursor)
    except ValueError:
        raise unknown_cursor() from None


def unknown_cursor() -> InvalidError:
    return InvalidError.of_fields(
        "The cursor is not one of ours.", {"cursor": "unknown cursor"}
    )


def page_of(
    found: Sequence[ItemT], *, limit: int, id_of: Callable[[ItemT], UUID]
) -> Page[ItemT]:
    """Make a page of what was read with `limit + 1`, to see whether more follows."""
    data = list(found[:limit])
    more = len(found) > limit
    return Page(data=data, next_cursor=str(id_of(data[-1])) if more else None)


def fitting(found: Sequence[Message], *, limit: int) -> int:
    """Count how many of *found*, *limit* at most, one answer on the bus can carry.

    One always counts, or a page would never get past it.
    """
    size = 0
    for count, each in enumerate(found[:limit]):
        size += len(each.model_dump_json().encode())
        if count and size > _MOST_BYTES:
            return count
    return limit
