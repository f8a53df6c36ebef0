"""How the agent stops: what runs then may finish in the time it is given."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta

__all__ = ["Stop", "StoppedError"]


class StoppedError(Exception):
    """A block was ended because the agent was asked to stop."""


class Stop:
    """The wish to stop, which a signal brings at any moment."""

    def __init__(self) -> None:
        self.is_requested = False
        self._scope: asyncio.Timeout | None = None
        self._grace = timedelta(0)

    def request(self) -> None:
        """Start the time the running block has left; asking twice changes nothing."""
        if self.is_requested:
            return
        self.is_requested = True
        self._end_in_time()

    @asynccontextmanager
    async def allowing(self, grace: timedelta) -> AsyncIterator[None]:
        """Run the block; it is ended by `StoppedError` *grace* after the request.

        Not to be nested.
        """
        scope = asyncio.timeout(None)  # noqa: TID251 - nobody cancelled before
        try:
            async with scope:
                self._scope, self._grace = scope, grace
                if self.is_requested:
                    self._end_in_time()
                yield
        except TimeoutError as error:
            if scope.expired():
                raise StoppedError from error
            raise
        finally:
            self._scope = None

    def _end_in_time(self) -> None:
        if self._scope is not None:
            now = asyncio.get_running_loop().time()
            self._scope.reschedule(now + self._grace.total_seconds())
