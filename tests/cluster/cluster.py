"""The product on many machines: three NATS, and two of everything else."""

import asyncio
import shutil
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import aiohttp

from ag2trust.provisioning import ROLES, provision_roles
from ag2trust.readiness import until_ready
from ag2trust.testing import PASSWORD, Servers, Stack, fresh_stack

from ..mortal import Mortal  # noqa: TID252 - test folders are no packages
from .balancer import balancer
from .database_of_two import DatabaseOfTwo, database_of_two
from .hosts import LOOPBACK, Host
from .nats_of_three import nats_of_three
from .patience import PatientOperator
from .services import OWNER_KEY, SERVICES, logins, services_on

__all__ = ["Cluster", "running_cluster"]

_NATS = ("nats-1", "nats-2", "nats-3")
_POSTGRES = ("postgres-1", "postgres-2")
_ONE_HOST = dict.fromkeys((*_NATS, *_POSTGRES, *SERVICES), LOOPBACK)
_READY_SECONDS = 60.0
_ANSWER_SECONDS = 15.0


@dataclass(frozen=True, slots=True)
class Cluster:
    """Every process by its name; *operator* reaches whichever gateway is there.

    At *doors* each runner lets in agents that run elsewhere.
    """

    members: Mapping[str, Mortal]
    database: DatabaseOfTwo
    operator: PatientOperator
    stack: Stack
    doors: Sequence[str]
    _sources: dict[str, str]

    async def agents(self, provider: str, *names: str) -> list[str]:
        """Run agents whose model is asked at the URL *provider*; return their ids."""
        made = [
            await self.operator.running_agent(provider, "sk-any", name=name)
            for name in names
        ]
        return [each["agent_id"] for each in made]

    async def lose(self, *names: str) -> None:
        """Kill all of them, which is faster than any could notice."""
        async with asyncio.TaskGroup() as killing:
            for name in names:
                killing.create_task(self.members[name].die())

    async def upgrade(self, name: str) -> None:
        """Stop what runs another version, and start ours in its place."""
        await self.members[name].stop()
        del self._sources[name]
        await self.bring_back(name)

    def wipe(self, server: str) -> None:
        """Lose the disk of a NATS server that is not running."""
        shutil.rmtree(self.stack.folder / server / "jetstream")

    async def bring_back(self, *names: str) -> None:
        """Start all of them; return once each serves."""
        async with asyncio.TaskGroup() as starting:
            for name in names:
                starting.create_task(self.members[name].start())


@asynccontextmanager
async def running_cluster(
    folder: Path,
    *,
    hosts: Mapping[str, Host] = _ONE_HOST,
    commits_on_both: bool = True,
    event_replicas: int = 3,
    sources: str | None = None,
) -> AsyncIterator[Cluster]:
    """Run everything during the block, which begins once a gateway says ready.

    *hosts* has each process's by its name. Services begin with the code in *sources*, a
    `PYTHONPATH`, if it is not ours.
    """
    async with AsyncExitStack() as started:
        nats = await started.enter_async_context(
            nats_of_three(folder, {each: hosts[each] for each in _NATS}, logins())
        )
        database = await started.enter_async_context(
            database_of_two(folder, [hosts[each] for each in _POSTGRES])
        )
        if commits_on_both:
            await database.commit_on_both()
        await provision_roles(database.url, dict.fromkeys(ROLES, PASSWORD))
        stack = await started.enter_async_context(
            fresh_stack(Servers(database.url, nats.url), folder)
        )
        services = services_on(
            hosts, stack, event_replicas=event_replicas, sources=sources
        )
        for each in services.processes.values():
            started.push_async_callback(each.stop)
        async with asyncio.TaskGroup() as starting:
            for each in services.processes.values():
                starting.create_task(each.start())
        door = await started.enter_async_context(balancer(services.gateways).laid())
        url = f"http://127.0.0.1:{door.port}"
        session = await started.enter_async_context(
            aiohttp.ClientSession(
                url,
                headers={"X-API-Key": OWNER_KEY},
                connector=aiohttp.TCPConnector(force_close=True),  # each to the next
                timeout=aiohttp.ClientTimeout(total=_ANSWER_SECONDS),
            )
        )
        await until_ready(url, seconds=_READY_SECONDS)
        yield Cluster(
            {**nats.servers, **database.servers, **services.processes},
            database,
            PatientOperator(session),
            stack,
            services.doors,
            services.sources,
        )
