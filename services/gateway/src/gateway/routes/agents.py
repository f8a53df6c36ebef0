"""`/agents`: instances of agent types, and what they are told to do."""

from http import HTTPStatus
from uuid import UUID

import structlog

from gateway.access.permissions import Permission
from gateway.routing.asked import Asked
from gateway.routing.operations import operation
from gateway.routing.reading import Input, PageQuery
from shared.bus import Bus
from shared.contracts.agent_runner import (
    AGENT_LOGS,
    CREATE_AGENT,
    DELETE_AGENT,
    GET_AGENT,
    LIST_AGENTS,
    RESTART_AGENT,
    START_AGENT,
    STOP_AGENT,
    Agent,
    AgentLogs,
    AgentQuestion,
    CreateAgent,
)
from shared.contracts.base import Name, Page
from shared.errors import (
    AgentNotFoundError,
    AgentTypeNotFoundError,
    AppError,
    NameTakenError,
    ProviderGoneError,
)

__all__ = ["AgentRoutes"]

log = structlog.get_logger(__name__)


class AgentSubmission(Input):
    """A new agent; with *start* it is started at once, or not made at all."""

    name: Name
    agent_type_id: UUID
    start: bool = False


class AgentRoutes:
    def __init__(self, bus: Bus) -> None:
        self._bus = bus

    @operation("GET /agents", needs=Permission.AGENTS_READ)
    async def list_agents(self, asked: Asked, query: PageQuery) -> Page[Agent]:
        """List agents, newest first."""
        return await self._bus.ask(LIST_AGENTS, asked.page(query))

    @operation(
        "POST /agents",
        needs=Permission.AGENTS_WRITE,
        status=HTTPStatus.CREATED,
        errors=(AgentTypeNotFoundError, NameTakenError, ProviderGoneError),
    )
    async def create_agent(self, asked: Asked, body: AgentSubmission) -> Agent:
        """Create an agent, stopped; with `start` it is started, or not made at all."""
        question = CreateAgent(
            org_id=asked.org_id,
            actor=asked.actor,
            agent_id=asked.new_id,
            name=body.name,
            agent_type_id=body.agent_type_id,
        )
        agent = await self._bus.ask(CREATE_AGENT, question)
        if not body.start:
            return agent
        return await self._started_or_removed(question)

    @operation(
        "GET /agents/{id}", needs=Permission.AGENTS_READ, missing=AgentNotFoundError
    )
    async def get_agent(self, asked: Asked) -> Agent:
        """Show an agent."""
        return await self._bus.ask(GET_AGENT, _question(asked))

    @operation(
        "DELETE /agents/{id}", needs=Permission.AGENTS_WRITE, missing=AgentNotFoundError
    )
    async def delete_agent(self, asked: Asked) -> None:
        """Stop an agent and delete it."""
        await self._bus.ask(DELETE_AGENT, _question(asked))

    @operation(
        "POST /agents/{id}/start",
        needs=Permission.AGENTS_WRITE,
        status=HTTPStatus.ACCEPTED,
        errors=(ProviderGoneError,),
        missing=AgentNotFoundError,
    )
    async def start_agent(self, asked: Asked) -> Agent:
        """Start an agent; one that runs already is left alone."""
        return await self._bus.ask(START_AGENT, _question(asked))

    @operation(
        "POST /agents/{id}/stop",
        needs=Permission.AGENTS_WRITE,
        status=HTTPStatus.ACCEPTED,
        missing=AgentNotFoundError,
    )
    async def stop_agent(self, asked: Asked) -> Agent:
        """Stop an agent; one that is stopped already is left alone."""
        return await self._bus.ask(STOP_AGENT, _question(asked))

    @operation(
        "POST /agents/{id}/restart",
        needs=Permission.AGENTS_WRITE,
        status=HTTPStatus.ACCEPTED,
        errors=(ProviderGoneError,),
        missing=AgentNotFoundError,
    )
    async def restart_agent(self, asked: Asked) -> Agent:
        """Stop an agent and start it anew, with the newest version of its type."""
        return await self._bus.ask(RESTART_AGENT, _question(asked))

    @operation(
        "GET /agents/{id}/logs",
        needs=Permission.AGENTS_READ,
        missing=AgentNotFoundError,
    )
    async def get_agent_logs(self, asked: Asked) -> AgentLogs:
        """Show the last lines an agent wrote, secrets masked."""
        return await self._bus.ask(AGENT_LOGS, _question(asked))

    async def _started_or_removed(self, created: CreateAgent) -> Agent:
        question = AgentQuestion(
            org_id=created.org_id, actor=created.actor, agent_id=created.agent_id
        )
        try:
            return await self._bus.ask(START_AGENT, question)
        except AppError:
            await self._remove(question)
            raise

    async def _remove(self, question: AgentQuestion) -> None:
        try:
            await self._bus.ask(DELETE_AGENT, question)
        except AppError as error:
            agent = str(question.agent_id)
            log.warning("agent.left_behind", agent=agent, reason=error.code)


def _question(asked: Asked) -> AgentQuestion:
    return AgentQuestion(org_id=asked.org_id, actor=asked.actor, agent_id=asked.id)
