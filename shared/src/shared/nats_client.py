"""The NATS client: how it logs in, notices that a server is gone, and comes back."""

import asyncio
import re
import socket
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from datetime import timedelta
from typing import Any

import nats.errors
import structlog
from nats.aio.client import Client, Srv
from nats.aio.msg import Msg

from .contracts.base import Service
from .errors import UnavailableError
from .identity import Identity
from .timeouts import timeout

__all__ = ["PING_SECONDS", "BusClient", "connected_client", "require_connection"]

log = structlog.get_logger(__name__)

PING_SECONDS = 2
_PINGS_MISSED = 2
_SILENCE_SECONDS = PING_SECONDS * (_PINGS_MISSED + 1)
_TCP_USER_TIMEOUT = getattr(socket, "TCP_USER_TIMEOUT", None)  # Linux has it
_LOGIN = re.compile(r"//[^/]*@")


@asynccontextmanager
async def connected_client(
    url: str,
    *,
    service: Service,
    identity: Identity,
    closed: "asyncio.Future[None]",
    within: timedelta,
) -> AsyncIterator["BusClient"]:
    """Log in as *service* and reconnect for ever; *closed* is set if that ends.

    Raise `UnavailableError` if there is no connection *within* that time.
    """
    client = BusClient(closed)
    try:
        try:
            async with timeout(within.total_seconds()):
                await client.log_in(url, service=service, identity=identity)
        except (TimeoutError, nats.errors.Error, OSError) as error:
            raise UnavailableError(_why_not(client, url, identity)) from error
        yield client
    finally:
        await client.hang_up()


def require_connection(client: Client) -> None:
    """Raise if it is lost: nats-py would, too, but keep a trace of each try."""
    if not client.is_connected:
        raise nats.errors.ConnectionReconnectingError


class BusClient(Client):
    """nats-py's client (2.16) without three of its traps, which sends what is written.

    It would write each header of each message anew.
    """

    def __init__(self, closed: "asyncio.Future[None]") -> None:
        super().__init__()
        self._closed = closed
        self._told: tuple[str, str] | None = None

    async def log_in(self, url: str, *, service: Service, identity: Identity) -> None:
        """Try until it works, at each of the servers that *url* names in turn."""
        await self.connect(
            url.split(","),
            name=service,
            nkeys_seed_str=identity.nkey_seed,
            inbox_prefix=service.inbox_prefix,
            connect_timeout=2,
            reconnect_time_wait=0.25,  # type: ignore[arg-type]  # seconds; any number
            max_reconnect_attempts=-1,
            ping_interval=PING_SECONDS,
            max_outstanding_pings=_PINGS_MISSED,
            pending_size=-1,  # fail at once while disconnected, never send late
            error_cb=self._tell_trouble,
            disconnected_cb=self._tell_disconnected,
            reconnected_cb=self._tell_reconnected,
            closed_cb=self._tell_closed,
        )

    async def send(self, commands: bytes) -> None:
        """Send commands of the protocol as they are; raise where `publish` would."""
        require_connection(self)
        await self._send_command(commands)
        await self._flush_pending()

    async def request(self, *args: Any, **kwargs: Any) -> Msg:
        with _cancellable():
            return await super().request(*args, **kwargs)

    async def flush(self, *args: Any, **kwargs: Any) -> None:
        with _cancellable():
            await super().flush(*args, **kwargs)

    async def hang_up(self) -> None:
        """Close; at once if the other side takes nothing any more."""
        if not self.servers:
            return  # the URL was none, so there is nothing to close
        try:
            async with timeout(PING_SECONDS):
                await self.close()
        except (TimeoutError, OSError):
            if writer := self._writer():
                writer.transport.abort()
        except RuntimeError:  # uvloop's, of a write to what was lost this moment
            writer = self._writer()
            if writer is None or not writer.transport.is_closing():
                raise

    async def _tell_trouble(self, error: Exception) -> None:
        """Log a trouble, but not every repetition of it while a server is away."""
        reason = str(error) if isinstance(error, nats.errors.Error) else ""
        trouble = (type(error).__name__, reason)
        if trouble != self._told:
            log.warning("nats.troubled", error=trouble[0], reason=reason)
        self._told = trouble

    async def _tell_disconnected(self) -> None:
        if not self.is_closed:
            log.warning("nats.disconnected")

    async def _tell_reconnected(self) -> None:
        self._told = None
        log.info("nats.reconnected")

    async def _tell_closed(self) -> None:
        if not self._closed.done():
            self._closed.set_result(None)

    async def _connect_to_server(self, s: Srv) -> None:
        """Connect, and have the kernel end a connection that takes nothing any more.

        To reconnect, the client first waits for its last bytes to leave: on a path
        that drops them for a quarter of an hour (tcp(7), tcp_retries2).
        """
        with _cancellable():
            await super()._connect_to_server(s)
        writer = self._writer()
        if writer and _TCP_USER_TIMEOUT is not None:
            writer.get_extra_info("socket").setsockopt(
                socket.IPPROTO_TCP, _TCP_USER_TIMEOUT, _SILENCE_SECONDS * 1000
            )

    async def _process_connect_init(self) -> None:
        with _cancellable():
            await super()._process_connect_init()

    async def _process_pong(self) -> None:
        """Let nobody wait for this PONG, if whoever asked for it has given up.

        The client would stop reading for good on setting a result nobody takes, and
        notice only by its own missing PONGs.
        """
        if self._pongs and self._pongs[0].done():
            self._pongs[0] = asyncio.get_running_loop().create_future()
        await super()._process_pong()

    def _writer(self) -> asyncio.StreamWriter | None:
        return getattr(self._transport, "_io_writer", None)


@contextmanager
def _cancellable() -> Iterator[None]:
    """Notice that the block was cancelled although it went on.

    It waits with `asyncio.wait_for`, which before Python 3.12 drops a cancellation
    that arrives together with the result (python/cpython#86296). The client would try
    to connect for ever, and its process never end.
    """
    task = asyncio.current_task()
    before = task.cancelling() if task else 0
    try:
        yield
    finally:
        if task and task.cancelling() > before:
            raise asyncio.CancelledError


def _why_not(client: Client, url: str, identity: Identity) -> str:
    place = _LOGIN.sub("//", url)
    if "authorization" in str(client.last_error).lower():
        return f"NATS at {place} does not know the identity {identity.public.nkey}."
    return f"NATS cannot be reached at {place}."
