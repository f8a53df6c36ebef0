"""How fast credentials are stored, leased and rewrapped.

`python benchmarks/credentials/leases_and_rewrap.py` runs the service as a process of
its own, on NATS and a PostgreSQL that syncs each commit: first with a local master key,
then with moto's KMS over HTTP. It prints how many credentials a second are stored and
leased, the times of each, how long all of them take to come under another master key,
and the service's memory meanwhile. `--credentials N` is how many there are (10,000),
`--master-key local` or `moto` measures one alone.

moto is a single Python process, slower than AWS: its figures tell what the service adds
around a question over HTTP, not what KMS takes.
"""

import argparse
import asyncio
import json
import os
import statistics
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from uuid import UUID

import boto3

from ag2trust.accounts import unprivileged_account
from ag2trust.child import Child, Command, start
from ag2trust.ports import free_port
from ag2trust.postgres import SUPERUSER, Postgres, running_postgres
from ag2trust.testing import BusAs, Stack, fresh_stack, running_servers
from shared.bus import NatsBus
from shared.contracts.base import Actor, Empty, Service
from shared.contracts.credentials import (
    CLAIM_USES,
    CREATE_PROVIDER,
    LEASE,
    LEASE_PURPOSE,
    PING,
    ClaimUses,
    CreateProvider,
    LeasePurpose,
    LeaseRequest,
    ProviderSubmission,
    submission_binding,
)
from shared.contracts.master_key import (
    GET_REWRAP,
    START_REWRAP,
    RewrapQuestion,
    RewrapStatus,
    StartRewrap,
)
from shared.errors import UnavailableError
from shared.ids import new_id
from shared.sealing import SealingKey, seal
from shared.signing import sign

ORGANIZATION = new_id()
AGENT = new_id()
OPERATOR = Actor(kind="api_key", id="benchmark")
RUNNER = Actor(kind="service", id="runner-1")
REGION = "eu-west-1"
ALIAS = "alias/benchmark"
AT_ONCE = 8
LEASES = 2_000
LEASED_PROVIDERS = 20
START_SECONDS = 30


@dataclass(frozen=True, slots=True)
class MasterKeys:
    """Settings of the service: with one master key, and with another after it.

    *rotate* is done before the service starts with the second.
    """

    name: str
    first: dict[str, str]
    second: dict[str, str]
    rotate: Callable[[], None]


@dataclass(frozen=True, slots=True)
class Bench:
    stack: Stack
    gateway: NatsBus
    runner: NatsBus


async def main(credentials: int, master_keys: list[str]) -> None:
    with tempfile.TemporaryDirectory(prefix="ag2trust-benchmark-") as made:
        folder = Path(made)
        async with durable_postgres(folder), running_servers(folder) as servers:
            for name in master_keys:
                async with (
                    fresh_stack(servers, folder) as stack,
                    BusAs(servers.nats_url)(Service.GATEWAY) as gateway,
                    BusAs(servers.nats_url)(Service.AGENT_RUNNER) as runner,
                    MASTER_KEYS[name](stack) as keys,
                ):
                    print(f"\n{keys.name}")
                    await measure(Bench(stack, gateway, runner), keys, credentials)


async def measure(bench: Bench, keys: MasterKeys, credentials: int) -> None:
    async with running_service(bench, keys.first) as service:
        print(f"  memory at start: {memory_of(service)}")
        providers = [new_id() for _ in range(credentials)]
        await timed("stored", (creating(bench, each) for each in providers))
        print(f"  memory with them stored: {memory_of(service)}")
        leased = providers[:LEASED_PROVIDERS]
        await claim(bench, leased)
        await timed(
            "leased",
            (leasing(bench, leased[each % len(leased)]) for each in range(LEASES)),
        )
        print(f"  memory after leases: {memory_of(service)}")
    keys.rotate()
    async with running_service(bench, keys.second) as service:
        before = memory_of(service)
        seconds = await rewrap(bench)
        print(
            f"  rewrapped: {credentials:,} in {seconds:.1f} s, "
            f"{credentials / seconds:,.0f}/s; memory {before}, then "
            f"{memory_of(service)}"
        )


