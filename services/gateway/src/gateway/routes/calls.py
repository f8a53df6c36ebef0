"""`/calls`: every model call, with its attempts and never its content."""

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
    GET_CALL,
    LIST_CALLS,
    Call,
    CallQuestion,
    CallsQuestion,
    CallStatus,
)
from shared.contracts.usage import Key
from shared.errors import CallNotFoundError

__all__ = ["CallRoutes"]


class CallsQuery(PageQuery, PeriodQuery):
    """Which calls are wanted: those that have all that is named."""

    agent_id: UUID | None = None
    agent_type_id: UUID | None = None
    provider_id: UUID | None = None
    model: Key | None = None
    status: CallStatus | None = None
    code: Key | None = None
    request_id: Key | None = None


class CallRoutes:
    def __init__(self, bus: Bus, *, now: Clock) -> None:
        self._bus = bus
        self._now = now

    @operation("GET /calls", needs=Permission.USAGE_READ)
    async def list_calls(self, asked: Asked, query: CallsQuery) -> Page[Call]:
        """List calls, those started last first.

        Of the last 24 hours, unless a period or a request is named.
        """
        period = listed_period_of(
            query, now=self._now(), is_of_one=query.request_id is not None
        )
        question = CallsQuestion(
            **asked.page(query).model_dump(),
            agent_id=query.agent_id,
            agent_type_id=query.agent_type_id,
            provider_id=query.provider_id,
            model=query.model,
            status=query.status,
            code=query.code,
            request_id=query.request_id,
            since=period.since,
            until=period.until,
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
