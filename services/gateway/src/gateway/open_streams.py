"""Streams that are open: how many one caller may have, and how long they go on."""

import asyncio
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from uuid import UUID

from aiohttp import web

from shared.errors import LimitedError

from .access.authentication import Authentication
from .access.permissions import Permission
from .access.principals import Principal

__all__ = ["OpenStreams", "Pass"]

_STREAMS_AT_ONCE = 10
_RETRY_AFTER_SECONDS = 10.0


class OpenStreams:
    """All streams of this gateway; they end when it closes."""

    def __init__(
        self,
        authentication: Authentication,
        *,
        reauthorized_every: timedelta = timedelta(seconds=15),
    ) -> None:
        self._authentication = authentication
        self._reauthorized_every = reauthorized_every
        self._streams: Counter[UUID] = Counter()
        self._closing = asyncio.Event()

    def close(self) -> None:
        """Let every stream end soon."""
        self._closing.set()

    @contextmanager
    def admit(
        self, request: web.Request, who: Principal, permission: Permission
    ) -> Iterator["Pass"]:
        """Let one more stream begin; raise `LimitedError` for too many at once."""
        if self._streams[who.id] >= _STREAMS_AT_ONCE:
            raise LimitedError(
                f"There are {_STREAMS_AT_ONCE} streams already; end one.",
                retry_after_seconds=_RETRY_AFTER_SECONDS,
            )
        self._streams[who.id] += 1
        try:
            yield Pass(
                request,
                permission,
                self._authentication,
                every=self._reauthorized_every,
                closing=self._closing,
            )
        finally:
            self._streams[who.id] -= 1
            self._streams += Counter()  # forgets whoever has none


class Pass:
    """The right of one stream to go on."""

    def __init__(
        self,
        request: web.Request,
        permission: Permission,
        authentication: Authentication,
        *,
        every: timedelta,
        closing: asyncio.Event,
    ) -> None:
        self._request = request
        self._permission = permission
        self._authentication = authentication
        self._every = every.total_seconds()
        self._closing = closing
        self._renew_at = _time() + self._every

    @property
    def has_ended(self) -> bool:
        """Whether the gateway closes, or the reader has left."""
        return self._closing.is_set() or self._request.transport is None

    @property
    def seconds_left(self) -> float:
        """How long it lasts until it must be renewed; never negative."""
        return max(0.0, self._renew_at - _time())

    async def renew(self) -> None:
        """Ask again who this is; raise what a new request would be refused with."""
        who = await self._authentication.principal_of(self._request)
        who.require(self._permission)
        self._renew_at = _time() + self._every


def _time() -> float:
    return asyncio.get_running_loop().time()
