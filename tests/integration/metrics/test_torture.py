"""Everything that counts dies again and again while calls come, and the count is exact.

A runner admits calls without end, on a clock that steps; it, metrics, NATS and
PostgreSQL are killed in turn, each with records in flight. Nothing but the sequence
guards against counting twice: the unique keys are taken away. `make torture` has more
of every death.
"""

import signal
import tempfile
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

import asyncpg
import pytest

from ag2trust.testing import BusAs
from ag2trust.waiting import until
from agent_runner.proxy.calls import interrupted
from agent_runner.shipping import ship_spool
from agent_runner.spool.spool import Spool
from shared.contracts.base import Service
from shared.lifecycle import background

from ..agent_runner.proxy.spool_check import (  # noqa: TID252 - no package
    settled_on_disk,
)
from . import forgetful_service
from .conftest import without_unique_calls
from .mortal_servers import MortalServers, mortal_servers
from .records import seeded
from .tormented_runner import SPOOL, count_settled, read_journal, tokens_of
from .watching import applied_through, until_folded

pytestmark = pytest.mark.integration

SERVICE = ("-m", "metrics")
FORGETFUL_SERVICE = (str(forgetful_service.__file__),)
CALLS_A_SECOND = 200
EXIT_OF_A_STOP = 0
_SOONER_THAN_ITS_END_SECONDS = 0.01
_ONE_BATCH_SECONDS = 3.0  # before NATS misses what is held back

CALLS = """
SELECT call_id, status, input_tokens, output_tokens, duration_ms, cost
FROM call
"""
ROLLED_UP = """
SELECT
    sum(calls)::bigint AS calls,
    sum(interrupted_calls)::bigint AS interrupted_calls,
    sum(input_tokens)::bigint AS input_tokens,
    sum(output_tokens)::bigint AS output_tokens,
    sum(duration_ms)::bigint AS duration_ms,
    sum(cost) AS cost
FROM rollup
WHERE dimension = $1
    AND grain = $2
"""
COUNTED = """
SELECT coalesce(sum(calls - interrupted_calls), 0)::bigint
FROM (
    SELECT dimension, calls, interrupted_calls
    FROM rollup
    WHERE grain = 'day'
    UNION ALL
    SELECT dimension, calls, interrupted_calls
    FROM fresh_rollup
) AS sums
WHERE dimension = 'organization'
"""
KNOWN = """
SELECT count(DISTINCT call_id)
FROM call
WHERE status <> 'interrupted'
"""
IN_THE_MIDDLE = """
SELECT count(*)
FROM pg_stat_activity
WHERE usename = 'metrics_sweep'
    AND backend_xid IS NOT NULL
"""


