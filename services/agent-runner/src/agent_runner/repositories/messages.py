"""Threads and messages in PostgreSQL, and the outbox of those that are final."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

import asyncpg

from shared.contracts.agent_runner import AgentMessage, MessageStatus, MessageUsage
from shared.contracts.base import Explanation
from shared.contracts.metrics import MessageRecord
from shared.database import Transaction
from shared.errors import MessageNotFoundError, ThreadNotFoundError
from shared.ids import new_id

__all__ = [
    "ClaimedMessage",
    "Host",
    "Turn",
    "acknowledge_waiting",
    "add_message",
    "add_thread",
    "cancel_unfinished",
    "claim_next",
    "claimed_by",
    "find_message",
    "finish",
    "hand_back",
    "history",
    "message",
]


@dataclass(frozen=True, slots=True)
class Host:
    """In whose name a message is claimed and answered: the fence of every write."""

    agent_id: UUID
    runner: str
    epoch: int
    incarnation: int


@dataclass(frozen=True, slots=True)
class ClaimedMessage:
    id: UUID
    thread_id: UUID
    position: int
    content: str
    attempt: int


@dataclass(frozen=True, slots=True)
class Turn:
    """An earlier message of a thread with its answer."""

    content: str
    reply: str


_COLUMNS = """
    id, thread_id, agent_id, status, reply, usage, explanation, created_at, finished_at
