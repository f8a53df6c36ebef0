"""A server of ours and whoever talks to it in bytes, on loopback."""

import asyncio
import json
import socket
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import timedelta

from ag2trust.waiting import until
from agent_runner.http.deadlines import watching_deadlines
from agent_runner.http.exchange import Exchange, InCallbacks, in_a_task
from agent_runner.http.limits import Limits
from agent_runner.http.messages import Reply, RequestHead
from agent_runner.http.server import Server, serving
from agent_runner.http.server_context import Elsewhere
from agent_runner.http.turn import Turn
from shared.errors import AppError

__all__ = ["SmallApplication", "Talk", "Talking", "echo", "nowhere", "post", "talking"]

_WITHIN_SECONDS = 20
_SMALL_BUFFER_BYTES = 4096

Serve = Callable[[Exchange], Awaitable[None]]


def nowhere(_: bytes) -> None:
    """Take no connection over."""


def post(
    body: bytes = b"", *fields: bytes, target: bytes = b"/x", version: bytes = b"1.1"
) -> bytes:
    """Make a request with a length; *fields* are further lines without their ends."""
    lines = b"".join(each + b"\r\n" for each in fields)
    return b"POST %b HTTP/%b\r\nHost: a\r\n%bContent-Length: %d\r\n\r\n%b" % (
        target,
        version,
        lines,
        len(body),
        body,
    )


async def echo(exchange: Exchange) -> None:
    """Answer with the body of the request, or say why there is none."""
    try:
        body = await exchange.body()
    except AppError as error:
        await exchange.reply(worded(error))
        return
    await exchange.reply(Reply(200, [(b"x-target", exchange.head.target)], body))


def worded(error: AppError) -> Reply:
    body = json.dumps({"code": error.code, "message": error.message}).encode()
    fields = [(b"content-type", b"application/json")]
    if error.retry_after_seconds is not None:
        fields.append((b"retry-after", b"%d" % error.retry_after_seconds))
    return Reply(int(error.status), fields, body)


@dataclass
class SmallApplication:
    """Answers with *answer*, and remembers what it was asked and how that ended."""

    answer: Serve
    asked: list[RequestHead] = field(default_factory=list)
    was_asked: asyncio.Event = field(default_factory=asyncio.Event)
    was_cancelled: asyncio.Event = field(default_factory=asyncio.Event)

    async def serve(self, exchange: Exchange) -> None:
        self.asked.append(exchange.head)
        self.was_asked.set()
        try:
            await self.answer(exchange)
        except asyncio.CancelledError:
            self.was_cancelled.set()
            raise

    def refusal(self, error: AppError, _: RequestHead | None) -> Reply:
        return worded(error)


@dataclass
class Talk:
    """A client's connection, in bytes."""

    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter
    arrived: bytearray = field(default_factory=bytearray)

    def say(self, *data: bytes) -> None:
        self.writer.write(b"".join(data))

    async def until(self, mark: bytes, *, count: int = 1) -> None:
        """Read until *mark* has arrived *count* times."""
        async with asyncio.timeout(_WITHIN_SECONDS):
            while self.arrived.count(mark) < count:
                data = await self.reader.read(65536)
                assert data, f"the connection ended before {mark!r}: {self.arrived!r}"
                self.arrived += data

    async def until_closed(self) -> bytes:
        """Read to the end of the connection; return all that arrived."""
        async with asyncio.timeout(_WITHIN_SECONDS):
            while data := await self.reader.read(65536):
                self.arrived += data
        return bytes(self.arrived)

    def leave(self) -> None:
        self.writer.transport.abort()


@dataclass
class Talking:
    """A server, its application, and the way to talk to it."""

    server: Server
    application: SmallApplication
    port: int
    talks: list[Talk] = field(default_factory=list)

    async def connect(self, *sent: bytes, has_small_buffers: bool = False) -> Talk:
        """Connect, and send *sent* at once."""
        connection = socket.socket()
        if has_small_buffers:
            connection.setsockopt(
                socket.SOL_SOCKET, socket.SO_RCVBUF, _SMALL_BUFFER_BYTES
            )
        connection.setblocking(False)  # noqa: FBT003  a system call's argument
        loop = asyncio.get_running_loop()
        await loop.sock_connect(connection, ("127.0.0.1", self.port))
        limit = _SMALL_BUFFER_BYTES if has_small_buffers else 65536
        talk = Talk(*await asyncio.open_connection(sock=connection, limit=limit))
        self.talks.append(talk)
        talk.say(*sent)
        return talk

    async def exchange(self, *sent: bytes) -> bytes:
        """Send *sent* and read until the server closes."""
        talk = await self.connect(*sent)
        return await talk.until_closed()

    async def until_asked(self, *, times: int = 1) -> None:
        async with asyncio.timeout(_WITHIN_SECONDS):
            while len(self.application.asked) < times:
                self.application.was_asked.clear()
                await self.application.was_asked.wait()

    async def until_cancelled(self) -> None:
        async with asyncio.timeout(_WITHIN_SECONDS):
            await self.application.was_cancelled.wait()

    async def until_connected(self, count: int) -> None:
        """Wait until so many are connected; nothing announces it."""
        await until(
            f"{count} connections",
            lambda: self.server.connections,
            lambda connections: connections == count,
        )


@asynccontextmanager
async def talking(
    answer: Serve = echo,
    *,
    elsewhere: Elsewhere = nowhere,
    in_callbacks: InCallbacks = in_a_task,
    limits: Limits | None = None,
    turn: Turn | None = None,
) -> AsyncIterator[Talking]:
    """Serve *answer*; without *limits* nothing times out during a test."""
    application = SmallApplication(answer)
    day = timedelta(days=1)
    async with (
        watching_deadlines() as deadlines,
        serving(
            application,
            deadlines=deadlines,
            limits=limits or Limits(idle=day, head=day, patience=day),
            elsewhere=elsewhere,
            in_callbacks=in_callbacks,
            port=0,
            turn=turn,
        ) as server,
    ):
        port = await server.open("127.0.0.1")
        talking = Talking(server, application, port)
        try:
            yield talking
        finally:
            for talk in talking.talks:
                talk.leave()
