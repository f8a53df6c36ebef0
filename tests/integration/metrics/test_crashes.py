"""`kill -9` of the service, as a process, in the worst moments."""

import asyncio
import os
import signal
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import replace
from datetime import timedelta
from uuid import UUID

import pytest
import pytest_asyncio
from tests.integration.lock_waits import until_blocked

from ag2trust.child import Child, Command, start
from ag2trust.testing import Stack
from ag2trust.waiting import until
from shared.bus import NatsBus
from shared.contracts.base import Empty, Service
from shared.contracts.metrics import INGEST, PING, CallRecord, Ingest, Ingested
from shared.errors import UnavailableError
from shared.ids import new_id

from . import forgetful_service
from .cable import Cable, cable_to_nats
from .conftest import Superuser, without_unique_calls
from .records import batch, call, message
from .watching import applied_through, until_answered

pytestmark = pytest.mark.integration

SERVICE = ("-m", "metrics")
FORGETFUL_SERVICE = (str(forgetful_service.__file__),)

ROUNDS = 2
PATIENT_INGEST = replace(INGEST, deadline=timedelta(seconds=100))
IMPATIENT_INGEST = replace(INGEST, deadline=timedelta(seconds=1))

TOTALS = """
SELECT
    (SELECT count(*) FROM call) AS calls,
    (SELECT sum(jsonb_array_length(attempts)) FROM call) AS attempts,
    (SELECT coalesce(sum(input_tokens), 0)::bigint FROM call) AS input_tokens
"""


class Victim:
    """The service as a process that reaches NATS through a cable."""

    def __init__(self, stack: Stack, cable: Cable, gateway: NatsBus) -> None:
        self.cable = cable
        self._gateway = gateway
        self._log = stack.folder / "metrics.log"
        self._environment = stack.environment(
            Service.METRICS,
            AG2TRUST_METRICS_NATS_URL=f"nats://127.0.0.1:{cable.port}",
        )
        self._child: Child | None = None

    async def start(self, program: tuple[str, ...] = SERVICE) -> None:
        self._child = await start(
            Command(
                name="metrics",
                arguments=(sys.executable, *program),
                environment=self._environment,
                log=self._log,
            )
        )
        await until_answered(self._gateway)

    async def kill(self) -> None:
        """End the process at once, and with it what it still had to say."""
        if self._child:
            with suppress(ProcessLookupError):
                os.kill(self._child.pid, signal.SIGKILL)
            await self._child.ended()
        self.cable.cut()
        self.cable.mend()

    async def _answers(self) -> bool:
        try:
            await self._gateway.ask(PING, Empty())
        except UnavailableError:
            return False
        return True


@pytest_asyncio.fixture
async def victim(stack: Stack, gateway: NatsBus) -> AsyncIterator[Victim]:
    async with cable_to_nats(stack.servers.nats_url).laid() as cable:
        victim = Victim(stack, cable, gateway)
        yield victim
        await victim.kill()


@asynccontextmanager
async def asking_in_vain(runner: NatsBus, question: Ingest) -> AsyncIterator[None]:
    """Ask during the block, in which no answer comes."""
    async with asyncio.TaskGroup() as group:
        asking = group.create_task(runner.ask(PATIENT_INGEST, question))
        yield
        assert not asking.done()
        asking.cancel()


async def ship_through_kills(
    victim: Victim,
    runner: NatsBus,
    superuser: Superuser,
    program: tuple[str, ...] = SERVICE,
) -> list[CallRecord]:
    """Ship batches; each second one is committed, but its answer dies unsaid."""
    source, shipped = new_id(), list[CallRecord]()
    for _ in range(ROUNDS):
        answered, unanswered = ([call() for _ in range(50)] for _ in range(2))
        await runner.ask(INGEST, batch(source, answered, start=len(shipped) + 1))
        shipped += answered
        question = batch(source, unanswered, start=len(shipped) + 1)
        shipped += unanswered

        victim.cable.hold()
        async with asking_in_vain(runner, question):
            await until_counted(superuser, source, len(shipped))
            await victim.kill()
        await victim.start(program)

        answer = await runner.ask(INGEST, question)
        assert answer == Ingested(applied_through=len(shipped))
    return shipped


async def until_counted(superuser: Superuser, source: UUID, sequence: int) -> None:
    """Look for the call itself: who forgets how far it is still has counted it."""
    await until(
        f"call {sequence}",
        lambda: superuser.fetchval(
            "SELECT max(sequence) FROM call WHERE source = $1", source
        ),
        lambda last: last == sequence,
    )


async def test_a_death_between_commit_and_answer_counts_nothing_twice(
    victim: Victim, runner: NatsBus, superuser: Superuser
) -> None:
    await victim.start()
    await without_unique_calls(superuser)

    shipped = await ship_through_kills(victim, runner, superuser)

    assert dict(await superuser.fetchrow(TOTALS) or {}) == {
        "calls": len(shipped),
        "attempts": len(shipped),
        "input_tokens": 10 * len(shipped),
    }


async def test_without_the_sequence_the_same_deaths_count_too_much(
    victim: Victim, runner: NatsBus, superuser: Superuser
) -> None:
    await victim.start(FORGETFUL_SERVICE)
    await without_unique_calls(superuser)

    shipped = await ship_through_kills(victim, runner, superuser, FORGETFUL_SERVICE)

    assert await superuser.fetchval("SELECT count(*) FROM call") > len(shipped)


async def test_a_death_in_the_middle_of_a_batch_leaves_nothing_of_it(
    victim: Victim, runner: NatsBus, superuser: Superuser
) -> None:
    source = new_id()
    question = batch(source, [call(), message(), call()])
    await victim.start()

    async with superuser.transaction():
        await superuser.execute("LOCK TABLE message IN ACCESS EXCLUSIVE MODE")
        async with asking_in_vain(runner, question):
            await until_blocked(superuser, "metrics_sweep")
            await victim.kill()
    left = await superuser.fetchval("SELECT count(*) FROM call")
    await victim.start()
    answer = await runner.ask(INGEST, question)

    assert left == 0
    assert answer == Ingested(applied_through=3)
    assert await superuser.fetchval("SELECT count(*) FROM call") == 2
    assert await superuser.fetchval("SELECT count(*) FROM message") == 1


@pytest.mark.torture  # test_torture.py has each death once among its everyday tests
async def test_deaths_at_any_moment_lose_and_repeat_nothing(
    victim: Victim, runner: NatsBus, superuser: Superuser
) -> None:
    source, records = new_id(), [call() for _ in range(2_000)]
    await victim.start()
    await without_unique_calls(superuser)

    async with asyncio.TaskGroup() as group:
        group.create_task(ship(runner, source, records))
        for progress in (300, 900, 1500):
            await until_past(superuser, source, progress)
            await victim.kill()
            await victim.start()

    rows = await superuser.fetch("SELECT call_id FROM call ORDER BY sequence")
    assert [row["call_id"] for row in rows] == [each.call_id for each in records]


async def ship(runner: NatsBus, source: UUID, records: list[CallRecord]) -> None:
    """Send what is not yet applied until all is, as a runner does."""
    applied = 0
    while applied < len(records):
        question = batch(source, records[applied : applied + 50], start=applied + 1)
        with suppress(UnavailableError):
            answer = await runner.ask(IMPATIENT_INGEST, question)
            applied = answer.applied_through


async def until_past(superuser: Superuser, source: UUID, sequence: int) -> None:
    await until(
        f"more than {sequence} applied",
        lambda: applied_through(superuser, source),
        lambda applied: applied > sequence,
    )
