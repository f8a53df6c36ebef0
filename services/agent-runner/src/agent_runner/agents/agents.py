"""Use cases of agents: make, read, start, stop, remove."""

import asyncio
from contextlib import suppress
from datetime import timedelta
from uuid import UUID

from agent_runner.placement import Placement
from agent_runner.repositories import agent_types as types_repository
from agent_runner.repositories import agents as repository
from agent_runner.repositories.audit import note
from agent_runner.repositories.messages import cancel_unfinished
from shared.bus import Bus
from shared.clock import Clock, utc_now
from shared.contracts.agent_runner import (
    WAKE,
    Agent,
    AgentQuestion,
    CreateAgent,
    DesiredState,
    UpdateAgent,
    Wake,
)
from shared.contracts.agent_types import AgentRuntime
from shared.contracts.base import Empty, Page, PageQuestion
from shared.contracts.limits import BudgetScope, ScopeKind
from shared.contracts.restarts import ListConcernedAgents
from shared.database import Database, Transaction
from shared.errors import (
    AgentNotFoundError,
    ConflictError,
    InvalidError,
    PreconditionFailedError,
)
from shared.pages import before, page_of
from shared.timeouts import timeout

from .budget_scopes import remove_budgets
from .claims import Claims
from .external_agents import ExternalAgents

__all__ = ["Agents"]

_STOPPED_WITHIN = timedelta(seconds=50)
_LOOK_AGAIN = timedelta(milliseconds=200)


