"""Where metrics is measured: as a process, on NATS and a PostgreSQL that syncs.

All three share the first core; who asks has the last one.
"""

import asyncio
import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from benchmarks.interpreters import IMAGES, import_path

from ag2trust.accounts import unprivileged_account
from ag2trust.child import Child, Command, start
from ag2trust.nats_server import NatsServer, running_nats
from ag2trust.ports import free_port
from ag2trust.postgres import SUPERUSER, Postgres, running_postgres
from ag2trust.testing import (
    BusAs,
    Stack,
    fresh_stack,
    identity_of,
    running_servers,
)
from shared.bus import NatsBus
from shared.contracts.base import Empty, Service
from shared.contracts.metrics import PING
from shared.errors import UnavailableError

__all__ = ["Stage", "set_up"]

_START_SECONDS = 60
_TICKS = os.sysconf("SC_CLK_TCK")
_KIB_PER_MIB = 1024


@dataclass(frozen=True, slots=True)
class Stage:
    stack: Stack
    runner: NatsBus
    gateway: NatsBus
    postgres: Child
    nats: Child

    @asynccontextmanager
    async def metrics(self) -> AsyncIterator["Metrics"]:
        """Run the service during the block, which begins once it answers."""
        os.sched_setaffinity(0, {_first_core()})
        child = await start(
            Command(
                name="metrics",
                arguments=(str(IMAGES), "-m", "metrics"),
                environment={
                    **self.stack.environment(Service.METRICS),
                    "PYTHONPATH": import_path(),
                    "AG2TRUST_METRICS_PROMETHEUS_PORT": str(free_port()),
                },
                log=self.stack.folder / "metrics.log",
            )
        )
        os.sched_setaffinity(0, {_last_core()})
        try:
            async with asyncio.timeout(_START_SECONDS):
                while not await self._is_answering():
                    pass
            yield Metrics(child, self.postgres, self.nats)
        finally:
            await child.stop(seconds=10)

    async def _is_answering(self) -> bool:
        try:
            await self.gateway.ask(PING, Empty())
        except UnavailableError:
            return False
        return True


@dataclass(frozen=True, slots=True)
class Metrics:
    child: Child
    postgres: Child
    nats: Child

    def processor_seconds(self) -> tuple[float, float, float]:
        """Return what service, PostgreSQL with its children, and NATS have taken."""
        backends = [pid for pid in _processes() if _parent_of(pid) == self.postgres.pid]
        return (
            _seconds_of(self.child.pid),
            sum(map(_seconds_of, [self.postgres.pid, *backends])),
            _seconds_of(self.nats.pid),
        )

    def resident_mib(self) -> float:
        """Return the memory of the service (proc(5), VmRSS)."""
        status = Path(f"/proc/{self.child.pid}/status").read_text()
        [line] = [each for each in status.splitlines() if each.startswith("VmRSS:")]
        return int(line.split()[1]) / _KIB_PER_MIB


@asynccontextmanager
async def set_up(folder: Path) -> AsyncIterator[Stage]:
    """Run the servers during the block."""
    os.sched_setaffinity(0, {_first_core()})
    async with (
        _durable_postgres(folder) as postgres,
        _nats(folder) as nats,
        running_servers(folder) as servers,
        fresh_stack(servers, folder) as stack,
        BusAs(servers.nats_url)(Service.GATEWAY) as gateway,
        BusAs(servers.nats_url)(Service.AGENT_RUNNER) as runner,
    ):
        os.sched_setaffinity(0, {_last_core()})
        yield Stage(stack, runner, gateway, postgres, nats)


@asynccontextmanager
async def _durable_postgres(folder: Path) -> AsyncIterator[Child]:
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
async def _nats(folder: Path) -> AsyncIterator[Child]:
    """Give `running_servers` a NATS whose process is known."""
    server = NatsServer(
        folder / "stream",
        log=folder / "stream.log",
        port=free_port(),
        logins={identity_of(each).public.nkey: each for each in Service},
    )
    async with running_nats(server) as child:
        os.environ["TEST_NATS_URL"] = server.url
        yield child


def _first_core() -> int:
    return 0


def _last_core() -> int:
    return (os.cpu_count() or 1) - 1


def _processes() -> list[int]:
    return [int(each.name) for each in Path("/proc").iterdir() if each.name.isdigit()]


def _parent_of(pid: int) -> int:
    return int(_fields_of(pid)[1])


def _seconds_of(pid: int) -> float:
    """Return the time of *pid* and of its children that have ended (proc(5))."""
    return sum(map(int, _fields_of(pid)[11:15])) / _TICKS


def _fields_of(pid: int) -> list[str]:
    try:
        stat = Path(f"/proc/{pid}/stat").read_text()
    except OSError:
        return ["0"] * 20
    return stat.rpartition(")")[2].split()
