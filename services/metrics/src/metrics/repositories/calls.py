"""Calls, read from PostgreSQL within one organization."""

from datetime import datetime, timedelta
from typing import Protocol
from uuid import UUID

from shared.contracts.metrics import Call, CallsQuestion
from shared.database import Database
from shared.ids import made_at

from .places import Place, conditions_of

__all__ = ["CALL_COLUMNS", "CallsRepository", "PostgresCalls"]

CALL_COLUMNS = """
    call_id, org_id, agent_id, agent_type_id, provider_id, provider_type, use_case,
    labels, model, endpoint, is_streamed, message_id, runner, request_id, status,
    http_status, started_at, duration_ms, time_to_first_token_ms, usage, usage_source,
    explanation, attempts, recorded_at, cost_usd, price_version, unpriced_reason
"""
"""Of `counted_call`: what `CallRecord` and `Call` are made of."""

_NEAR = timedelta(days=1)
# Row-level security lets no function near a row before it has passed but those that
# PostgreSQL calls leakproof, and no index either: a cast to `name` is one, `left` none.
_OF_MODEL = "model::name = {0}::text::name AND left(model, 500) = {0}"


class CallsRepository(Protocol):
    async def newest(
        self, question: CallsQuestion, *, below: Place | None, limit: int
    ) -> list[Call]:
        """List at most *limit* calls, started last first, in places below *below*."""

    async def find(self, org_id: UUID, call_id: UUID) -> Call | None: ...


class PostgresCalls:
    def __init__(self, database: Database) -> None:
        self._database = database

    async def newest(
        self, question: CallsQuestion, *, below: Place | None, limit: int
    ) -> list[Call]:
        wanted = {
            "started_at >= {}": question.since,
            "started_at < {}": question.until,
            "(started_at, call_id) < ({}, {})": below,
            "agent_id = {}": question.agent_id,
            "agent_type_id = {}": question.agent_type_id,
            "provider_id = {}": question.provider_id,
            _OF_MODEL: question.model,
            "status = {}": question.status,
            "code = left({}::text, 500)": question.code,
            "request_id = {}": question.request_id,
        }
        conditions, arguments = conditions_of(wanted)
        async with self._database.organization(question.org_id) as transaction:
            rows = await transaction.fetch(
                f"""
                SELECT {CALL_COLUMNS}
                FROM counted_call
                WHERE {conditions}
                ORDER BY started_at DESC, call_id DESC
                LIMIT ${len(arguments) + 1}
                """,  # noqa: S608 - columns and conditions of our own
                *arguments,
                limit,
            )
        return [Call.model_validate(dict(row)) for row in rows]

    async def find(self, org_id: UUID, call_id: UUID) -> Call | None:
        """Look in the days around the time in the id first: few or one of all."""
        return await self._find(
            org_id, call_id, *_days_around(call_id)
        ) or await self._find(org_id, call_id, None, None)

    async def _find(
        self,
        org_id: UUID,
        call_id: UUID,
        since: datetime | None,
        until: datetime | None,
    ) -> Call | None:
        async with self._database.organization(org_id) as transaction:
            row = await transaction.fetchrow(
                f"""
                SELECT {CALL_COLUMNS}
                FROM counted_call
                WHERE call_id = $1
                    AND started_at >= coalesce($2, '-infinity'::timestamptz)
                    AND started_at < coalesce($3, 'infinity'::timestamptz)
                """,  # noqa: S608 - our own columns
                call_id,
                since,
                until,
            )
        return None if row is None else Call.model_validate(dict(row))


def _days_around(call_id: UUID) -> tuple[datetime | None, datetime | None]:
    """Read when a UUIDv7 was made; what somebody made up may be of no time at all."""
    try:
        near = made_at(call_id)
        return near - _NEAR, near + _NEAR
    except OverflowError:
        return None, None