@dataclass
class Torture:
    """The deaths, and what was in flight at each."""

    servers: MortalServers
    look: "asyncpg.Connection[asyncpg.Record]"
    in_flight: list[int] = field(default_factory=list)

    async def metrics_dies_in_the_middle(self) -> None:
        """Kill metrics while a transaction of it has written something."""
        await self._until_in_the_middle()
        await self.servers.metrics.die()
        self.in_flight.append(await self._outstanding())
        await self.servers.start_metrics()

    async def metrics_dies_after_a_commit(self) -> None:
        """Kill metrics once it has committed a batch whose answer is held back."""
        while not (unanswered := await self._counted_unanswered()):
            self.servers.cable.mend()
        await self.servers.metrics.die()
        self.servers.cable.cut()
        self.servers.cable.mend()
        self.in_flight.append(unanswered)
        await self.servers.start_metrics()

    async def metrics_is_stopped(self) -> None:
        await self._note_in_flight()
        assert await self.servers.metrics.die(signal.SIGTERM) == EXIT_OF_A_STOP
        await self.servers.start_metrics()

    async def runner_dies(self) -> None:
        """Kill the runner; it always has calls in hand."""
        await self._note_in_flight()
        await self.servers.runner.die()
        await self.servers.runner.start()

    async def runner_is_stopped(self) -> None:
        """Stop the runner once it admits calls; while it starts, it hears no signal."""
        settled = count_settled(self.servers.journal)
        await until(
            "a call settled",
            lambda: count_settled(self.servers.journal),
            lambda now: now > settled,
        )
        await self._note_in_flight()
        assert await self.servers.runner.die(signal.SIGTERM) == EXIT_OF_A_STOP
        await self.servers.runner.start()

    async def nats_dies(self) -> None:
        await self._note_in_flight()
        await self.servers.nats.die()
        await self.servers.nats.start()

    async def nats_dies_and_loses_jetstream(self) -> None:
        await self._note_in_flight()
        await self.servers.nats.die()
        self.servers.lose_jetstream()
        await self.servers.nats.start()

    async def postgres_stops_at_once(self) -> None:
        """Have it end as in a crash (the manual's "immediate shutdown")."""
        await self._note_in_flight()
        await self.look.close()
        await self.servers.postgres.die(signal.SIGQUIT)
        await self.servers.postgres.start()
        self.look = await _superuser(self.servers)

    async def counted(self) -> int:
        """Return how many calls are counted that their runner has settled."""
        counted: int = await self.look.fetchval(COUNTED)
        return counted

    async def until_more_is_counted(self, *, seconds: float = 120) -> None:
        counted = await self.counted()
        await until(
            "a call counted", self.counted, lambda now: now > counted, seconds=seconds
        )

    async def _note_in_flight(self) -> None:
        """Wait for something in flight, right before a signal: all may be counted."""
        self.in_flight.append(
            await until("a call in flight", self._outstanding, lambda count: count > 0)
        )

    async def _outstanding(self) -> int:
        """Return how many calls are settled and never counted; these come first."""
        known: int = await self.look.fetchval(KNOWN)
        return count_settled(self.servers.journal) - known

    async def _counted_unanswered(self) -> int:
        """Hold answers back from the middle of a batch on; return what it counted."""
        await self._until_in_the_middle()
        self.servers.cable.hold()
        before = await self.counted()
        with suppress(AssertionError):
            await self.until_more_is_counted(seconds=_ONE_BATCH_SECONDS)
        return await self.counted() - before

    async def _until_in_the_middle(self) -> None:
        await until(
            "a transaction",
            lambda: self.look.fetchval(IN_THE_MIDDLE),
            longest_pause=_SOONER_THAN_ITS_END_SECONDS,
        )


@asynccontextmanager
async def torture(program: tuple[str, ...]) -> AsyncIterator[Torture]:
    """Start everything, with *program* for metrics; the sequence is its only defence.

    Not below pytest's own temporary folder, which PostgreSQL's account cannot enter.
    """
    with tempfile.TemporaryDirectory(prefix="ag2trust-tests-") as folder:
        async with mortal_servers(
            Path(folder), metrics=program, calls_a_second=CALLS_A_SECOND
        ) as servers:
            await servers.start_metrics()
            look = await _superuser(servers)
            await without_unique_calls(look)
            await servers.runner.start()
            yield Torture(servers, look)


async def _superuser(
    servers: MortalServers,
) -> "asyncpg.Connection[asyncpg.Record]":
    connection = await servers.stack.connect()
    await connection.execute("SET search_path = metrics")
    return connection


DEATHS: dict[str, Callable[[Torture], Awaitable[None]]] = {
    "metrics, in the middle of a batch": Torture.metrics_dies_in_the_middle,
    "metrics, between commit and answer": Torture.metrics_dies_after_a_commit,
    "metrics, by SIGTERM": Torture.metrics_is_stopped,
    "runner": Torture.runner_dies,
    "runner, by SIGTERM": Torture.runner_is_stopped,
    "NATS": Torture.nats_dies,
    "NATS with what JetStream kept": Torture.nats_dies_and_loses_jetstream,
    "PostgreSQL": Torture.postgres_stops_at_once,
}
REDUCED = [1, 1, 1, 1, 1, 1, 1, 1]
WHOLE = [23, 22, 3, 6, 3, 4, 1, 5]


