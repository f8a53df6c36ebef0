"""The listeners of the agents' HTTP: one door per address, opened as needed."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta

from aiohttp import web

from shared.errors import UnavailableError

__all__ = ["Doors", "open_doors"]

_SHUTDOWN_SECONDS = 5.0

# Agents' clients drop idle connections sooner (httpx after 5 s, aiohttp after 15), so
# that none is closed as it is used.
_IDLE = timedelta(seconds=75)


class Doors:
    """Serves one application on several addresses; all use the same port."""

    def __init__(self, runner: web.AppRunner, *, port: int) -> None:
        self._runner = runner
        self._port = port
        self._sites: dict[str, web.TCPSite] = {}

    async def open(self, address: str) -> int:
        """Listen on *address* too, and return the port."""
        if address not in self._sites:
            site = web.TCPSite(self._runner, address, self._port)
            try:
                await site.start()
            except OSError as error:
                raise UnavailableError(
                    f"{address}:{self._port} cannot be listened on: {error.strerror}."
                ) from error
            self._sites[address] = site
            self._port = self._port or self._runner.addresses[0][1]
        return self._port

    async def close(self, address: str) -> None:
        if site := self._sites.pop(address, None):
            await site.stop()


@asynccontextmanager
async def open_doors(
    app: web.Application, *, address: str, port: int, idle: timedelta = _IDLE
) -> AsyncIterator[Doors]:
    """Listen on *address* while the block runs; port 0 takes any free one.

    A handler is cancelled when its client goes away, so that no model call goes on for
    nobody. A connection without a request is closed after *idle*, which bounds the time
    for a request's head too; aiohttp bounds its size (8,190 bytes for the line and for
    each of 128 headers).
    """
    runner = web.AppRunner(
        app,
        handle_signals=False,
        access_log=None,
        handler_cancellation=True,
        shutdown_timeout=_SHUTDOWN_SECONDS,
        keepalive_timeout=idle.total_seconds(),
        auto_decompress=False,
    )
    await runner.setup()
    doors = Doors(runner, port=port)
    try:
        await doors.open(address)
        yield doors
    finally:
        await runner.cleanup()
