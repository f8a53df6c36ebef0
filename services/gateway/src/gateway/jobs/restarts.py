"""Restarting the agents that a job concerns: who they are, and one look at each."""

from uuid import UUID

from shared.bus import Bus
from shared.clock import Clock
from shared.contracts.agent_runner import GET_AGENT, RESTART_AGENT, Agent
from shared.contracts.jobs import AgentProgress, JobAgent, JobKind
from shared.contracts.restarts import LIST_CONCERNED_AGENTS, ListConcernedAgents
from shared.errors import (
    AgentNotFoundError,
    AppError,
    ConflictError,
    StaleGenerationError,
    UnavailableError,
)

from .explanations import explained
from .restarting import (
    chosen,
    found_agent,
    is_overdue,
    judged,
    must_restart,
    skipped,
)
from .work import LONGEST_PAGE, Work

__all__ = ["Restarts"]


class Restarts:
    def __init__(self, bus: Bus, *, now: Clock) -> None:
        self._bus = bus
        self._now = now

    async def concerned(self, work: Work) -> list[JobAgent]:
        """Find who has to restart: all of a type, or all that run with a provider.

        A new secret of the same provider concerns those alone whose process has it.
        """
        job = work.job
        if job.kind is JobKind.AGENT_TYPE_RESTART:
            found = await self._all(work, agent_type_id=job.agent_type_id)
        else:
            found = await self._all(
                work,
                provider_id=job.provider_id,
                only_delivered=job.to_provider_id is None,
            )
        return [found_agent(each) for each in found]

    async def latecomers(self, work: Work) -> list[JobAgent]:
        """Find who began to run with the old provider after the others were found."""
        if work.job.kind is JobKind.AGENT_TYPE_RESTART:
            return []
        known = {agent.id for agent in work.job.agents or ()}
        return [each for each in await self.concerned(work) if each.id not in known]

    async def gone_over(self, work: Work) -> list[JobAgent]:
        """Find who runs with the new provider, of the types that were moved to it."""
        types = {each.id for each in work.job.agent_types or ()}
        found = await self._all(work, provider_id=work.new)
        return [found_agent(each) for each in found if each.agent_type_id in types]

    async def brought_on(self, work: Work) -> list[JobAgent]:
        """Bring those that are between two incarnations further, and begin others."""
        agents = chosen(work.job.agents or [], now=self._now())
        return [
            await self._brought_on(work, agent)
            if agent.progress is AgentProgress.RESTARTING
            else agent
            for agent in agents
        ]

    async def _brought_on(self, work: Work, agent: JobAgent) -> JobAgent:
        """Ask for a restart, or tell how it went.

        It is asked for only while what was noted of the agent is what it is: what is
        noted anew has to be kept first, or nobody could tell the new from the old.
        """
        found = await self._found(work, agent.id)
        if not must_restart(agent, found):
            return judged(agent, found, now=self._now())
        if found is not None and found.started_at != agent.started_at:
            return agent.model_copy(update={"started_at": found.started_at})
        try:
            await self._bus.ask(RESTART_AGENT, work.agent(agent.id))
        except UnavailableError:
            raise
        except StaleGenerationError as error:  # another start came first: look again
            if is_overdue(agent, now=self._now()):
                return skipped(agent, explained(error))
        except AppError as error:
            if type(error) is not ConflictError:  # somebody started or stopped it
                return skipped(agent, explained(error))
        return agent

    async def _found(self, work: Work, agent_id: UUID) -> Agent | None:
        try:
            return await self._bus.ask(GET_AGENT, work.agent(agent_id))
        except AgentNotFoundError:
            return None

    async def _all(
        self,
        work: Work,
        *,
        agent_type_id: UUID | None = None,
        provider_id: UUID | None = None,
        only_delivered: bool = False,
    ) -> list[Agent]:
        found: list[Agent] = []
        cursor: str | None = None
        while True:
            question = ListConcernedAgents(
                org_id=work.org_id,
                actor=work.job.actor,
                limit=LONGEST_PAGE,
                cursor=cursor,
                agent_type_id=agent_type_id,
                provider_id=provider_id,
                only_delivered=only_delivered,
            )
            page = await self._bus.ask(LIST_CONCERNED_AGENTS, question)
            found += page.data
            cursor = page.next_cursor
            if cursor is None:
                return found
