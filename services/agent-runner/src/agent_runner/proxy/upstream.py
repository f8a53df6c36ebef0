"""The way out to providers: one session, guarded at the address it connects to.

A name may resolve to any address, so the check is where the socket is made: nothing
that is forbidden is ever connected to, and private addresses only where the setting
allows them.
"""

import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from ipaddress import ip_address

import aiohttp
from aiohappyeyeballs import AddrInfoType
from aiohttp.abc import AbstractResolver

from shared.addresses import AddressKind, classify

__all__ = ["ForbiddenAddressError", "connect_upstream"]

_CONNECT_SECONDS = 10.0
_SILENCE = timedelta(minutes=10)


class ForbiddenAddressError(OSError):
    """The provider's host name led to an address that must not be reached."""


@asynccontextmanager
async def connect_upstream(
    *,
    allow_private: bool,
    silence: timedelta = _SILENCE,
    resolver: AbstractResolver | None = None,
) -> AsyncIterator[aiohttp.ClientSession]:
    """Open the session that all calls to providers share.

    A connection must stand, name and TLS included, within 10 s, and may then be silent
    for *silence*: that long a model may think before its first byte.
    """

    def guarded(address: AddrInfoType) -> socket.socket:
        family, kind, protocol, _, sockaddr = address
        _check(str(sockaddr[0]), allow_private=allow_private)
        return socket.socket(family, kind, protocol)

    connector = aiohttp.TCPConnector(
        limit=0, keepalive_timeout=30, resolver=resolver, socket_factory=guarded
    )
    async with aiohttp.ClientSession(
        connector=connector,
        cookie_jar=aiohttp.DummyCookieJar(),
        skip_auto_headers=("User-Agent", "Content-Type"),
        timeout=aiohttp.ClientTimeout(
            total=None, connect=_CONNECT_SECONDS, sock_read=silence.total_seconds()
        ),
        trust_env=False,
    ) as session:
        yield session


def _check(host: str, *, allow_private: bool) -> None:
    kind = classify(ip_address(host.partition("%")[0]))
    if kind is AddressKind.PUBLIC or (kind is AddressKind.PRIVATE and allow_private):
        return
    raise ForbiddenAddressError(f"the address is {kind}")
