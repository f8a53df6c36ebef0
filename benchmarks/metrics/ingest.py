"""How fast calls are counted, and with how much memory.

Batches of 500 calls of one organization (200 agents, labels, one attempt each) are sent
by one source, then by four at once, and both again, for what is sent later finds more
there. Shown are records a second, the times of a batch from question to answer, and the
processor time that a record takes of each process, the public event of each call and
what Prometheus is told included: 200 µs in all are 5,000 a second on one core, also
where other work on the machine makes the clock say less. The mean length of a sketch is
shown for what it costs: a sum is written with its sketch again and again.
"""

import asyncio
import random
import statistics
import time
from datetime import UTC, datetime
from functools import partial
from timeit import repeat
from uuid import UUID

from metrics.counting.measurements import Measurements
from metrics.prices.pricing import price
from metrics.repositories.ledger import Entry
from shared.bus import NatsBus
from shared.contracts.credentials import ProviderType
from shared.contracts.metrics import (
    INGEST,
    AttemptRecord,
    CallRecord,
    CallStatus,
    Ingest,
    IngestRecord,
    Usage,
    UsageSource,
)
from shared.ids import new_id

from .stage import Metrics, Stage

__all__ = ["BATCH", "MOST_SOURCES", "measure_ingest"]

BATCH = 500
MOST_SOURCES = 4
WARM_UP = 5
REPEATS = 100
CALM_SECONDS = 3  # in which the last events leave

DRAW = random.Random(1)  # noqa: S311 - the same traffic in every run
ORGANIZATION, MODELS = new_id(), ("gpt-5", "gpt-4o-mini", "gpt-6.1-sol")
TYPES, PROVIDERS = [new_id() for _ in range(10)], [new_id() for _ in range(4)]
AGENTS = [new_id() for _ in range(200)]


async def measure_ingest(stage: Stage, batches: int) -> None:
    async with stage.metrics() as metrics:
        await ship(stage.runner, batches_of_one_source(WARM_UP))
        for sources in (1, MOST_SOURCES) * 2:
            await measure(stage, metrics, sources, batches)
    show_measurements()


async def measure(stage: Stage, metrics: Metrics, sources: int, batches: int) -> None:
    questions = [batches_of_one_source(batches // sources) for _ in range(sources)]
    before = metrics.processor_seconds()
    memory_before = metrics.resident_mib()
    began = time.perf_counter()
    async with asyncio.TaskGroup() as group:
        shipping = [group.create_task(ship(stage.runner, each)) for each in questions]
    seconds = time.perf_counter() - began
    await asyncio.sleep(CALM_SECONDS)
    after = metrics.processor_seconds()
    times = sorted(each for task in shipping for each in task.result())
    records = len(times) * BATCH
    service, postgres, nats = (
        (later - earlier) / records
        for later, earlier in zip(after, before, strict=True)
    )
    print(
        f"{sources} source(s), {records:,} records: {records / seconds:,.0f} a second; "
        f"a batch of {BATCH}: median {statistics.median(times) * 1000:.0f} ms, "
        f"95 % within {times[int(len(times) * 0.95)] * 1000:.0f} ms; "
        f"a record takes {service * 1e6:.0f} µs of the service, "
        f"{postgres * 1e6:.0f} µs of PostgreSQL and {nats * 1e6:.0f} µs of NATS: "
        f"{1 / (service + postgres + nats):,.0f} a second of one core; "
        f"memory {memory_before:.0f} MiB before, {metrics.resident_mib():.0f} after; "
        f"sketches of {await bytes_of_a_sketch(stage):.0f} bytes"
    )


def show_measurements() -> None:
    """Show what of that is for Prometheus: alone and warm, the best of many batches."""
    calls = [call() for _ in range(BATCH)]
    entries = [
        Entry(place, "", each, price(each, ())) for place, each in enumerate(calls)
    ]
    count = partial(Measurements().count, entries)
    seconds = min(repeat(count, number=1, repeat=REPEATS)) / BATCH
    print(f"of that, counting for Prometheus takes {seconds * 1e6:.1f} µs a record")


async def bytes_of_a_sketch(stage: Stage) -> float:
    """Return the mean: each batch writes those of all that it counts under anew."""
    connection = await stage.stack.connect()
    mean: float = await connection.fetchval(
        "SELECT avg(length(response_times))::float8 FROM metrics.rollup"
    )
    await connection.close()
    return mean


async def ship(runner: NatsBus, questions: list[Ingest]) -> list[float]:
    """Send *questions* one after another; return the seconds of each."""
    times = []
    for question in questions:
        began = time.perf_counter()
        await runner.ask(INGEST, question)
        times.append(time.perf_counter() - began)
    return times


def batches_of_one_source(count: int) -> list[Ingest]:
    source = new_id()
    return [batch_of(source, number) for number in range(count)]


def batch_of(source: UUID, number: int) -> Ingest:
    return Ingest(
        source=source,
        records=[
            IngestRecord(sequence=sequence, payload=call().model_dump_json())
            for sequence in range(number * BATCH + 1, (number + 1) * BATCH + 1)
        ],
    )


def call() -> CallRecord:
    now = datetime.now(UTC)
    provider_id, model = DRAW.choice(PROVIDERS), DRAW.choice(MODELS)
    duration_ms = int(DRAW.lognormvariate(7, 1))
    attempt = AttemptRecord(
        attempt_id=new_id(),
        provider_id=provider_id,
        model=model,
        started_at=now,
        duration_ms=duration_ms,
        http_status=200,
    )
    return CallRecord(
        call_id=new_id(),
        org_id=ORGANIZATION,
        agent_id=DRAW.choice(AGENTS),
        agent_type_id=DRAW.choice(TYPES),
        provider_id=provider_id,
        provider_type=ProviderType.OPENAI,
        use_case=DRAW.choice(("support", "sales", None)),
        labels={"team": f"team-{DRAW.randrange(10)}"},
        model=model,
        endpoint="/v1/chat/completions",
        is_streamed=True,
        message_id=new_id(),
        runner="runner-1",
        request_id=str(new_id()),
        status=CallStatus.COMPLETED,
        http_status=200,
        started_at=now,
        duration_ms=duration_ms,
        time_to_first_token_ms=duration_ms // 4,
        usage=Usage(input_tokens=1000, cached_input_tokens=200, output_tokens=300),
        usage_source=UsageSource.REPORTED,
        attempts=[attempt],
    )
