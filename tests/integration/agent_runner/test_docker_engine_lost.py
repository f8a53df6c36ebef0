from collections.abc import AsyncIterator
from datetime import timedelta

import pytest

from agent_runner.runtimes.errors import EngineUnavailableError
from agent_runner.runtimes.runtime import ExitReason, Runtime
from shared.ids import new_id

from .docker_lab import EPOCH, ORG, SOCKET, DockerLab
from .door import KNOCK
from .engine_cable import EngineCable, engine_cable
from .waiting import next_exit

pytestmark = pytest.mark.docker

NO_TIME = timedelta()
SCRIPT = KNOCK + "echo up >&3; read <&3; exit 5"


@pytest.fixture
async def cable(
    tmp_path_factory: pytest.TempPathFactory,
) -> AsyncIterator[EngineCable]:
    socket = tmp_path_factory.mktemp("cable") / "docker.sock"
    async with engine_cable(SOCKET, socket) as cable:
        yield cable


@pytest.fixture
async def runtime(lab: DockerLab, cable: EngineCable) -> AsyncIterator[Runtime]:
    async with lab.runtime(engine=cable.socket) as runtime:
        yield runtime


async def test_without_an_engine_everything_is_refused_as_unavailable(
    lab: DockerLab, runtime: Runtime, cable: EngineCable
) -> None:
    image = await lab.image()

    async with lab.guest(runtime, image) as guest:
        await cable.cut()

        with pytest.raises(EngineUnavailableError):
            await runtime.connect(new_id(), ORG, EPOCH)
        with pytest.raises(EngineUnavailableError):
            await runtime.launch(guest.launch)
        with pytest.raises(EngineUnavailableError):
            await runtime.stop(guest.id, grace=NO_TIME)
        with pytest.raises(EngineUnavailableError):
            await runtime.survey()

        await cable.mend()
        await runtime.launch(guest.launch)


async def test_an_exit_that_nobody_heard_is_told_when_the_engine_is_back(
    lab: DockerLab, runtime: Runtime, cable: EngineCable
) -> None:
    image = await lab.image(SCRIPT)

    async with lab.guest(runtime, image) as guest:
        await runtime.launch(guest.launch)
        assert await guest.door.hears() == "up"
        await cable.cut()
        guest.door.say("end")
        [container] = await lab.containers(guest.id)
        await container.wait()
        await cable.mend()

        exited = await next_exit(runtime)

    assert (exited.agent_id, exited.exit_code) == (guest.id, 5)
    assert exited.reason is ExitReason.EXITED


async def test_an_agent_goes_on_while_the_engine_is_away(
    lab: DockerLab, runtime: Runtime, cable: EngineCable
) -> None:
    image = await lab.image(SCRIPT)

    async with lab.guest(runtime, image) as guest:
        await runtime.launch(guest.launch)
        assert await guest.door.hears() == "up"
        await cable.cut()
        await cable.mend()

        guest.door.say("end")

        assert (await next_exit(runtime)).exit_code == 5
