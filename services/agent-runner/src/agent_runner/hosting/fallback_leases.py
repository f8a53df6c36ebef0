"""Leasing the fallbacks of an agent: as many as can be had, and no more."""

from collections.abc import Collection
from datetime import datetime
from uuid import UUID

import structlog

from agent_runner.hosted_agents import HostedAgent
from agent_runner.leases import Leases
from shared.errors import AppError, UnavailableError

__all__ = ["lease_fallbacks"]

log = structlog.get_logger(__name__)


async def lease_fallbacks(
    agent: HostedAgent,
    leases: Leases,
    *,
    now: datetime,
    changed: Collection[UUID] = (),
) -> None:
    """Renew what is past half its life or *changed*, lease what is new, drop the rest.

    A fallback that is refused is passed over until the next time. While nobody answers,
    what is held is kept.
    """
    wanted = agent.agent_type.provider_ids - {agent.agent_type.provider_id}
    for provider_id in agent.fallback_leases.keys() - wanted:
        del agent.fallback_leases[provider_id]
    for provider_id in sorted(wanted):
        held = agent.fallback_leases.get(provider_id)
        if held is None or held.is_past_half(now) or provider_id in changed:
            await _lease(agent, leases, provider_id)


async def _lease(agent: HostedAgent, leases: Leases, provider_id: UUID) -> None:
    try:
        lease = await leases.obtain(
            org_id=agent.org_id, agent_id=agent.id, provider_id=provider_id
        )
    except AppError as error:
        log.warning(
            "fallback.not_leased",
            agent=str(agent.id),
            provider=str(provider_id),
            reason=error.message,
        )
        if not isinstance(error, UnavailableError):
            agent.fallback_leases.pop(provider_id, None)
        return
    if provider_id in agent.agent_type.provider_ids:
        agent.fallback_leases[provider_id] = lease
