"""What everything in the runner stands on, and in which order it is reached."""

from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager
from dataclasses import dataclass

from agent_runner.backlog import Backlog
from agent_runner.http.client import Client, connecting
from agent_runner.http.deadlines import Deadlines, watching_deadlines
from agent_runner.http.limits import Limits
from agent_runner.proxy.calls import interrupted
from agent_runner.proxy.large_bodies import LargeBodies, reading_large_bodies
from agent_runner.repositories.outbox import OutboxRepository
from agent_runner.repositories.tenures import Enlistment, enlist
from agent_runner.runtimes.docker.runtime import docker_runtime
from agent_runner.runtimes.process.runtime import process_runtime
from agent_runner.runtimes.runtime import Runtime
from agent_runner.settings import RuntimeName, Settings
from agent_runner.spool.spool import Spool
from agent_runner.tenure import Tenure, boot_time
from shared.bus import NatsBus, connect_bus
from shared.clock import utc_now
from shared.contracts.base import Service
from shared.database import Database, connect_database
from shared.guarded_http import GuardedHttp, guarded_http
from shared.identity import Identity
from shared.migrations import migrate

__all__ = ["Ground", "OpenRuntime", "runtime_of", "standing"]

OpenRuntime = Callable[[Settings], AbstractAsyncContextManager[Runtime]]


@dataclass(frozen=True, slots=True)
class Ground:
    """One runner: who it is, what it keeps, whom it reaches.

    *client* makes model calls, *tool_http* the requests of tools and to MCP servers.
    """

    settings: Settings
    identity: Identity
    tenure: Tenure
    spool: Spool
    backlog: Backlog
    database: Database
    bus: NatsBus
    runtime: Runtime
    deadlines: Deadlines
    client: Client
    tool_http: GuardedHttp
    large_bodies: LargeBodies

    @property
    def http_limits(self) -> Limits:
        return Limits(
            most_connections=self.settings.most_connections,
            most_exchanges=self.settings.most_calls,
            buffered_bytes=self.settings.buffered_megabytes * 1024 * 1024,
        )


@asynccontextmanager
async def standing(
    settings: Settings, open_runtime: OpenRuntime
) -> AsyncIterator[Ground]:
    """Reach everything, and leave it in reverse.

    The spool's lock comes first: it makes sure that nobody else is this runner.
    """
    identity = Identity.from_file(settings.identity_file)
    async with AsyncExitStack() as stack:
        reach = stack.enter_async_context
        spool = stack.enter_context(
            Spool.open(settings.state_folder / "spool", interrupted=interrupted)
        )
        await migrate(settings, "agent_runner.migrations")
        database = await reach(connect_database(settings))
        tenure = await _begin_tenure(settings, database)
        bus = await reach(
            connect_bus(
                settings.nats_url, service=Service.AGENT_RUNNER, identity=identity
            )
        )
        runtime = await reach(open_runtime(settings))
        deadlines = await reach(watching_deadlines())
        yield Ground(
            settings=settings,
            identity=identity,
            tenure=tenure,
            spool=spool,
            backlog=Backlog(spool, OutboxRepository(database), now=utc_now),
            database=database,
            bus=bus,
            runtime=runtime,
            deadlines=deadlines,
            client=await reach(
                connecting(
                    deadlines=deadlines, allow_private=settings.allow_private_base_urls
                )
            ),
            tool_http=await reach(
                guarded_http(allow_private=settings.allow_private_tool_hosts)
            ),
            large_bodies=stack.enter_context(reading_large_bodies()),
        )


def runtime_of(settings: Settings) -> AbstractAsyncContextManager[Runtime]:
    """Choose what agents run in; containers are asked of the launch broker."""
    if settings.broker and settings.runtime is RuntimeName.DOCKER:
        return docker_runtime(settings.broker)
    return process_runtime(state=settings.state_folder / "process")


async def _begin_tenure(settings: Settings, database: Database) -> Tenure:
    """Begin a new epoch of this runner; the caller holds the spool's lock."""
    asked_at = boot_time()
    runner = Enlistment(
        name=settings.name,
        runtime=settings.runtime,
        capacity=settings.capacity,
        labels=settings.labels,
    )
    epoch = await enlist(database, runner)
    return Tenure(runner=settings.name, epoch=epoch, asked_at=asked_at)
