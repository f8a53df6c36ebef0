"""Messages in PostgreSQL: accepted, claimed by a host, answered once."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

import asyncpg

from shared.contracts.base import Explanation
from shared.contracts.conversations import AgentMessage, MessageStatus, MessageUsage
from shared.database import Transaction
from shared.errors import MessageNotFoundError

from .outbox import FINAL_COLUMNS, leave_record, milliseconds

__all__ = [
    "ClaimedMessage",
    "Host",
    "acknowledge_waiting",
    "add_message",
    "cancel",
    "cancel_unfinished",
    "claim_next",
    "claimed_by",
    "find_message",
    "finish",
    "hand_back",
    "message",
    "queue_again",
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
    is_streamed: bool
    traceparent: str | None


_COLUMNS = """
    id, thread_id, agent_id, status, reply, usage, explanation, created_at, finished_at,
    attempt
"""


async def add_message(
    transaction: Transaction,
    *,
    org_id: UUID,
    message_id: UUID,
    agent_id: UUID,
    agent_type_id: UUID,
    thread_id: UUID,
    position: int,
    content: str,
    is_streamed: bool,
    traceparent: str | None,
    at: datetime,
) -> None:
    await transaction.execute(
        """
        INSERT INTO message (
            id, org_id, agent_id, agent_type_id, thread_id, position, content,
            is_streamed, status, usage, created_at, traceparent
        )
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8, 'queued', $9, $10, $11)
        """,
        message_id,
        org_id,
        agent_id,
        agent_type_id,
        thread_id,
        position,
        content,
        is_streamed,
        MessageUsage().model_dump(),
        at,
        traceparent,
    )


async def message(transaction: Transaction, message_id: UUID) -> AgentMessage:
    """Read a message. Raises `MessageNotFoundError`."""
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
        RETURNING id, thread_id, position, content, attempt, is_streamed, traceparent
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
        SELECT id, thread_id, position, content, attempt, is_streamed, traceparent
        FROM message
        WHERE agent_id = $1 AND status = 'running'
          AND EXISTS (
              SELECT 1
              FROM agent a
              WHERE a.id = $1 AND a.runner = $2 AND a.epoch = $3 AND a.incarnation = $4
          )
        LIMIT 1
        """,
        host.agent_id,
        host.runner,
        host.epoch,
        host.incarnation,
    )
    return ClaimedMessage(**row) if row else None


async def finish(
    transaction: Transaction,
    host: Host,
    *,
    message_id: UUID,
    attempt: int,
    status: MessageStatus,
    reply: str | None,
    usage: MessageUsage,
    explanation: Explanation | None,
    at: datetime,
) -> bool:
    """Store the one answer of a message in hand; False if it is not in hand here.

    Of the delivery *attempt*: an agent that is restarted may finish what it has.
    """
    row = await transaction.fetchrow(
        f"""
        UPDATE message
        SET status = $6, reply = $7, usage = $8, explanation = $9, finished_at = $10
        WHERE id = $1 AND agent_id = $2 AND status = 'running' AND attempt = $5
          AND EXISTS (
              SELECT 1
              FROM agent a
              WHERE a.id = $2 AND a.runner = $3 AND a.epoch = $4
          )
        RETURNING {FINAL_COLUMNS}
        """,  # noqa: S608 - our own columns
        message_id,
        host.agent_id,
        host.runner,
        host.epoch,
        attempt,
        status,
        reply,
        usage.model_dump(),
        explanation.model_dump(mode="json") if explanation else None,
        at,
    )
    if row is None:
        return False
    await leave_record(transaction, row)
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
        await leave_record(transaction, row)
    return [row["id"] for row in rows]


async def hand_back(
    transaction: Transaction, agent_id: UUID, *, runner: str, epoch: int
) -> None:
    """Queue again what an agent had in hand that its host has stopped."""
    await transaction.execute(
        """
        UPDATE message m
        SET status = 'queued'
        FROM agent a
        WHERE a.id = $1 AND a.runner = $2 AND a.epoch = $3
          AND m.agent_id = a.id AND m.status = 'running'
        """,
        agent_id,
        runner,
        epoch,
    )


async def cancel(transaction: Transaction, message_id: UUID, *, at: datetime) -> bool:
    """Cancel a message that is not final yet; False if it is, or is not there."""
    row = await transaction.fetchrow(
        f"""
        UPDATE message
        SET status = 'cancelled', finished_at = $2
        WHERE id = $1 AND status IN ('queued', 'running')
        RETURNING {FINAL_COLUMNS}
        """,  # noqa: S608 - our own columns
        message_id,
        at,
    )
    if row is None:
        return False
    await leave_record(transaction, row)
    return True


async def queue_again(
    transaction: Transaction, message_id: UUID, *, agent_id: UUID, position: int
) -> bool:
    """Queue an unanswered message at a new *position*, as if it had just come.

    False if it is not one of those by now. Its attempts go on counting.
    """
    queued = await transaction.fetchval(
        """
        UPDATE message
        SET status = 'queued', agent_id = $2, position = $3, usage = $4,
            explanation = NULL, finished_at = NULL,
            failed_deliveries = 0, dead_lettered_at = NULL
        WHERE id = $1 AND status IN ('acknowledged', 'failed', 'cancelled')
        RETURNING id
        """,
        message_id,
        agent_id,
        position,
        MessageUsage().model_dump(),
    )
    return queued is not None


async def cancel_unfinished(
    transaction: Transaction, agent_id: UUID, *, at: datetime
) -> None:
    """Cancel what a removed agent will never answer."""
    rows = await transaction.fetch(
        f"""
        UPDATE message
        SET status = 'cancelled', finished_at = $2
        WHERE agent_id = $1 AND status IN ('queued', 'running')
        RETURNING {FINAL_COLUMNS}
        """,  # noqa: S608 - our own columns
        agent_id,
        at,
    )
    for row in rows:
        await leave_record(transaction, row)


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
        duration_ms=milliseconds(row["created_at"], finished_at),
        explanation=Explanation.model_validate(explanation) if explanation else None,
        created_at=row["created_at"],
        finished_at=finished_at,
        attempts=row["attempt"],
    )
