"""`/agents/{id}/stats`: what an agent used and how it fared."""

from aiohttp import web

from gateway.authentication import principal_of
from gateway.periods import PeriodQuery, period_of
from gateway.reading import id_in_path, query_of
from shared.bus import Bus
from shared.clock import Clock
from shared.contracts.agent_runner import GET_AGENT, AgentQuestion
from shared.contracts.metrics import AGENT_STATS
from shared.contracts.usage import AgentStatsQuestion
from shared.errors import AgentNotFoundError
from shared.http import reply_json

__all__ = ["StatsRoutes"]


class StatsRoutes:
    def __init__(self, bus: Bus, *, now: Clock) -> None:
        self._bus = bus
        self._now = now

    def routes(self) -> list[web.RouteDef]:
        return [web.get("/agents/{id}/stats", self._show_of_agent)]

    async def _show_of_agent(self, request: web.Request) -> web.Response:
        """Ask the runner first: metrics counts, and does not know who exists."""
        who = principal_of(request)
        agent_id = id_in_path(request, AgentNotFoundError)
        period = period_of(query_of(request, PeriodQuery), now=self._now())
        agent = AgentQuestion(org_id=who.org_id, actor=who.actor, agent_id=agent_id)
        await self._bus.ask(GET_AGENT, agent)
        question = AgentStatsQuestion(
            org_id=who.org_id,
            actor=who.actor,
            agent_id=agent_id,
            since=period.since,
            until=period.until,
        )
        return reply_json(await self._bus.ask(AGENT_STATS, question))
