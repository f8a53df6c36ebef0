"""The audit entries of this service, written in the transaction of the act."""

from typing import Any
from uuid import UUID

import asyncpg

from shared.contracts.base import Actor, AuditEntry, Service
from shared.database import Transaction
from shared.ids import new_id

__all__ = ["entries", "note"]


async def note(
    transaction: Transaction,
    org_id: UUID,
    actor: Actor,
    *,
    act: str,
    object_kind: str,
    object_id: UUID,
    details: dict[str, Any],
) -> None:
    """Add an entry; *act* is `noun.past_participle`, *details* hold nothing secret."""
    await transaction.execute(
        """
        INSERT INTO audit (
            org_id, id, actor_kind, actor_id, act, object_kind, object_id, details
        )
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8)
        """,
        org_id,
        new_id(),
        actor.kind,
        actor.id,
        act,
        object_kind,
        object_id,
        details,
    )


async def entries(
    transaction: Transaction, *, before: UUID | None, limit: int
) -> list[AuditEntry]:
    """List the newest first, those older than *before*."""
    rows = await transaction.fetch(
        """
        SELECT id, at, actor_kind, actor_id, act, object_kind, object_id, details
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
        service=Service.METRICS,
        at=row["at"],
        actor=Actor(kind=row["actor_kind"], id=row["actor_id"]),
        act=row["act"],
        object_kind=row["object_kind"],
        object_id=row["object_id"],
        details=row["details"],
    )
