"""The agent's side of a stream, whose failures are not the provider's."""

import asyncio
from collections.abc import Awaitable
from datetime import timedelta

from aiohttp import web

__all__ = ["AgentConnection", "AgentGoneError"]


class AgentGoneError(Exception):
    """The agent went away, or stopped reading, while its answer was being written."""


class AgentConnection:
    """Writes one answer; each write may take *patience*."""

    def __init__(
        self,
        request: web.Request,
        response: web.StreamResponse,
        *,
        patience: timedelta,
    ) -> None:
        self._request = request
        self._response = response
        self._patience_seconds = patience.total_seconds()
        self._is_whole = False

    async def begin(self) -> None:
        await self._done(self._response.prepare(self._request))

    async def write(self, data: bytes) -> None:
        if data:
            await self._done(self._response.write(data))

    async def end(self) -> None:
        """Say that the answer is whole."""
        self._is_whole = True
        await self._done(self._response.write_eof())

    def close_unless_whole(self) -> None:
        """Close without the final chunk: SDKs take a clean early end for success.

        aiohttp finds the transport closing, and does not write the chunk either.
        """
        if not self._is_whole and self._request.transport is not None:
            self._request.transport.close()

    async def _done(self, step: Awaitable[object]) -> None:
        try:
            async with asyncio.timeout(self._patience_seconds):
                await step
        except ConnectionError as error:
            raise AgentGoneError from error
        except TimeoutError as error:
            # Closing would wait for what the agent does not read.
            if self._request.transport is not None:
                self._request.transport.abort()
            raise AgentGoneError from error
