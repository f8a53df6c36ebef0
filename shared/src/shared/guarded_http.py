"""HTTP requests to URLs that somebody else chose: tools, MCP, webhooks, OIDC.

A name may resolve to any address, and to another one the next time, so what decides is
the address a socket is about to be connected to: asked for every connection, of every
redirect too, and that address is then the one connected to. The spelling of the URL is
judged before that, for the sake of a better sentence.
"""

import socket
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from datetime import timedelta
from http import HTTPStatus
from types import MappingProxyType

import aiohttp
from aiohttp.abc import AbstractResolver
from multidict import CIMultiDict, CIMultiDictProxy
from yarl import URL

from .addresses import AddressKind, may_reach
from .resolving import resolving
from .timeouts import timeout
from .web_addresses import UrlInvalidError, WebAddress, web_address

__all__ = [
    "Answer",
    "AnswerTimedOutError",
    "DestinationForbiddenError",
    "GuardedHttp",
    "Limits",
    "NoAnswerError",
    "OutgoingError",
    "StreamedAnswer",
    "guarded_http",
]

_REDIRECTS = frozenset(
    {
        HTTPStatus.MOVED_PERMANENTLY,
        HTTPStatus.FOUND,
        HTTPStatus.SEE_OTHER,
        HTTPStatus.TEMPORARY_REDIRECT,
        HTTPStatus.PERMANENT_REDIRECT,
    }
)
# RFC 9110, sections 15.4.2 to 15.4.4: what browsers do with a POST.
_MAY_BECOME_GET = frozenset({HTTPStatus.MOVED_PERMANENTLY, HTTPStatus.FOUND})
# All that another origin is told: any other header may be a secret, whatever its name.
_TOLD_EVERYONE = frozenset({"accept", "accept-language", "user-agent"})
_OF_A_BODY = frozenset({"content-type", "content-encoding", "content-language"})


class OutgoingError(Exception):
    """There is no answer; the text is a sentence of ours, for anyone to read."""


class DestinationForbiddenError(OutgoingError):
    """The URL, or one it redirects to, leads where no request may go."""


class NoAnswerError(OutgoingError):
    """No connection could be made, or it ended before the answer did."""


class AnswerTimedOutError(OutgoingError):
    """The answer was not complete in time."""


@dataclass(frozen=True, slots=True)
class Limits:
    """*within* bounds all of a request, redirects included.

    *most_bytes* bounds the body as it is after decoding. With no *redirects* to
    follow, a redirect is an answer like any other.
    """

    within: timedelta = timedelta(seconds=10)
    most_bytes: int = 256 * 1024
    redirects: int = 0


@dataclass(frozen=True, slots=True)
class Answer:
    """*url* is the one that answered; unless *is_whole*, *body* was cut short."""

    url: str
    status: int
    headers: CIMultiDictProxy[str]
    body: bytes
    is_whole: bool


@dataclass(frozen=True, slots=True)
class StreamedAnswer:
    """An answer whose body is still on its way: *pieces*, as they are decoded."""

    status: int
    headers: CIMultiDictProxy[str]
    pieces: AsyncIterator[bytes]


@dataclass(frozen=True, slots=True)
class _Request:
    method: str
    address: WebAddress
    headers: CIMultiDict[str]
    body: bytes | None


class _ForbiddenAddressError(OSError):
    """A socket was about to be connected to a forbidden address."""


class GuardedHttp:
    """Asks, and gives whole answers; made by `guarded_http`."""

    def __init__(self, session: aiohttp.ClientSession, *, allow_private: bool) -> None:
        self._session = session
        self._allow_private = allow_private

    async def ask(
        self,
        method: str,
        url: str,
        *,
        headers: Mapping[str, str] = MappingProxyType({}),
        body: bytes | None = None,
        limits: Limits = Limits(),
        permit: Callable[[WebAddress], None] = lambda _: None,
    ) -> Answer:
        """Ask *url*, and whatever it redirects to, for an answer of any status.

        *permit* sees every URL before it is asked, and raises what it likes. Headers
        and body do not go on to another origin. Raises an `OutgoingError`.
        """
        request = _Request(method, _read(url), CIMultiDict(headers), body)
        try:
            async with timeout(limits.within.total_seconds()):
                return await self._followed(request, limits, permit)
        except TimeoutError as error:
            raise AnswerTimedOutError(
                f"There was no whole answer within {limits.within.total_seconds():g} s."
            ) from error

    @asynccontextmanager
    async def streamed(
        self,
        method: str,
        url: str,
        *,
        headers: Mapping[str, str] = MappingProxyType({}),
        body: bytes | None = None,
    ) -> AsyncIterator[StreamedAnswer]:
        """Ask *url* itself, and give the answer as it comes; no redirect is followed.

        The block bounds time and size: what it leaves unread is never asked for.
        Raises an `OutgoingError`, also in the block.
        """
        request = _Request(method, _read(url), CIMultiDict(headers), body)
        self._require_reachable(request.address)
        async with self._exchange(request) as response:
            yield StreamedAnswer(
                response.status, response.headers, response.content.iter_any()
            )

    async def _followed(
        self, request: _Request, limits: Limits, permit: Callable[[WebAddress], None]
    ) -> Answer:
        for _ in range(limits.redirects + 1):
            self._require_reachable(request.address)
            permit(request.address)
            answer = await self._asked(request, limits.most_bytes)
            if not limits.redirects or (following := _next(request, answer)) is None:
                return answer
            request = following
        raise DestinationForbiddenError(
            f"It redirects more than {limits.redirects} times."
        )

    def _require_reachable(self, address: WebAddress) -> None:
        if address.kind is AddressKind.FORBIDDEN:
            raise DestinationForbiddenError(
                "The URL leads to a link-local, metadata or reserved address, or does "
                "not write an IPv4 address as four decimal numbers."
            )
        if address.kind is AddressKind.PRIVATE and not self._allow_private:
            raise DestinationForbiddenError("The URL leads into a private network.")
        if not address.is_for_http:
            raise DestinationForbiddenError(
                "The URL's port is another protocol's; 80, 443 and those from 1024 are "
                "for HTTP."
            )

    async def _asked(self, request: _Request, most_bytes: int) -> Answer:
        async with self._exchange(request) as response:
            body, is_whole = await _read_body(response, most_bytes)
            return Answer(
                url=request.address.url,
                status=response.status,
                headers=response.headers,
                body=body,
                is_whole=is_whole,
            )

    @asynccontextmanager
    async def _exchange(
        self, request: _Request
    ) -> AsyncIterator[aiohttp.ClientResponse]:
        try:
            async with self._session.request(
                request.method,
                URL(request.address.url, encoded=True),
                headers=request.headers,
                data=request.body,
                allow_redirects=False,
            ) as response:
                yield response
        except aiohttp.ClientConnectorError as error:
            raise _unconnected(error) from error
        except aiohttp.ClientError as error:
            raise NoAnswerError("What answered broke off or is no HTTP.") from error


