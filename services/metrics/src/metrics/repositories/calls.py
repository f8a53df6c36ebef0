"""Calls, read from PostgreSQL within one organization."""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import NamedTuple, Protocol
from uuid import UUID

from shared.contracts.metrics import Call, CallsQuestion
from shared.database import Database
from shared.ids import made_at

__all__ = ["CallPlace", "CallsRepository", "PostgresCalls"]

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)
_NEAR = timedelta(days=1)
# Row-level security lets no function near a row before it has passed but those that
# PostgreSQL calls leakproof, and no index either: a cast to `name` is one, `left` none.
_OF_MODEL = "model::name = {0}::text::name AND left(model, 500) = {0}"


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
        conditions, arguments = _conditions(wanted)
        async with self._database.organization(question.org_id) as transaction:
            rows = await transaction.fetch(
                f"""
                SELECT *
                FROM counted_call
                WHERE {conditions}
                ORDER BY started_at DESC, call_id DESC
                LIMIT ${len(arguments) + 1}
                """,  # noqa: S608 - conditions of our own, see above
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
        near = made_at(call_id)
        return near - _NEAR, near + _NEAR
    except OverflowError:
        return None, None


def _conditions(wanted: Mapping[str, object]) -> tuple[str, list[object]]:
    """Keep the conditions that have arguments, and number these.

    One that is not there lets the planner leave out days and take the right index.
    """
    arguments: list[object] = []
    conditions = ["true"]
    for condition, value in wanted.items():
        if value is not None:
            values = value if isinstance(value, CallPlace) else (value,)
            numbers = range(len(arguments) + 1, len(arguments) + len(values) + 1)
            conditions.append(condition.format(*(f"${each}" for each in numbers)))
            arguments += values
    return " AND ".join(conditions), arguments
