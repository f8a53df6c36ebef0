"""How fast calls are counted: `python benchmarks/metrics/ingest.py`.

The service runs as a process of its own, on NATS and a PostgreSQL that syncs each
commit, all three on the first core; who asks has the other. Batches of 500 calls of one
organization (200 agents, labels, one attempt each) are sent by one source, then by four
at once. Prints records a second, the times of a batch from question to answer, and the
processor time that a record takes of each process: 200 µs in all are 5,000 a second on
one core, also where other work on the machine makes the clock say less.
"""

import argparse
import asyncio
import os
import random
import statistics
import sys
import tempfile
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from uuid import UUID

from ag2trust.accounts import unprivileged_account
from ag2trust.child import Child, Command, start
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
WARM_UP = 5
START_SECONDS = 20
TICKS = os.sysconf("SC_CLK_TCK")

DRAW = random.Random(1)  # noqa: S311 - the same traffic in every run
ORGANIZATION, MODELS = new_id(), ("gpt-5", "gpt-4o-mini", "gpt-6.1-sol")
TYPES, PROVIDERS = [new_id() for _ in range(10)], [new_id() for _ in range(4)]
AGENTS = [new_id() for _ in range(200)]


@dataclass(frozen=True, slots=True)
class Running:
    runner: NatsBus
    service: Child
    postgres: Child

    def processor_seconds(self) -> tuple[float, float]:
        """Return what service and PostgreSQL, its children too, have taken so far."""
        backends = [pid for pid in processes() if parent_of(pid) == self.postgres.pid]
        return (
            seconds_of(self.service.pid),
            sum(map(seconds_of, [self.postgres.pid, *backends])),
        )


async def main(batches: int) -> None:
    os.sched_setaffinity(0, {0})
    with tempfile.TemporaryDirectory(prefix="ag2trust-benchmark-") as folder:
        async with running_service(Path(folder)) as running:
            os.sched_setaffinity(0, {(os.cpu_count() or 1) - 1})
            await ship(running.runner, batches_of_one_source(WARM_UP))
            for sources in (1, 4):
                await measure(running, sources, batches)


async def measure(running: Running, sources: int, batches: int) -> None:
    questions = [batches_of_one_source(batches // sources) for _ in range(sources)]
    service_before, postgres_before = running.processor_seconds()
    began = time.perf_counter()
    async with asyncio.TaskGroup() as group:
        shipping = [group.create_task(ship(running.runner, each)) for each in questions]
    seconds = time.perf_counter() - began
    service, postgres = running.processor_seconds()
    times = sorted(each for task in shipping for each in task.result())
    records = len(times) * BATCH
    service_each = (service - service_before) / records
    postgres_each = (postgres - postgres_before) / records
    print(
        f"{sources} source(s): {records / seconds:,.0f} records/s; "
        f"a batch of {BATCH}: median {statistics.median(times) * 1000:.0f} ms, "
        f"95 % within {times[int(len(times) * 0.95)] * 1000:.0f} ms; "
        f"a record takes {service_each * 1e6:.0f} µs of the service "
        f"and {postgres_each * 1e6:.0f} µs of PostgreSQL: "
        f"{1 / (service_each + postgres_each):,.0f} records/s of one core"
    )


def processes() -> list[int]:
    return [int(each.name) for each in Path("/proc").iterdir() if each.name.isdigit()]


def parent_of(pid: int) -> int:
    return int(fields_of(pid)[1])


def seconds_of(pid: int) -> float:
    """Return the time of *pid* and of its children that have ended (proc(5))."""
    return sum(map(int, fields_of(pid)[11:15])) / TICKS


def fields_of(pid: int) -> list[str]:
    try:
        stat = Path(f"/proc/{pid}/stat").read_text()
    except OSError:
        return ["0"] * 20
    return stat.rpartition(")")[2].split()


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


@asynccontextmanager
async def running_service(folder: Path) -> AsyncIterator[Running]:
    """Run servers and service."""
    async with (
        durable_postgres(folder) as postgres,
        running_servers(folder) as servers,
        fresh_stack(servers, folder) as stack,
        BusAs(servers.nats_url)(Service.GATEWAY) as gateway,
        BusAs(servers.nats_url)(Service.AGENT_RUNNER) as runner,
        running_metrics(stack, gateway) as service,
    ):
        yield Running(runner, service, postgres)


@asynccontextmanager
async def durable_postgres(folder: Path) -> AsyncIterator[Child]:
    """Give `running_servers` a PostgreSQL that syncs, as production's does."""
    server = Postgres(
        folder / "durable", log=folder / "durable.log", account=unprivileged_account()
    )
    async with running_postgres(server, "only-for-benchmarks") as child:
        os.environ["TEST_POSTGRES_URL"] = server.url(
            SUPERUSER, "only-for-benchmarks", "postgres"
        )
        yield child


@asynccontextmanager
async def running_metrics(stack: Stack, gateway: NatsBus) -> AsyncIterator[Child]:
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
        yield service
    finally:
        await service.stop(seconds=5)


async def is_answering(gateway: NatsBus) -> bool:
    try:
        await gateway.ask(PING, Empty())
    except UnavailableError:
        return False
    return True


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--batches", type=int, default=60)
    asyncio.run(main(parser.parse_args().batches))
