"""Agents of other people: the one in the documentation, and one of AG2 in an image."""

import re
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from ipaddress import IPv4Network
from pathlib import Path
from tempfile import TemporaryDirectory
from uuid import uuid4

import aiohttp
import pytest
from aiodocker import Docker

from ag2trust.agent_image import PYTHON_IMAGE
from ag2trust.installation import RUNNER
from ag2trust.operator import Operator
from ag2trust.program import run_program
from ag2trust.python_base_image import ensure_base_image
from ag2trust.testing import Stack
from ag2trust_sandbox import Sandbox, Step, ToolCall
from agent_runner.broker.app import serving
from agent_runner.broker.images import AllowedImages
from agent_runner.broker.settings import Settings as BrokerSettings
from agent_runner.runtimes.process.runtime import process_runtime
from agent_runner.runtimes.runtime import Runtime
from agent_runner.settings import Settings

from .four_services import OWNER_KEY, four_services

REPOSITORY = Path(__file__).resolve().parents[3]
_EXAMPLE = re.compile(r"^```python\n(.*?)^```$", re.MULTILINE | re.DOTALL)
_BUILD_SECONDS = 400


@pytest.mark.integration
async def test_the_agent_in_the_documentation_answers(
    stack: Stack, sandbox: Sandbox, provider_key: str, tmp_path: Path
) -> None:
    [example] = _EXAMPLE.findall((REPOSITORY / "docs/agents.md").read_text())
    program = tmp_path / "agent.py"
    program.write_text(example)

    @asynccontextmanager
    async def its_runtime(settings: Settings) -> AsyncIterator[Runtime]:
        command = (sys.executable, str(program))
        async with process_runtime(
            state=settings.state_folder / "process", command=command
        ) as runtime:
            yield runtime

    async with (
        four_services(stack, open_runtime=its_runtime) as url,
        aiohttp.ClientSession(url, headers={"X-API-Key": OWNER_KEY}) as session,
    ):
        operator = Operator(session)
        await operator.running_agent(sandbox.base_url, provider_key)
        first = await operator.made("/api/ask/ada", {"content": "My name is Grace."})
        second = await operator.made(
            "/api/ask/ada", {"content": "What is it?", "thread_id": first["thread_id"]}
        )

    assert len(example.splitlines()) <= 30
    assert first["status"] == "completed"
    assert "You said: My name is Grace." in first["content"]
    assert "You said: What is it?" in second["content"]
    assert b"My name is Grace." in sandbox.requests[-1].body


@pytest.fixture
async def ag2_image() -> AsyncIterator[str]:
    name = f"ag2trust/test-ag2-{uuid4().hex}"
    async with Docker() as docker:
        base = await ensure_base_image(docker, PYTHON_IMAGE, progress=print)
        await run_program(
            "env",
            *(f"PYTHON_IMAGE={base}", f"IMAGE={name}", f"PYTHON={sys.executable}"),
            str(REPOSITORY / "examples/ag2/build.sh"),
            seconds=_BUILD_SECONDS,
        )
        yield name
        await docker.images.delete(name, force=True)


@asynccontextmanager
async def _broker(image: str) -> AsyncIterator[Path]:
    """Run the launch broker of an installation of its own; yield where it listens."""
    with TemporaryDirectory(prefix="ag2trust-broker-") as folder:
        told = BrokerSettings(
            installation=f"test-{uuid4().hex}",
            runner=RUNNER,
            socket=Path(folder) / "broker.sock",
            agent_networks=IPv4Network("10.210.0.0/16"),
            images=AllowedImages.parse(image),
        )
        async with serving(told):
            yield told.socket


@pytest.mark.docker
@pytest.mark.torture  # its packages are downloaded and built into an image
@pytest.mark.timeout(600)
async def test_an_agent_of_ag2_answers_in_a_container_with_a_tool_and_its_history(
    stack: Stack, sandbox: Sandbox, provider_key: str, ag2_image: str
) -> None:
    calling = ToolCall(name="count_words", arguments='{"text": "one two three"}')

    async with (
        _broker(ag2_image) as socket,
        four_services(
            stack,
            of_runner={
                "runtime": "docker",
                "agent_image": ag2_image,
                "broker": socket,
            },
        ) as url,
        aiohttp.ClientSession(url, headers={"X-API-Key": OWNER_KEY}) as session,
    ):
        operator = Operator(session)
        await operator.running_agent(sandbox.base_url, provider_key)
        sandbox.play(Step(tool_calls=(calling,)), Step(content="Three words."))
        first = await operator.made("/api/ask/ada", {"content": "How many words?"})
        second = await operator.made(
            "/api/ask/ada", {"content": "And now?", "thread_id": first["thread_id"]}
        )

    asked, told, later = (each.body.decode() for each in sandbox.requests)
    assert (first["status"], first["content"]) == ("completed", "Three words.")
    assert first["usage"]["calls"] == 2
    assert "count_words" in asked
    assert '"3"' in told
    assert second["status"] == "completed"
    assert "How many words?" in later
    assert "Three words." in later
