import asyncio
from datetime import timedelta
from pathlib import Path

import pytest
from aiohttp import ClientSession, TCPConnector

from ag2trust_sandbox import Sandbox

from .proxying import Proxy, open_proxy
from .raw_agent import chat, raw_agent, request

HEAD = b"POST /openai/v1/chat/completions HTTP/1.1\r\nHost: x\r\n"


@pytest.mark.parametrize("half", [b"", b"POST /", HEAD, HEAD + b"X-Slow: lor"])
async def test_a_head_that_does_not_come_is_not_waited_for(
    spool_folder: Path, sandbox: Sandbox, half: bytes
) -> None:
    async with (
        open_proxy(
            spool_folder, sandbox.base_url, idle=timedelta(seconds=0.2)
        ) as proxy,
        raw_agent(proxy, half) as agent,
        asyncio.timeout(20),
    ):
        assert await agent.until_closed() == b""


async def test_a_body_that_does_not_come_is_not_waited_for(
    spool_folder: Path, sandbox: Sandbox
) -> None:
    async with (
        open_proxy(
            spool_folder, sandbox.base_url, patience=timedelta(seconds=0.2)
        ) as proxy,
        raw_agent(proxy, request(proxy, chat())[:-10]) as agent,
        asyncio.timeout(20),
    ):
        await agent.until(b"malformed_request")

    assert sandbox.request_count == 0


@pytest.mark.parametrize(
    "head",
    [
        b"GET /openai/v1/models?" + b"x" * 9000 + b" HTTP/1.1\r\nHost: x\r\n\r\n",
        HEAD + b"X-Large: " + b"x" * 40_000 + b"\r\n\r\n",
        HEAD + b"".join(b"X-%d: x\r\n" % n for n in range(200)) + b"\r\n",
        HEAD + b"Content-Length: 1\r\nContent-Length: 2\r\n\r\nxx",
        HEAD + b"Content-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        HEAD + b"Transfer-Encoding: chunked, chunked\r\n\r\n0\r\n\r\n",
        HEAD + b"Content-Length: -1\r\n\r\n",
        HEAD + b"Authorization: Bearer x\x01\r\n\r\n",
        b"\x16\x03\x01\x02\x00\x01\x00",
    ],
)
async def test_a_head_that_is_too_large_or_unclear_is_refused(
    proxy: Proxy, sandbox: Sandbox, head: bytes
) -> None:
    async with raw_agent(proxy, head) as agent, asyncio.timeout(20):
        answer = await agent.until_closed()

    assert answer.startswith((b"HTTP/1.1 400", b"HTTP/1.1 431"))
    assert b'"code": "malformed_request"' in answer or b'"head_too_large"' in answer
    assert sandbox.request_count == 0


@pytest.mark.parametrize(
    ("path", "code"),
    [
        (b"/a/%b/openai/v1/chat/completions", b"credential_mismatch"),
        (b"/openai/v1/chat/completions", b"invalid_agent_token"),
        (b"/agent/v1/heartbeat", b"INVALID_AGENT_TOKEN"),
    ],
)
async def test_a_key_of_bytes_that_are_no_text_is_none(
    proxy: Proxy, sandbox: Sandbox, path: bytes, code: bytes
) -> None:
    path = path.replace(b"%b", proxy.agent.token.encode())
    head = b"POST %b HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer \xff\xe9\r\n\r\n"
    async with raw_agent(proxy, head % path) as agent:
        await agent.until(code)

    assert agent.arrived.startswith(b"HTTP/1.1 401")
    assert sandbox.request_count == 0


async def test_a_client_may_mix_model_calls_with_the_agent_protocol(
    proxy: Proxy, sandbox: Sandbox
) -> None:
    where = f"http://127.0.0.1:{proxy.port}"
    token = {"Authorization": f"Bearer {proxy.agent.token}"}
    statuses = []
    # One connection at most, so that each request meets what the last one left.
    async with ClientSession(connector=TCPConnector(limit=1)) as session:
        for _ in range(3):
            for path, body in (
                ("/agent/v1/heartbeat", b""),
                ("/openai/v1/chat/completions", chat(stream=False)),
                ("/openai/v1/chat/completions", chat(stream=False)),
            ):
                async with session.post(
                    where + path, data=body, headers=token
                ) as answer:
                    await answer.read()
                    statuses.append(answer.status)

    assert statuses == [200, 200, 200] * 3
    assert sandbox.request_count == 6


async def test_the_agent_protocol_behind_a_call_that_is_still_answered_is_refused(
    proxy: Proxy,
) -> None:
    heartbeat = b"POST /agent/v1/heartbeat HTTP/1.1\r\nHost: x\r\n\r\n"
    async with raw_agent(proxy, request(proxy, chat()) + heartbeat) as agent:
        await agent.until(b"path_not_allowed")

    assert b"[DONE]" in agent.arrived
