"""`/agent-types`: the templates that agents are made from."""

from http import HTTPStatus
from typing import Literal

from gateway.access.permissions import Permission
from gateway.jobs.jobs import Jobs
from gateway.routing.asked import Asked
from gateway.routing.operations import Reply, operation
from gateway.routing.reading import Input, PageQuery
from shared.bus import Bus
from shared.contracts.agent_types import (
    CREATE_AGENT_TYPE,
    DELETE_AGENT_TYPE,
    GET_AGENT_TYPE,
    LIST_AGENT_TYPES,
    UPDATE_AGENT_TYPE,
    AgentType,
    AgentTypePatch,
    AgentTypeQuestion,
    AgentTypeSubmission,
    CreateAgentType,
    UpdateAgentType,
)
from shared.contracts.base import Page
from shared.contracts.jobs import Job
from shared.errors import (
    AgentTypeInUseError,
    AgentTypeNotFoundError,
    JobRunningError,
    NameTakenError,
    PreconditionFailedError,
    ProviderNotFoundError,
)

from .rotations import accepted

__all__ = ["AgentTypeRoutes"]


class RestartQuery(Input):
    """Whether running agents restart with the new version, a few at a time."""

    restart: Literal["rolling"] | None = None


class AgentTypeRoutes:
    def __init__(self, bus: Bus, jobs: Jobs) -> None:
        self._bus = bus
        self._jobs = jobs

    @operation("GET /agent-types", needs=Permission.AGENT_TYPES_READ)
    async def list_agent_types(self, asked: Asked, query: PageQuery) -> Page[AgentType]:
        """List agent types, newest first."""
        return await self._bus.ask(LIST_AGENT_TYPES, asked.page(query))

    @operation(
        "POST /agent-types",
        needs=Permission.AGENT_TYPES_WRITE,
        status=HTTPStatus.CREATED,
        errors=(NameTakenError, ProviderNotFoundError),
    )
    async def create_agent_type(
        self, asked: Asked, body: AgentTypeSubmission
    ) -> AgentType:
        """Create an agent type, with a budget of its agents' calls if one is given.

        A key with scopes needs `budgets:write` too for a budget.
        """
        if body.budget is not None:
            asked.who.require(Permission.BUDGETS_WRITE)
        question = CreateAgentType(
            org_id=asked.org_id,
            actor=asked.actor,
            agent_type_id=asked.new_id,
            submission=body,
        )
        return await self._bus.ask(CREATE_AGENT_TYPE, question)

    @operation(
        "GET /agent-types/{id}",
        needs=Permission.AGENT_TYPES_READ,
        missing=AgentTypeNotFoundError,
    )
    async def get_agent_type(self, asked: Asked) -> AgentType:
        """Show the newest version of an agent type."""
        return await self._bus.ask(GET_AGENT_TYPE, _question(asked))

    @operation(
        "PATCH /agent-types/{id}",
        needs=Permission.AGENT_TYPES_WRITE,
        also={HTTPStatus.ACCEPTED: Job},
        errors=(
            JobRunningError,
            NameTakenError,
            PreconditionFailedError,
            ProviderNotFoundError,
        ),
        missing=AgentTypeNotFoundError,
    )
    async def update_agent_type(
        self,
        asked: Asked,
        query: RestartQuery,
        body: AgentTypePatch,
        if_version: int | None,
    ) -> AgentType | Reply[Job]:
        """Change an agent type, which makes a new version.

        Running agents keep the version they started with and say `restart_required`.
        With `restart=rolling` the answer is the job that restarts them. A key with
        scopes needs `budgets:write` too to change the budget.
        """
        if "budget" in body.model_fields_set:
            asked.who.require(Permission.BUDGETS_WRITE)
        if query.restart is not None:
            asked.who.require(Permission.AGENTS_WRITE)
            await self._jobs.require_free(asked.who, asked.id)
        question = UpdateAgentType(
            org_id=asked.org_id,
            actor=asked.actor,
            agent_type_id=asked.id,
            patch=body,
            if_version=if_version,
        )
        changed = await self._bus.ask(UPDATE_AGENT_TYPE, question)
        if query.restart is None:
            return changed
        return accepted(
            asked, await self._jobs.restart_agents(asked.who, asked.new_id, asked.id)
        )

    @operation(
        "DELETE /agent-types/{id}",
        needs=Permission.AGENT_TYPES_WRITE,
        errors=(AgentTypeInUseError,),
        missing=AgentTypeNotFoundError,
    )
    async def delete_agent_type(self, asked: Asked) -> None:
        """Delete an agent type that no agent has, and the budgets of its calls."""
        await self._bus.ask(DELETE_AGENT_TYPE, _question(asked))


def _question(asked: Asked) -> AgentTypeQuestion:
    return AgentTypeQuestion(
        org_id=asked.org_id, actor=asked.actor, agent_type_id=asked.id
    )
