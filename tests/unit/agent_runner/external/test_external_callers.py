import asyncio

import pytest

from agent_runner.attempts import Attempt, Attempts, Refused
from agent_runner.external.callers import ExternalCaller, ExternalCallers
from agent_runner.external.shared_leases import SharedLeases
from agent_runner.repositories.external_agents import Change
from shared.agent_tokens import new_token
from shared.contracts.agent_runner import ExternalAgentChanged
from shared.errors import (
    DatabaseUnavailableError,
    InvalidAgentTokenError,
    UnavailableError,
)

from .objects import FakeLeases, Seconds, agent, change

TOKEN, OTHER = "agt_" + "5eed" * 16, "agt_" + "0f" * 32


class Record:
    """What PostgreSQL and NATS are to the runner: changes, and whether they answer.

    A look sees what is there when it begins, and ends when the *gate* is open.
    """

    def __init__(self) -> None:
        self.said: list[Change] = [change(1, 1, TOKEN)]
        self.is_there = True
        self.reads = 0
        self.has_bus = True
        self.is_read = asyncio.Event()
        self.gate: asyncio.Event | None = None

    async def changes(self, number: int) -> list[Change]:
        self.reads += 1
        if not self.is_there:
            raise DatabaseUnavailableError("Away.")
        seen = [each for each in self.said if each.number > number]
        if self.gate is not None:
            self.is_read.set()
            await self.gate.wait()
        return seen

    async def reaches_bus(self) -> bool:
        return self.has_bus


class Runner:
    def __init__(self, record: Record, clock: Seconds) -> None:
        self.attempts = Attempts()
        self.callers = ExternalCallers(
            read_changes=record.changes,
            reaches_bus=record.reaches_bus,
            leases=SharedLeases(FakeLeases()),  # type: ignore[arg-type]
            attempts=self.attempts,
            clock=clock,
        )

    async def looks(self) -> None:
        """Do what it does every second."""
        await self.callers._look()

    async def tries(self) -> None:
        try:
            await self.looks()
        except DatabaseUnavailableError:
            return

    async def identifies(
        self, key: str, url_token: str | None = None
    ) -> ExternalCaller:
        return await self.callers.caller(
            key=key, url_token=url_token, reached_at="127.0.0.1"
        )

    async def refuses(self, key: str) -> type[Exception]:
        try:
            await self.identifies(key)
        except (InvalidAgentTokenError, UnavailableError) as error:
            return type(error)
        raise AssertionError("The call was let in.")


@pytest.fixture
def record() -> Record:
    return Record()


@pytest.fixture
def clock() -> Seconds:
    return Seconds()


@pytest.fixture
async def runner(record: Record, clock: Seconds) -> Runner:
    runner = Runner(record, clock)
    await runner.looks()
    return runner


async def test_an_agent_is_known_by_its_token(runner: Runner) -> None:
    caller = await runner.identifies(TOKEN)

    assert caller.id == agent(1).id
    assert caller.secrets == {TOKEN, "sk-1"}
    assert TOKEN not in repr(caller)


@pytest.mark.parametrize(
    "key", ["", OTHER, TOKEN.upper(), TOKEN[:-1], f"{TOKEN}0", f" {TOKEN}", "agt_ü"]
)
async def test_whatever_else_is_said_is_refused(runner: Runner, key: str) -> None:
    assert await runner.refuses(key) is InvalidAgentTokenError


async def test_a_token_in_the_address_does_not_count(runner: Runner) -> None:
    with pytest.raises(InvalidAgentTokenError):
        await runner.identifies("sk-1", url_token=TOKEN)


async def test_a_flood_of_wrong_tokens_asks_nobody(
    runner: Runner, record: Record
) -> None:
    for _ in range(1000):
        await runner.refuses(new_token())

    assert record.reads == 1


async def test_refused_tokens_are_counted_and_those_that_count_are_not(
    runner: Runner,
) -> None:
    await runner.identifies(TOKEN)
    for key in (OTHER, "", OTHER):
        await runner.refuses(key)

    assert runner.attempts.taken() == [(Attempt(Refused.EXTERNAL_TOKEN, None), 3)]


async def test_a_replaced_token_counts_no_more_and_the_new_one_does(
    runner: Runner, record: Record
) -> None:
    record.said = [change(2, 1, OTHER)]
    await runner.looks()

    assert await runner.refuses(TOKEN) is InvalidAgentTokenError
    assert (await runner.identifies(OTHER)).id == agent(1).id


