"""The audit: who did what to which object, written in the transaction of the act."""

from typing import Protocol
from uuid import UUID

import asyncpg

from shared.contracts.base import Actor, AuditEntry, Service
from shared.database import Database, Transaction
from shared.ids import new_id

__all__ = ["AuditRepository", "PostgresAudit", "note"]


async def note(
    transaction: Transaction,
    *,
    org_id: UUID,
    actor: Actor,
    act: str,
    object_id: UUID,
) -> None:
    """Add an entry; *act* is `noun.past_participle`, the noun the kind of object."""
    object_kind, _, participle = act.partition(".")
    await transaction.execute(
        """
        INSERT INTO audit
            (id, org_id, at, actor_kind, actor_id, act, object_kind, object_id)
        VALUES ($1, $2, now(), $3, $4, $5, $6, $7)
        """,
        new_id(),
        org_id,
        actor.kind,
        actor.id,
        participle,
        object_kind,
        object_id,
    )


class AuditRepository(Protocol):
    async def entries(
        self, org_id: UUID, *, before: UUID | None, limit: int
    ) -> list[AuditEntry]:
        """List the newest first, those older than *before*."""


class PostgresAudit:
    def __init__(self, database: Database) -> None:
        self._database = database

    async def entries(
        self, org_id: UUID, *, before: UUID | None, limit: int
    ) -> list[AuditEntry]:
        async with self._database.organization(org_id) as transaction:
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
    """Put together what `note` takes apart."""
    return AuditEntry(
        id=row["id"],
        service=Service.GATEWAY,
        at=row["at"],
        actor=Actor(kind=row["actor_kind"], id=row["actor_id"]),
        act=f"{row['object_kind']}.{row['act']}",
        object_kind=row["object_kind"],
        object_id=row["object_id"],
    )