@pytest.mark.parametrize(
    "times",
    [
        pytest.param(REDUCED, marks=pytest.mark.timeout(600), id="reduced"),
        pytest.param(
            WHOLE, marks=[pytest.mark.torture, pytest.mark.timeout(3600)], id="whole"
        ),
    ],
)
async def test_whatever_dies_every_admitted_call_is_counted_once(
    times: Sequence[int],
) -> None:
    plan = [
        death for death, count in zip(DEATHS, times, strict=True) for _ in range(count)
    ]
    seeded(len(plan)).shuffle(plan)

    async with torture(SERVICE) as torment:
        for death in plan:
            await DEATHS[death](torment)
            await torment.until_more_is_counted()
        await torment.servers.runner.die(signal.SIGTERM)
        await ship_the_rest(torment)

        assert len(torment.in_flight) == len(plan)
        assert all(each > 0 for each in torment.in_flight)
        await assert_exact(torment, runner_deaths=plan.count("runner"))


@pytest.mark.torture  # test_crashes.py has one such death among its everyday tests
@pytest.mark.timeout(1800)
async def test_without_the_sequence_the_same_deaths_count_too_much() -> None:
    async with torture(FORGETFUL_SERVICE) as torment:
        for _ in range(22):
            await torment.metrics_dies_after_a_commit()
            await torment.until_more_is_counted()

        repeated = await torment.look.fetchval(
            "SELECT count(*) - count(DISTINCT call_id) FROM call"
        )

    assert all(each > 0 for each in torment.in_flight)
    assert repeated > 0


async def ship_the_rest(torment: Torture) -> None:
    """Open the spool as the next runner would, and ship until metrics has it all."""
    stack = torment.servers.stack
    with Spool.open(stack.folder / SPOOL, interrupted=interrupted) as spool:
        async with (
            BusAs(stack.servers.nats_url)(Service.AGENT_RUNNER) as bus,
            background(spool.syncing(), ship_spool(spool, bus)),
        ):
            await until(
                "all of the spool applied",
                lambda: applied_through(torment.look, spool.id),
                lambda applied: applied == spool.last_sequence,
            )


async def assert_exact(torment: Torture, *, runner_deaths: int) -> None:
    """Hold rows against the journal, the spool's files, and the sums.

    A runner that is killed between a write to its spool and the line in its journal
    has done one thing that the journal does not tell.
    """
    folder = torment.servers.stack.folder
    rows = await torment.look.fetch(CALLS)
    by_id = {row["call_id"]: row for row in rows}
    completed = {each for each, row in by_id.items() if row["status"] == "completed"}
    opened, settled = read_journal(torment.servers.journal)

    assert len(by_id) == len(rows)
    assert by_id.keys() == {each.call_id for each in settled_on_disk(folder / SPOOL)}
    assert opened <= by_id.keys()
    assert len(by_id.keys() - opened) <= runner_deaths
    assert settled <= completed
    assert len(completed - settled) <= runner_deaths
    for each in completed:
        assert tokens_of(each) == (
            by_id[each]["input_tokens"],
            by_id[each]["output_tokens"],
        )
    await until_folded(torment.look)
    for dimension in ("organization", "agent", "model"):
        for grain in ("quarter", "hour", "day"):
            [sums] = await torment.look.fetch(ROLLED_UP, dimension, grain)
            assert dict(sums) == summed_up(rows)
    assert await torment.look.fetchval("SELECT count(*) FROM dead_letter") == 0


def summed_up(rows: Sequence["asyncpg.Record"]) -> dict[str, object]:
    def total(name: str) -> object:
        return sum(row[name] or 0 for row in rows)

    return {
        "calls": len(rows),
        "interrupted_calls": sum(row["status"] == "interrupted" for row in rows),
        "input_tokens": total("input_tokens"),
        "output_tokens": total("output_tokens"),
        "duration_ms": total("duration_ms"),
        "cost": total("cost"),
    }
