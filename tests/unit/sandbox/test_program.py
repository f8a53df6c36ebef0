import asyncio
import json
import signal
import sys
from asyncio.subprocess import PIPE, Process
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest
from anthropic import AsyncAnthropicBedrock
from openai import AsyncOpenAI, AuthenticationError

from ag2trust_sandbox import serving


@asynccontextmanager
async def program(*arguments: str) -> AsyncIterator[Process]:
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "ag2trust_sandbox", *arguments, stdout=PIPE, stderr=PIPE
    )
    try:
        yield process
    finally:
        if process.returncode is None:
            process.kill()
        await process.communicate()


async def told_by(process: Process) -> dict[str, Any]:
    assert process.stdout is not None
    told: dict[str, Any] = json.loads(await process.stdout.readline())
    return told


@pytest.mark.parametrize("signum", [signal.SIGTERM, signal.SIGINT])
async def test_it_says_its_port_answers_and_stops_when_told(
    signum: signal.Signals,
) -> None:
    async with program("--port", "0") as process:
        base_url = (await told_by(process))["openai_base_url"]
        async with AsyncOpenAI(base_url=base_url, api_key="sk-test") as client:
            model = await client.models.retrieve("sandbox-echo")
        process.send_signal(signum)

        assert model.owned_by == "ag2trust-sandbox"
        assert await process.wait() == 0


async def test_it_says_where_each_client_finds_it() -> None:
    async with program("--port", "0") as process:
        told = await told_by(process)

    origin = f"http://127.0.0.1:{told['port']}"
    assert told == {
        "event": "listening",
        "port": told["port"],
        "openai_base_url": f"{origin}/v1",
        "anthropic_base_url": f"{origin}/anthropic",
        "bedrock_endpoint_url": f"{origin}/bedrock",
    }


async def test_it_accepts_the_keys_it_was_given_only() -> None:
    async with program("--port", "0", "--accept-key", "a", "--accept-key", "b") as it:
        base_url = (await told_by(it))["openai_base_url"]
        async with AsyncOpenAI(base_url=base_url, api_key="b") as client:
            await client.models.list()

            with pytest.raises(AuthenticationError):
                await client.with_options(api_key="c").models.list()


@pytest.mark.parametrize(
    ("arguments", "key_id", "secret", "token"),
    [
        ((), "AKIAIOSFODNN7EXAMPLE", "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY", None),
        (("--accept-key-pair", "id:se/cret"), "id", "se/cret", None),
        (("--accept-key-pair", "id:se/cret:to+ken=="), "id", "se/cret", "to+ken=="),
    ],
)
async def test_it_accepts_the_key_pair_it_was_given(
    arguments: tuple[str, ...], key_id: str, secret: str, token: str | None
) -> None:
    async with (
        program("--port", "0", *arguments) as process,
        AsyncAnthropicBedrock(
            base_url=(await told_by(process))["bedrock_endpoint_url"],
            aws_access_key=key_id,
            aws_secret_key=secret,
            aws_session_token=token,
            aws_region="us-east-1",
        ) as client,
    ):
        answer = await client.messages.create(
            model="sandbox-echo",
            max_tokens=9,
            messages=[{"role": "user", "content": "Hello!"}],
        )

    assert answer.model == "sandbox-echo"


async def test_it_names_a_port_that_is_taken() -> None:
    async with (
        serving() as sandbox,
        program("--port", str(sandbox.port)) as process,
    ):
        _, told = await process.communicate()

    assert f"cannot listen on port {sandbox.port}" in told.decode()
    assert process.returncode == 1


@pytest.mark.parametrize(
    ("option", "value", "problem"),
    [
        ("--port", "65536", "65536 is not from 0 to 65535"),
        ("--remember", "-1", "-1 is below 0"),
        ("--accept-key-pair", "id", "this is not ID:SECRET or ID:SECRET:TOKEN"),
    ],
)
async def test_it_refuses_an_option_that_cannot_be(
    option: str, value: str, problem: str
) -> None:
    async with program(option, value) as process:
        _, told = await process.communicate()

    assert f"argument {option}: {problem}" in told.decode()
    assert process.returncode == 2
