"""`python -m gateway`, as the launcher starts it."""

import asyncio
import hashlib
import signal
import socket
import sys
from asyncio.subprocess import PIPE, Process
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager

import aiohttp
import pytest

from ag2trust.testing import Stack
from shared.bus import NatsBus, answer
from shared.contracts.base import Service
from shared.contracts.conversations import (
    SUBMIT_MESSAGE,
    AgentMessage,
    MessageStatus,
    SubmitMessage,
)

from .conftest import OWNER_KEY
from .objects import message, post_message

pytestmark = pytest.mark.integration

CANARY = "sk-canary-7d1f0c"
START_SECONDS = 60


@pytest.fixture
def environment(stack: Stack) -> dict[str, str]:
    return stack.environment(
        Service.GATEWAY,
        AG2TRUST_GATEWAY_LOG_LEVEL="debug",
        AG2TRUST_GATEWAY_BOOTSTRAP_KEY_HASH=hashlib.sha256(
            OWNER_KEY.encode()
        ).hexdigest(),
    )


@asynccontextmanager
async def started(environment: Mapping[str, str]) -> AsyncIterator[Process]:
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "gateway", env=environment, stdout=PIPE, stderr=PIPE
    )
    try:
        yield process
    finally:
        if process.returncode is None:
            process.kill()
        await process.communicate()


async def said_until(process: Process, event: str) -> str:
    """Read what the process logs, up to *event*."""
    assert process.stderr is not None
    said = ""
    while f'"event": "{event}"' not in said:
        line = await process.stderr.readline()
        assert line, f"ended before {event}: {said}"
        said += line.decode()
    return said


async def test_it_logs_no_secret_and_stops_when_told(
    environment: dict[str, str],
) -> None:
    async with asyncio.timeout(START_SECONDS), started(environment) as process:
        said = await said_until(process, "service.started")
        url = f"http://127.0.0.1:{environment['AG2TRUST_GATEWAY_PORT']}"
        async with aiohttp.ClientSession(url) as session:
            statuses = [status async for status in secrets_said_to(session)]
        process.send_signal(signal.SIGTERM)
        out, err = await process.communicate()

    said += out.decode() + err.decode()
    assert statuses == [401, 422, 503, 400, 422]
    assert process.returncode == 0
    assert said.count('"event": "request.answered"') == len(statuses)
    assert CANARY not in said
    assert OWNER_KEY not in said


async def secrets_said_to(session: aiohttp.ClientSession) -> AsyncIterator[int]:
    """Submit a provider in all the ways that fail; credentials is away."""
    body = f'{{"name": "one", "type": "openai", "api_key": "{CANARY}"}}'
    for key, query, said in (
        (CANARY, f"?{CANARY}", body),
        (OWNER_KEY, f"?{CANARY}", body),
        (OWNER_KEY, "", body),
        (OWNER_KEY, "", body[:-1]),
        (OWNER_KEY, "", body.replace("openai", CANARY)),
    ):
        async with session.post(
            f"/api/providers{query}", data=said, headers={"X-API-Key": key}
        ) as response:
            yield response.status


async def test_who_waits_for_an_agent_is_answered_before_it_stops(
    environment: dict[str, str], runner: NatsBus
) -> None:
    submitted = asyncio.Event()

    async def submit(question: SubmitMessage) -> AgentMessage:
        submitted.set()
        return message(question, MessageStatus.QUEUED)

    async with (
        asyncio.timeout(START_SECONDS),
        runner.serving(Service.AGENT_RUNNER, answer(SUBMIT_MESSAGE, submit)),
        started(environment) as process,
    ):
        await said_until(process, "service.started")
        url = f"http://127.0.0.1:{environment['AG2TRUST_GATEWAY_PORT']}"
        async with (
            aiohttp.ClientSession(url, headers={"X-API-Key": OWNER_KEY}) as session,
            asyncio.TaskGroup() as group,
        ):
            answering = group.create_task(post_message(session))
            await submitted.wait()
            process.send_signal(signal.SIGTERM)
        await process.communicate()

    assert answering.result() == (202, "queued")
    assert process.returncode == 0


async def test_a_port_in_use_is_said_in_one_line(environment: dict[str, str]) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        async with (
            asyncio.timeout(START_SECONDS),
            started({**environment, "AG2TRUST_GATEWAY_PORT": port}) as process,
        ):
            said = await said_until(process, "service.failed")
            await process.communicate()

    [failed] = [line for line in said.splitlines() if "service.failed" in line]
    assert port in failed
    assert "in use" in failed
    assert process.returncode == 1


async def test_a_wrong_setting_is_named(environment: dict[str, str]) -> None:
    async with (
        asyncio.timeout(START_SECONDS),
        started({**environment, "AG2TRUST_GATEWAY_COLOUR": "red"}) as process,
    ):
        _, err = await process.communicate()

    assert process.returncode == 78
    assert "AG2TRUST_GATEWAY_COLOUR is not a setting" in err.decode()
