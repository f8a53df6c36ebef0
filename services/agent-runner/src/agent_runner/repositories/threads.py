"""Threads in PostgreSQL: conversations, and whose they are."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

import asyncpg

from shared.contracts.base import Explanation
from shared.contracts.conversations import (
    MessageStatus,
    MessageUsage,
    Thread,
    ThreadMessage,
)
from shared.database import Transaction
from shared.errors import ThreadNotFoundError

from .outbox import milliseconds

__all__ = [
    "Place",
    "Turn",
    "add_thread",
    "history",
    "messages_of",
    "move_thread",
    "next_place",
    "thread",
    "threads",
]


@dataclass(frozen=True, slots=True)
class Place:
    """Where the next message of a thread goes: to this agent, at this position."""

    agent_id: UUID
    position: int


@dataclass(frozen=True, slots=True)
class Turn:
    """An earlier message of a thread with its answer."""

    content: str
    reply: str


_COLUMNS = """
    t.id, t.agent_id, t.created_at, t.updated_at,
    (SELECT count(*) FROM message m WHERE m.thread_id = t.id) AS messages
"""


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
        INSERT INTO thread (id, org_id, agent_id, created_at, updated_at)
        VALUES ($1, $2, $3, $4, $4)
        """,
        thread_id,
        org_id,
        agent_id,
        at,
    )


async def next_place(
    transaction: Transaction, thread_id: UUID, *, at: datetime
) -> Place:
    """Take the next position; the thread is locked until the transaction ends."""
    row = await transaction.fetchrow(
        """
        UPDATE thread
        SET next_position = next_position + 1, updated_at = $2
        WHERE id = $1
        RETURNING agent_id, next_position - 1 AS position
        """,
        thread_id,
        at,
    )
    if row is None:
        raise _missing(thread_id)
    return Place(**row)


async def move_thread(
    transaction: Transaction, thread_id: UUID, *, agent_id: UUID
) -> bool:
    """Give a thread to another agent; False while something in it is unfinished."""
    moved = await transaction.fetchval(
        """
        UPDATE thread
        SET agent_id = $2
        WHERE id = $1 AND NOT EXISTS (
            SELECT 1
            FROM message m
            WHERE m.thread_id = $1 AND m.status IN ('queued', 'running')
        )
        RETURNING id
        """,
        thread_id,
        agent_id,
    )
    return moved is not None


async def thread(transaction: Transaction, thread_id: UUID) -> Thread:
    """Read a thread. Raises `ThreadNotFoundError`."""
    row = await transaction.fetchrow(
        f"SELECT {_COLUMNS} FROM thread t WHERE t.id = $1",  # noqa: S608 - our own
        thread_id,
    )
    if row is None:
        raise _missing(thread_id)
    return Thread(**row)


async def threads(
    transaction: Transaction,
    *,
    agent_id: UUID | None,
    before: UUID | None,
    limit: int,
) -> list[Thread]:
    """List threads, newest first, those older than *before*."""
    rows = await transaction.fetch(
        f"""
        SELECT {_COLUMNS}
        FROM thread t
        WHERE ($1::uuid IS NULL OR t.agent_id = $1)
          AND ($2::uuid IS NULL OR t.id < $2)
        ORDER BY t.id DESC
        LIMIT $3
        """,  # noqa: S608 - our own columns
        agent_id,
        before,
        limit,
    )
    return [Thread(**row) for row in rows]


async def messages_of(
    transaction: Transaction, thread_id: UUID, *, before: int | None, limit: int
) -> list[ThreadMessage]:
    """Read the messages of a thread, newest first, those *before* a position."""
    rows = await transaction.fetch(
        """
        SELECT id, position, agent_id, status, content, reply, usage, attempt,
               explanation, created_at, finished_at
        FROM message
        WHERE thread_id = $1 AND ($2::bigint IS NULL OR position < $2)
        ORDER BY position DESC
        LIMIT $3
        """,
        thread_id,
        before,
        limit,
    )
    return [_message(row) for row in rows]


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


def _message(row: asyncpg.Record) -> ThreadMessage:
    explanation = row["explanation"]
    return ThreadMessage(
        message_id=row["id"],
        position=row["position"],
        agent_id=row["agent_id"],
        status=MessageStatus(row["status"]),
        content=row["content"],
        reply=row["reply"],
        usage=MessageUsage.model_validate(row["usage"]),
        attempts=row["attempt"],
        duration_ms=milliseconds(row["created_at"], row["finished_at"]),
        explanation=Explanation.model_validate(explanation) if explanation else None,
        created_at=row["created_at"],
        finished_at=row["finished_at"],
    )


def _missing(thread_id: UUID) -> ThreadNotFoundError:
    return ThreadNotFoundError(f"There is no thread {thread_id}.")
