"""Messages in PostgreSQL that are not delivered any more."""

from datetime import datetime
from uuid import UUID

import asyncpg

from shared.contracts.base import Explanation
from shared.contracts.conversations import DeadLetter
from shared.database import Transaction

from .outbox import FINAL_COLUMNS, leave_record

__all__ = ["bury", "count_failed_delivery", "dead_letters", "is_dead_letter"]


async def count_failed_delivery(
    transaction: Transaction, agent_id: UUID, *, runner: str, epoch: int
) -> None:
    """Queue again what an agent had in hand when it was lost, and count that."""
    await transaction.execute(
        """
        UPDATE message m
        SET status = 'queued', failed_deliveries = m.failed_deliveries + 1
        FROM agent a
        WHERE a.id = $1 AND a.runner = $2 AND a.epoch = $3
          AND m.agent_id = a.id AND m.status = 'running'
        """,
        agent_id,
        runner,
        epoch,
    )


async def bury(
    transaction: Transaction,
    agent_id: UUID,
    *,
    failed_deliveries: int,
    reason: Explanation,
    at: datetime,
) -> list[UUID]:
    """Fail what could not be delivered that many times; returns the ids."""
    rows = await transaction.fetch(
        f"""
        UPDATE message
        SET status = 'failed', explanation = $3, finished_at = $4,
            dead_lettered_at = $4
        WHERE agent_id = $1 AND status = 'queued' AND failed_deliveries >= $2
        RETURNING {FINAL_COLUMNS}
        """,  # noqa: S608 - our own columns
        agent_id,
        failed_deliveries,
        reason.model_dump(mode="json"),
        at,
    )
    for row in rows:
        await leave_record(transaction, row)
    return [row["id"] for row in rows]


async def dead_letters(
    transaction: Transaction, *, before: UUID | None, limit: int
) -> list[DeadLetter]:
    """List dead letters, newest message first, those older than *before*."""
    rows = await transaction.fetch(
        """
        SELECT id, thread_id, agent_id, content, attempt, explanation, created_at,
               dead_lettered_at
        FROM message
        WHERE dead_lettered_at IS NOT NULL AND ($1::uuid IS NULL OR id < $1)
        ORDER BY id DESC
        LIMIT $2
        """,
        before,
        limit,
    )
    return [_dead_letter(row) for row in rows]


async def is_dead_letter(transaction: Transaction, message_id: UUID) -> bool:
    found = await transaction.fetchval(
        "SELECT id FROM message WHERE id = $1 AND dead_lettered_at IS NOT NULL",
        message_id,
    )
    return found is not None


def _dead_letter(row: asyncpg.Record) -> DeadLetter:
    return DeadLetter(
        id=row["id"],
        thread_id=row["thread_id"],
        agent_id=row["agent_id"],
        content=row["content"],
        attempts=row["attempt"],
        reason=Explanation.model_validate(row["explanation"]),
        created_at=row["created_at"],
        dead_lettered_at=row["dead_lettered_at"],
    )
