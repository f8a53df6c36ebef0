"""How a test waits for what nobody announces: it looks again and again."""

import asyncio
import inspect
from collections.abc import Awaitable, Callable, Iterator
from typing import TypeAlias, TypeVar, overload

from shared.timeouts import timeout

__all__ = ["until"]

SeenT = TypeVar("SeenT")
Errors: TypeAlias = type[Exception] | tuple[type[Exception], ...]

_SECONDS = 60.0
_FIRST_PAUSE_SECONDS = 0.002
_LONGEST_PAUSE_SECONDS = 0.1
_GROWTH = 1.25


@overload
async def until(
    awaited: str,
    look: Callable[[], Awaitable[SeenT]],
    holds: Callable[[SeenT], object] = ...,
    *,
    seconds: float = ...,
    first_pause: float = ...,
    longest_pause: float = ...,
    not_yet: Errors = ...,
) -> SeenT: ...


@overload
async def until(
    awaited: str,
    look: Callable[[], SeenT],
    holds: Callable[[SeenT], object] = ...,
    *,
    seconds: float = ...,
    first_pause: float = ...,
    longest_pause: float = ...,
    not_yet: Errors = ...,
) -> SeenT: ...


async def until(
    awaited: str,
    look: Callable[[], Awaitable[SeenT] | SeenT],
    holds: Callable[[SeenT], object] = bool,
    *,
    seconds: float = _SECONDS,
    first_pause: float = _FIRST_PAUSE_SECONDS,
    longest_pause: float = _LONGEST_PAUSE_SECONDS,
    not_yet: Errors = (),
) -> SeenT:
    """Look until what is seen *holds*, and return it.

    Errors of *not_yet* may be raised meanwhile. After *seconds* an `AssertionError`
    says what was *awaited*, and what was seen last. What soon passes is not missed
    with a shorter *longest_pause*, in seconds; 0 is a turn of the event loop. Where a
    look costs others work, a longer *first_pause* spares them some.
    """
    last: object = "nothing"
    try:
        async with timeout(seconds) as limit:
            for pause in _pauses(first_pause, longest_pause):
                try:
                    seen = await _seen(look)
                except not_yet as error:
                    last = error
                else:
                    if holds(seen):
                        return seen
                    last = seen
                await asyncio.sleep(pause)
    except TimeoutError:
        if not limit.expired():
            raise
    raise AssertionError(f"not within {seconds:g} s: {awaited}; last seen: {last!r}")


async def _seen(look: Callable[[], Awaitable[SeenT] | SeenT]) -> SeenT:
    seen = look()
    return await seen if inspect.isawaitable(seen) else seen


def _pauses(first: float, longest: float) -> Iterator[float]:
    """Give short pauses first; long ones leave the processor to what is awaited."""
    pause = min(first, longest)
    while True:
        yield pause
        pause = min(pause * _GROWTH, longest)
