import asyncio
from collections.abc import AsyncIterator
from datetime import timedelta
from ipaddress import IPv4Network
from uuid import UUID

import pytest

from agent_runner.masking import MASK
from agent_runner.runtimes.docker.runtime import docker_runtime
from agent_runner.runtimes.errors import (
    EngineUnavailableError,
    ImageNotFoundError,
    LaunchFailedError,
)
from agent_runner.runtimes.runtime import Exited, ExitReason, Placed, Resources, Runtime
from shared.ids import new_id

from .docker_lab import EPOCH, ORG, DockerLab
from .door import KNOCK
from .waiting import next_exit, said, tail

pytestmark = pytest.mark.docker

NO_TIME = timedelta()
LONG = timedelta(minutes=1)
WAIT = KNOCK + "echo up >&3; sleep 1000"


@pytest.fixture
async def runtime(lab: DockerLab) -> AsyncIterator[Runtime]:
    async with lab.runtime() as runtime:
        yield runtime


def placed(agent_id: UUID, *, is_running: bool) -> Placed:
    return Placed(agent_id, ORG, EPOCH, is_running)


async def test_an_agent_has_its_environment(lab: DockerLab, runtime: Runtime) -> None:
    image = await lab.image("env")

    async with lab.guest(
        runtime, image, environment={"OPENAI_API_KEY": "sk-1"}
    ) as guest:
        await runtime.launch(guest.launch)
        lines = (await next_exit(runtime)).last_words.splitlines()

    assert "OPENAI_API_KEY=sk-1" in lines
    assert f"AG2TRUST_AGENT_URL={guest.door.url}" in lines
    assert "PATH=/bin" in lines


async def test_an_agent_reaches_the_runner_at_the_address_of_its_network(
    lab: DockerLab, runtime: Runtime
) -> None:
    image = await lab.image(WAIT)

    async with lab.guest(runtime, image) as guest:
        await runtime.launch(guest.launch)

        assert await guest.door.hears() == "up"


async def test_a_secret_that_an_agent_prints_is_masked(
    lab: DockerLab, runtime: Runtime
) -> None:
    image = await lab.image("echo $OPENAI_API_KEY; echo err $OPENAI_API_KEY >&2")
    environment = {"OPENAI_API_KEY": "sk-canary"}

    async with lab.guest(
        runtime, image, environment=environment, secrets=environment.values()
    ) as guest:
        await runtime.launch(guest.launch)
        words = (await next_exit(runtime)).last_words

    assert set(words.splitlines()) >= {MASK, f"err {MASK}"}


async def test_what_an_agent_prints_can_be_read_while_it_runs(
    lab: DockerLab, runtime: Runtime
) -> None:
    image = await lab.image("echo hello; sleep 1000")

    async with lab.guest(runtime, image) as guest:
        await runtime.launch(guest.launch)

        await said(runtime, guest.id, "hello")


@pytest.mark.parametrize(
    ("script", "exit_code", "reason"),
    [
        pytest.param("exit 0", 0, ExitReason.EXITED, marks=pytest.mark.torture),
        ("exit 3", 3, ExitReason.EXITED),
        ("(kill -SEGV $BASHPID); exit $?", 139, ExitReason.KILLED),
        ("x=a; while :; do x=$x$x; done", 137, ExitReason.OUT_OF_MEMORY),
    ],
)
async def test_an_exit_is_told(
    lab: DockerLab,
    runtime: Runtime,
    script: str,
    exit_code: int,
    reason: ExitReason,
) -> None:
    image = await lab.image(f"echo goodbye; {script}")

    async with lab.guest(runtime, image, resources=Resources(memory_mb=16)) as guest:
        await runtime.launch(guest.launch)
        exited = await next_exit(runtime)

    assert (exited.agent_id, exited.epoch) == (guest.id, EPOCH)
    assert (exited.exit_code, exited.reason) == (exit_code, reason)
    assert "goodbye" in exited.last_words


