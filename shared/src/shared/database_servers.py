"""The servers that a database URL names, and which of them to ask first."""

import asyncio
import socket
from typing import Any, TypeAlias
from urllib.parse import parse_qs, urlencode, urlsplit, urlunsplit

import asyncpg

__all__ = ["UNREACHABLE", "DatabaseServers", "servers_of"]

Connection: TypeAlias = "asyncpg.Connection[asyncpg.Record]"

UNREACHABLE = (
    OSError,
    TimeoutError,
    asyncpg.PostgresConnectionError,
    asyncpg.CannotConnectNowError,
    asyncpg.AdminShutdownError,
    asyncpg.CrashShutdownError,
    asyncpg.TooManyConnectionsError,
    asyncpg.ReadOnlySQLTransactionError,
    asyncpg.InternalClientError,
)

_PROBE_SECONDS = 2
_PROBES_MISSED = 2
_SILENCE_SECONDS = _PROBE_SECONDS * (_PROBES_MISSED + 1)
_OPTIONS = {  # Linux has them all (tcp(7)); others what they have
    "TCP_KEEPIDLE": _PROBE_SECONDS,
    "TCP_KEEPINTVL": _PROBE_SECONDS,
    "TCP_KEEPCNT": _PROBES_MISSED,
    "TCP_USER_TIMEOUT": _SILENCE_SECONDS * 1000,
}


class DatabaseServers:
    """Connects to whichever server of a URL fits, beginning with the last that did.

    asyncpg asks them in the URL's order, each time, and gives all of its time to the
    first that is silent: after a failover nobody would get to the second.
    """

    def __init__(self) -> None:
        self._last = 0

    async def connect(
        self,
        dsn: str | None = None,
        *,
        timeout: float = 10,  # noqa: ASYNC109 - it is asyncpg's
        **told: Any,
    ) -> Connection:
        """Connect as `asyncpg.connect` does; a silent server costs its share of time.

        Raises what the last of them failed with.
        """
        urls = servers_of(dsn or "")
        clock = asyncio.get_running_loop().time
        until = clock() + timeout
        failure: Exception = ConnectionRefusedError()
        for tried in range(len(urls)):
            place = (self._last + tried) % len(urls)
            share = (until - clock()) / (len(urls) - tried)
            try:
                connection: Connection = await asyncpg.connect(
                    urls[place], timeout=share, **told
                )
            except UNREACHABLE as error:
                failure = error
            else:
                self._last = place
                _end_in_silence(connection)
                return connection
        raise failure


def servers_of(url: str) -> list[str]:
    """Return a URL for each server that *url* names, as libpq reads it.

    They stand before the path, with commas between, or in `host` and `port`.
    """
    parts = urlsplit(url)
    login, at, hosts = parts.netloc.rpartition("@")
    if "," in hosts:
        return [
            urlunsplit(parts._replace(netloc=f"{login}{at}{host}"))
            for host in hosts.split(",")
        ]
    query = {name: values[-1] for name, values in parse_qs(parts.query).items()}
    named = query.get("host", "").split(",")
    ports = query.get("port", "").split(",")
    if len(named) == 1 or len(ports) not in {1, len(named)}:
        return [url]
    each_port = ports * len(named) if len(ports) == 1 else ports
    return [
        urlunsplit(parts._replace(query=urlencode(query | _place(host, port))))
        for host, port in zip(named, each_port, strict=False)
    ]


def _place(host: str, port: str) -> dict[str, str]:
    return {"host": host, **({"port": port} if port else {})}


def _end_in_silence(connection: Connection) -> None:
    """Have the kernel end a connection over which nothing comes any more.

    A cut cable would hold each statement, and each connection of the pool, for as long
    as a statement may take.
    """
    transport = getattr(connection, "_transport", None)
    link = transport.get_extra_info("socket") if transport else None
    if link is None or link.family == socket.AF_UNIX:
        return
    link.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
    for name, value in _OPTIONS.items():
        if (option := getattr(socket, name, None)) is not None:
            link.setsockopt(socket.IPPROTO_TCP, option, value)