async def timed(done: str, acts: Iterable[Callable[[], Awaitable[object]]]) -> None:
    """Do *acts*, some at once; print how many a second, and the times of each.

    What a stalled machine did not answer in time is asked again, which is told.
    """
    left = iter(acts)
    times: list[float] = []
    unanswered = 0

    async def work() -> None:
        nonlocal unanswered
        for act in left:
            began = time.perf_counter()
            while not await is_done(act):
                unanswered += 1
            times.append(time.perf_counter() - began)

    began = time.perf_counter()
    async with asyncio.TaskGroup() as group:
        for _ in range(AT_ONCE):
            group.create_task(work())
    seconds = time.perf_counter() - began
    median, p99 = statistics.median(times), sorted(times)[int(len(times) * 0.99)]
    print(
        f"  {done}: {len(times):,}, {AT_ONCE} at once: {len(times) / seconds:,.0f}/s; "
        f"median {median * 1000:.1f} ms, 99 % within {p99 * 1000:.1f} ms"
        + (f"; {unanswered} not answered in time" if unanswered else "")
    )


async def is_done(act: Callable[[], Awaitable[object]]) -> bool:
    try:
        await act()
    except UnavailableError:
        return False
    return True


def creating(bench: Bench, provider_id: UUID) -> Callable[[], Awaitable[object]]:
    submission = ProviderSubmission.model_validate(
        {"name": str(provider_id), "type": "openai", "api_key": f"sk-{provider_id}"}
    )
    identity = bench.stack.identity(Service.CREDENTIALS).public
    question = CreateProvider(
        org_id=ORGANIZATION,
        actor=OPERATOR,
        provider_id=provider_id,
        sealed=seal(
            submission.model_dump_json().encode(),
            to=identity.sealing_key,
            info=submission_binding(ORGANIZATION, provider_id),
        ),
    )
    return lambda: bench.gateway.ask(CREATE_PROVIDER, question)


def leasing(bench: Bench, provider_id: UUID) -> Callable[[], Awaitable[object]]:
    """Sign when it is sent: a request is good for half a minute."""

    async def lease() -> None:
        request = LeaseRequest(
            runner="runner-1",
            epoch=1,
            org_id=ORGANIZATION,
            agent_id=AGENT,
            provider_id=provider_id,
            purpose=LeasePurpose.AGENT,
            public_key=SealingKey.generate().public_key,
            nonce=os.urandom(16),
            issued_at=datetime.now(UTC),
        )
        identity = bench.stack.identity(Service.AGENT_RUNNER)
        await bench.runner.ask(LEASE, sign(request, purpose=LEASE_PURPOSE, by=identity))

    return lease


async def claim(bench: Bench, providers: list[UUID]) -> None:
    question = ClaimUses(
        org_id=ORGANIZATION,
        actor=RUNNER,
        agent_id=AGENT,
        agent_name="Ada",
        provider_ids=providers,
        generation=1,
    )
    await bench.runner.ask(CLAIM_USES, question)


async def rewrap(bench: Bench) -> float:
    """Bring everything under the new master key; return the seconds it takes."""
    began = time.perf_counter()
    question = StartRewrap(org_id=ORGANIZATION, actor=OPERATOR, rewrap_id=new_id())
    job = await bench.gateway.ask(START_REWRAP, question)
    about = RewrapQuestion(org_id=ORGANIZATION, actor=OPERATOR, rewrap_id=job.id)
    while job.status is RewrapStatus.RUNNING:
        await asyncio.sleep(0.1)
        job = await bench.gateway.ask(GET_REWRAP, about)
    if job.status is not RewrapStatus.COMPLETED:
        raise SystemExit(f"The rewrap ended as {job.status}.")
    return time.perf_counter() - began


