"""How long reads of usage and calls take, and how PostgreSQL answers them.

Each read is put over the bus, as the gateway puts it, to the service as a process. The
plans are of the same questions, put to the same code within this process.
"""

import gc
import json
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import asyncpg

from ag2trust.testing import Stack
from metrics.administration.repricing import Repricer
from metrics.app import answers
from metrics.counting.just_counted import JustCounted
from metrics.counting.ledger import Ledger
from metrics.repositories.ledger import PostgresLedger
from metrics.repositories.repricing import PostgresRepricing
from metrics.repositories.rollups import Turns
from metrics.settings import Settings
from shared.bus import Bus
from shared.contracts.base import Actor, Service
from shared.contracts.metrics import (
    AGENT_STATS,
    LIST_CALLS,
    USAGE_BY,
    USAGE_SUMMARY,
    USAGE_TIMELINE,
    CallsQuestion,
    CallStatus,
)
from shared.contracts.usage import (
    AgentStatsQuestion,
    Dimension,
    Interval,
    UsageByQuestion,
    UsageQuestion,
    UsageTimelineQuestion,
)
from shared.database import Database
from shared.testing import FakeBus

from .history import BUSIEST_AGENT, ORGANIZATION, RAREST_MODEL
from .stage import Stage

__all__ = ["measure_reads", "show_plans"]

Put = Callable[[Bus], Awaitable[object]]

_WARM_UPS = 3
_WHO = {"org_id": ORGANIZATION, "actor": Actor(kind="api_key", id="key-1")}
_LIMITS_MS = {30: 100, 90: 200}


@dataclass(frozen=True, slots=True)
class Read:
    name: str
    put: Put


async def measure_reads(stage: Stage, times: int) -> None:
    """Put each read *times* times and show how long it took, and the processor.

    The first time of each is shown apart: nothing of it was looked up just before.
    Who asks stands for a gateway, which looks for no garbage in what its start has made
    (`shared.lifecycle`).
    """
    gc.collect()
    gc.freeze()
    async with stage.metrics() as metrics:
        memory = metrics.resident_mib()
        for days, limit_ms in _LIMITS_MS.items():
            for read in _reads(days):
                first = await _milliseconds(stage.gateway, read)
                for _ in range(_WARM_UPS):
                    await read.put(stage.gateway)
                before = sum(metrics.processor_seconds())
                taken = sorted(
                    [await _milliseconds(stage.gateway, read) for _ in range(times)]
                )
                processor = sum(metrics.processor_seconds()) - before
                p95 = taken[int(0.95 * (len(taken) - 1))]
                verdict = "" if p95 < limit_ms else f"  above {limit_ms} ms"
                print(
                    f"{days} days, {read.name:32} first {first:6.1f} ms,"
                    f" median {taken[times // 2]:6.1f} ms,"
                    f" 95 % within {p95:6.1f} ms,"
                    f" processor {1000 * processor / times:6.1f} ms{verdict}",
                    flush=True,
                )
        print(f"memory {memory:.0f} MiB before, {metrics.resident_mib():.0f} after")


async def show_plans(stack: Stack) -> None:
    """Show how PostgreSQL answers each 30-day read, and how long each step takes."""
    asked: list[asyncpg.connection.LoggedQuery] = []
    async with _within(stack, asked.append) as (bus, connection):
        for read in _reads(30):
            await read.put(bus)  # which may ask for types, too
            asked.clear()
            await read.put(bus)
            for query in [each for each in asked if "$" in each.query]:
                print(f"\n{read.name}: {_first_line(query.query)}")
                for row in await _explained(connection, query):
                    print(f"    {row}")