async def test_a_container_that_somebody_removes_has_vanished(
    lab: DockerLab, runtime: Runtime
) -> None:
    image = await lab.image(WAIT)

    async with lab.guest(runtime, image) as guest:
        await runtime.launch(guest.launch)
        [container] = await lab.containers(guest.id)
        await container.delete(force=True)
        exited = await next_exit(runtime)

    assert exited.reason in (ExitReason.VANISHED, ExitReason.KILLED)


async def test_a_stopped_agent_is_asked_first(lab: DockerLab, runtime: Runtime) -> None:
    script = "trap 'echo bye >&3; exit 0' TERM; echo up >&3; sleep 1000 & wait"
    image = await lab.image(KNOCK + script)

    async with lab.guest(runtime, image) as guest:
        await runtime.launch(guest.launch)
        assert await guest.door.hears() == "up"

        await runtime.stop(guest.id, grace=LONG)

        assert await guest.door.hears() == "bye"


async def test_an_agent_that_does_not_listen_is_killed(
    lab: DockerLab, runtime: Runtime
) -> None:
    image = await lab.image(KNOCK + "trap '' TERM; echo up >&3; sleep 1000")

    async with lab.guest(runtime, image) as guest:
        await runtime.launch(guest.launch)
        await guest.door.hears()
        async with asyncio.timeout(60):
            await runtime.stop(guest.id, grace=timedelta(seconds=1))

    assert not await lab.containers()


async def test_nothing_is_left_of_a_stopped_agent(
    lab: DockerLab, runtime: Runtime
) -> None:
    image = await lab.image(WAIT)

    async with lab.guest(runtime, image) as guest:
        await runtime.launch(guest.launch)
        await runtime.stop(guest.id, grace=NO_TIME)
        await runtime.stop(guest.id, grace=NO_TIME)

    assert not await lab.containers()
    assert not await lab.networks()
    assert await runtime.survey() == []


async def test_a_stop_is_no_exit(lab: DockerLab, runtime: Runtime) -> None:
    waits, ends = await lab.image(WAIT), await lab.image("exit 0")

    async with (
        lab.guest(runtime, waits) as stopped,
        lab.guest(runtime, ends) as ended,
    ):
        await runtime.launch(stopped.launch)
        await runtime.stop(stopped.id, grace=NO_TIME)
        await runtime.launch(ended.launch)

        assert (await next_exit(runtime)).agent_id == ended.id


async def test_connecting_again_finds_the_same_network(
    lab: DockerLab, runtime: Runtime
) -> None:
    agent_id = new_id()

    first = await runtime.connect(agent_id, ORG, EPOCH)
    second = await runtime.connect(agent_id, ORG, EPOCH)

    assert first == second
    assert len(await lab.networks()) == 1


async def test_a_network_alone_is_in_the_ledger(runtime: Runtime) -> None:
    agent_id = new_id()

    await runtime.connect(agent_id, ORG, EPOCH)

    assert await runtime.survey() == [placed(agent_id, is_running=False)]


async def test_a_network_that_is_taken_is_passed_over(lab: DockerLab) -> None:
    pair = IPv4Network("10.210.0.0/28")

    async with lab.runtime(network_range=pair) as runtime:
        addresses = {await runtime.connect(new_id(), ORG, EPOCH) for _ in range(2)}
        assert addresses == {"10.210.0.1", "10.210.0.9"}

        with pytest.raises(
            LaunchFailedError, match=r"no free network in 10\.210\.0\.0/28"
        ):
            await runtime.connect(new_id(), ORG, EPOCH)


async def test_an_image_that_is_not_here_leaves_nothing(
    lab: DockerLab, runtime: Runtime
) -> None:
    async with lab.guest(runtime, "no-such-image:1") as guest:
        with pytest.raises(ImageNotFoundError, match="no image no-such-image:1"):
            await runtime.launch(guest.launch)

    assert await runtime.survey() == []