@asynccontextmanager
async def local_keys(stack: Stack) -> AsyncIterator[MasterKeys]:
    old, new = stack.installation.master_key_file, stack.folder / "new.key"
    new.touch(mode=0o600)
    new.write_text(os.urandom(32).hex())
    yield MasterKeys(
        name="local master key",
        first={},
        second={
            "MASTER_KEY_FILE": str(new),
            "RETIRED_MASTER_KEY_FILES": json.dumps([str(old)]),
        },
        rotate=lambda: None,
    )


@asynccontextmanager
async def moto_keys(stack: Stack) -> AsyncIterator[MasterKeys]:
    async with running_moto(stack) as url:
        account = {"aws_access_key_id": "benchmark", "aws_secret_access_key": "none"}
        kms = boto3.client("kms", endpoint_url=url, region_name=REGION, **account)
        first, second = (kms.create_key()["KeyMetadata"]["Arn"] for _ in range(2))
        kms.create_alias(AliasName=ALIAS, TargetKeyId=first)
        settings = {
            "MASTER_KEY": "aws",
            "MASTER_KEY_FILE": "",
            "MASTER_KEY_ALIAS": ALIAS,
            "MASTER_KEY_REGION": REGION,
            "MASTER_KEY_ENDPOINT_URL": url,
        }
        yield MasterKeys(
            name="moto's KMS",
            first=settings,
            second=settings | {"RETIRED_MASTER_KEY_ARNS": json.dumps([first])},
            rotate=lambda: kms.update_alias(AliasName=ALIAS, TargetKeyId=second),
        )


@asynccontextmanager
async def running_service(
    bench: Bench, settings: dict[str, str]
) -> AsyncIterator[Child]:
    variables = {
        f"AG2TRUST_CREDENTIALS_{name}": text for name, text in settings.items()
    }
    account = {"AWS_ACCESS_KEY_ID": "benchmark", "AWS_SECRET_ACCESS_KEY": "none"}
    environment = bench.stack.environment(
        Service.CREDENTIALS,
        AG2TRUST_CREDENTIALS_REWRAPS_PER_SECOND="10000",
        AG2TRUST_CREDENTIALS_LOG_LEVEL="warning",
        **account,
        **variables,
    )
    service = await started(
        "credentials", environment=environment, folder=bench.stack.folder
    )
    try:
        async with asyncio.timeout(START_SECONDS):
            while not await is_answering(bench.gateway):
                pass
        yield service
    finally:
        await service.stop(seconds=10)


@asynccontextmanager
async def running_moto(stack: Stack) -> AsyncIterator[str]:
    port = free_port()
    arguments = ("moto.server", "-H", "127.0.0.1", "-p", str(port))
    server = await started(
        *arguments, environment=dict(os.environ), folder=stack.folder
    )
    try:
        async with asyncio.timeout(START_SECONDS):
            while not await is_open(port):
                pass
        yield f"http://127.0.0.1:{port}"
    finally:
        await server.stop(seconds=5)


async def started(
    module: str, *arguments: str, environment: dict[str, str], folder: Path
) -> Child:
    return await start(
        Command(
            name=module,
            arguments=(sys.executable, "-m", module, *arguments),
            environment=environment,
            log=folder / f"{module}.log",
        )
    )


async def is_open(port: int) -> bool:
    try:
        _, writer = await asyncio.open_connection("127.0.0.1", port)
    except OSError:
        return False
    writer.close()
    return True


async def is_answering(gateway: NatsBus) -> bool:
    try:
        await gateway.ask(PING, Empty())
    except UnavailableError:
        return False
    return True


def memory_of(process: Child) -> str:
    """Read the resident set of a process."""
    for line in Path(f"/proc/{process.pid}/status").read_text().splitlines():
        if line.startswith("VmRSS:"):
            return f"{int(line.split()[1]) / 1024:.0f} MiB"
    return "unknown"


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


MASTER_KEYS = {"local": local_keys, "moto": moto_keys}


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("--credentials", type=int, default=10_000)
    parser.add_argument("--master-key", choices=MASTER_KEYS, nargs="+")
    given = parser.parse_args()
    asyncio.run(main(given.credentials, given.master_key or [*MASTER_KEYS]))
