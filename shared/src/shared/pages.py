"""Lists in pages, newest first: UUIDv7 ids sort by time, so the cursor is an id."""

from collections.abc import Callable, Sequence
from typing import TypeVar
from uuid import UUID

from .contracts.base import Page
from .errors import InvalidError

__all__ = ["before", "page_of"]

ItemT = TypeVar("ItemT")


def before(cursor: str | None) -> UUID | None:
    """Read where a page begins: below this id; None is the top."""
    if cursor is None:
        return None
    try:
        return UUID(cursor)
    except ValueError:
        raise InvalidError(
            "The cursor is not one of ours.",
            details={"fields": [{"field": "cursor", "message": "unknown cursor"}]},
        ) from None


def page_of(
    found: Sequence[ItemT], *, limit: int, id_of: Callable[[ItemT], UUID]
) -> Page[ItemT]:
    """Make a page of what was read with `limit + 1`, to see whether more follows."""
    data = list(found[:limit])
    more = len(found) > limit
    return Page(data=data, next_cursor=str(id_of(data[-1])) if more else None)
