"""PostgreSQL, NATS, metrics and a runner, each a process that can die and come back."""

import os
import shutil
import sys
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path

from ag2trust.accounts import unprivileged_account
from ag2trust.child import Command
from ag2trust.nats_server import NatsServer
from ag2trust.ports import free_port
from ag2trust.postgres import SUPERUSER, Postgres
from ag2trust.provisioning import ROLES, provision_roles
from ag2trust.testing import PASSWORD, BusAs, Servers, Stack, fresh_stack, identity_of
from shared.bus import NatsBus
from shared.contracts.base import Service

from ...mortal import Mortal  # noqa: TID252 - test folders are no packages
from . import tormented_runner
from .cable import Cable, cable_to_nats
from .tormented_runner import JOURNAL
from .watching import until_answered

__all__ = ["MortalServers", "mortal_servers"]


class MortalServers:
    """All of them; metrics reaches NATS through *cable*."""

    def __init__(
        self,
        stack: Stack,
        *,
        postgres: Mortal,
        nats: Mortal,
        metrics: Mortal,
        runner: Mortal,
        cable: Cable,
        gateway: NatsBus,
        jetstream_folder: Path,
    ) -> None:
        self.stack = stack
        self.postgres = postgres
        self.nats = nats
        self.metrics = metrics
        self.runner = runner
        self.cable = cable
        self._gateway = gateway
        self._jetstream_folder = jetstream_folder

    @property
    def journal(self) -> Path:
        return self.stack.folder / JOURNAL

    async def start_metrics(self) -> None:
        """Return once it answers."""
        await self.metrics.start()
        await until_answered(self._gateway)

    def lose_jetstream(self) -> None:
        """Wipe what NATS keeps; it is not running."""
        shutil.rmtree(self._jetstream_folder)


@asynccontextmanager
async def mortal_servers(
    folder: Path, *, metrics: tuple[str, ...], calls_a_second: float
) -> AsyncIterator[MortalServers]:
    """Start PostgreSQL and NATS; *metrics* are the arguments of Python to run it.

    PostgreSQL syncs each commit, as it does where nobody tests it.
    """
    async with AsyncExitStack() as started:
        postgres, database = await started.enter_async_context(_postgres(folder))
        nats, server = await started.enter_async_context(_nats(folder))
        servers = Servers(database.url(SUPERUSER, PASSWORD, "postgres"), server.url)
        await provision_roles(servers.admin_url, dict.fromkeys(ROLES, PASSWORD))
        stack = await started.enter_async_context(fresh_stack(servers, folder))
        cable = await started.enter_async_context(cable_to_nats(server.url).laid())
        gateway = await started.enter_async_context(BusAs(server.url)(Service.GATEWAY))
        mortals = MortalServers(
            stack,
            postgres=postgres,
            nats=nats,
            metrics=Mortal(_metrics(stack, cable, metrics), _always),
            runner=Mortal(_runner(stack, calls_a_second), _always),
            cable=cable,
            gateway=gateway,
            jetstream_folder=server.folder / "jetstream",
        )
        started.push_async_callback(mortals.metrics.stop)
        started.push_async_callback(mortals.runner.stop)
        yield mortals


@asynccontextmanager
async def _postgres(folder: Path) -> AsyncIterator[tuple[Mortal, Postgres]]:
    server = Postgres(
        folder / "postgres", log=folder / "postgres.log", account=unprivileged_account()
    )
    server.open_the_way()
    await server.create(PASSWORD)
    mortal = Mortal(server.command, server.is_ready)
    await mortal.start()
    try:
        yield mortal, server
    finally:
        await mortal.stop()


@asynccontextmanager
async def _nats(folder: Path) -> AsyncIterator[tuple[Mortal, NatsServer]]:
    server = NatsServer(
        folder / "nats",
        log=folder / "nats.log",
        port=free_port(),
        logins={identity_of(service).public.nkey: service for service in Service},
    )
    mortal = Mortal(server.command, server.is_ready)
    await mortal.start()
    try:
        yield mortal, server
    finally:
        await mortal.stop()


def _metrics(
    stack: Stack, cable: Cable, program: tuple[str, ...]
) -> Callable[[], Command]:
    return lambda: Command(
        name="metrics",
        arguments=(sys.executable, *program),
        environment=stack.environment(
            Service.METRICS,
            AG2TRUST_METRICS_NATS_URL=f"nats://127.0.0.1:{cable.port}",
        ),
        log=stack.folder / "metrics.log",
    )


def _runner(stack: Stack, calls_a_second: float) -> Callable[[], Command]:
    return lambda: Command(
        name="runner",
        arguments=(
            *(sys.executable, str(tormented_runner.__file__), str(stack.folder)),
            *(stack.servers.nats_url, str(calls_a_second)),
        ),
        environment={"PATH": os.defpath},
        log=stack.folder / "runner.log",
    )


def _always(_: int) -> bool:
    return True
