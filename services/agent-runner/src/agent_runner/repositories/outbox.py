"""The outbox in PostgreSQL: records for metrics, numbered once they are committed."""

import json
from datetime import datetime
from uuid import UUID

import asyncpg

from shared.contracts.conversations import MessageStatus
from shared.contracts.metrics import IngestRecord, MessageRecord, ToolCallRecord
from shared.database import Database, Transaction
from shared.ids import made_at, new_id

__all__ = [
    "FINAL_COLUMNS",
    "OutboxRepository",
    "leave",
    "leave_record",
    "milliseconds",
]

FINAL_COLUMNS = """
    id, org_id, agent_id, agent_type_id, status, created_at, finished_at
"""
"""What `leave_record` needs of a message that has become final."""


class OutboxRepository:
    def __init__(self, database: Database) -> None:
        self._database = database

    async def source(self) -> UUID:
        """Tell the id of this outbox; it is made once for the schema."""
        async with self._database.sweep() as transaction:
            await transaction.execute(
                """
                INSERT INTO outbox_source (id, last_sequence)
                VALUES ($1, 0)
                ON CONFLICT (is_only) DO NOTHING
                """,
                new_id(),
            )
            source: UUID = await transaction.fetchval("SELECT id FROM outbox_source")
        return source

    async def read(self, after: int, *, limit: int) -> list[IngestRecord]:
        """Give new rows their numbers, then read what follows *after*."""
        async with self._database.sweep() as transaction:
            await _number(transaction)
            rows = await transaction.fetch(
                """
                SELECT sequence, payload
                FROM outbox
                WHERE sequence > $1
                ORDER BY sequence
                LIMIT $2
                """,
                after,
                limit,
            )
        return [
            IngestRecord(sequence=row["sequence"], payload=json.dumps(row["payload"]))
            for row in rows
        ]

    async def oldest_left_at(self) -> datetime | None:
        """Tell since when the oldest record waits to be counted, if any does."""
        async with self._database.sweep() as transaction:
            oldest = await transaction.fetchval(
                """
                SELECT id
                FROM outbox
                ORDER BY id
                LIMIT 1
                """
            )
        return None if oldest is None else made_at(oldest)

    async def forget(self, through: int) -> None:
        """Remove what metrics has counted."""
        async with self._database.sweep() as transaction:
            await transaction.execute(
                "DELETE FROM outbox WHERE sequence <= $1", through
            )


async def leave_record(transaction: Transaction, row: asyncpg.Record) -> None:
    """Leave the record of a final message (`FINAL_COLUMNS`), as it becomes final."""
    record = MessageRecord(
        message_id=row["id"],
        org_id=row["org_id"],
        agent_id=row["agent_id"],
        agent_type_id=row["agent_type_id"],
        status=MessageStatus(row["status"]),
        finished_at=row["finished_at"],
        duration_ms=milliseconds(row["created_at"], row["finished_at"]),
    )
    await leave(transaction, record)


async def leave(
    transaction: Transaction, record: MessageRecord | ToolCallRecord
) -> None:
    await transaction.execute(
        "INSERT INTO outbox (id, org_id, payload) VALUES ($1, $2, $3)",
        new_id(),
        record.org_id,
        record.model_dump(mode="json"),
    )


def milliseconds(start: datetime, end: datetime | None) -> int | None:
    """Whole milliseconds; a clock that stepped back gives 0, never less."""
    if end is None:
        return None
    return max(0, round((end - start).total_seconds() * 1000))


async def _number(transaction: Transaction) -> None:
    """Give the next numbers to committed rows, one numberer at a time."""
    last = await transaction.fetchval(
        "SELECT last_sequence FROM outbox_source FOR UPDATE"
    )
    numbered = await transaction.fetchval(
        """
        WITH waiting AS (
            SELECT id, row_number() OVER (ORDER BY id) AS place
            FROM outbox
            WHERE sequence IS NULL
        ), numbered AS (
            UPDATE outbox
            SET sequence = $1 + waiting.place
            FROM waiting
            WHERE outbox.id = waiting.id
            RETURNING 1
        )
        SELECT count(*) FROM numbered
        """,
        last,
    )
    if numbered:
        await transaction.execute(
            "UPDATE outbox_source SET last_sequence = last_sequence + $1", numbered
        )
