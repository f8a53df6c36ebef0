"""Requests to servers, over connections that are kept for the next.

A name may resolve to any address, so addresses are checked where the connection is
made: nothing forbidden is ever connected to, private ones only where that is allowed.
"""

import asyncio
import socket
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from datetime import timedelta
from functools import partial
from types import TracebackType
from typing import NamedTuple

from aiohappyeyeballs import AddrInfoType, start_connection

from shared.addresses import may_reach
from shared.resolving import resolving
from shared.timeouts import timeout

from .answer import Answer
from .client_connection import ClientConnection
from .deadlines import Deadlines
from .errors import (
    BrokenAnswerError,
    ConnectingFailedError,
    ConnectingTimedOutError,
    ForbiddenAddressError,
)
from .messages import Fields, encode_fields
from .turn import Turn

__all__ = ["Asking", "Client", "Origin", "Resolve", "connecting", "request_head"]

_CONNECT_SECONDS = 10.0
_SILENCE = timedelta(minutes=10)
# Servers keep connections for a minute or more; one that is about to be closed is no
# use, for a request that met the farewell may not be sent again.
_REST_SECONDS = 30.0
_NEXT_ADDRESS_AFTER_SECONDS = 0.25  # RFC 8305, section 8
# RFC 9110, section 9.2.1: what may be sent twice.
_SAFE = frozenset({b"GET", b"HEAD"})

Resolve = Callable[[str, int], Awaitable[Sequence[AddrInfoType]]]
"""Names the addresses of a host and port; raises `OSError`."""


class Origin(NamedTuple):
    """Where connections lead; *authority* is what a `Host` field says."""

    is_tls: bool
    host: str
    port: int
    authority: bytes


def request_head(origin: Origin, method: bytes, target: bytes, fields: Fields) -> bytes:
    """Write a head but for the empty line that ends it; raises `UnsendableError`."""
    return b"%b %b HTTP/1.1\r\nhost: %b\r\n%b" % (
        method,
        target,
        origin.authority,
        encode_fields(fields),
    )


def _unnoticed() -> None: ...


