import logging
from collections.abc import Iterator
from pathlib import Path

import pytest
import structlog
from pydantic import SecretStr
from structlog.tracebacks import ExceptionDictTransformer
from structlog.typing import EventDict

from ag2trust_sandbox import ErrorDetail, Fault, Sandbox, Step
from shared.contracts.metrics import CallStatus

from .proxying import KEY, Proxy, open_proxy
from .raw_agent import chat, raw_agent, request
from .raw_provider import Conversation, raw_provider, whole

REAL_KEY = "sk-the-new-key-that-no-agent-knows"
UNSENDABLE = "sk-broken\nsk-in-two"  # what no credential may be, lest it reach here
BODY = b'{"model":"sandbox-echo","messages":[{"role":"user","content":"Hi"}]}'
CHAT = "chat/completions"

Events = list[EventDict]


class Lines(logging.Handler):
    """Everything that is logged, with tracebacks, by whatever library."""

    def __init__(self) -> None:
        super().__init__(logging.DEBUG)
        self.setFormatter(logging.Formatter())
        self.text = ""

    def emit(self, record: logging.LogRecord) -> None:
        self.text += f"{self.format(record)} {record.__dict__}\n"


@pytest.fixture
def events() -> Iterator[Events]:
    """Collect events as they are printed, tracebacks rendered."""
    before = structlog.get_config()
    capture = structlog.testing.LogCapture()
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            structlog.processors.ExceptionRenderer(
                ExceptionDictTransformer(show_locals=False)
            ),
            capture,
        ]
    )
    yield capture.entries
    structlog.configure(**before)


@pytest.fixture
def lines() -> Iterator[Lines]:
    lines = Lines()
    root = logging.getLogger()
    level = root.level
    root.addHandler(lines)
    root.setLevel(logging.DEBUG)
    yield lines
    root.removeHandler(lines)
    root.setLevel(level)


async def every_way_to_fail(proxy: Proxy, sandbox: Sandbox) -> list[bytes]:
    """Make calls that end in all kinds of ways; return what came back."""
    steps = (
        Step(),
        Step(status=401, error=ErrorDetail(message=f"No: {REAL_KEY}", code=REAL_KEY)),
        Step(status=500),
        Step(status=302, headers={"location": "http://127.0.0.1:1/"}),
        Step(fault=Fault.CUT_BEFORE_FIRST_BYTE),
        Step(fault=Fault.ERROR_EVENT_AT_HEAD, error=ErrorDetail(message=REAL_KEY)),
    )
    came_back = []
    for step in steps:
        sandbox.play(step)
        body = chat() if step.sends_error_event else BODY
        answer = await proxy.ask(CHAT, body)
        came_back += [answer.body, str(answer.headers).encode()]
    for path, headers in (
        (CHAT, {"Authorization": "Bearer sk-another"}),
        ("files", {}),
        (f"/a/{proxy.agent.token}x/openai/v1/{CHAT}", {}),
        (f"/a/{proxy.agent.token}/elsewhere", {}),
    ):
        answer = await proxy.ask(path, BODY, headers=headers)
        came_back += [answer.body, str(answer.headers).encode()]
    proxy.lead_to("http://127.0.0.1:1/v1")
    proxy.change_credential(fields={"api_key": SecretStr(REAL_KEY)})
    came_back.append((await proxy.ask(CHAT, BODY)).body)
    proxy.lead_to(sandbox.base_url)
    proxy.change_credential(fields={"api_key": SecretStr(UNSENDABLE)})
    came_back.append((await proxy.ask(CHAT, BODY)).body)
    return came_back


def everything_in(folder: Path) -> bytes:
    return b"".join(path.read_bytes() for path in folder.iterdir())


async def test_no_key_and_no_token_is_logged_answered_or_recorded(
    proxy: Proxy, sandbox: Sandbox, lines: Lines, events: Events, spool_folder: Path
) -> None:
    proxy.change_credential(fields={"api_key": SecretStr(REAL_KEY)})

    came_back = await every_way_to_fail(proxy, sandbox)

    said = {each["event"] for each in events}
    assert {"proxy.failed", "call.failed"} <= said
    places = {
        "events": repr(events).encode(),
        "lines": lines.text.encode(),
        "answers": b"".join(came_back),
        "spool": everything_in(spool_folder),
    }
    for place, content in places.items():
        for secret in (REAL_KEY, KEY, UNSENDABLE, proxy.agent.token):
            assert secret.encode() not in content, place


