"""`/agents/{id}/stats`: what an agent used and how it fared."""

from gateway.access.permissions import Permission
from gateway.periods import PeriodQuery, period_of
from gateway.routing.asked import Asked
from gateway.routing.operations import operation
from shared.bus import Bus
from shared.clock import Clock
from shared.contracts.agent_runner import GET_AGENT, AgentQuestion
from shared.contracts.metrics import AGENT_STATS
from shared.contracts.usage import AgentStats, AgentStatsQuestion
from shared.errors import AgentNotFoundError

__all__ = ["StatsRoutes"]


class StatsRoutes:
    def __init__(self, bus: Bus, *, now: Clock) -> None:
        self._bus = bus
        self._now = now

    @operation(
        "GET /agents/{id}/stats",
        needs=Permission.USAGE_READ,
        missing=AgentNotFoundError,
    )
    async def get_agent_stats(self, asked: Asked, query: PeriodQuery) -> AgentStats:
        """Show what an agent used and how it fared, ever or in a period."""
        # The runner is asked first: metrics counts, and does not know who exists.
        period = period_of(query, now=self._now())
        agent = AgentQuestion(org_id=asked.org_id, actor=asked.actor, agent_id=asked.id)
        await self._bus.ask(GET_AGENT, agent)
        question = AgentStatsQuestion(
            org_id=asked.org_id,
            actor=asked.actor,
            agent_id=asked.id,
            since=period.since,
            until=period.until,
        )
        return await self._bus.ask(AGENT_STATS, question)
