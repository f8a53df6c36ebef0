"""Listening for requests: one server, any number of addresses on one port."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from functools import partial
from ssl import SSLContext

from shared.errors import UnavailableError
from shared.listeners import stop_listening
from shared.timeouts import timeout

from .deadlines import Deadlines
from .exchange import Application, InCallbacks, in_a_task
from .limits import Capacity, Limits
from .server_connection import ServerConnection
from .server_context import Elsewhere, ServerContext
from .turn import Turn

__all__ = ["Server", "serving"]

_BACKLOG = 1024


class Server:
    """Serves one application on several addresses."""

    def __init__(
        self, context: ServerContext, *, port: int, tls: SSLContext | None
    ) -> None:
        self._context = context
        self._port = port
        self._tls = tls
        self._listeners: dict[str, asyncio.Server] = {}
        self._opened_for_good: set[str] = set()

    @property
    def connections(self) -> int:
        """How many clients are connected."""
        return len(self._context.connections)

    async def open(self, address: str, *, for_good: bool = False) -> int:
        """Listen on *address* too, and return the port; raises `UnavailableError`."""
        if address not in self._listeners:
            self._listeners[address] = await self._listen(address)
        if for_good:
            self._opened_for_good.add(address)
        return self._port

    def close(self, address: str) -> None:
        """Take no further connection at *address*, unless it was opened for good."""
        if address not in self._opened_for_good:
            self._close(address)

    async def finish(self) -> None:
        """Listen no more; after some seconds at most nobody is connected."""
        for address in [*self._listeners]:
            self._close(address)
        self._context.is_draining = True
        for connection in [*self._context.connections]:
            connection.drain()
        with suppress(TimeoutError):
            async with timeout(self._context.limits.finish.total_seconds()):
                await self._until_empty()
        for connection in [*self._context.connections]:
            connection.abort()
        await self._until_empty()
        self._context.is_finished = True

    async def _listen(self, address: str) -> asyncio.Server:
        loop = asyncio.get_running_loop()
        try:
            listener = await loop.create_server(
                partial(ServerConnection, self._context),
                address,
                self._port,
                backlog=_BACKLOG,
                ssl=self._tls,
            )
        except OSError as error:
            raise UnavailableError(
                f"{address}:{self._port} cannot be listened on: {error.strerror}."
            ) from error
        self._port = self._port or listener.sockets[0].getsockname()[1]
        return listener

    def _close(self, address: str) -> None:
        if listener := self._listeners.pop(address, None):
            stop_listening(listener)

    async def _until_empty(self) -> None:
        while self._context.connections:
            self._context.has_emptied.clear()
            await self._context.has_emptied.wait()


@asynccontextmanager
async def serving(
    application: Application,
    *,
    deadlines: Deadlines,
    limits: Limits,
    port: int,
    elsewhere: Elsewhere = lambda _: None,
    in_callbacks: InCallbacks = in_a_task,
    tls: SSLContext | None = None,
    turn: Turn | None = None,
) -> AsyncIterator[Server]:
    """Serve *application* while the block runs; port 0 takes any free one.

    *turn* is that of the client whose answers are passed on in callbacks.
    """
    async with asyncio.TaskGroup() as tasks:
        server = Server(
            ServerContext(
                application=application,
                limits=limits,
                deadlines=deadlines,
                tasks=tasks,
                elsewhere=elsewhere,
                capacity=Capacity(limits),
                in_callbacks=in_callbacks,
                turn=turn or Turn(),
            ),
            port=port,
            tls=tls,
        )
        try:
            yield server
        finally:
            await server.finish()
