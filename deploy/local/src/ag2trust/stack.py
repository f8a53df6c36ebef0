"""Servers, launch broker and services on one machine: what waits for what.

Start: PostgreSQL and NATS together, then the broker if there are containers, then the
services together. Stop: the services together, then the others one by one.
"""

import asyncio
import os
import signal
import sys
from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import replace
from datetime import timedelta
from functools import partial

from shared.contracts.base import Service
from shared.lifecycle import background, every

from .agent_image import ensure_agent_image
from .authorities import authorities_of
from .child import Command
from .complaints import Complaints
from .installation import Installation, RunnerRuntime
from .leftovers import Children
from .plan import Plan
from .postgres import SUPERUSER
from .provisioning import provision_database, provision_roles
from .readiness import until_ready
from .runtime_choice import choose_runtime
from .screen import Screen
from .sockets import make_own_folder
from .supervisor import Kept, Supervisor
from .telemetry import telemetry_of

__all__ = ["running_stack"]

_READY_WITHIN_SECONDS = 60.0
_LOOK_AT_LOGS_EVERY = timedelta(seconds=1)
_DOCKER = "unix:///var/run/docker.sock"  # where the broker looks

_PORTS_ARE_OPEN = (
    "Agents can reach what listens on all addresses of this machine: only root may "
    "close its ports to them."
)

# Together less than the 15 s within which a stop is over.
_STOP_SERVICE_SECONDS = 6.0
_STOP_BROKER_SECONDS = 2.0
_STOP_NATS_SECONDS = 2.0
_STOP_POSTGRES_SECONDS = 3.0


@asynccontextmanager
async def running_stack(plan: Plan, screen: Screen) -> AsyncIterator[RunnerRuntime]:
    """Run everything during the block, which begins once the gateway says ready.

    Raises `LaunchError` if something cannot start; what had started is stopped.
    """
    complaints = Complaints(plan.home.logs, screen)
    supervisor = Supervisor(Children(plan.home.children), screen)
    async with AsyncExitStack() as stack:
        runtime = await _start_servers(stack, supervisor, plan, screen)
        installation = plan.installation(runtime)
        brokers = [
            await stack.enter_async_context(
                supervisor.keeping(command, stop_seconds=_STOP_BROKER_SECONDS)
            )
            for command in _brokers(installation, plan, screen)
        ]
        services = [
            await stack.enter_async_context(
                supervisor.keeping(
                    _service(service, installation, plan),
                    stop_seconds=_STOP_SERVICE_SECONDS,
                )
            )
            for service in Service
        ]
        stack.push_async_callback(_stop_together, services)
        await until_ready(plan.gateway_url, seconds=_READY_WITHIN_SECONDS)
        for each in (*brokers, *services):
            each.is_up()
        await stack.enter_async_context(
            background(
                every(_LOOK_AT_LOGS_EVERY, complaints.tell_new, name="complaints")
            )
        )
        yield runtime


async def _start_servers(
    stack: AsyncExitStack, supervisor: Supervisor, plan: Plan, screen: Screen
) -> RunnerRuntime:
    """Start PostgreSQL and NATS while the runtime is chosen; return the choice."""
    await _make_cluster(plan, screen)
    postgres = await stack.enter_async_context(
        supervisor.keeping(plan.postgres.command(), stop_seconds=_STOP_POSTGRES_SECONDS)
    )
    nats = await stack.enter_async_context(
        supervisor.keeping(plan.nats.command(), stop_seconds=_STOP_NATS_SECONDS)
    )
    async with asyncio.TaskGroup() as group:
        group.create_task(_provision(postgres, plan))
        group.create_task(nats.ready(plan.nats.is_ready))
        choice = group.create_task(_choose_runtime(plan, screen))
    return choice.result()


async def _make_cluster(plan: Plan, screen: Screen) -> None:
    if opened := plan.postgres.open_the_way():
        screen.say(
            "PostgreSQL refuses to run as root. It runs as another account, which may "
            "now pass through (not read)"
        )
        for folder in opened:
            screen.say(f"  {folder}")
    if not plan.postgres.is_created:
        await plan.postgres.create(plan.keys.passwords[SUPERUSER])
    plan.postgres.check_version()


async def _provision(postgres: Kept, plan: Plan) -> None:
    await postgres.ready(plan.postgres.is_ready)
    admin_url = plan.database_url(SUPERUSER, "postgres")
    await provision_roles(admin_url, plan.keys.passwords)
    await provision_database(admin_url)


async def _choose_runtime(plan: Plan, screen: Screen) -> RunnerRuntime:
    ensure_image = partial(ensure_agent_image, docker_url=_DOCKER, progress=screen.say)
    return await choose_runtime(plan.variables.runtime, ensure_image, screen)


def _brokers(installation: Installation, plan: Plan, screen: Screen) -> list[Command]:
    """Return the runner's launch broker, if its agents run in containers."""
    if installation.runtime.name != "docker":
        return []
    if not installation.closes_host_ports:
        screen.say(_PORTS_ARE_OPEN)
    make_own_folder(plan.broker_folder)
    environment = installation.environment_of_broker()
    command = _python("broker", "agent_runner.broker", environment, plan)
    # A dead launcher leaves no agent, whatever becomes of the runner.
    return [replace(command, orphan_signal=signal.SIGHUP)]


def _service(service: Service, installation: Installation, plan: Plan) -> Command:
    environment = {
        **installation.environment_of(service),
        **telemetry_of(service, os.environ),
    }
    return _python(service, service, environment, plan)


def _python(
    name: str, module: str, environment: Mapping[str, str], plan: Plan
) -> Command:
    """Run *module*, with an environment made from nothing."""
    return Command(
        name=name,
        arguments=(sys.executable, "-P", "-m", module),
        environment={
            "PATH": os.environ.get("PATH", os.defpath),
            "LANG": "C.UTF-8",
            **authorities_of(os.environ),
            **environment,
        },
        log=plan.home.log(name),
    )


async def _stop_together(services: list[Kept]) -> None:
    for each in services:
        each.may_end()
    async with asyncio.TaskGroup() as group:
        for each in services:
            group.create_task(each.stop())
