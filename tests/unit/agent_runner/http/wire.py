"""A client's connection without a socket: the test says what the event loop would."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

from ag2trust.waiting import until
from agent_runner.http.deadlines import Deadlines
from agent_runner.http.exchange import Application, InCallbacks, in_a_task
from agent_runner.http.limits import Capacity, Limits
from agent_runner.http.server_connection import ServerConnection
from agent_runner.http.server_context import ServerContext

__all__ = ["Wire", "Wired", "wired"]


class Wire(asyncio.Transport):
    """A transport that keeps what is written to it."""

    def __init__(self) -> None:
        super().__init__()
        self.written = bytearray()
        self.is_closed = False

    def get_extra_info(self, name: str, default: object = None) -> object:
        return ("127.0.0.1", 1) if name == "sockname" else default

    def set_write_buffer_limits(
        self, high: int | None = None, low: int | None = None
    ) -> None:
        """Have no limits."""

    def write(self, data: bytes | bytearray | memoryview) -> None:
        assert not self.is_closed
        self.written += data

    def can_write_eof(self) -> bool:
        return True

    def write_eof(self) -> None:
        """Have nobody who would see it."""

    def is_closing(self) -> bool:
        return self.is_closed

    def close(self) -> None:
        self.is_closed = True

    abort = close


@dataclass(frozen=True)
class Wired:
    """A connection of a server, and the client at the end of its wire."""

    connection: ServerConnection
    context: ServerContext
    wire: Wire

    def say(self, data: bytes) -> None:
        self.connection.data_received(data)

    def read_nothing(self) -> None:
        """Leave unread what is sent from now on."""
        self.connection.pause_writing()

    async def until(self, mark: bytes) -> None:
        """Wait until *mark* was sent; nothing announces it."""
        await until(
            repr(mark),
            lambda: self.wire.written,
            lambda written: mark in written,
            longest_pause=0,
        )

    def leave(self) -> None:
        self.wire.close()
        self.connection.connection_lost(None)

    @property
    def has_let_go(self) -> bool:
        """Whether nothing of what all connections share is kept for it."""
        limits, capacity = self.context.limits, self.context.capacity
        return (
            not self.context.connections
            and capacity._bytes_left == limits.buffered_bytes
            and capacity._exchanges_left == limits.most_exchanges
            and self.context.turn.calls_in_hand == 0
        )


@asynccontextmanager
async def wired(
    application: Application, *, in_callbacks: InCallbacks = in_a_task
) -> AsyncIterator[Wired]:
    """Connect one client to a server of *application*; its tasks end with the block."""
    limits, wire = Limits(), Wire()
    async with asyncio.TaskGroup() as tasks:
        context = ServerContext(
            application=application,
            limits=limits,
            deadlines=Deadlines(),
            tasks=tasks,
            elsewhere=lambda _: None,
            capacity=Capacity(limits),
            in_callbacks=in_callbacks,
        )
        connection = ServerConnection(context)
        connection.connection_made(wire)
        yield Wired(connection, context, wire)
