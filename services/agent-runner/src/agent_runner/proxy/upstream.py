"""The way out to providers: one session, guarded at the address it connects to.

A name may resolve to any address, so the check is where the socket is made: nothing
that is forbidden is ever connected to, and private addresses only where the setting
allows them. Redirects are not followed: a key never goes to a second origin.
"""

import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from ipaddress import ip_address

import aiohttp
from aiohappyeyeballs import AddrInfoType
from multidict import CIMultiDict, CIMultiDictProxy

from shared.addresses import AddressKind, classify

__all__ = [
    "ForbiddenAddressError",
    "connect_upstream",
    "request_headers",
    "response_headers",
]

_CONNECT_SECONDS = 10.0
_SILENCE_SECONDS = 600.0

# RFC 9110, section 7.6.1, and the fields that older peers treat so.
_HOP_BY_HOP = frozenset(
    {
        "connection",
        "keep-alive",
        "proxy-authenticate",
        "proxy-authorization",
        "proxy-connection",
        "te",
        "trailer",
        "transfer-encoding",
        "upgrade",
    }
)
_OURS_TO_SET = frozenset({"host", "content-length", "accept-encoding", "expect"})
_CREDENTIALS = frozenset({"authorization", "api-key", "x-api-key", "cookie"})
_NOT_FOR_CLIENTS = frozenset({"content-length", "set-cookie"})


class ForbiddenAddressError(OSError):
    """The provider's host name led to an address that must not be reached."""


@asynccontextmanager
async def connect_upstream(
    *, allow_private: bool
) -> AsyncIterator[aiohttp.ClientSession]:
    """Open the session that all calls to providers share."""

    def guarded(address: AddrInfoType) -> socket.socket:
        family, kind, protocol, _, sockaddr = address
        _check(str(sockaddr[0]), allow_private=allow_private)
        return socket.socket(family, kind, protocol)

    connector = aiohttp.TCPConnector(
        limit=0, keepalive_timeout=30, socket_factory=guarded
    )
    async with aiohttp.ClientSession(
        connector=connector,
        auto_decompress=False,
        cookie_jar=aiohttp.DummyCookieJar(),
        skip_auto_headers=("User-Agent", "Content-Type"),
        timeout=aiohttp.ClientTimeout(
            total=None, sock_connect=_CONNECT_SECONDS, sock_read=_SILENCE_SECONDS
        ),
        trust_env=False,
    ) as session:
        yield session


def request_headers(client: CIMultiDictProxy[str], *, key: str) -> "CIMultiDict[str]":
    """Pass the client's headers on, with the provider's key in place of its own.

    Answers are asked for uncompressed, so that usage can be read as it passes.
    """
    dropped = _HOP_BY_HOP | _OURS_TO_SET | _CREDENTIALS | _named(client)
    headers = CIMultiDict(
        (name, value)
        for name, value in client.items()
        if name.lower() not in dropped and not name.lower().startswith("x-ag2trust-")
    )
    headers["Authorization"] = f"Bearer {key}"
    headers["Accept-Encoding"] = "identity"
    return headers


def response_headers(provider: CIMultiDictProxy[str]) -> "CIMultiDict[str]":
    """Pass the provider's headers back, but those that belong to its connection."""
    dropped = _HOP_BY_HOP | _NOT_FOR_CLIENTS | _named(provider)
    return CIMultiDict(
        (name, value) for name, value in provider.items() if name.lower() not in dropped
    )


def _named(headers: CIMultiDictProxy[str]) -> frozenset[str]:
    """Read which further headers `Connection` declares to be of this hop."""
    return frozenset(
        name.strip().lower()
        for value in headers.getall("Connection", [])
        for name in value.split(",")
    )


def _check(host: str, *, allow_private: bool) -> None:
    kind = classify(ip_address(host.partition("%")[0]))
    if kind is AddressKind.PUBLIC or (kind is AddressKind.PRIVATE and allow_private):
        return
    raise ForbiddenAddressError(f"the address is {kind}")