def _reads(days: int) -> Iterator[Read]:
    until = datetime.now(UTC)
    period = {"since": until - timedelta(days=days), "until": until}
    usage: dict[str, Any] = {**_WHO, **period}
    busiest = {"dimension": Dimension.AGENT, "key": str(BUSIEST_AGENT)}

    def asks(endpoint: Any, question: Any) -> Put:
        return lambda bus: bus.ask(endpoint, question)

    def timeline(**question: Any) -> Put:
        return lambda bus: _whole(bus, UsageTimelineQuestion(**usage, **question))

    def calls(**filters: Any) -> Put:
        return asks(LIST_CALLS, CallsQuestion(**usage, **filters))

    yield Read(
        "stats of the busiest agent",
        asks(AGENT_STATS, AgentStatsQuestion(**usage, agent_id=BUSIEST_AGENT)),
    )
    yield Read("summary", asks(USAGE_SUMMARY, UsageQuestion(**usage)))
    for dimension in Dimension:
        question = UsageByQuestion(**usage, dimension=dimension)
        yield Read(f"by {dimension}", asks(USAGE_BY, question))
    yield Read("timeline, hours", timeline(interval=Interval.HOUR, zone="UTC"))
    yield Read(
        "timeline, hours of Kolkata",
        timeline(interval=Interval.HOUR, zone="Asia/Kolkata"),
    )
    yield Read(
        "timeline, days of Kolkata",
        timeline(interval=Interval.DAY, zone="Asia/Kolkata"),
    )
    yield Read(
        "timeline, days of New York",
        timeline(interval=Interval.DAY, zone="America/New_York"),
    )
    yield Read(
        "timeline, hours of an agent",
        timeline(interval=Interval.HOUR, zone="Europe/Paris", **busiest),
    )
    yield Read("calls", calls())
    yield Read("calls of the busiest agent", calls(agent_id=BUSIEST_AGENT))
    yield Read("calls that failed", calls(status=CallStatus.FAILED))
    yield Read("calls that failed by one code", calls(code="CODE_3"))
    yield Read("calls by a code nobody has", calls(code="CODE_5"))
    yield Read("calls of the rarest model", calls(model=RAREST_MODEL))
    yield Read("calls of a model nobody used", calls(model="model-0"))
    yield Read("calls by request", calls(request_id="request-7"))


async def _whole(bus: Bus, question: UsageTimelineQuestion) -> None:
    """Ask for all parts of a timeline, as the gateway does."""
    part = await bus.ask(USAGE_TIMELINE, question)
    while part.resumes_at is not None:
        rest = question.model_copy(update={"since": part.resumes_at})
        part = await bus.ask(USAGE_TIMELINE, rest)


async def _milliseconds(bus: Bus, read: Read) -> float:
    began = time.perf_counter()
    await read.put(bus)
    return (time.perf_counter() - began) * 1000


@asynccontextmanager
async def _within(
    stack: Stack, note: Callable[[asyncpg.connection.LoggedQuery], None]
) -> AsyncIterator[tuple[Bus, "asyncpg.Connection[asyncpg.Record]"]]:
    """Serve in this process; *note* hears each query."""
    settings = stack.settings(Settings, Service.METRICS)

    async def listen(connection: "asyncpg.Connection[asyncpg.Record]") -> None:
        connection.add_query_logger(note)
        await connection.set_type_codec(
            "jsonb", encoder=json.dumps, decoder=json.loads, schema="pg_catalog"
        )

    url = settings.database_url.get_secret_value()
    async with asyncpg.create_pool(url, min_size=1, max_size=1, init=listen) as pool:
        database = Database(pool, pool)
        bus = FakeBus()
        bus.serve(
            *answers(
                database,
                settings,
                ledger=Ledger(PostgresLedger(database, Turns()), JustCounted()),
                repricer=Repricer(PostgresRepricing(database, Turns())),
            )
        )
        connection = await stack.connect("metrics")
        await connection.execute(f"SET ag2trust.org_id = '{ORGANIZATION}'")
        yield bus, connection
        await connection.close()


async def _explained(
    connection: "asyncpg.Connection[asyncpg.Record]",
    query: asyncpg.connection.LoggedQuery,
) -> list[str]:
    rows = await connection.fetch(
        f"EXPLAIN (ANALYZE, BUFFERS, COSTS OFF) {query.query}", *query.args
    )
    return [row[0] for row in rows]


def _first_line(query: str) -> str:
    return " ".join(query.split())[:60]
