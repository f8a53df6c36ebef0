"""`/agents`: instances of agent types, and what they are told to do."""

from http import HTTPStatus
from typing import Annotated
from uuid import UUID

import structlog
from aiohttp import web
from pydantic import BaseModel, BeforeValidator

from gateway.access.permissions import Permission
from gateway.event_stream import MEDIA_TYPE
from gateway.live_logs import LiveLogs
from gateway.routing.asked import Asked
from gateway.routing.operations import operation
from gateway.routing.reading import Input, PageQuery, invalid_headers
from shared.agent_tokens import hash_token, new_token
from shared.bus import Bus
from shared.contracts.agent_runner import (
    AGENT_LOGS,
    CREATE_AGENT,
    DELETE_AGENT,
    GET_AGENT,
    LIST_AGENTS,
    REPLACE_TOKEN,
    RESTART_AGENT,
    START_AGENT,
    STOP_AGENT,
    UPDATE_AGENT,
    Agent,
    AgentPatch,
    AgentQuestion,
    BaseUrls,
    CreateAgent,
    LogPosition,
    LogsQuestion,
    ReplaceToken,
    UpdateAgent,
)
from shared.contracts.base import Name, Page, ShownOnce
from shared.errors import (
    AgentIsHostedError,
    AgentNotFoundError,
    AgentTypeNotFoundError,
    AppError,
    LimitedError,
    McpServerGoneError,
    NameTakenError,
    NoExternalListenerError,
    PreconditionFailedError,
    ProviderGoneError,
)

__all__ = ["AgentRoutes"]

log = structlog.get_logger(__name__)

_LAST = "Last-Event-ID"


class AgentSubmission(Input):
    """A new agent; with *start* it is started at once, or not made at all."""

    name: Name
    agent_type_id: UUID
    start: bool = False


class NewAgent(Agent):
    """An agent as it was made; an external one with its token."""

    agent_token: ShownOnce = None


class AgentToken(BaseModel):
    """What an external agent shows, and where; the token before counts no more."""

    agent_token: ShownOnce = None
    base_urls: BaseUrls | None


class LastLines(BaseModel):
    """The last lines an agent wrote, secrets masked."""

    lines: list[str]


class LogsQuery(Input):
    """Whether to go on with what comes; naming it is enough."""

    follow: Annotated[bool, BeforeValidator(lambda given: given or True)] = False


class AgentRoutes:
    def __init__(self, bus: Bus, live_logs: LiveLogs) -> None:
        self._bus = bus
        self._live_logs = live_logs

    @operation("GET /agents", needs=Permission.AGENTS_READ)
    async def list_agents(self, asked: Asked, query: PageQuery) -> Page[Agent]:
        """List agents, newest first."""
        return await self._bus.ask(LIST_AGENTS, asked.page(query))

    @operation(
        "POST /agents",
        needs=Permission.AGENTS_WRITE,
        status=HTTPStatus.CREATED,
        errors=(
            AgentTypeNotFoundError,
            NameTakenError,
            McpServerGoneError,
            ProviderGoneError,
            NoExternalListenerError,
        ),
    )
    async def create_agent(self, asked: Asked, body: AgentSubmission) -> NewAgent:
        """Create an agent, stopped; with `start` it is started, or not made at all.

        One of an external type may call at once, with the token that this answer alone
        shows.
        """
        token = new_token()
        question = CreateAgent(
            org_id=asked.org_id,
            actor=asked.actor,
            agent_id=asked.new_id,
            name=body.name,
            agent_type_id=body.agent_type_id,
            token_hash=hash_token(token),
        )
        agent = await self._bus.ask(CREATE_AGENT, question)
        if agent.is_external:
            return NewAgent(**agent.model_dump(), agent_token=token)
        if body.start:
            agent = await self._started_or_removed(question)
        return NewAgent(**agent.model_dump())

    @operation(
        "GET /agents/{id}", needs=Permission.AGENTS_READ, missing=AgentNotFoundError
    )
    async def get_agent(self, asked: Asked) -> Agent:
        """Show an agent."""
        return await self._bus.ask(GET_AGENT, _question(asked))

    @operation(
        "PATCH /agents/{id}",
        needs=Permission.AGENTS_WRITE,
        errors=(AgentTypeNotFoundError, NameTakenError, PreconditionFailedError),
        missing=AgentNotFoundError,
    )
    async def update_agent(
        self, asked: Asked, body: AgentPatch, if_version: int | None
    ) -> Agent:
        """Rename an agent, or give it another type from its next restart on."""
        question = UpdateAgent(
            org_id=asked.org_id,
            actor=asked.actor,
            agent_id=asked.id,
            patch=body,
            if_version=if_version,
        )
        return await self._bus.ask(UPDATE_AGENT, question)

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
        errors=(McpServerGoneError, ProviderGoneError),
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
        errors=(McpServerGoneError, ProviderGoneError),
        missing=AgentNotFoundError,
    )
    async def restart_agent(self, asked: Asked) -> Agent:
        """Stop an agent and start it anew, with the newest version of its type."""
        return await self._bus.ask(RESTART_AGENT, _question(asked))

    @operation(
        "GET /agents/{id}/logs",
        needs=Permission.AGENTS_READ,
        media=MEDIA_TYPE,
        errors=(LimitedError,),
        missing=AgentNotFoundError,
    )
    async def get_agent_logs(
        self, asked: Asked, query: LogsQuery
    ) -> LastLines | web.StreamResponse:
        """Show the last lines an agent wrote, secrets masked.

        With `follow`, server-sent events: `lines` (`{"lines", "has_skipped"}`), first
        what is kept and then what comes, or what follows `Last-Event-ID`; `deleted`,
        and no more, when the agent is. Who reads too slowly misses lines, and is told.
        """
        if query.follow:
            return await self._live_logs.stream(asked, _after(asked))
        question = LogsQuestion(**dict(_question(asked)))
        logs = await self._bus.ask(AGENT_LOGS, question)
        return LastLines(lines=logs.lines)

    @operation(
        "POST /agents/{id}/token",
        needs=Permission.AGENTS_WRITE,
        errors=(AgentIsHostedError,),
        missing=AgentNotFoundError,
    )
    async def replace_agent_token(self, asked: Asked) -> AgentToken:
        """Give an external agent another token, which this answer alone shows."""
        token = new_token()
        agent = await self._bus.ask(REPLACE_TOKEN, _replacement(asked, token))
        return AgentToken(agent_token=token, base_urls=agent.base_urls)

    @operation(
        "DELETE /agents/{id}/token",
        needs=Permission.AGENTS_WRITE,
        errors=(AgentIsHostedError,),
        missing=AgentNotFoundError,
    )
    async def revoke_agent_token(self, asked: Asked) -> None:
        """Revoke the token of an external agent, until it is given another."""
        await self._bus.ask(REPLACE_TOKEN, _replacement(asked, None))

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


def _replacement(asked: Asked, token: str | None) -> ReplaceToken:
    return ReplaceToken(
        org_id=asked.org_id,
        actor=asked.actor,
        agent_id=asked.id,
        token_hash=hash_token(token) if token else None,
    )


def _after(asked: Asked) -> LogPosition | None:
    """Read `Last-Event-ID`: an output's id, a colon, an offset."""
    text = asked.http.headers.get(_LAST)
    if text is None:
        return None
    output, _, offset = text.partition(":")
    try:
        return LogPosition(output=UUID(output), offset=int(offset))
    except ValueError:
        raise invalid_headers({_LAST: "must be the id of an event"}) from None
