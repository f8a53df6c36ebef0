"""A whole plain call without sockets: from the bytes of an agent to the bytes it gets.

Both connections are real but for their transports, and so is the spool. What is left
out is the kernel and the event loop.
"""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import cast

from agent_runner.hosted_agents import HostedAgents
from agent_runner.http.client import Client, Origin, Resolve
from agent_runner.http.client_connection import ClientConnection
from agent_runner.http.deadlines import Deadlines
from agent_runner.http.limits import Capacity, Limits
from agent_runner.http.server_connection import ServerConnection
from agent_runner.http.server_context import ServerContext
from agent_runner.proxy.application import ProxyApplication
from agent_runner.proxy.calls import CallBook
from agent_runner.proxy.forwarding import Forwarding
from agent_runner.proxy.large_bodies import LargeBodies
from agent_runner.spool.spool import Spool
from agent_runner.tenure import Tenure, boot_time

from .asking import ANSWER, EVENTS, KEY, MODEL, PLAIN, chat, token_of
from .ours import HOST, agent

__all__ = ["BytesToBytes", "bytes_to_bytes"]

_UPSTREAM = "http://127.0.0.1:1/v1"


class Wire:
    """In a socket's place: keeps what is written."""

    def __init__(self) -> None:
        self.written: list[bytes] = []

    def write(self, data: bytes) -> None:
        self.written.append(data)

    def get_extra_info(self, _: str) -> tuple[str, int]:
        return HOST, 1

    def set_write_buffer_limits(self, high: int) -> None: ...

    def is_closing(self) -> bool:
        return False

    def get_write_buffer_size(self) -> int:
        return 0

    def resume_reading(self) -> None: ...

    def abort(self) -> None: ...


class ConnectedClient(Client):
    """Has one connection, which rests whenever it is asked for."""

    connection: ClientConnection

    def take(self, origin: Origin) -> ClientConnection:
        return super().take(origin) or self.connection


class BytesToBytes:
    """An agent's connection and one to its provider, with a proxy between them."""

    def __init__(
        self, to_agent: ServerConnection, to_provider: ClientConnection
    ) -> None:
        self._agent, self._agents_wire = to_agent, Wire()
        self._provider, self._providers_wire = to_provider, Wire()
        to_agent.connection_made(cast(asyncio.Transport, self._agents_wire))
        to_provider.connection_made(cast(asyncio.Transport, self._providers_wire))

    def call(self, request: bytes, answer: bytes) -> None:
        """Let a call happen; raises `RuntimeError` for one that waits."""
        self._agent.data_received(request)
        self._provider.data_received(answer)
        if not (self._agents_wire.written and self._providers_wire.written):
            raise RuntimeError("it waits")
        self._agents_wire.written.clear()
        self._providers_wire.written.clear()

    def whole(self) -> None:
        self.call(_WHOLE_REQUEST, _WHOLE_ANSWER)

    def streamed(self) -> None:
        self.call(_STREAM_REQUEST, _STREAM_ANSWER)


@contextmanager
def bytes_to_bytes(spool: Spool, tasks: asyncio.TaskGroup) -> Iterator[BytesToBytes]:
    hosted = HostedAgents(Tenure(runner="r", epoch=1, asked_at=boot_time()))
    hosted.add(agent(_UPSTREAM, token=token_of(PLAIN)))
    deadlines, large_bodies, limits = Deadlines(), LargeBodies(), Limits()
    client = ConnectedClient(
        deadlines=deadlines,
        allow_private=True,
        silence=timedelta(minutes=10),
        resolve=cast(Resolve, None),
    )
    book = CallBook(spool, runner="runner-1")
    forwarding = Forwarding(client=client, book=book, large_bodies=large_bodies)
    calls = ProxyApplication(hosted, forwarding, large_bodies)
    context = ServerContext(
        application=calls,
        limits=limits,
        deadlines=deadlines,
        tasks=tasks,
        elsewhere=lambda _: None,
        capacity=Capacity(limits),
        turn=client.turn,
        in_callbacks=calls.directly,
    )
    client.connection = ClientConnection(
        deadlines=deadlines,
        silence_seconds=600,
        forget=lambda _: None,
        turn=client.turn,
    )
    yield BytesToBytes(ServerConnection(context), client.connection)


def _request(body: bytes) -> bytes:
    head = (
        f"POST /a/{token_of(PLAIN)}/openai/v1/chat/completions HTTP/1.1\r\n"
        "Host: 127.0.0.1:8090\r\nAccept: application/json\r\n"
        "Content-Type: application/json\r\nUser-Agent: AsyncOpenAI/Python 3.54.0\r\n"
        "X-Stainless-Lang: python\r\nX-Stainless-Package-Version: 3.54.0\r\n"
        f"Authorization: Bearer {KEY}\r\nContent-Length: {len(body)}\r\n\r\n"
    )
    return head.encode() + body


def _answer(framing: str, body: bytes) -> bytes:
    head = (
        "HTTP/1.1 200 OK\r\nServer: nginx\r\nDate: Sat, 28 Nov 2026 12:00:00 GMT\r\n"
        f"X-Request-Id: req_0123456789abcdef\r\n{framing}\r\n\r\n"
    )
    return head.encode() + body


def _chunked(event: str) -> bytes:
    return b"%x\r\n%b\r\n" % (len(event.encode()), event.encode())


_WHOLE_REQUEST = _request(chat(MODEL))
_WHOLE_ANSWER = _answer(
    f"Content-Type: application/json\r\nContent-Length: {len(ANSWER.encode())}",
    ANSWER.encode(),
)
_STREAM_REQUEST = _request(chat(MODEL, is_streamed=True))
_STREAM_ANSWER = _answer(
    "Content-Type: text/event-stream\r\nTransfer-Encoding: chunked",
    b"".join(map(_chunked, EVENTS)) + b"0\r\n\r\n",
)