async def test_a_revoked_token_counts_no_more(runner: Runner, record: Record) -> None:
    record.said = [change(2, 1, None)]
    await runner.looks()

    assert await runner.refuses(TOKEN) is InvalidAgentTokenError


async def test_whoever_a_signal_names_is_looked_up_before_the_next_call(
    runner: Runner, record: Record
) -> None:
    record.said = [change(2, 1, None)]
    runner.callers.changed(ExternalAgentChanged(agent_id=agent(1).id))

    assert await runner.refuses(TOKEN) is InvalidAgentTokenError


async def test_an_agent_that_was_just_made_may_call_at_once(
    runner: Runner, record: Record
) -> None:
    record.said.append(change(2, 2, OTHER))
    runner.callers.changed(ExternalAgentChanged(agent_id=agent(2).id))

    assert (await runner.identifies(OTHER)).id == agent(2).id


async def test_who_was_named_and_cannot_be_looked_up_is_refused(
    runner: Runner, record: Record
) -> None:
    record.said.append(change(2, 2, OTHER))
    await runner.looks()
    record.is_there = False
    runner.callers.changed(ExternalAgentChanged(agent_id=agent(1).id))

    assert await runner.refuses(TOKEN) is UnavailableError
    assert (await runner.identifies(OTHER)).id == agent(2).id


async def test_a_record_that_is_away_is_not_asked_at_every_call(
    runner: Runner, record: Record
) -> None:
    record.is_there = False
    runner.callers.changed(ExternalAgentChanged(agent_id=agent(1).id))
    before = record.reads

    for _ in range(100):
        await runner.refuses(TOKEN)

    assert record.reads == before + 1


async def test_a_signal_during_a_look_is_not_forgotten(
    runner: Runner, record: Record
) -> None:
    record.gate = asyncio.Event()
    look = asyncio.create_task(runner.looks())
    await record.is_read.wait()
    record.said = [change(2, 1, None)]
    runner.callers.changed(ExternalAgentChanged(agent_id=agent(1).id))
    record.gate.set()
    await look

    assert await runner.refuses(TOKEN) is InvalidAgentTokenError


async def test_a_second_signal_during_the_look_for_the_first_is_not_forgotten(
    runner: Runner, record: Record
) -> None:
    record.gate = asyncio.Event()
    runner.callers.changed(ExternalAgentChanged(agent_id=agent(1).id))
    look = asyncio.create_task(runner.looks())
    await record.is_read.wait()
    record.said = [change(2, 1, None)]
    runner.callers.changed(ExternalAgentChanged(agent_id=agent(1).id))
    record.gate.set()
    await look

    assert await runner.refuses(TOKEN) is InvalidAgentTokenError


async def test_a_runner_that_has_read_nothing_yet_refuses_for_now(
    record: Record, clock: Seconds
) -> None:
    record.is_there = False
    runner = Runner(record, clock)
    await runner.tries()

    assert await runner.refuses(TOKEN) is UnavailableError


async def test_cut_off_from_both_for_ten_seconds_nobody_is_let_in(
    runner: Runner, record: Record, clock: Seconds
) -> None:
    record.is_there = record.has_bus = False
    clock.now += 9.9
    await runner.tries()
    still = await runner.identifies(TOKEN)
    clock.now += 0.1
    await runner.tries()

    assert still.id == agent(1).id
    assert await runner.refuses(TOKEN) is UnavailableError


@pytest.mark.parametrize("left", ["the record", "the bus"])
async def test_one_of_the_two_is_enough(
    runner: Runner, record: Record, clock: Seconds, left: str
) -> None:
    record.is_there, record.has_bus = left == "the record", left == "the bus"
    clock.now += 60
    await runner.tries()

    assert (await runner.identifies(TOKEN)).id == agent(1).id


async def test_a_runner_that_was_cut_off_serves_again_once_it_has_looked(
    runner: Runner, record: Record, clock: Seconds
) -> None:
    record.is_there = record.has_bus = False
    clock.now += 60
    await runner.tries()
    record.is_there = True
    await runner.looks()

    assert (await runner.identifies(TOKEN)).id == agent(1).id


async def test_a_runner_that_has_not_read_for_long_reads_everything_anew(
    runner: Runner, record: Record, clock: Seconds
) -> None:
    """What became of the gone is forgotten in the end."""
    record.is_there = False
    clock.now += 601
    await runner.tries()
    record.is_there = True
    record.said = [change(7, 2, OTHER)]
    await runner.looks()

    assert await runner.refuses(TOKEN) is InvalidAgentTokenError
    assert (await runner.identifies(OTHER)).id == agent(2).id
