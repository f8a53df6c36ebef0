"""What was counted and not yet announced, in PostgreSQL."""

from dataclasses import dataclass
from typing import Protocol
from uuid import UUID

from shared.contracts.metrics import CallRecord, MessageRecord, Record, ToolCallRecord
from shared.database import Database

from .calls import CALL_COLUMNS

__all__ = ["AnnouncementsRepository", "Backlog", "PostgresAnnouncements"]

_RECORDS_AT_ONCE = 1_000


@dataclass(frozen=True, slots=True)
class Backlog:
    """The places *after* + 1 … *through* of a source, a bounded number of them."""

    source: UUID
    after: int
    through: int


class AnnouncementsRepository(Protocol):
    async def backlogs(self) -> list[Backlog]:
        """Find the oldest part of each source that is not announced."""

    async def records(self, backlog: Backlog) -> list[Record]: ...

    async def note_announced(self, backlog: Backlog) -> None: ...


class PostgresAnnouncements:
    def __init__(self, database: Database) -> None:
        self._database = database

    async def backlogs(self) -> list[Backlog]:
        async with self._database.sweep_once() as connection:
            rows = await connection.fetch(
                """
                SELECT
                    source,
                    announced_through AS after,
                    least(applied_through, announced_through + $1) AS through
                FROM sequence
                WHERE announced_through < applied_through
                """,
                _RECORDS_AT_ONCE,
            )
        return [Backlog(**row) for row in rows]

    async def records(self, backlog: Backlog) -> list[Record]:
        async with self._database.sweep() as transaction:
            place = (backlog.source, backlog.after, backlog.through)
            calls = await transaction.fetch(
                f"""
                SELECT {CALL_COLUMNS}
                FROM counted_call
                WHERE source = $1
                    AND sequence > $2
                    AND sequence <= $3
                ORDER BY sequence
                """,  # noqa: S608 - our own columns
                *place,
            )
            messages = await transaction.fetch(
                """
                SELECT
                    message_id,
                    org_id,
                    agent_id,
                    agent_type_id,
                    status,
                    finished_at,
                    duration_ms
                FROM message
                WHERE source = $1
                    AND sequence > $2
                    AND sequence <= $3
                ORDER BY sequence
                """,
                *place,
            )
            tool_calls = await transaction.fetch(
                """
                SELECT
                    tool_call_id,
                    org_id,
                    agent_id,
                    agent_type_id,
                    message_id,
                    tool,
                    status,
                    code,
                    started_at,
                    duration_ms
                FROM tool_call
                WHERE source = $1
                    AND sequence > $2
                    AND sequence <= $3
                ORDER BY sequence
                """,
                *place,
            )
        return [
            *(CallRecord.model_validate(dict(row)) for row in calls),
            *(MessageRecord.model_validate(dict(row)) for row in messages),
            *(ToolCallRecord.model_validate(dict(row)) for row in tool_calls),
        ]

    async def note_announced(self, backlog: Backlog) -> None:
        """Advance; one that another process has advanced further stays there.

        Nobody who counts waits for the disk meanwhile: what a crash of PostgreSQL
        forgets of this is announced again, under the same ids.
        """
        async with self._database.sweep_once() as connection:
            await connection.execute(
                """
                WITH not_awaited AS MATERIALIZED (
                    SELECT set_config('synchronous_commit', 'off', true)
                )
                UPDATE sequence
                SET announced_through = greatest(announced_through, $2)
                FROM not_awaited
                WHERE source = $1
                """,
                backlog.source,
                backlog.through,
            )
