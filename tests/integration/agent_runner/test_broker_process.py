"""A launch broker that is killed, and what it says for itself."""

import signal
from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path
from tempfile import TemporaryDirectory
from uuid import uuid4

import pytest

from ag2trust.waiting import until
from agent_runner.runtimes.docker.runtime import docker_runtime
from agent_runner.runtimes.errors import EngineUnavailableError
from agent_runner.runtimes.runtime import ExitReason, Runtime

from .broker_process import BrokerProcess, broker_process
from .docker_lab import DockerLab, Guest
from .door import KNOCK
from .waiting import next_exit, said, tail

pytestmark = pytest.mark.docker

START = timedelta(seconds=60)
NO_TIME = timedelta()


@pytest.fixture
async def broker(lab: DockerLab) -> AsyncIterator[BrokerProcess]:
    with TemporaryDirectory(prefix="ag2trust-broker-") as folder:
        async with broker_process(lab, Path(folder)) as broker:
            yield broker


@pytest.fixture
async def runtime(broker: BrokerProcess) -> AsyncIterator[Runtime]:
    """Open a runner's runtime while its broker may still be starting."""
    async with docker_runtime(broker.socket, within=START) as runtime:
        yield runtime


async def heard_saying(runtime: Runtime, guest: Guest, words: str) -> None:
    """Have it say *words* until it is heard; nobody hears what is said before that."""

    def heard() -> str:
        guest.door.say(words)
        return tail(runtime, guest.id)

    await until(repr(words), heard, lambda printed: words in printed)


async def test_an_agent_is_heard_again_when_its_broker_was_killed(
    lab: DockerLab, broker: BrokerProcess, runtime: Runtime
) -> None:
    """Its secret is masked then, too, and its end is told."""
    canary = uuid4().hex
    image = await lab.image(
        f"{KNOCK} echo up >&3; "
        'while read -r line <&3; do [ "$line" = end ] && exit 5; '
        'echo "$line $OPENAI_API_KEY"; done'
    )

    async with lab.guest(
        runtime, image, environment={"OPENAI_API_KEY": canary}, secrets={canary}
    ) as guest:
        await runtime.launch(guest.launch)
        assert await guest.door.hears() == "up"
        await broker.end(signal.SIGKILL)
        await broker.start()

        await heard_saying(runtime, guest, "again")
        guest.door.say("end")
        exited = await next_exit(runtime)

    assert (exited.exit_code, exited.reason) == (5, ExitReason.EXITED)
    assert "again [secret]" in exited.last_words
    assert canary not in exited.last_words


async def test_without_a_broker_the_engine_is_said_to_be_unavailable(
    lab: DockerLab, broker: BrokerProcess, runtime: Runtime
) -> None:
    image = await lab.image("sleep 1000")

    async with lab.guest(runtime, image) as guest:
        await broker.end(signal.SIGKILL)

        with pytest.raises(EngineUnavailableError, match="broker does not answer"):
            await runtime.launch(guest.launch)
        with pytest.raises(EngineUnavailableError):
            await runtime.stop(guest.id, grace=NO_TIME)

        await broker.start()
        async with docker_runtime(broker.socket, within=START):
            await runtime.launch(guest.launch)


async def test_a_broker_whose_launcher_died_takes_its_agents_along(
    lab: DockerLab, broker: BrokerProcess
) -> None:
    """But not before its runner has ended those that it can."""
    image = await lab.image("sleep 1000")
    async with (
        docker_runtime(broker.socket, within=START) as runtime,
        lab.guest(runtime, image) as guest,
        lab.guest(runtime, image) as left,
    ):
        await runtime.launch(guest.launch)
        await runtime.launch(left.launch)

        for _ in range(2):
            broker.send(signal.SIGHUP)
        await runtime.stop(guest.id, grace=NO_TIME)
        remaining = [each.id for each in await lab.containers(left.id)]
    await broker.ended()

    assert len(remaining) == 1
    assert (await lab.containers(), await lab.networks()) == ([], [])


async def test_a_broker_that_is_stopped_leaves_its_runners_agents_alone(
    lab: DockerLab, broker: BrokerProcess
) -> None:
    image = await lab.image("sleep 1000")
    async with (
        docker_runtime(broker.socket, within=START) as runtime,
        lab.guest(runtime, image) as guest,
    ):
        await runtime.launch(guest.launch)
    await broker.end(signal.SIGTERM)

    [container] = await lab.containers(guest.id)
    assert container["State"] == "running"


async def test_a_broker_logs_what_it_launches_and_nothing_secret(
    lab: DockerLab, broker: BrokerProcess, runtime: Runtime
) -> None:
    canary = uuid4().hex
    image = await lab.image("echo $OPENAI_API_KEY; sleep 1000")

    async with lab.guest(
        runtime, image, environment={"OPENAI_API_KEY": canary}
    ) as guest:
        await runtime.launch(guest.launch)
        await said(runtime, guest.id, canary)
        await runtime.stop(guest.id, grace=NO_TIME)
        await broker.end(signal.SIGTERM)
        log = broker.log.read_text()
        await broker.start()

    assert str(guest.id) in log
    assert image in log
    assert canary not in log
