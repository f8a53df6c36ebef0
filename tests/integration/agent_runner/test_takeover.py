"""Runners that are killed or paused, and the others that take over their agents."""

import asyncio
import signal
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import datetime
from uuid import UUID

import pytest

from ag2trust.testing import BusAs, Stack
from ag2trust.waiting import until
from ag2trust_sandbox import Step
from agent_runner.explanations import explanation
from agent_runner.hosting.heartbeat import RunnerLostError
from agent_runner.repositories.tenures import Enlistment, TenureRepository, enlist
from agent_runner.settings import Settings
from agent_runner.tenure import Tenure, boot_time
from shared.contracts.agent_runner import GET_AGENT
from shared.contracts.base import Service
from shared.contracts.conversations import MessageStatus
from shared.contracts.runners import RunnerStatus
from shared.database import connect_database
from shared.errors import UnavailableError

from ..metrics.cable import (  # noqa: TID252 - no package
    cable_to_nats,
    cable_to_postgres,
    through,
)
from .fleet import Fleet, Runner, RunnerProcess
from .neighbours import FakeRuntime
from .runner_house import open_house

pytestmark = pytest.mark.integration

DATABASE_URLS = ("database_url", "sweep_database_url", "owner_database_url")
SLOW = Step(content="word " * 400, pace_seconds=0.05)


@asynccontextmanager
async def two_runners(
    fleet: Fleet, **settings: str
) -> AsyncIterator[tuple[RunnerProcess, Runner, UUID]]:
    """Run one with *settings*, an agent that it hosts, and another beside us."""
    host = await fleet.runner("runner-1", **settings)
    agent = await fleet.running_agent()
    async with fleet.neighbour("runner-2") as other:
        yield host, other, agent


async def last_renewal(fleet: Fleet, runner: RunnerProcess) -> datetime:
    renewed: datetime = await fleet.database.fetchval(
        "SELECT heartbeat_at FROM agent_runner.runner WHERE name = $1", runner.name
    )
    return renewed


async def test_a_runner_that_wakes_does_nothing_with_agents_it_lost(
    fleet: Fleet, record_property: Callable[[str, object], None]
) -> None:
    async with two_runners(fleet) as (paused, other, agent):
        in_hand = await count_slowly(fleet, agent)

        paused.send(signal.SIGSTOP)
        answer = await fleet.answer(in_hand)
        assert answer.finished_at
        took = answer.finished_at - await last_renewal(fleet, paused)
        paused.send(signal.SIGCONT)
        exit_code = await paused.exit_code()

        record_property("from the last renewal to the answer, SIGSTOP", str(took))
        assert exit_code == 1
        assert paused.agent_processes() == []
        assert answer.content != SLOW.content
        assert await fleet.answer(in_hand) == answer
        assert await fleet.host_of(agent) == other.name
        assert len(other.agent_processes()) == 1


async def test_a_runner_that_is_cut_off_does_nothing_with_agents_it_lost(
    fleet: Fleet, record_property: Callable[[str, object], None]
) -> None:
    async with (
        cables(fleet) as (settings, cut, mend),
        two_runners(fleet, **settings) as (lost, other, agent),
    ):
        in_hand = await count_slowly(fleet, agent)

        cut()
        renewed = await last_renewal(fleet, lost)
        answer = await fleet.answer(in_hand)
        mend()
        exit_code = await lost.exit_code()

        assert answer.finished_at
        took = answer.finished_at - renewed
        record_property("from the last renewal to the answer, cut off", str(took))
        assert exit_code == 1
        assert lost.agent_processes() == []
        assert answer.content != SLOW.content
        assert await fleet.answer(in_hand) == answer
        assert await fleet.host_of(agent) == other.name


async def count_slowly(fleet: Fleet, agent: UUID) -> UUID:
    """Return a message that the agent has in hand, and for long."""
    seen = fleet.sandbox.request_count
    fleet.sandbox.play(SLOW)
    in_hand = await fleet.submit(agent, "Count.")
    await fleet.sandbox.wait_for_requests(seen + 1)
    return in_hand


@asynccontextmanager
async def cables(
    fleet: Fleet,
) -> AsyncIterator[tuple[dict[str, str], Callable[[], None], Callable[[], None]]]:
    """Give a runner's settings, and what cuts and mends its ways to others."""
    told = fleet.stack.installation.settings_of(Service.AGENT_RUNNER)
    async with (
        cable_to_postgres(told["database_url"]).laid() as record,
        cable_to_nats(told["nats_url"]).laid() as bus,
    ):
        urls = {name: through(told[name], record) for name in DATABASE_URLS}
        settings = {"nats_url": f"nats://127.0.0.1:{bus.port}", **urls}

        def cut() -> None:
            for cable in (record, bus):
                cable.cut()

        def mend() -> None:
            for cable in (record, bus):
                cable.mend()

        yield settings, cut, mend


