"""Calls, read from PostgreSQL within one organization."""

from datetime import UTC, datetime, timedelta
from typing import NamedTuple, Protocol
from uuid import UUID

from shared.contracts.metrics import Call, CallsQuestion
from shared.database import Database

__all__ = ["CallPlace", "CallsRepository", "PostgresCalls"]

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)
_NEAR = timedelta(days=1)


class CallPlace(NamedTuple):
    """Where a call stands in a list; `str` and `parse` make it a cursor and back."""

    started_at: datetime
    call_id: UUID

    def __str__(self) -> str:
        return f"{(self.started_at - _EPOCH) // _MICROSECOND}.{self.call_id}"

    @classmethod
    def parse(cls, cursor: str) -> "CallPlace":
        """Raise `ValueError` for what `str` did not make."""
        microseconds, _, call_id = cursor.partition(".")
        try:
            started_at = _EPOCH + int(microseconds) * _MICROSECOND
        except OverflowError as error:
            raise ValueError("no time of ours") from error
        return cls(started_at, UUID(call_id))


class CallsRepository(Protocol):
    async def newest(
        self, question: CallsQuestion, *, below: CallPlace | None, limit: int
    ) -> list[Call]:
        """List at most *limit* calls, started last first, in places below *below*."""

    async def find(self, org_id: UUID, call_id: UUID) -> Call | None: ...


class PostgresCalls:
    def __init__(self, database: Database) -> None:
        self._database = database

    async def newest(
        self, question: CallsQuestion, *, below: CallPlace | None, limit: int
    ) -> list[Call]:
        async with self._database.organization(question.org_id) as transaction:
            rows = await transaction.fetch(
                """
                SELECT *
                FROM counted_call
                WHERE ($1::timestamptz IS NULL OR started_at >= $1)
                    AND ($2::timestamptz IS NULL OR started_at < $2)
                    AND (
                        $3::timestamptz IS NULL
                        OR (started_at, call_id) < ($3, $4::uuid)
                    )
                    AND ($5::uuid IS NULL OR agent_id = $5)
                    AND ($6::uuid IS NULL OR agent_type_id = $6)
                    AND ($7::uuid IS NULL OR provider_id = $7)
                    AND ($8::text IS NULL OR model = $8)
                    AND ($9::text IS NULL OR status = $9)
                    AND ($10::text IS NULL OR explanation ->> 'code' = $10)
                    AND ($11::text IS NULL OR request_id = $11)
                ORDER BY started_at DESC, call_id DESC
                LIMIT $12
                """,
                question.since,
                question.until,
                below.started_at if below else None,
                below.call_id if below else None,
                question.agent_id,
                question.agent_type_id,
                question.provider_id,
                question.model,
                question.status,
                question.code,
                question.request_id,
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
                """
                SELECT *
                FROM counted_call
                WHERE call_id = $1
                    AND started_at >= coalesce($2, '-infinity'::timestamptz)
                    AND started_at < coalesce($3, 'infinity'::timestamptz)
                """,
                call_id,
                since,
                until,
            )
        return None if row is None else Call.model_validate(dict(row))


def _days_around(call_id: UUID) -> tuple[datetime | None, datetime | None]:
    """Read when a UUIDv7 was made; what somebody made up may be of no time at all."""
    try:
        made_at = _EPOCH + timedelta(milliseconds=call_id.int >> 80)
        return made_at - _NEAR, made_at + _NEAR
    except OverflowError:
        return None, None
