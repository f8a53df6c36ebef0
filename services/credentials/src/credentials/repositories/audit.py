"""The audit: who did what to which object, written in the transaction of the act.

An entry is chained to the one before it (`shared.audit_chain`), so its transaction
holds the end of the organization's chain until it commits: write it last.
"""

from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass
from uuid import UUID

import asyncpg
from pydantic import JsonValue
from structlog.contextvars import get_contextvars

from shared.audit_chain import GENESIS, Link, hash_of
from shared.contracts.base import Actor, AuditEntry, Service
from shared.database import Transaction
from shared.ids import new_id

__all__ = ["ChainEnd", "chain", "chain_ends", "entries", "note"]

_ENTRY_COLUMNS = """
    id, at, position, hash, actor_kind, actor_id, act, object_kind, object_id, details,
    request_id
"""


@dataclass(frozen=True, slots=True)
class ChainEnd:
    org_id: UUID
    position: int
    hash: bytes


async def note(
    transaction: Transaction,
    *,
    org_id: UUID,
    actor: Actor,
    act: str,
    object_kind: str,
    object_id: UUID,
    details: Mapping[str, JsonValue],
) -> None:
    """Add an entry; *act* is `noun.past_participle`, *details* hold nothing secret."""
    [end] = await _locked_end(transaction, org_id, details)
    link = Link(
        position=end["position"] + 1,
        previous_hash=end["hash"],
        org_id=org_id,
        id=new_id(),
        at=end["at"],
        actor_kind=actor.kind,
        actor_id=actor.id,
        act=act,
        object_kind=object_kind,
        object_id=object_id,
        details=end["details"],
        request_id=get_contextvars().get("request_id"),
    )
    await _add(transaction, link, hash_of(Service.CREDENTIALS, link))


async def entries(
    transaction: Transaction, *, before: UUID | None, limit: int
) -> list[AuditEntry]:
    """List the newest first, those older than *before*."""
    rows = await transaction.fetch(
        f"""
        SELECT {_ENTRY_COLUMNS}
        FROM audit
        WHERE $1::uuid IS NULL OR id < $1
        ORDER BY id DESC
        LIMIT $2
        """,  # noqa: S608 - our own columns
        before,
        limit,
    )
    return [_entry(row) for row in rows]


async def chain_ends(transaction: Transaction) -> list[ChainEnd]:
    """List where the chains of all organizations end."""
    rows = await transaction.fetch(
        "SELECT org_id, position, hash FROM audit_head ORDER BY org_id"
    )
    return [ChainEnd(row["org_id"], row["position"], row["hash"]) for row in rows]


async def chain(
    transaction: Transaction, org_id: UUID
) -> AsyncIterator[tuple[Link, bytes]]:
    """Read an organization's links by position, each with the hash beside it."""
    rows = transaction.cursor(
        """
        SELECT position, previous_hash, hash, org_id, id, at, actor_kind, actor_id,
               act, object_kind, object_id, details::text AS details, request_id
        FROM audit
        WHERE org_id = $1
        ORDER BY position
        """,
        org_id,
    )
    async for row in rows:
        columns = dict(row)
        stored_hash = columns.pop("hash")
        yield Link(**columns), stored_hash


async def _locked_end(
    transaction: Transaction, org_id: UUID, details: Mapping[str, JsonValue]
) -> list[asyncpg.Record]:
    """Lock the end of a chain, made if need be; read the time once it is ours."""
    return await transaction.fetch(
        """
        INSERT INTO audit_head (org_id, position, hash)
        VALUES ($1, 0, $2)
        ON CONFLICT (org_id) DO UPDATE
        SET position = audit_head.position
        RETURNING position, hash, clock_timestamp() AS at, $3::jsonb::text AS details
        """,
        org_id,
        GENESIS,
        dict(details),
    )


async def _add(transaction: Transaction, link: Link, own_hash: bytes) -> None:
    await transaction.execute(
        """
        WITH entry AS (
            INSERT INTO audit (
                org_id, id, at, actor_kind, actor_id, act, object_kind, object_id,
                details, request_id, position, previous_hash, hash
            )
            VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9::text::jsonb, $10, $11, $12, $13)
        )
        UPDATE audit_head
        SET position = $11, hash = $13
        WHERE org_id = $1
        """,
        link.org_id,
        link.id,
        link.at,
        link.actor_kind,
        link.actor_id,
        link.act,
        link.object_kind,
        link.object_id,
        link.details,
        link.request_id,
        link.position,
        link.previous_hash,
        own_hash,
    )


def _entry(row: asyncpg.Record) -> AuditEntry:
    return AuditEntry(
        id=row["id"],
        service=Service.CREDENTIALS,
        position=row["position"],
        at=row["at"],
        actor=Actor(kind=row["actor_kind"], id=row["actor_id"]),
        act=row["act"],
        object_kind=row["object_kind"],
        object_id=row["object_id"],
        details=row["details"],
        request_id=row["request_id"],
        hash=row["hash"].hex(),
    )
