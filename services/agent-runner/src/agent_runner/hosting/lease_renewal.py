"""Keeping leases fresh: at half their life, and at once when a provider changes."""

import asyncio
from collections.abc import Callable
from datetime import timedelta

import structlog

from agent_runner.explanations import ACK_ONLY_ERRORS, explained
from agent_runner.hosted_agents import HostedAgent, HostedAgents
from agent_runner.leases import Leases
from shared.clock import Clock, utc_now
from shared.contracts.base import Explanation
from shared.contracts.credentials import ProviderChanged
from shared.errors import AppError
from shared.lifecycle import every

__all__ = ["LeaseRenewal"]

log = structlog.get_logger(__name__)

_ROUND = timedelta(seconds=15)


class LeaseRenewal:
    """A lease that cannot be renewed is kept: running agents go on (DESIGN: §9).

    Those whose provider is not ready any more get no message until it is again;
    *readiness_changed* is called for either.
    """

    def __init__(
        self,
        *,
        hosted: HostedAgents,
        leases: Leases,
        readiness_changed: Callable[[], None],
        now: Clock = utc_now,
    ) -> None:
        self._hosted = hosted
        self._leases = leases
        self._readiness_changed = readiness_changed
        self._now = now
        self._woken = asyncio.Event()

    def provider_changed(self, changed: ProviderChanged) -> None:
        for agent in self._hosted:
            if agent.agent_type.provider_id == changed.provider_id:
                agent.lease_is_stale = True
        self._woken.set()

    async def run(self) -> None:
        await every(_ROUND, self._round, name="lease_renewal", woken=self._woken)

    async def _round(self) -> None:
        for agent in self._hosted:
            if agent.lease_is_stale or agent.lease.is_past_half(self._now()):
                await self._renew(agent)

    async def _renew(self, agent: HostedAgent) -> None:
        agent.lease_is_stale = False
        try:
            agent.lease = await self._leases.obtain(
                org_id=agent.org_id,
                agent_id=agent.id,
                provider_id=agent.agent_type.provider_id,
            )
        except AppError as error:
            agent.lease_is_stale = True
            log.warning("lease.not_renewed", agent=str(agent.id), reason=error.message)
            if isinstance(error, ACK_ONLY_ERRORS):
                self._note(agent, explained(error))
            return
        self._note(agent, None)

    def _note(self, agent: HostedAgent, not_ready: Explanation | None) -> None:
        if agent.not_ready == not_ready:
            return
        agent.not_ready = not_ready
        agent.woken.set()
        self._readiness_changed()
