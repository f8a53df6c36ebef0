"""Headers that are no text, or no host: bytes that a browser or a script made up."""

import asyncio
import hashlib
from contextlib import closing

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer
from aiohttp.typedefs import Handler

from gateway.access.browsers import Browsers
from gateway.access.tokens import hash_of
from gateway.logging_in import Token
from shared.http import tell_errors

BROWSERS = Browsers()


async def told(handler: Handler, headers: bytes) -> str:
    """Answer a request with these headers by *handler*."""
    app = web.Application(middlewares=[tell_errors])
    app.router.add_post("/", handler)
    async with asyncio.timeout(20), TestServer(app) as server:
        reader, writer = await asyncio.open_connection(server.host, server.port)
        with closing(writer):
            writer.write(
                b"POST / HTTP/1.1\r\n%b\r\nConnection: close\r\n\r\n" % headers
            )
            return (await reader.read()).decode()


async def test_a_cookie_that_is_no_text_is_hashed_as_it_came() -> None:
    async def hashed(request: web.Request) -> web.Response:
        return web.Response(text=hash_of(BROWSERS.token_in(request) or "").hex())

    answer = await told(hashed, b'Host: a\r\nCookie: ag2trust_session="\xff"')

    assert hashlib.sha256(b"\xff").hexdigest() in answer


async def test_a_token_that_is_no_text_is_a_wrong_one() -> None:
    async def change(request: web.Request) -> web.Response:
        BROWSERS.require_token(request, "the token of a session")
        return web.Response()

    answer = await told(change, b"Host: a\r\nX-CSRF-Token: \xff")

    assert "CROSS_SITE_REQUEST" in answer


async def test_a_browser_that_is_no_text_is_named_as_far_as_it_is() -> None:
    async def log_in(request: web.Request) -> web.Response:
        return web.Response(text=Token.for_browser(request).session.user_agent)

    answer = await told(log_in, b"Host: a\r\nUser-Agent: Opera \xa9 1")

    assert "Opera ? 1" in answer


@pytest.mark.parametrize("host", [b"[", b"[::1", b"a]", "\u2100".encode()])
async def test_a_host_that_is_none_is_not_this_machine(host: bytes) -> None:
    async def log_in(request: web.Request) -> web.Response:
        BROWSERS.require_place(request)
        return web.Response()

    answer = await told(log_in, b"Host: %b" % host)

    assert "FORBIDDEN" in answer