async def test_an_image_without_a_shell_leaves_nothing(
    lab: DockerLab, runtime: Runtime
) -> None:
    image = await lab.image(has_shell=False)

    async with lab.guest(runtime, image) as guest:
        with pytest.raises(LaunchFailedError, match="/bin/sh"):
            await runtime.launch(guest.launch)

    assert await runtime.survey() == []


async def test_an_image_whose_shell_is_none_leaves_nothing(
    lab: DockerLab, runtime: Runtime
) -> None:
    image = await lab.image("true", 'RUN ["/bin/bash", "-c", "cat /bin/id >/bin/sh"]')

    async with lab.guest(runtime, image) as guest:
        with pytest.raises(LaunchFailedError, match="no command ran"):
            await runtime.launch(guest.launch)

    assert await runtime.survey() == []


async def test_an_image_without_a_command_is_refused(
    lab: DockerLab, runtime: Runtime
) -> None:
    image = await lab.image("true", "ENTRYPOINT []", "CMD []")

    async with lab.guest(runtime, image) as guest:
        with pytest.raises(LaunchFailedError, match="names no command"):
            await runtime.launch(guest.launch)


async def test_an_agent_without_a_network_is_refused(
    lab: DockerLab, runtime: Runtime
) -> None:
    image = await lab.image()

    async with lab.guest(runtime, image) as guest:
        await runtime.stop(guest.id, grace=NO_TIME)
        with pytest.raises(LaunchFailedError, match="has no network"):
            await runtime.launch(guest.launch)


async def test_an_agent_that_runs_cannot_be_launched_again(
    lab: DockerLab, runtime: Runtime
) -> None:
    image = await lab.image(WAIT)

    async with lab.guest(runtime, image) as guest:
        await runtime.launch(guest.launch)
        with pytest.raises(LaunchFailedError, match="runs already"):
            await runtime.launch(guest.launch)

        assert await runtime.survey() == [placed(guest.id, is_running=True)]


async def test_an_agent_that_exited_can_be_launched_again(
    lab: DockerLab, runtime: Runtime
) -> None:
    image = await lab.image("exit 1")

    async with lab.guest(runtime, image) as guest:
        await runtime.launch(guest.launch)
        await next_exit(runtime)
        assert await runtime.survey() == [placed(guest.id, is_running=False)]

        await runtime.launch(guest.launch)
        assert (await next_exit(runtime)).agent_id == guest.id


async def test_a_launch_that_is_given_up_leaves_nothing(
    lab: DockerLab, runtime: Runtime
) -> None:
    """Its shell waits forever, so the launch is surely not over when cancelled."""
    image = await lab.image(
        "true",
        'RUN ["/bin/bash", "-c", "printf \'#!/bin/bash\\\\nsleep 1000\' >/bin/sh"]',
    )

    async with lab.guest(runtime, image) as guest:
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(3):
                await runtime.launch(guest.launch)

    assert not await lab.containers()
    assert await runtime.survey() == []


async def test_a_stop_waits_for_a_launch_and_leaves_nothing(
    lab: DockerLab, runtime: Runtime
) -> None:
    image = await lab.image(WAIT)

    async with lab.guest(runtime, image) as guest, asyncio.TaskGroup() as group:
        group.create_task(runtime.launch(guest.launch))
        group.create_task(runtime.stop(guest.id, grace=NO_TIME))

    assert not await lab.containers()
    assert await runtime.survey() == []


async def test_what_runs_is_found_after_a_restart(lab: DockerLab) -> None:
    image = await lab.image(WAIT)
    async with lab.runtime() as before, lab.guest(before, image) as guest:
        await before.launch(guest.launch)

    async with lab.runtime() as after:
        assert await after.survey() == [placed(guest.id, is_running=True)]
        assert tail(after, guest.id) == ""

        await after.stop(guest.id, grace=NO_TIME)
        assert await after.survey() == []


