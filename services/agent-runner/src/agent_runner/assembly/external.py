"""The door of external agents: programs that run elsewhere, and call models here."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from functools import partial

from agent_runner.attempts import Attempts
from agent_runner.external.callers import ExternalCallers
from agent_runner.external.listener import tls_context
from agent_runner.external.shared_leases import SharedLeases
from agent_runner.http.server import serving
from agent_runner.leases import Leases
from agent_runner.missed_changes import MissedChanges
from agent_runner.proxy.application import ProxyApplication
from agent_runner.proxy.forwarding import Forwarding
from agent_runner.repositories.external_agents import changes_since, forget_the_gone
from shared.contracts.agent_runner import EXTERNAL_AGENT_CHANGED
from shared.contracts.credentials import PROVIDER_CHANGED
from shared.lifecycle import background, every

from .ground import Ground

__all__ = ["open_to_external"]

_HOUR = timedelta(hours=1)


@asynccontextmanager
async def open_to_external(
    ground: Ground, *, leases: Leases, forwarding: Forwarding, attempts: Attempts
) -> AsyncIterator[None]:
    """Listen for external agents while the block runs, if a port is set for them."""
    settings, database, bus = ground.settings, ground.database, ground.bus
    if settings.external_port is None:
        yield
        return
    shared = SharedLeases(leases)
    callers = ExternalCallers(
        read_changes=partial(changes_since, database),
        reaches_bus=bus.is_reachable,
        leases=shared,
        attempts=attempts,
    )
    missed = MissedChanges(bus=bus, held=shared.held, changed=shared.provider_changed)
    forget = partial(forget_the_gone, database, older_than=_HOUR)
    async with (
        bus.hearing(EXTERNAL_AGENT_CHANGED, callers.changed),
        bus.hearing(PROVIDER_CHANGED, shared.provider_changed),
        background(
            callers.run(),
            shared.run(),
            missed.run(),
            every(_HOUR, forget, name="external_agents_forgotten"),
        ),
        serving(
            ProxyApplication(callers, forwarding, ground.large_bodies),
            deadlines=ground.deadlines,
            limits=ground.http_limits,
            port=settings.external_port,
            tls=tls_context(settings),
        ) as listener,
    ):
        await listener.open(str(settings.external_host), for_good=True)
        yield
