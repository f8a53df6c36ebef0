"""`/calls`: every model call, with its attempts and never its content."""

from uuid import UUID

from gateway.access.permissions import Permission
from gateway.routing.asked import Asked
from gateway.routing.operations import operation
from gateway.routing.reading import PageQuery
from shared.bus import Bus
from shared.contracts.base import Page
from shared.contracts.metrics import (
    GET_CALL,
    LIST_CALLS,
    Call,
    CallQuestion,
    CallsQuestion,
)
from shared.errors import CallNotFoundError

__all__ = ["CallRoutes"]


class CallsQuery(PageQuery):
    """Which calls are wanted: all, or those of one agent."""

    agent_id: UUID | None = None


class CallRoutes:
    def __init__(self, bus: Bus) -> None:
        self._bus = bus

    @operation("GET /calls", needs=Permission.USAGE_READ)
    async def list_calls(self, asked: Asked, query: CallsQuery) -> Page[Call]:
        """List calls, those started last first."""
        question = CallsQuestion(
            org_id=asked.org_id,
            actor=asked.actor,
            limit=query.limit,
            cursor=query.cursor,
            agent_id=query.agent_id,
        )
        return await self._bus.ask(LIST_CALLS, question)

    @operation(
        "GET /calls/{id}", needs=Permission.USAGE_READ, missing=CallNotFoundError
    )
    async def get_call(self, asked: Asked) -> Call:
        """Show a call with its attempts."""
        question = CallQuestion(
            org_id=asked.org_id, actor=asked.actor, call_id=asked.id
        )
        return await self._bus.ask(GET_CALL, question)
