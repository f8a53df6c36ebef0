"""The agents that this runner hosts: made to be what they should be, as long as it may.

What hosting acts on comes from three sides: the database says what should be, the
runtime what is, and the bus when to look.
"""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta

from agent_runner.attempt_log import AttemptLog
from agent_runner.hosted_agents import HostedAgents
from agent_runner.hosting.agent_life import AgentLife
from agent_runner.hosting.heartbeat import Heartbeat
from agent_runner.hosting.hosting import Hosting
from agent_runner.hosting.lease_renewal import LeaseRenewal
from agent_runner.hosting.rhythm import Rhythm
from agent_runner.hosting.takeover import Takeover
from agent_runner.http.server import Server
from agent_runner.leases import Leases
from agent_runner.measured import Measured
from agent_runner.messages.message_desk import MessageDesk
from agent_runner.missed_changes import MissedChanges
from agent_runner.placement import Placement
from agent_runner.repositories.hosting import HostingRepository
from agent_runner.repositories.tenures import TenureRepository
from shared.contracts.agent_runner import WAKE
from shared.contracts.credentials import PROVIDER_CHANGED
from shared.lifecycle import background, every

from .ground import Ground

__all__ = ["hosting_agents"]

_MEASURE_EVERY = timedelta(seconds=10)


@asynccontextmanager
async def hosting_agents(
    ground: Ground,
    *,
    hosted: HostedAgents,
    desk: MessageDesk,
    doors: Server,
    leases: Leases,
    placement: Placement,
    rhythm: Rhythm,
) -> AsyncIterator[None]:
    """Host what this runner is given while the block runs."""
    settings, bus, tenure = ground.settings, ground.bus, ground.tenure
    repository = HostingRepository(
        ground.database, runner=tenure.runner, epoch=tenure.epoch
    )
    life = AgentLife(
        database=ground.database,
        repository=repository,
        tenure=tenure,
        placement=placement,
        bus=bus,
        leases=leases,
        runtime=ground.runtime,
        doors=doors,
        hosted=hosted,
        desk=desk,
        image=settings.agent_image,
        allow_environment_delivery=settings.allow_environment_delivery,
    )
    hosting = Hosting(
        repository=repository,
        tenure=tenure,
        placement=placement,
        life=life,
        runtime=ground.runtime,
        hosted=hosted,
        most_launches=settings.most_launches,
        rhythm=rhythm,
    )
    tenures = TenureRepository(ground.database, tenure)
    takeover = Takeover(tenures=tenures, tenure=tenure, placement=placement)
    renewal = LeaseRenewal(hosted=hosted, leases=leases, readiness_changed=hosting.look)
    missed = MissedChanges(bus=bus, held=renewal.held, changed=renewal.provider_changed)
    measured = Measured(
        bus=bus,
        runner=settings.name,
        hosted=hosted,
        doors=doors,
        backlog=ground.backlog,
    )
    async with (
        bus.hearing(WAKE, hosting.wake, key=settings.name),
        bus.hearing(PROVIDER_CHANGED, renewal.provider_changed),
        bus.hearing(PROVIDER_CHANGED, hosting.provider_changed),
        background(
            Heartbeat(tenures=tenures, tenure=tenure).run(),
            takeover.run(),
            renewal.run(),
            missed.run(),
            hosting.run(),
            AttemptLog(hosted.attempts, ground.runtime).run(),
            every(_MEASURE_EVERY, measured.tell, name="measured"),
        ),
    ):
        yield