async def test_a_fault_of_ours_is_told_as_ours(
    proxy: Proxy, sandbox: Sandbox, events: Events
) -> None:
    proxy.change_credential(fields={"api_key": SecretStr(UNSENDABLE)})

    answer = await proxy.ask(CHAT, BODY)

    assert (answer.status, answer.code) == (500, "internal_error")
    assert sandbox.request_count == 0
    (record,) = proxy.records()
    assert record.status is CallStatus.FAILED
    assert record.explanation is not None
    assert record.explanation.code == "INTERNAL_ERROR"
    (failed,) = (each for each in events if each["event"] == "proxy.failed")
    assert failed["request_id"] == answer.headers["x-request-id"] == record.request_id


async def test_credentials_and_hop_by_hop_headers_do_not_reach_the_provider(
    proxy: Proxy, sandbox: Sandbox
) -> None:
    await proxy.ask(
        CHAT,
        BODY,
        headers={
            "X-API-Key": "a",
            "api-key": "b",
            "Cookie": "session=c",
            "Proxy-Authorization": "Basic d",
            "Connection": "keep-alive, X-Hop",
            "Keep-Alive": "timeout=5",
            "TE": "trailers",
            "X-Hop": "e",
            "X-Ag2trust-Labels": "team=f",
            "Accept-Encoding": "gzip",
        },
    )

    (received,) = sandbox.requests
    assert received.headers["authorization"] == f"Bearer {KEY}"
    assert received.headers["accept-encoding"] == "identity"
    assert received.headers["host"] == f"127.0.0.1:{sandbox.port}"
    assert not received.headers.keys() & {
        "x-api-key",
        "api-key",
        "cookie",
        "proxy-authorization",
        "connection",
        "keep-alive",
        "te",
        "x-hop",
        "x-ag2trust-labels",
    }


async def test_what_an_sdk_says_of_itself_reaches_the_provider(
    proxy: Proxy, sandbox: Sandbox
) -> None:
    client = proxy.client(organization="org-1", project="proj-1")

    await client.chat.completions.create(
        model="sandbox-echo",
        messages=[{"role": "user", "content": "Hi"}],
        extra_headers={"Idempotency-Key": "once", "X-Client-Request-Id": "mine"},
    )

    headers = sandbox.requests[0].headers
    assert headers["openai-organization"] == "org-1"
    assert headers["openai-project"] == "proj-1"
    assert headers["idempotency-key"] == "once"
    assert headers["x-client-request-id"] == "mine"
    assert headers["x-stainless-lang"] == "python"
    assert headers["x-stainless-retry-count"] == "0"
    assert headers["user-agent"].startswith("AsyncOpenAI/Python")
    assert headers["content-type"] == "application/json"


async def test_a_client_that_says_nothing_of_itself_stays_silent(
    proxy: Proxy, sandbox: Sandbox
) -> None:
    async with raw_agent(proxy, request(proxy, chat())) as agent:
        await agent.until(b"[DONE]")

    assert sandbox.requests[0].headers.keys() == {
        "host",
        "authorization",
        "accept-encoding",
        "content-length",
    }


async def test_the_providers_cookies_and_connection_stay_here(
    spool_folder: Path,
) -> None:
    async def answer(asked: Conversation) -> None:
        asked.say(
            whole(
                b"{}",
                headers=b"content-type: application/json\r\nset-cookie: a=b\r\n"
                b"connection: close, x-hop\r\nx-hop: 1\r\nalt-svc: h3\r\n"
                b"keep-alive: timeout=5\r\nx-ag2trust-error: SPOOFED\r\n"
                b"openai-organization: org-1\r\nlink: a\r\nlink: b\r\n"
                b"x-latin: \xe9t\xe9\r\n",
            )
        )

    async with (
        raw_provider(answer) as provider,
        open_proxy(spool_folder, provider.base_url) as proxy,
    ):
        told = await proxy.ask(CHAT, BODY)

        assert told.status == 200
        for name in ("set-cookie", "x-hop", "alt-svc", "x-ag2trust-error"):
            assert name not in told.headers
        assert told.headers.get("connection") != "close, x-hop"
        assert told.headers["openai-organization"] == "org-1"
        assert told.headers.getall("link") == ["a", "b"]


async def test_a_models_name_cannot_break_a_header(proxy: Proxy) -> None:
    proxy.allow("a\r\nx-evil: 1", "模型")

    for model, told in (
        ("a\\r\\nx-evil: 1", "a%0D%0Ax-evil:%201"),
        ("模型", "%E6%A8%A1%E5%9E%8B"),
    ):
        answer = await proxy.ask(CHAT, BODY.replace(b"sandbox-echo", model.encode()))

        assert answer.status == 200
        assert answer.headers["x-ag2trust-model"] == told
        assert "x-evil" not in answer.headers
