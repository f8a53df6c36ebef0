"""The audit entries of this service, written in the transaction of the act."""

from uuid import UUID

import asyncpg

from shared.contracts.base import Actor, AuditEntry, Question, Service
from shared.database import Transaction
from shared.ids import new_id

__all__ = ["entries", "note"]


async def note(
    transaction: Transaction, question: Question, act: str, object_id: UUID
) -> None:
    """Note that who asks did *act*, `noun.past_participle`, to *object_id*."""
    await transaction.execute(
        """
        INSERT INTO audit (
            id, org_id, at, actor_kind, actor_id, act, object_kind, object_id
        )
        VALUES ($1, $2, clock_timestamp(), $3, $4, $5, split_part($5, '.', 1), $6)
        """,
        new_id(),
        question.org_id,
        question.actor.kind,
        question.actor.id,
        act,
        object_id,
    )


async def entries(
    transaction: Transaction, *, before: UUID | None, limit: int
) -> list[AuditEntry]:
    """List the newest first, those older than *before*."""
    rows = await transaction.fetch(
        """
        SELECT id, at, actor_kind, actor_id, act, object_kind, object_id
        FROM audit
        WHERE $1::uuid IS NULL OR id < $1
        ORDER BY id DESC
        LIMIT $2
        """,
        before,
        limit,
    )
    return [_entry(row) for row in rows]


def _entry(row: asyncpg.Record) -> AuditEntry:
    return AuditEntry(
        id=row["id"],
        service=Service.AGENT_RUNNER,
        at=row["at"],
        actor=Actor(kind=row["actor_kind"], id=row["actor_id"]),
        act=row["act"],
        object_kind=row["object_kind"],
        object_id=row["object_id"],
    )
