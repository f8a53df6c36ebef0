"""Reading the first of a long list, and no more of it."""

from collections.abc import Awaitable, Callable
from typing import Any, TypeVar

from ag2trust_client import Page

__all__ = ["newest"]

ItemT = TypeVar("ItemT")

_LONGEST_PAGE = 200


async def newest(
    list_page: Callable[..., Awaitable[Page[ItemT]]], limit: int, **query: Any
) -> list[ItemT]:
    """Give at most *limit* items of a list; *query* is what the list takes."""
    found: list[ItemT] = []
    cursor = None
    while len(found) < limit:
        page = await list_page(
            **query, limit=min(limit - len(found), _LONGEST_PAGE), cursor=cursor
        )
        found += page.data
        cursor = page.next_cursor
        if cursor is None:
            break
    return found
