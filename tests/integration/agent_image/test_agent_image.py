import asyncio
import hashlib
import re
from collections.abc import Callable

import pytest
from aiodocker.containers import DockerContainer
from tests.unit.agent.fakes import KEY, TOKEN, FakeModelServer, FakeRunner

from ag2trust.agent_image import ensure_agent_image
from ag2trust.agent_image_context import assemble_context

from .conftest import Running

# The first test to come builds both images.
pytestmark = [pytest.mark.docker, pytest.mark.timeout(300)]

LIMIT_KIB = 80 * 1024


async def test_an_agent_in_a_closed_container_answers(
    runner: FakeRunner, models: FakeModelServer, running: Running
) -> None:
    models.say("Good ", "day")
    runner.give("Hi")

    async with running():
        [completed] = await runner.until_replied()

    assert completed == {"status": "completed", "content": "Good day"}
    assert runner.replies[0].pieces == ["Good ", "day"]


async def test_sigterm_ends_the_agent_with_zero(
    runner: FakeRunner, running: Running
) -> None:
    async with running() as container:
        await runner.until(lambda: runner.polls == 1)

        await container.kill(signal="SIGTERM")
        ended = await container.wait(timeout=10)

    assert ended["StatusCode"] == 0


async def test_a_refused_token_ends_the_agent_with_77(
    runner: FakeRunner, running: Running
) -> None:
    runner.accepted_token = "agt_another"

    async with running() as container:
        ended = await container.wait(timeout=10)

    assert ended["StatusCode"] == 77


async def test_an_idle_agent_takes_less_than_80_mb(
    runner: FakeRunner,
    models: FakeModelServer,
    running: Running,
    record_property: Callable[[str, object], None],
) -> None:
    models.say("Good day")
    runner.give("Hi")

    async with running() as container:
        await runner.until(lambda: runner.polls == 2)
        status = await output_of(container, "cat", "/proc/1/status")
        shown = await container.show()
        image = await container.docker.images.inspect(shown["Image"])

    [resident] = re.findall(r"^VmRSS:\s+(\d+) kB$", status, re.MULTILINE)
    record_property("resident MB of an idle agent", int(resident) // 1024)
    record_property("MB of its image", image["Size"] // 1_000_000)
    assert int(resident) <= LIMIT_KIB


async def test_a_neighbour_of_the_same_user_cannot_read_the_keys(
    runner: FakeRunner, running: Running
) -> None:
    async with running() as container:
        await runner.until(lambda: runner.polls == 1)
        own = await output_of(container, "sh", "-c", "tr '\\0' '\\n' </proc/$$/environ")
        agents = await output_of(container, "cat", "/proc/1/environ")

    assert KEY in own
    assert "Permission denied" in agents
    assert KEY not in agents
    assert TOKEN not in agents


async def test_the_agent_is_not_root(runner: FakeRunner, running: Running) -> None:
    async with running() as container:
        await runner.until(lambda: runner.polls == 1)
        user = await output_of(container, "id", "-u")

    assert user == "65532\n"


async def test_an_image_that_is_there_is_not_built_again(image: str) -> None:
    progress: list[str] = []

    again = await ensure_agent_image(progress=progress.append)

    assert again == image
    assert progress == []


@pytest.mark.torture
async def test_the_same_sources_make_the_same_context() -> None:
    contexts = await asyncio.gather(*(assemble_context("x86_64") for _ in range(2)))

    assert len({hashlib.sha256(each).digest() for each in contexts}) == 1


@pytest.mark.torture
async def test_the_agents_packages_are_to_be_had_for_arm() -> None:
    context = await assemble_context("aarch64")

    assert b"aarch64-linux-gnu.so" in context


async def output_of(container: DockerContainer, *command: str) -> str:
    """Run *command* in *container*, as its user; give all it prints."""
    execution = await container.exec(list(command))
    printed = b""
    async with execution.start() as stream:
        while message := await stream.read_out():
            printed += message.data
    return printed.decode()