class Client:
    """Keeps connections to each origin; the last that was used is used next."""

    def __init__(
        self,
        *,
        deadlines: Deadlines,
        allow_private: bool,
        silence: timedelta,
        resolve: Resolve,
    ) -> None:
        self.turn = Turn()
        """For the server, too, whose calls are passed on."""
        self._deadlines = deadlines
        self._allow_private = allow_private
        self._silence_seconds = silence.total_seconds()
        self._resolve = resolve
        self._tls = ssl.create_default_context()
        self._tls.set_alpn_protocols(["http/1.1"])
        self._resting: dict[Origin, list[ClientConnection]] = {}
        self._open: set[ClientConnection] = set()

    def asking(
        self,
        origin: Origin,
        *,
        method: bytes,
        target: bytes,
        fields: Fields,
        body: bytes,
        sent: Callable[[], None] = _unnoticed,
    ) -> "Asking":
        """Ask, and give the answer while the block runs; leaving early aborts it.

        *fields* without `Host` and those that frame; *sent* is called once some of it
        has left. Entering raises
        `ForbiddenAddressError`, `ConnectingFailedError`, `ConnectingTimedOutError` and
        what `Answer.read` raises.
        """
        if body or method not in _SAFE:
            fields = [*fields, (b"content-length", b"%d" % len(body))]
        head = request_head(origin, method, target, fields) + b"\r\n"
        may_repeat = method in _SAFE
        return Asking(self, origin, head, body, may_repeat=may_repeat, sent=sent)

    def take(self, origin: Origin) -> ClientConnection | None:
        """Take out a connection that rests and may be used."""
        resting = self._resting.get(origin)
        while resting:
            connection = resting.pop()
            if connection.is_ready:
                return connection
            connection.abort()
        return None

    def put(self, origin: Origin, connection: ClientConnection) -> None:
        """Keep *connection* for the next request, if it can serve one."""
        if connection.rest(seconds=_REST_SECONDS):
            self._resting.setdefault(origin, []).append(connection)

    @asynccontextmanager
    async def going_on(
        self, origin: Origin, connection: ClientConnection, answer: Answer
    ) -> AsyncIterator[Answer]:
        """Give an answer that *connection* was asked for already, as `asking` does."""
        try:
            await answer.head()
        except BaseException:
            connection.abort()
            raise
        try:
            yield answer
        finally:
            self.put(origin, connection)

    async def connect(self, origin: Origin) -> ClientConnection:
        """Make a connection to an address that may be reached."""
        try:
            async with timeout(_CONNECT_SECONDS):
                addresses = await self._resolve(origin.host, origin.port)
                return await self._connected(origin, self._permitted(addresses))
        except TimeoutError as error:
            raise ConnectingTimedOutError("no connection stood in time") from error
        except ForbiddenAddressError:
            raise
        except OSError as error:
            raise ConnectingFailedError("no connection could be made") from error

    def close(self) -> None:
        """Abort every connection."""
        for connection in [*self._open]:
            connection.abort()

    def _permitted(self, addresses: Sequence[AddrInfoType]) -> list[AddrInfoType]:
        permitted = [
            each
            for each in addresses
            if may_reach(str(each[4][0]), allow_private=self._allow_private)
        ]
        if addresses and not permitted:
            raise ForbiddenAddressError("no address of this host may be reached")
        return permitted

    async def _connected(
        self, origin: Origin, addresses: Sequence[AddrInfoType]
    ) -> ClientConnection:
        create = partial(
            asyncio.get_running_loop().create_connection,
            partial(
                ClientConnection,
                deadlines=self._deadlines,
                silence_seconds=self._silence_seconds,
                forget=self._forgotten(origin),
                turn=self.turn,
            ),
            ssl=self._tls if origin.is_tls else None,
            server_hostname=origin.host if origin.is_tls else None,
        )
        protocol: ClientConnection
        if len(addresses) == 1:
            # No race to run, so the event loop does it alone, and sooner.
            host, port = addresses[0][4][:2]
            _, protocol = await create(
                str(host), int(port), flags=socket.AI_NUMERICHOST
            )
        else:
            connection = await start_connection(
                addresses, happy_eyeballs_delay=_NEXT_ADDRESS_AFTER_SECONDS
            )
            _, protocol = await create(sock=connection)
        self._open.add(protocol)
        return protocol

    def _forgotten(self, origin: Origin) -> Callable[[ClientConnection], None]:
        def forget(connection: ClientConnection) -> None:
            self._open.discard(connection)
            resting = self._resting.get(origin, [])
            if connection in resting:
                resting.remove(connection)
            if not resting:
                self._resting.pop(origin, None)

        return forget


class Asking:
    """One request on its way; a context manager that gives its answer."""

    __slots__ = (
        "_body",
        "_client",
        "_connection",
        "_head",
        "_may_repeat",
        "_origin",
        "_sent",
    )

    def __init__(
        self,
        client: Client,
        origin: Origin,
        head: bytes,
        body: bytes,
        *,
        may_repeat: bool,
        sent: Callable[[], None],
    ) -> None:
        self._client = client
        self._origin = origin
        self._head = head
        self._body = body
        self._may_repeat = may_repeat
        self._sent = sent
        self._connection: ClientConnection | None = None

    async def __aenter__(self) -> Answer:
        if (rested := self._client.take(self._origin)) is not None:
            try:
                return await self._asked(rested)
            except BrokenAnswerError:
                # The server let go of the connection just then. What may not be sent
                # twice is not, for it may have been taken (RFC 9110, section 9.2.2).
                if not self._may_repeat:
                    raise
        return await self._asked(await self._client.connect(self._origin))

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._connection is not None:
            self._client.put(self._origin, self._connection)

    async def _asked(self, connection: ClientConnection) -> Answer:
        answer = Answer(connection)
        connection.ask(self._head, self._body, answer)
        self._sent()
        try:
            await answer.head()
        except BaseException:
            connection.abort()
            raise
        self._connection = connection
        return answer


@asynccontextmanager
async def connecting(
    *,
    deadlines: Deadlines,
    allow_private: bool,
    silence: timedelta = _SILENCE,
    resolve: Resolve | None = None,
) -> AsyncIterator[Client]:
    """Open the client that all requests share.

    A connection must stand, name and TLS included, within 10 s, and may then be silent
    for *silence*: that long a model may think before its first byte.
    """
    async with resolving() as names:
        client = Client(
            deadlines=deadlines,
            allow_private=allow_private,
            silence=silence,
            resolve=resolve or names.addresses,
        )
        try:
            yield client
        finally:
            client.close()
