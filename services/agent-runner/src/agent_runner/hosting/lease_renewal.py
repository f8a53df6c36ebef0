"""Keeping leases fresh: at half their life, and at once when a provider changes."""

import asyncio
from collections.abc import Callable, Iterator
from datetime import timedelta
from uuid import UUID

import structlog

from agent_runner.explanations import ACK_ONLY_ERRORS, explained
from agent_runner.hosted_agents import HostedAgent, HostedAgents
from agent_runner.leases import HeldLease, Leases
from shared.clock import Clock, utc_now
from shared.contracts.base import Explanation
from shared.contracts.credentials import ProviderChanged
from shared.errors import AppError, ProviderDisabledError
from shared.lifecycle import every

from .fallback_leases import lease_fallbacks

__all__ = ["LeaseRenewal"]

log = structlog.get_logger(__name__)

_ROUND = timedelta(seconds=15)


class LeaseRenewal:
    """A lease that cannot be renewed is kept: running agents go on.

    Those whose provider is not ready any more, and who have no fallback that is, get no
    message until it is again; *readiness_changed* is called for either.
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
        self._changed: set[UUID] = set()
        self._woken = asyncio.Event()

    def held(self) -> Iterator[tuple[UUID, HeldLease]]:
        """Give all leases of hosted agents, each with its organization."""
        for agent in self._hosted:
            yield from ((agent.org_id, each) for each in agent.leases)

    def provider_changed(self, changed: ProviderChanged) -> None:
        self._changed.add(changed.provider_id)
        for agent in self._hosted:
            if agent.agent_type.provider_id == changed.provider_id:
                agent.lease_is_stale = True
        self._woken.set()

    async def run(self) -> None:
        await every(_ROUND, self._round, name="lease_renewal", woken=self._woken)

    async def _round(self) -> None:
        changed, self._changed = self._changed, set()
        for agent in self._hosted:
            await lease_fallbacks(agent, self._leases, now=self._now(), changed=changed)
            trouble = agent.not_ready
            if agent.lease_is_stale or agent.lease.is_past_half(self._now()):
                trouble = await self._renew(agent)
            self._note(agent, self._not_ready(agent, trouble))

    async def _renew(self, agent: HostedAgent) -> Explanation | None:
        """Renew the provider's lease; return why it is not ready."""
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
            is_final = isinstance(error, ACK_ONLY_ERRORS)
            return explained(error) if is_final else agent.not_ready
        return None

    def _not_ready(
        self, agent: HostedAgent, trouble: Explanation | None
    ) -> Explanation | None:
        """Say why nobody could be asked, given the *trouble* with its provider."""
        fallbacks = agent.fallback_leases.values()
        if any(each.serves(self._now()) for each in fallbacks):
            return None
        if trouble is None and not agent.lease.credential.enabled:
            return explained(ProviderDisabledError("The provider is disabled."))
        return trouble

    def _note(self, agent: HostedAgent, not_ready: Explanation | None) -> None:
        if agent.not_ready == not_ready:
            return
        agent.not_ready = not_ready
        agent.woken.set()
        self._readiness_changed()
