"""`/agent-types`: the templates that agents are made from."""

from aiohttp import web

from gateway.authentication import principal_of
from gateway.reading import id_in_path, if_match, page_question
from gateway.replying import reply_created, reply_versioned
from shared.bus import Bus
from shared.contracts.agent_runner import (
    CREATE_AGENT_TYPE,
    DELETE_AGENT_TYPE,
    GET_AGENT_TYPE,
    LIST_AGENT_TYPES,
    UPDATE_AGENT_TYPE,
    AgentTypePatch,
    AgentTypeQuestion,
    AgentTypeSubmission,
    CreateAgentType,
    UpdateAgentType,
)
from shared.errors import AgentTypeNotFoundError
from shared.http import read_json, reply_json
from shared.ids import new_id

__all__ = ["AgentTypeRoutes"]


class AgentTypeRoutes:
    def __init__(self, bus: Bus) -> None:
        self._bus = bus

    def routes(self) -> list[web.RouteDef]:
        return [
            web.get("/agent-types", self._list),
            web.post("/agent-types", self._create),
            web.get("/agent-types/{id}", self._show),
            web.patch("/agent-types/{id}", self._update),
            web.delete("/agent-types/{id}", self._delete),
        ]

    async def _list(self, request: web.Request) -> web.Response:
        return reply_json(await self._bus.ask(LIST_AGENT_TYPES, page_question(request)))

    async def _create(self, request: web.Request) -> web.Response:
        who = principal_of(request)
        question = CreateAgentType(
            org_id=who.org_id,
            actor=who.actor,
            agent_type_id=new_id(),
            submission=await read_json(request, AgentTypeSubmission),
        )
        agent_type = await self._bus.ask(CREATE_AGENT_TYPE, question)
        return reply_created(request, agent_type)

    async def _show(self, request: web.Request) -> web.Response:
        agent_type = await self._bus.ask(GET_AGENT_TYPE, _question(request))
        return reply_versioned(agent_type)

    async def _update(self, request: web.Request) -> web.Response:
        about = _question(request)
        question = UpdateAgentType(
            org_id=about.org_id,
            actor=about.actor,
            agent_type_id=about.agent_type_id,
            patch=await read_json(request, AgentTypePatch),
            if_version=if_match(request),
        )
        agent_type = await self._bus.ask(UPDATE_AGENT_TYPE, question)
        return reply_versioned(agent_type)

    async def _delete(self, request: web.Request) -> web.Response:
        await self._bus.ask(DELETE_AGENT_TYPE, _question(request))
        return web.Response(status=204)


def _question(request: web.Request) -> AgentTypeQuestion:
    who = principal_of(request)
    return AgentTypeQuestion(
        org_id=who.org_id,
        actor=who.actor,
        agent_type_id=id_in_path(request, AgentTypeNotFoundError),
    )
