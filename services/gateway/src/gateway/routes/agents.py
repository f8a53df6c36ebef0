"""`/agents`: instances of agent types, and what they are told to do."""

from uuid import UUID

import structlog
from aiohttp import web

from gateway.authentication import principal_of
from gateway.reading import Input, id_in_path, page_question
from gateway.replying import reply_created, reply_versioned
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
    AgentQuestion,
    CreateAgent,
)
from shared.contracts.base import Name
from shared.errors import AgentNotFoundError, AppError
from shared.http import read_json, reply_json
from shared.ids import new_id

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

    def routes(self) -> list[web.RouteDef]:
        return [
            web.get("/agents", self._list),
            web.post("/agents", self._create),
            web.get("/agents/{id}", self._show),
            web.delete("/agents/{id}", self._delete),
            web.post("/agents/{id}/start", self._start),
            web.post("/agents/{id}/stop", self._stop),
            web.post("/agents/{id}/restart", self._restart),
            web.get("/agents/{id}/logs", self._show_logs),
        ]

    async def _list(self, request: web.Request) -> web.Response:
        return reply_json(await self._bus.ask(LIST_AGENTS, page_question(request)))

    async def _create(self, request: web.Request) -> web.Response:
        who = principal_of(request)
        submission = await read_json(request, AgentSubmission)
        question = CreateAgent(
            org_id=who.org_id,
            actor=who.actor,
            agent_id=new_id(),
            name=submission.name,
            agent_type_id=submission.agent_type_id,
        )
        agent = await self._bus.ask(CREATE_AGENT, question)
        if submission.start:
            agent = await self._started_or_removed(question)
        return reply_created(request, agent)

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

    async def _show(self, request: web.Request) -> web.Response:
        agent = await self._bus.ask(GET_AGENT, _question(request))
        return reply_versioned(agent)

    async def _delete(self, request: web.Request) -> web.Response:
        await self._bus.ask(DELETE_AGENT, _question(request))
        return web.Response(status=204)

    async def _start(self, request: web.Request) -> web.Response:
        agent = await self._bus.ask(START_AGENT, _question(request))
        return reply_versioned(agent, status=202)

    async def _stop(self, request: web.Request) -> web.Response:
        agent = await self._bus.ask(STOP_AGENT, _question(request))
        return reply_versioned(agent, status=202)

    async def _restart(self, request: web.Request) -> web.Response:
        agent = await self._bus.ask(RESTART_AGENT, _question(request))
        return reply_versioned(agent, status=202)

    async def _show_logs(self, request: web.Request) -> web.Response:
        return reply_json(await self._bus.ask(AGENT_LOGS, _question(request)))


def _question(request: web.Request) -> AgentQuestion:
    who = principal_of(request)
    return AgentQuestion(
        org_id=who.org_id,
        actor=who.actor,
        agent_id=id_in_path(request, AgentNotFoundError),
    )