async def test_the_end_of_what_an_earlier_process_launched_is_told(
    lab: DockerLab,
) -> None:
    image = await lab.image(KNOCK + "echo up >&3; read <&3; exit 5")
    async with lab.runtime() as before, lab.guest(before, image) as guest:
        await before.launch(guest.launch)
        await guest.door.hears()

        async with lab.runtime() as after:
            guest.door.say("end")
            exited = await next_exit(after)

    assert exited == Exited(guest.id, EPOCH, 5, ExitReason.EXITED, "")


async def test_another_runners_agents_are_not_ours(lab: DockerLab) -> None:
    image = await lab.image(WAIT)

    async with (
        lab.runtime(runner="runner-1") as ours,
        lab.runtime(runner="runner-2") as theirs,
        lab.guest(theirs, image) as guest,
    ):
        await theirs.launch(guest.launch)
        await ours.stop(guest.id, grace=NO_TIME)

        assert await ours.survey() == []
        assert await theirs.survey() == [placed(guest.id, is_running=True)]


async def test_an_agent_that_is_taken_over_runs_once_on_one_engine(
    lab: DockerLab,
) -> None:
    image = await lab.image(WAIT)

    async with lab.runtime(runner="runner-2") as lost:
        async with lab.guest(lost, image) as guest:
            await lost.launch(guest.launch)
            [left] = [each.id for each in await lab.containers(guest.id)]
        async with (
            lab.runtime() as other,
            lab.guest(other, image, agent_id=guest.id) as taken_over,
        ):
            evicted = await lab.containers(guest.id)
            await other.launch(taken_over.launch)
            [running] = [each.id for each in await lab.containers(guest.id)]
            networks = await lab.networks(guest.id)
            await other.stop(guest.id, grace=NO_TIME)

    assert evicted == []
    assert running != left
    assert len(networks) == 1


async def test_an_agent_of_another_installation_is_left_alone(lab: DockerLab) -> None:
    image = await lab.image(WAIT)

    async with (
        lab.runtime(runner="runner-2", installation="test-another") as theirs,
        lab.guest(theirs, image) as guest,
    ):
        await theirs.launch(guest.launch)
        async with lab.runtime() as ours:
            await ours.connect(guest.id, ORG, EPOCH)
            await ours.stop(guest.id, grace=NO_TIME)
        survived = await theirs.survey()
        await theirs.stop(guest.id, grace=NO_TIME)

    assert survived == [placed(guest.id, is_running=True)]


@pytest.mark.torture  # others have nothing of it in test_docker_bombs.py
async def test_an_agent_that_prints_without_end_is_bounded_and_can_be_stopped(
    lab: DockerLab, runtime: Runtime
) -> None:
    image = await lab.image(KNOCK + "yes & echo up >&3; wait")

    async with lab.guest(runtime, image) as guest:
        await runtime.launch(guest.launch)
        await guest.door.hears()
        async with asyncio.timeout(60):
            text = tail(runtime, guest.id)
            await runtime.stop(guest.id, grace=NO_TIME)

    assert len(text) <= 64 * 1024


@pytest.mark.parametrize("count", [4, pytest.param(20, marks=pytest.mark.torture)])
async def test_many_agents_can_be_launched_at_once(
    lab: DockerLab, runtime: Runtime, count: int
) -> None:
    image = await lab.image(WAIT)

    async def launched() -> str:
        async with lab.guest(runtime, image) as guest:
            await runtime.launch(guest.launch)
            return await guest.door.hears()

    async with asyncio.timeout(100), asyncio.TaskGroup() as group:
        told = [group.create_task(launched()) for _ in range(count)]

    assert {each.result() for each in told} == {"up"}
    assert sum(each.is_running for each in await runtime.survey()) == count


async def test_an_engine_that_is_not_there_is_said_to_be_unavailable(
    lab: DockerLab, tmp_path_factory: pytest.TempPathFactory
) -> None:
    socket = tmp_path_factory.mktemp("none") / "docker.sock"

    async with lab.broker(engine=socket) as broker:
        with pytest.raises(EngineUnavailableError, match="Docker does not answer"):
            async with docker_runtime(broker, within=NO_TIME):
                pass
