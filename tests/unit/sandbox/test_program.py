import asyncio
import json
import signal
import sys
from asyncio.subprocess import PIPE, Process
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
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


async def port_of(process: Process) -> int:
    assert process.stdout is not None
    line = json.loads(await process.stdout.readline())
    assert line == {"event": "listening", "port": line["port"]}
    port: int = line["port"]
    return port


@pytest.mark.parametrize("signum", [signal.SIGTERM, signal.SIGINT])
async def test_it_says_its_port_answers_and_stops_when_told(
    signum: signal.Signals,
) -> None:
    async with program("--port", "0") as process:
        base_url = f"http://127.0.0.1:{await port_of(process)}/v1"
        async with AsyncOpenAI(base_url=base_url, api_key="sk-test") as client:
            model = await client.models.retrieve("sandbox-echo")
        process.send_signal(signum)

        assert model.owned_by == "ag2trust-sandbox"
        assert await process.wait() == 0


async def test_it_accepts_the_keys_it_was_given_only() -> None:
    async with program("--port", "0", "--accept-key", "a", "--accept-key", "b") as it:
        base_url = f"http://127.0.0.1:{await port_of(it)}/v1"
        async with AsyncOpenAI(base_url=base_url, api_key="b") as client:
            await client.models.list()

            with pytest.raises(AuthenticationError):
                await client.with_options(api_key="c").models.list()


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
    ],
)
async def test_it_refuses_a_number_that_cannot_be(
    option: str, value: str, problem: str
) -> None:
    async with program(option, value) as process:
        _, told = await process.communicate()

    assert f"argument {option}: {problem}" in told.decode()
    assert process.returncode == 2
