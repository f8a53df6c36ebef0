import asyncio
import json
import re
import ssl
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio
from aiohttp import ClientSession, web
from structlog.testing import capture_logs

from ag2trust.ports import free_port
from ag2trust.self_signed import self_signed
from shared.errors import UnavailableError
from shared.http import REQUEST_ID, tell_errors
from shared.http_server import TlsPort, listening
from shared.settings import SettingsError
from shared.tls import server_context

CANARY = "sk-canary-77c0"


@pytest_asyncio.fixture
async def port() -> AsyncIterator[int]:
    async def break_down(_: web.Request) -> web.Response:
        raise RuntimeError(CANARY)

    app = web.Application()
    app.router.add_get("/", break_down)
    async with listening(app, host="127.0.0.1", port=0) as port:
        yield port


async def said(port: int, request: bytes) -> bytes:
    """Send *request* as it is, and return all that comes back."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(request)
    answer = await reader.read()
    writer.close()
    await writer.wait_closed()
    return answer


@pytest.mark.parametrize("path", ["/", "/nowhere"])
async def test_what_cannot_be_expected_is_refused_in_our_words(
    port: int, path: str
) -> None:
    fields = f"Host: a\r\nConnection: close\r\nExpect: {CANARY}"

    answer = await said(port, f"GET {path} HTTP/1.1\r\n{fields}\r\n\r\n".encode())

    head, _, body = answer.partition(b"\r\n\r\n")
    told = json.loads(body)
    assert b" 400 " in head.splitlines()[0]
    assert told["error"] == "The only expectation taken is 100-continue."
    assert told["error_code"] == "MALFORMED_REQUEST"
    assert f"{REQUEST_ID}: {told['request_id']}".encode() in head


@pytest.mark.parametrize(
    "request_bytes",
    [
        f"{CANARY}\r\n\r\n".encode(),
        f"GET /{CANARY} HTTP/9.9\r\nHost: a\r\n\r\n".encode(),
        f"GET /{CANARY} HTTP/1.1\r\nHost: a\r\nno colon\r\n\r\n".encode(),
        f"GET / HTTP/1.1\r\nHost: a\r\nX-API-Key: {CANARY}\x00\r\n\r\n".encode(),
        f"GET /{CANARY}{'x' * 9000} HTTP/1.1\r\nHost: a\r\n\r\n".encode(),
        f"GET / HTTP/1.1\r\nX: {CANARY}{'x' * 9000}\r\n\r\n".encode(),
        f"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: {CANARY}\r\n\r\n".encode(),
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
    ],
    ids=[
        "no HTTP",
        "no version",
        "no header",
        "NUL",
        "long path",
        "long header",
        "no length",
        "TLS",
    ],
)
async def test_what_is_no_http_is_refused_in_our_words(
    port: int, request_bytes: bytes, caplog: pytest.LogCaptureFixture
) -> None:
    with capture_logs() as logged:
        answer = await said(port, request_bytes)

    head, _, body = answer.partition(b"\r\n\r\n")
    told = json.loads(body)
    assert b" 400 " in head.splitlines()[0]
    assert b"Content-Type: application/json" in head
    assert told.keys() == {"error", "error_code", "details", "request_id"}
    assert told["error_code"] == "MALFORMED_REQUEST"
    assert f"{REQUEST_ID}: {told['request_id']}".encode() in head
    assert CANARY.encode() not in answer
    assert CANARY not in str(logged) + caplog.text
    assert [each["request_id"] for each in logged] == [told["request_id"]]


async def test_what_breaks_outside_of_every_handler_is_told_as_a_bug(
    port: int,
) -> None:
    request = b"GET / HTTP/1.1\r\nHost: a\r\n\r\n"

    answer = await said(port, request)

    head, _, body = answer.partition(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 500 ")
    assert json.loads(body)["error_code"] == "INTERNAL_ERROR"
    assert CANARY.encode() not in answer


async def test_an_answer_that_breaks_off_is_followed_by_no_other() -> None:
    async def break_off(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse()
        await response.prepare(request)
        await response.write(b"half")
        raise UnavailableError("Away.")

    app = web.Application(middlewares=[tell_errors])
    app.router.add_get("/", break_off)
    async with listening(app, host="127.0.0.1", port=0) as port:
        answer = await said(
            port, b"GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n"
        )

    assert answer.startswith(b"HTTP/1.1 200 ")
    assert answer.endswith(b"half\r\n")


async def test_listening_lets_an_open_request_finish() -> None:
    has_arrived, may_answer = asyncio.Event(), asyncio.Event()

    async def slow(_: web.Request) -> web.Response:
        has_arrived.set()
        await may_answer.wait()
        return web.Response(text="done")

    app = web.Application(middlewares=[tell_errors])
    app.router.add_get("/slow", slow)
    async with ClientSession() as session:
        async with listening(app, host="127.0.0.1", port=0) as port:
            asking = asyncio.create_task(session.get(f"http://127.0.0.1:{port}/slow"))
            await has_arrived.wait()
            asyncio.get_running_loop().call_soon(may_answer.set)

        response = await asking
        assert await response.text() == "done"


async def test_a_port_in_use_is_told_as_such() -> None:
    async with listening(web.Application(), host="127.0.0.1", port=0) as port:
        with pytest.raises(OSError, match=re.compile("in use", re.IGNORECASE)):
            async with listening(web.Application(), host="127.0.0.1", port=port):
                pass


async def test_an_application_is_served_over_tls_beside_its_plain_port(
    tmp_path: Path,
) -> None:
    certificate, key = self_signed(tmp_path)
    tls = TlsPort(free_port(), server_context(certificate, key))
    trusting = ssl.create_default_context(cafile=certificate)

    async with (
        listening(web.Application(), host="127.0.0.1", port=0, tls=tls) as port,
        ClientSession() as browser,
        browser.get(f"http://127.0.0.1:{port}/") as plain,
        browser.get(f"https://127.0.0.1:{tls.number}/", ssl=trusting) as sealed,
    ):
        statuses = plain.status, sealed.status

    assert statuses == (404, 404)


def test_a_certificate_without_its_key_is_refused_in_words(tmp_path: Path) -> None:
    certificate, _ = self_signed(tmp_path)

    with pytest.raises(SettingsError, match="cannot be used together"):
        server_context(certificate, certificate)
