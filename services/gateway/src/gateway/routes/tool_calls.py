"""`/tool-calls`: every tool call that a runner ran, never what was asked or given."""

from uuid import UUID

from gateway.access.permissions import Permission
from gateway.periods import PeriodQuery, listed_period_of
from gateway.routing.asked import Asked
from gateway.routing.operations import operation
from gateway.routing.reading import PageQuery
from shared.bus import Bus
from shared.clock import Clock
from shared.contracts.base import Page
from shared.contracts.metrics import (
    GET_TOOL_CALL,
    LIST_TOOL_CALLS,
    ToolCall,
    ToolCallQuestion,
    ToolCallsQuestion,
    ToolCallStatus,
)
from shared.contracts.usage import Key
from shared.errors import ToolCallNotFoundError

__all__ = ["ToolCallRoutes"]


class ToolCallsQuery(PageQuery, PeriodQuery):
    """Which are wanted: those that have all that is named."""

    agent_id: UUID | None = None
    agent_type_id: UUID | None = None
    message_id: UUID | None = None
    tool: Key | None = None
    status: ToolCallStatus | None = None
    code: Key | None = None


class ToolCallRoutes:
    def __init__(self, bus: Bus, *, now: Clock) -> None:
        self._bus = bus
        self._now = now

    @operation("GET /tool-calls", needs=Permission.USAGE_READ)
    async def list_tool_calls(
        self, asked: Asked, query: ToolCallsQuery
    ) -> Page[ToolCall]:
        """List tool calls, those started last first.

        Of the last 24 hours, unless a period or a message is named; those that began:
        what is refused before that takes nothing and is none.
        """
        period = listed_period_of(
            query, now=self._now(), is_of_one=query.message_id is not None
        )
        question = ToolCallsQuestion(
            **asked.page(query).model_dump(),
            agent_id=query.agent_id,
            agent_type_id=query.agent_type_id,
            message_id=query.message_id,
            tool=query.tool,
            status=query.status,
            code=query.code,
            since=period.since,
            until=period.until,
        )
        return await self._bus.ask(LIST_TOOL_CALLS, question)

    @operation(
        "GET /tool-calls/{id}",
        needs=Permission.USAGE_READ,
        missing=ToolCallNotFoundError,
    )
    async def get_tool_call(self, asked: Asked) -> ToolCall:
        """Show a tool call, and why it failed if it did."""
        question = ToolCallQuestion(
            org_id=asked.org_id, actor=asked.actor, tool_call_id=asked.id
        )
        return await self._bus.ask(GET_TOOL_CALL, question)