@asynccontextmanager
async def guarded_http(
    *,
    allow_private: bool,
    resolver: AbstractResolver | None = None,
) -> AsyncIterator[GuardedHttp]:
    """Open the client that all requests share.

    *allow_private* opens loopback and private networks; link-local, metadata and
    reserved addresses stay closed. Neither cookies nor proxies of the environment are
    used.
    """

    def connectable(found: aiohttp.AddrInfoType) -> socket.socket:
        family, kind, protocol, _, address = found
        if not may_reach(str(address[0]), allow_private=allow_private):
            raise _ForbiddenAddressError("a forbidden address")
        return socket.socket(family, kind, protocol)

    async with (
        resolving() as names,
        aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(
                socket_factory=connectable,
                resolver=resolver or names,
                use_dns_cache=False,
                limit=0,  # or those who wait for slow hosts keep others from theirs
            ),
            cookie_jar=aiohttp.DummyCookieJar(),
            timeout=aiohttp.ClientTimeout(total=None),
            skip_auto_headers=("Content-Type",),
            headers={"User-Agent": "Ag2Trust"},
            trust_env=False,
        ) as session,
    ):
        yield GuardedHttp(session, allow_private=allow_private)


def _read(url: str) -> WebAddress:
    try:
        return web_address(url)
    except UrlInvalidError as error:
        raise DestinationForbiddenError(f"The URL {error}.") from error


async def _read_body(
    response: aiohttp.ClientResponse, most_bytes: int
) -> tuple[bytes, bool]:
    """Read it, or as much as is allowed; the rest is never asked for."""
    body = bytearray()
    async for piece in response.content.iter_any():
        body += piece
        if len(body) > most_bytes:
            return bytes(body[:most_bytes]), False
    return bytes(body), True


def _unconnected(error: aiohttp.ClientConnectorError) -> OutgoingError:
    if isinstance(error.os_error, _ForbiddenAddressError):
        return DestinationForbiddenError(
            "The host leads to an address that may not be reached."
        )
    return NoAnswerError("No connection could be made.")


def _next(request: _Request, answer: Answer) -> _Request | None:
    """Say what to ask for after *answer*; None if it is no redirect."""
    location = answer.headers.get("Location")
    if answer.status not in _REDIRECTS or location is None:
        return None
    following = _redirected(request, answer.status, _destination(request, location))
    if following.address.origin == request.address.origin:
        return following
    return _for_another_origin(request, following)


def _destination(request: _Request, location: str) -> WebAddress:
    try:
        joined = URL(request.address.url, encoded=True).join(URL(location))
    except ValueError as error:
        raise DestinationForbiddenError("It redirects to what is no URL.") from error
    return _read(str(joined.with_fragment(None)))


def _redirected(request: _Request, status: int, address: WebAddress) -> _Request:
    becomes_get = request.method == "POST" and status in _MAY_BECOME_GET
    if becomes_get or (status == HTTPStatus.SEE_OTHER and request.method != "HEAD"):
        headers = _without(request.headers, lambda name: name in _OF_A_BODY)
        return _Request("GET", address, headers, None)
    return replace(request, address=address)


def _for_another_origin(request: _Request, following: _Request) -> _Request:
    if (request.address.scheme, following.address.scheme) == ("https", "http"):
        raise DestinationForbiddenError("It redirects from https to http.")
    if following.body is not None:
        raise DestinationForbiddenError(
            "It redirects to another origin, where a body does not follow."
        )
    headers = _without(following.headers, lambda name: name not in _TOLD_EVERYONE)
    return replace(following, headers=headers)


def _without(
    headers: CIMultiDict[str], is_dropped: Callable[[str], bool]
) -> CIMultiDict[str]:
    return CIMultiDict(
        (name, value) for name, value in headers.items() if not is_dropped(name.lower())
    )