"""


async def add_message(
    transaction: Transaction,
    *,
    org_id: UUID,
    message_id: UUID,
    agent_id: UUID,
    agent_type_id: UUID,
    thread_id: UUID,
    content: str,
    at: datetime,
) -> None:
    """Queue a message at the end of its thread."""
    position = await transaction.fetchval(
        """
        UPDATE thread
        SET next_position = next_position + 1
        WHERE id = $1 AND agent_id = $2
        RETURNING next_position - 1
        """,
        thread_id,
        agent_id,
    )
    if position is None:
        raise ThreadNotFoundError(f"The agent has no thread {thread_id}.")
    await transaction.execute(
        """
        INSERT INTO message (
            id, org_id, agent_id, agent_type_id, thread_id, position, content, status,
            usage, created_at
        )
        VALUES ($1, $2, $3, $4, $5, $6, $7, 'queued', $8, $9)
        """,
        message_id,
        org_id,
        agent_id,
        agent_type_id,
        thread_id,
        position,
        content,
        MessageUsage().model_dump(),
        at,
    )


async def add_thread(
    transaction: Transaction,
    *,
    org_id: UUID,
    thread_id: UUID,
    agent_id: UUID,
    at: datetime,
) -> None:
    await transaction.execute(
        """
        INSERT INTO thread (id, org_id, agent_id, created_at)
        VALUES ($1, $2, $3, $4)
        """,
        thread_id,
        org_id,
        agent_id,
        at,
    )


async def message(transaction: Transaction, message_id: UUID) -> AgentMessage:
    found = await find_message(transaction, message_id)
    if found is None:
        raise MessageNotFoundError(f"There is no message {message_id}.")
    return found


async def find_message(
    transaction: Transaction, message_id: UUID
) -> AgentMessage | None:
    row = await transaction.fetchrow(
        f"SELECT {_COLUMNS} FROM message WHERE id = $1",  # noqa: S608 - our own columns
        message_id,
    )
    return _message(row) if row else None


async def claim_next(transaction: Transaction, host: Host) -> ClaimedMessage | None:
    """Claim the oldest message whose thread waits for nothing before it."""
    row = await transaction.fetchrow(
        """
        UPDATE message
        SET status = 'running', attempt = attempt + 1
        WHERE id = (
            SELECT m.id
            FROM message m
            WHERE m.agent_id = $1
              AND m.status = 'queued'
              AND NOT EXISTS (
                  SELECT 1
                  FROM message earlier
                  WHERE earlier.thread_id = m.thread_id
                    AND earlier.position < m.position
                    AND earlier.status IN ('queued', 'running')
              )
              AND EXISTS (
                  SELECT 1
                  FROM agent a
                  WHERE a.id = $1 AND a.runner = $2 AND a.epoch = $3
                    AND a.incarnation = $4 AND a.desired_state = 'running'
              )
            ORDER BY m.id
            LIMIT 1
            FOR UPDATE OF m SKIP LOCKED
        )
        RETURNING id, thread_id, position, content, attempt
        """,
        host.agent_id,
        host.runner,
        host.epoch,
        host.incarnation,
    )
    return ClaimedMessage(**row) if row else None


async def claimed_by(transaction: Transaction, host: Host) -> ClaimedMessage | None:
    """Read again what this incarnation has in hand: its first answer may be lost."""
    row = await transaction.fetchrow(
        """
        SELECT id, thread_id, position, content, attempt
        FROM message
        WHERE agent_id = $1 AND status = 'running'
        LIMIT 1
        """,
        host.agent_id,
    )
    return ClaimedMessage(**row) if row else None


async def history(
    transaction: Transaction, *, thread_id: UUID, before: int, limit: int
) -> list[Turn]:
    """Read the last answered turns of a thread before a position, oldest first."""
    rows = await transaction.fetch(
        """
        SELECT content, reply
        FROM message
        WHERE thread_id = $1 AND position < $2 AND status = 'completed'
        ORDER BY position DESC
        LIMIT $3
        """,
        thread_id,
        before,
        limit,
    )
    return [Turn(content=row["content"], reply=row["reply"]) for row in reversed(rows)]


async def finish(
    transaction: Transaction,
    host: Host,
    *,
    message_id: UUID,
    status: MessageStatus,
    reply: str | None,
    usage: MessageUsage,
    explanation: Explanation | None,
    at: datetime,
) -> bool:
    """Store the one answer of a message in hand; False if it is not in hand here."""
    row = await transaction.fetchrow(
        """
        UPDATE message
        SET status = $6, reply = $7, usage = $8, explanation = $9, finished_at = $10
        WHERE id = $1 AND agent_id = $2 AND status = 'running'
          AND EXISTS (
              SELECT 1
              FROM agent a
              WHERE a.id = $2 AND a.runner = $3 AND a.epoch = $4 AND a.incarnation = $5
          )
        RETURNING id, org_id, agent_id, agent_type_id, status, created_at, finished_at
        """,
        message_id,
        host.agent_id,
        host.runner,
        host.epoch,
        host.incarnation,
        status,
        reply,
        usage.model_dump(),
        explanation.model_dump(mode="json") if explanation else None,
        at,
    )
    if row is None:
        return False
    await _tell_metrics(transaction, row)
    return True


async def acknowledge_waiting(
    transaction: Transaction, agent_id: UUID, *, runner: str, epoch: int, at: datetime
) -> list[UUID]:
    """Acknowledge what waits for an agent that is `ack_only`, with the agent's reason.

    Returns the ids. Nothing happens to messages of an agent that its row calls
    something else by now, that another runner hosts, or whose type holds them.
    """
    rows = await transaction.fetch(
        """
        UPDATE message m
        SET status = 'acknowledged', explanation = a.status_reason, finished_at = $4
        FROM agent a
        JOIN agent_type_version v
          ON v.agent_type_id = a.agent_type_id AND v.version = a.agent_type_version
        WHERE a.id = $1 AND a.runner = $2 AND a.epoch = $3
          AND a.status = 'ack_only' AND a.status_reason IS NOT NULL
          AND a.desired_state = 'running' AND v.on_ack_only = 'acknowledge'
          AND m.agent_id = a.id AND m.status = 'queued'
        RETURNING m.id, m.org_id, m.agent_id, m.agent_type_id, m.status, m.created_at,
                  m.finished_at
        """,
        agent_id,
        runner,
        epoch,
        at,
    )
    for row in rows:
        await _tell_metrics(transaction, row)
    return [row["id"] for row in rows]


async def hand_back(transaction: Transaction, agent_id: UUID) -> None:
    """Queue again what a gone incarnation had in hand."""
    await transaction.execute(
        """
        UPDATE message
        SET status = 'queued'
        WHERE agent_id = $1 AND status = 'running'
        """,
        agent_id,
    )


async def cancel_unfinished(
    transaction: Transaction, agent_id: UUID, *, at: datetime
) -> None:
    """Cancel what a removed agent will never answer."""
    rows = await transaction.fetch(
        """
        UPDATE message
        SET status = 'cancelled', finished_at = $2
        WHERE agent_id = $1 AND status IN ('queued', 'running')
        RETURNING id, org_id, agent_id, agent_type_id, status, created_at, finished_at
        """,
        agent_id,
        at,
    )
    for row in rows:
        await _tell_metrics(transaction, row)


async def _tell_metrics(transaction: Transaction, row: asyncpg.Record) -> None:
    """Leave the record of a final message in the outbox, in the same transaction."""
    record = MessageRecord(
        message_id=row["id"],
        org_id=row["org_id"],
        agent_id=row["agent_id"],
        agent_type_id=row["agent_type_id"],
        status=MessageStatus(row["status"]),
        finished_at=row["finished_at"],
        duration_ms=_milliseconds(row["created_at"], row["finished_at"]),
    )
    await transaction.execute(
        "INSERT INTO outbox (id, org_id, payload) VALUES ($1, $2, $3)",
        new_id(),
        record.org_id,
        record.model_dump(mode="json"),
    )


def _message(row: asyncpg.Record) -> AgentMessage:
    explanation = row["explanation"]
    finished_at = row["finished_at"]
    return AgentMessage(
        message_id=row["id"],
        thread_id=row["thread_id"],
        agent_id=row["agent_id"],
        status=MessageStatus(row["status"]),
        content=row["reply"],
        usage=MessageUsage.model_validate(row["usage"]),
        duration_ms=_milliseconds(row["created_at"], finished_at),
        explanation=Explanation.model_validate(explanation) if explanation else None,
        created_at=row["created_at"],
        finished_at=finished_at,
    )


def _milliseconds(start: datetime, end: datetime | None) -> int | None:
    """Whole milliseconds; a clock that stepped back gives 0, never less."""
    if end is None:
        return None
    return max(0, round((end - start).total_seconds() * 1000))