class Agents:
    """Answers for any agent; the runner that hosts one is told by a signal."""

    def __init__(
        self,
        *,
        database: Database,
        bus: Bus,
        placement: Placement,
        claims: Claims,
        external: ExternalAgents,
        now: Clock = utc_now,
    ) -> None:
        self._database = database
        self._bus = bus
        self._placement = placement
        self._claims = claims
        self._external = external
        self._now = now

    async def create(self, question: CreateAgent) -> Agent:
        """Make an agent, stopped; an external one may call at once."""
        async with self._database.organization(question.org_id) as transaction:
            agent_type = await types_repository.agent_type(
                transaction, question.agent_type_id
            )
        if agent_type.runtime is AgentRuntime.EXTERNAL:
            await self._external.create(question)
        else:
            await self._create(question)
        return await self.get(question)

    async def get(self, question: AgentQuestion | CreateAgent | UpdateAgent) -> Agent:
        async with self._database.organization(question.org_id) as transaction:
            agent = await repository.agent(transaction, question.agent_id)
        return self._external.told(agent)

    async def list(self, question: PageQuestion) -> Page[Agent]:
        async with self._database.organization(question.org_id) as transaction:
            found = await repository.agents(
                transaction, before=before(question.cursor), limit=question.limit + 1
            )
        told = [self._external.told(agent) for agent in found]
        return page_of(told, limit=question.limit, id_of=lambda each: each.id)

    async def list_concerned(self, question: ListConcernedAgents) -> Page[Agent]:
        async with self._database.organization(question.org_id) as transaction:
            found = await repository.concerned_agents(
                transaction,
                agent_type_id=question.agent_type_id,
                provider_id=question.provider_id,
                only_delivered=question.only_delivered,
                before=before(question.cursor),
                limit=question.limit + 1,
            )
        return page_of(found, limit=question.limit, id_of=lambda each: each.id)

    async def update(self, question: UpdateAgent) -> Agent:
        """Rename an agent, or give it another type from its next restart on."""
        patch = question.patch
        async with self._database.organization(question.org_id) as transaction:
            agent = await repository.agent(transaction, question.agent_id)
            if patch.agent_type_id is not None:
                await _require_same_kind(transaction, agent, patch.agent_type_id)
            if not await repository.change_agent(
                transaction,
                agent.id,
                name=patch.name,
                agent_type_id=patch.agent_type_id,
                if_version=question.if_version,
                at=self._now(),
            ):
                agent = await repository.agent(transaction, question.agent_id)
                raise PreconditionFailedError(
                    f"The agent has moved on to version {agent.version}."
                )
            await note(transaction, question, "agent.updated", agent.id)
        return await self.get(question)

    async def start(self, question: AgentQuestion) -> Agent:
        """Ask for a running agent; one that is to run already stays as it is."""
        agent = await self.get(question)
        if agent.desired_state is DesiredState.RUNNING:
            return agent
        return await self._run(question, agent, act="agent.started")

    async def restart(self, question: AgentQuestion) -> Agent:
        """Ask for a new incarnation, with the newest version of its type."""
        agent = await self.get(question)
        return await self._run(question, agent, act="agent.restarted")

    async def stop(self, question: AgentQuestion) -> Agent:
        """Ask for a stop; an agent that is to be stopped already stays as it is."""
        agent = await self.get(question)
        if agent.desired_state is DesiredState.STOPPED:
            return agent
        if agent.is_external:
            await self._external.shut_out(question)
            return await self.get(question)
        async with self._database.organization(question.org_id) as transaction:
            if await repository.desire_stopped(
                transaction, question.agent_id, at=self._now()
            ):
                await note(transaction, question, "agent.stopped", question.agent_id)
            agent = await repository.agent(transaction, question.agent_id)
        await self._wake_host(agent)
        return agent

    async def delete(self, question: AgentQuestion) -> Empty:
        """Stop the agent, wait until it has stopped, remove it.

        One that is started meanwhile is stopped again.
        """
        await self.stop(question)
        async with timeout(_STOPPED_WITHIN.total_seconds()):
            while not await self._removed(question):
                await asyncio.sleep(_LOOK_AGAIN.total_seconds())
                with suppress(AgentNotFoundError):
                    await self.stop(question)
        return Empty()

    async def _run(self, question: AgentQuestion, agent: Agent, *, act: str) -> Agent:
        """Claim the uses, then want it running: never the other way round."""
        if agent.is_external:
            await self._external.let_in(question, agent, act=act)
            return await self.get(question)
        claim = await self._claims.claim(question, agent)
        async with self._database.organization(question.org_id) as transaction:
            if not await repository.desire_running(
                transaction,
                agent.id,
                agent_type_id=claim.agent_type.id,
                agent_type_version=claim.agent_type.version,
                generation=claim.generation,
                at=self._now(),
            ):
                raise ConflictError(
                    "The agent was started or stopped at the same moment; try again."
                )
            await note(transaction, question, act, agent.id)
        await self._placement.place()
        agent = await self.get(question)
        await self._wake_host(agent)
        return agent

    async def _create(self, question: CreateAgent) -> None:
        async with self._database.organization(question.org_id) as transaction:
            await repository.add_agent(
                transaction,
                org_id=question.org_id,
                agent_id=question.agent_id,
                name=question.name,
                agent_type_id=question.agent_type_id,
                at=self._now(),
            )
            await note(transaction, question, "agent.created", question.agent_id)

    async def _removed(self, question: AgentQuestion) -> bool:
        async with self._database.organization(question.org_id) as transaction:
            if not await repository.remove_agent(transaction, question.agent_id):
                return await self._is_gone(transaction, question.agent_id)
            await cancel_unfinished(transaction, question.agent_id, at=self._now())
            await note(transaction, question, "agent.deleted", question.agent_id)
            scope = BudgetScope(kind=ScopeKind.AGENT, id=question.agent_id)
            await remove_budgets(transaction, question, scope)
        return True

    async def _is_gone(self, transaction: Transaction, agent_id: UUID) -> bool:
        """Say whether somebody else has removed an agent meanwhile."""
        try:
            await repository.agent(transaction, agent_id)
        except AgentNotFoundError:
            return True
        return False

    async def _wake_host(self, agent: Agent) -> None:
        if agent.runner is not None:
            await self._bus.signal(WAKE, Wake(agent_id=agent.id), key=agent.runner)


async def _require_same_kind(
    transaction: Transaction, agent: Agent, agent_type_id: UUID
) -> None:
    """Refuse to make a hosted agent external, or an external one hosted."""
    agent_type = await types_repository.agent_type(transaction, agent_type_id)
    if (agent_type.runtime is AgentRuntime.EXTERNAL) is not agent.is_external:
        raise InvalidError.of_fields(
            "A hosted agent cannot become external, nor an external one hosted.",
            {"agent_type_id": "is of the other kind"},
        )
