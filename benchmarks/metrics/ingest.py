"""How fast calls are counted: `python benchmarks/metrics/ingest.py`.

The service runs as a process of its own, on NATS and a PostgreSQL that syncs each
commit; batches of 500 calls, one attempt each, are sent by one source, then by four at
once. Prints records a second and the times of a batch, from question to answer.
"""

import asyncio
import os
import statistics
import sys
import tempfile
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from pathlib import Path
from uuid import UUID

from ag2trust.accounts import unprivileged_account
from ag2trust.child import Command, start
from ag2trust.postgres import SUPERUSER, Postgres, running_postgres
from ag2trust.testing import BusAs, Stack, fresh_stack, running_servers
from shared.bus import NatsBus
from shared.contracts.base import Empty, Service
from shared.contracts.credentials import ProviderType
from shared.contracts.metrics import (
    INGEST,
    PING,
    AttemptRecord,
    CallRecord,
    CallStatus,
    Ingest,
    IngestRecord,
    Usage,
    UsageSource,
)
from shared.errors import UnavailableError
from shared.ids import new_id

BATCH = 500
BATCHES = 60
WARM_UP = 5
START_SECONDS = 20


async def main() -> None:
    with tempfile.TemporaryDirectory(prefix="ag2trust-benchmark-") as folder:
        async with running_service(Path(folder)) as runner:
            await ship(runner, batches_of_one_source(WARM_UP))
            for sources in (1, 4):
                await measure(runner, sources)


async def measure(runner: NatsBus, sources: int) -> None:
    questions = [batches_of_one_source(BATCHES // sources) for _ in range(sources)]
    began = time.perf_counter()
    async with asyncio.TaskGroup() as group:
        shipping = [group.create_task(ship(runner, each)) for each in questions]
    seconds = time.perf_counter() - began
    times = sorted(each for task in shipping for each in task.result())
    print(
        f"{sources} source(s): {len(times) * BATCH / seconds:,.0f} records/s; "
        f"a batch of {BATCH}: median {statistics.median(times) * 1000:.0f} ms, "
        f"95 % within {times[int(len(times) * 0.95)] * 1000:.0f} ms"
    )


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
    attempt = AttemptRecord(
        attempt_id=new_id(),
        provider_id=new_id(),
        model="gpt-5",
        started_at=now,
        duration_ms=1100,
        http_status=200,
    )
    return CallRecord(
        call_id=new_id(),
        org_id=new_id(),
        agent_id=new_id(),
        agent_type_id=new_id(),
        provider_id=attempt.provider_id,
        provider_type=ProviderType.OPENAI,
        use_case="support",
        model="gpt-5",
        endpoint="/v1/chat/completions",
        is_streamed=True,
        message_id=new_id(),
        runner="runner-1",
        request_id=str(new_id()),
        status=CallStatus.COMPLETED,
        http_status=200,
        started_at=now,
        duration_ms=1200,
        time_to_first_token_ms=300,
        usage=Usage(input_tokens=1000, cached_input_tokens=200, output_tokens=300),
        usage_source=UsageSource.REPORTED,
        attempts=[attempt],
    )


@asynccontextmanager
async def running_service(folder: Path) -> AsyncIterator[NatsBus]:
    """Run servers and service; yields a runner's login."""
    async with (
        durable_postgres(folder),
        running_servers(folder) as servers,
        fresh_stack(servers, folder) as stack,
        BusAs(servers.nats_url)(Service.GATEWAY) as gateway,
        BusAs(servers.nats_url)(Service.AGENT_RUNNER) as runner,
        running_metrics(stack, gateway),
    ):
        yield runner


@asynccontextmanager
async def durable_postgres(folder: Path) -> AsyncIterator[None]:
    """Give `running_servers` a PostgreSQL that syncs, as production's does."""
    server = Postgres(
        folder / "durable", log=folder / "durable.log", account=unprivileged_account()
    )
    async with running_postgres(server, "only-for-benchmarks"):
        os.environ["TEST_POSTGRES_URL"] = server.url(
            SUPERUSER, "only-for-benchmarks", "postgres"
        )
        yield


@asynccontextmanager
async def running_metrics(stack: Stack, gateway: NatsBus) -> AsyncIterator[None]:
    service = await start(
        Command(
            name="metrics",
            arguments=(sys.executable, "-m", "metrics"),
            environment=stack.environment(Service.METRICS),
            log=stack.folder / "metrics.log",
        )
    )
    try:
        async with asyncio.timeout(START_SECONDS):
            while not await is_answering(gateway):
                pass
        yield
    finally:
        await service.stop(seconds=5)


async def is_answering(gateway: NatsBus) -> bool:
    try:
        await gateway.ask(PING, Empty())
    except UnavailableError:
        return False
    return True


if __name__ == "__main__":
    asyncio.run(main())
