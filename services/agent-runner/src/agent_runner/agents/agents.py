"""Use cases of agents: make, read, start, stop, remove."""

import asyncio
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
    AgentType,
    CreateAgent,
    DesiredState,
    Wake,
)
from shared.contracts.base import Empty, Page, PageQuestion
from shared.contracts.credentials import CLAIM_USES, ClaimUses
from shared.database import Database, Transaction
from shared.errors import ConflictError
from shared.pages import before, page_of

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
        now: Clock = utc_now,
    ) -> None:
        self._database = database
        self._bus = bus
        self._placement = placement
        self._now = now

    async def create(self, question: CreateAgent) -> Agent:
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
            return await repository.agent(transaction, question.agent_id)

    async def get(self, question: AgentQuestion) -> Agent:
        async with self._database.organization(question.org_id) as transaction:
            return await repository.agent(transaction, question.agent_id)

    async def list(self, question: PageQuestion) -> Page[Agent]:
        async with self._database.organization(question.org_id) as transaction:
            found = await repository.agents(
                transaction, before=before(question.cursor), limit=question.limit + 1
            )
        return page_of(found, limit=question.limit, id_of=lambda each: each.id)

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
        async with self._database.organization(question.org_id) as transaction:
            agent = await repository.agent(transaction, question.agent_id)
            if agent.desired_state is DesiredState.STOPPED:
                return agent
            await repository.desire_stopped(
                transaction, question.agent_id, at=self._now()
            )
            await note(transaction, question, "agent.stopped", question.agent_id)
            agent = await repository.agent(transaction, question.agent_id)
        await self._wake_host(agent)
        return agent

    async def delete(self, question: AgentQuestion) -> Empty:
        """Stop the agent, wait until it has stopped, remove it."""
        await self.stop(question)
        async with asyncio.timeout(_STOPPED_WITHIN.total_seconds()):
            while not await self._removed(question):  # noqa: ASYNC110 - a row says it
                await asyncio.sleep(_LOOK_AGAIN.total_seconds())
        return Empty()

    async def _run(self, question: AgentQuestion, agent: Agent, *, act: str) -> Agent:
        """Claim the uses, then want it running: never the other way round."""
        async with self._database.organization(question.org_id) as transaction:
            newest = await types_repository.agent_type(transaction, agent.agent_type_id)
            running = await self._running_type(transaction, agent)
            generation = await repository.begin_claim(transaction, agent.id)
        await self._bus.ask(
            CLAIM_USES,
            ClaimUses(
                org_id=question.org_id,
                actor=question.actor,
                agent_id=agent.id,
                agent_name=agent.name,
                provider_ids=sorted(_providers(newest, running)),
                generation=generation,
            ),
        )
        async with self._database.organization(question.org_id) as transaction:
            if not await repository.desire_running(
                transaction,
                agent.id,
                agent_type_version=newest.version,
                generation=generation,
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

    async def _running_type(
        self, transaction: Transaction, agent: Agent
    ) -> AgentType | None:
        """Read the version that still runs: until the restart it uses its provider."""
        if agent.desired_state is DesiredState.STOPPED:
            return None
        return await types_repository.agent_type(
            transaction, agent.agent_type_id, agent.agent_type_version
        )

    async def _removed(self, question: AgentQuestion) -> bool:
        async with self._database.organization(question.org_id) as transaction:
            if not await repository.remove_agent(transaction, question.agent_id):
                return False
            await cancel_unfinished(transaction, question.agent_id, at=self._now())
            await note(transaction, question, "agent.deleted", question.agent_id)
        return True

    async def _wake_host(self, agent: Agent) -> None:
        if agent.runner is not None:
            await self._bus.signal(WAKE, Wake(agent_id=agent.id), key=agent.runner)


def _providers(*types: AgentType | None) -> set[UUID]:
    return {each.provider_id for each in types if each is not None}