@pytest.mark.torture
async def test_a_runner_that_wakes_before_anybody_took_over_goes_on(
    fleet: Fleet,
) -> None:
    """Show that it is the takeover that ends a paused runner, not the pause."""
    paused = await fleet.runner("runner-1")
    agent = await fleet.running_agent()
    in_hand = await count_slowly(fleet, agent)
    before = await fleet.agent(agent)

    paused.send(signal.SIGSTOP)
    renewed = await last_renewal(fleet, paused)
    await until(
        "15 s after the last renewal",
        lambda: fleet.database.fetchval(
            "SELECT clock_timestamp() - $1 > interval '15 s'", renewed
        ),
    )
    paused.send(signal.SIGCONT)
    answer = await fleet.answer(in_hand)

    assert answer.content == SLOW.content
    assert (await fleet.agent(agent)).started_at == before.started_at


async def test_a_paused_runner_is_soon_asked_nothing_any_more_and_called_lost(
    fleet: Fleet,
) -> None:
    paused = await fleet.runner("runner-1")
    agent = await fleet.house.make_agent()

    async def twenty_answers() -> None:
        """Raise `UnavailableError` if a question goes twice to who cannot answer."""
        for _ in range(20):
            await fleet.house.bus.ask(GET_AGENT, fleet.house.question(agent.id))

    async with fleet.neighbour("runner-2") as other:
        paused.send(signal.SIGSTOP)

        await until(
            "20 answers in turn",
            twenty_answers,
            lambda _: True,
            not_yet=UnavailableError,
        )
        found = await until(
            "runner-1 called lost",
            fleet.known_runners,
            lambda found: found[paused.name].status is RunnerStatus.LOST,
        )

    assert found[other.name].status is RunnerStatus.READY


async def test_a_reply_counts_for_nothing_once_another_runner_took_over(
    stack: Stack, bus_as: BusAs
) -> None:
    with pytest.raises(ExceptionGroup) as ended:
        await reply_too_late(stack, bus_as)

    assert ended.group_contains(RunnerLostError)
    assert await replies(stack) == ["In time."]


async def reply_too_late(stack: Stack, bus_as: BusAs) -> None:
    """Answer a message after another runner took over; the runner finds out, too."""
    async with open_house(stack, bus_as, FakeRuntime()) as house:
        agent = await house.make_agent()
        puppet = await house.start(agent.id)
        for content in ("Hello?", "Still there?"):
            await house.submit(agent.id, content)
        await puppet.reply(await puppet.next(), "In time.")
        message = await puppet.next()
        await take_over(stack)
        await puppet.reply(message, "Too late.")
        await asyncio.Event().wait()


async def replies(stack: Stack) -> list[str]:
    async with (
        connect_database(stack.settings(Settings, Service.AGENT_RUNNER)) as it,
        it.sweep() as transaction,
    ):
        rows = await transaction.fetch("SELECT reply FROM message WHERE reply <> ''")
    return [row["reply"] for row in rows]


async def take_over(stack: Stack) -> None:
    """End the first epoch of runner-1, in the name of another."""
    async with connect_database(stack.settings(Settings, Service.AGENT_RUNNER)) as it:
        rival = Enlistment(name="rival", runtime="process", capacity=1, labels={})
        epoch = await enlist(it, rival)
        tenures = TenureRepository(
            it, Tenure(runner="rival", epoch=epoch, asked_at=boot_time())
        )
        is_taken = False
        while not is_taken:  # a renewal may come in between
            [seen] = await tenures.others()
            is_taken = await tenures.take_over(seen, reason=explanation("X", "Taken."))


async def test_a_killed_runner_that_is_back_takes_its_agents_at_once(
    fleet: Fleet,
) -> None:
    async with two_runners(fleet) as (killed, _, agent):
        left = killed.agent_processes()

        await killed.kill()
        waiting = await fleet.submit(agent, "Still there?")
        await killed.start()
        answer = await fleet.answer(waiting)

        assert answer.status is MessageStatus.COMPLETED
        assert await fleet.host_of(agent) == killed.name
        assert len(killed.agent_processes()) == 1
        assert not set(left) & set(killed.agent_processes())
