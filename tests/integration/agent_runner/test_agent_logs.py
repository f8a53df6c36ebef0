"""What an agent prints, read from any runner, followed, and bounded."""

import asyncio
from collections.abc import AsyncIterator
from uuid import UUID

import pytest

from ag2trust.testing import BusAs, Stack
from shared.contracts.agent_runner import (
    AGENT_LOGS,
    DELETE_AGENT,
    STOP_AGENT,
    AgentLogs,
    AgentStatus,
    LogPosition,
    LogsQuestion,
)
from shared.errors import AgentNotFoundError
from shared.ids import new_id

from .fleet import Fleet
from .neighbours import FakeRuntime
from .runner_house import ACTOR, House, open_house

pytestmark = pytest.mark.integration

TIMES = 20  # that both of two runners are asked, as good as certainly


@pytest.fixture
def runtime() -> FakeRuntime:
    return FakeRuntime()


@pytest.fixture
async def house(
    stack: Stack, bus_as: BusAs, runtime: FakeRuntime
) -> AsyncIterator[House]:
    async with open_house(stack, bus_as, runtime) as opened:
        yield opened


async def read(house: House, agent_id: UUID) -> list[str]:
    question = LogsQuestion(org_id=house.org_id, actor=ACTOR, agent_id=agent_id)
    return (await house.bus.ask(AGENT_LOGS, question)).lines


async def followed(
    house: House, agent_id: UUID, after: LogPosition | None, *, wait_seconds: float = 5
) -> AgentLogs:
    return await house.bus.ask(
        AGENT_LOGS,
        LogsQuestion(
            org_id=house.org_id,
            actor=ACTOR,
            agent_id=agent_id,
            is_followed=True,
            after=after,
            wait_seconds=wait_seconds,
        ),
    )


async def started(house: House) -> UUID:
    agent = await house.make_agent()
    await house.start(agent.id)
    return agent.id


def say(runtime: FakeRuntime, agent_id: UUID, words: str) -> None:
    output = runtime.output(agent_id)
    assert output
    output.hear(words.encode())


async def test_the_last_lines_are_read_masked(
    house: House, runtime: FakeRuntime
) -> None:
    agent_id = await started(house)
    [secret, *_] = house.credentials.secrets.values()
    say(runtime, agent_id, f"my key is {secret}\nand")

    assert await read(house, agent_id) == ["hello", "my key is [secret]", "and"]


async def test_an_agent_that_never_ran_has_said_nothing(house: House) -> None:
    agent = await house.make_agent()

    assert await read(house, agent.id) == []


async def test_what_it_said_last_is_still_there_when_it_has_stopped(
    house: House,
) -> None:
    agent_id = await started(house)
    await house.bus.ask(STOP_AGENT, house.question(agent_id))
    await house.until(agent_id, AgentStatus.STOPPED)

    assert await read(house, agent_id) == ["hello"]


async def test_who_follows_is_answered_when_there_is_more(
    house: House, runtime: FakeRuntime
) -> None:
    agent_id = await started(house)
    first = await followed(house, agent_id, None)
    waiting = asyncio.create_task(followed(house, agent_id, first.position))

    say(runtime, agent_id, "more\n")
    more = await waiting

    assert (first.lines, more.lines) == (["hello"], ["more"])


async def test_who_follows_a_silent_agent_is_answered_in_time(house: House) -> None:
    agent_id = await started(house)
    first = await followed(house, agent_id, None)

    silent = await followed(house, agent_id, first.position, wait_seconds=0.1)

    assert silent == AgentLogs(lines=[], position=first.position)


async def test_a_new_incarnation_is_followed_from_its_beginning(
    house: House, runtime: FakeRuntime
) -> None:
    agent_id = await started(house)
    say(runtime, agent_id, "before\n")
    first = await followed(house, agent_id, None)
    await house.bus.ask(STOP_AGENT, house.question(agent_id))
    await house.until(agent_id, AgentStatus.STOPPED)
    await house.start(agent_id)

    anew = await followed(house, agent_id, first.position)

    assert (first.lines, anew.lines) == (["hello", "before"], ["hello"])


async def test_following_ends_with_the_agent(house: House) -> None:
    agent_id = await started(house)
    first = await followed(house, agent_id, None)
    await house.bus.ask(DELETE_AGENT, house.question(agent_id))

    with pytest.raises(AgentNotFoundError):
        await followed(house, agent_id, first.position)


async def test_nobody_reads_the_agents_of_another_organization(house: House) -> None:
    agent_id = await started(house)
    question = LogsQuestion(org_id=new_id(), actor=ACTOR, agent_id=agent_id)

    with pytest.raises(AgentNotFoundError):
        await house.bus.ask(AGENT_LOGS, question)


async def test_who_reads_slowly_is_told_what_it_missed(
    house: House, runtime: FakeRuntime
) -> None:
    agent_id = await started(house)
    first = await followed(house, agent_id, None)
    for number in range(20_000):
        say(runtime, agent_id, f"line {number}\n")

    late = await followed(house, agent_id, first.position)

    assert late.has_skipped
    assert late.lines[-1] == "line 19999"
    assert sum(map(len, late.lines)) < 64 * 1024


async def test_whichever_runner_is_asked_the_one_that_hosts_answers(
    fleet: Fleet,
) -> None:
    async with fleet.neighbour("runner-1"), fleet.neighbour("runner-2"):
        agent_id = await fleet.running_agent()

        told = [await followed(fleet.house, agent_id, None) for _ in range(TIMES)]

    assert {each.lines[0] for each in told} == {"ag2trust-init: ready"}
    assert len({each.position and each.position.output for each in told}) == 1
