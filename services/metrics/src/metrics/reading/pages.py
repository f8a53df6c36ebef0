"""Pages of a list by time, and the cursors that lead from one to the next."""

from collections.abc import Callable, Sequence
from typing import TypeVar

from metrics.repositories.places import Place
from shared.contracts.base import Message, Page
from shared.pages import fitting, unknown_cursor

__all__ = ["page_by_time", "place_of"]

ThingT = TypeVar("ThingT", bound=Message)


def page_by_time(
    found: Sequence[ThingT], *, limit: int, place: Callable[[ThingT], Place]
) -> Page[ThingT]:
    """Make a page of the first *limit*, or of as many as one answer can carry.

    One more that was *found* says there is a next; *place* says where the last of the
    page stands.
    """
    data = [*found[: fitting(found, limit=limit)]]
    if len(found) == len(data):
        return Page(data=data)
    return Page(data=data, next_cursor=str(place(data[-1])))


def place_of(cursor: str | None) -> Place | None:
    """Read what a page told; raises `InvalidError` for a foreign cursor."""
    if cursor is None:
        return None
    try:
        return Place.parse(cursor)
    except ValueError:
        raise unknown_cursor() from None
