"""Rewraps in PostgreSQL. What is left to do is in the rows of the data keys themselves.

Every statement may be repeated, and run by several processes at once.
"""

from dataclasses import dataclass
from uuid import UUID

import asyncpg

from credentials.envelope import (
    Binding,
    Context,
    McpServerContext,
    SealedSecret,
    WebhookContext,
)
from credentials.providers.base_url import origin_of
from credentials.providers.configuration import sealed_origin
from shared.contracts.master_key import Rewrap, RewrapStatus
from shared.database import Transaction
from shared.errors import JobNotFoundError

from .sealed_secrets import sealed_secret_in

__all__ = [
    "Job",
    "WrappedRow",
    "add_failure",
    "add_rewrap",
    "data_keys",
    "finish",
    "latest_rewrap",
    "put_data_key",
    "rewrap",
    "rows_under_other_keys",
    "running",
    "supersede",
    "this_or_latest",
]

_SELECT = """
SELECT r.id, r.status, r.master_key_id, r.total, r.rewrapped, r.started_at,
       r.finished_at,
       (SELECT count(*) FROM rewrap_failure f WHERE f.rewrap_id = r.id) AS unreadable,
       (
           SELECT count(*)
           FROM data_key k
           WHERE k.master_key_id <> r.master_key_id
       ) AS remaining
FROM rewrap r
"""

_REPLACEMENTS = {
    "provider": """
        UPDATE credential_version
        SET encrypted_dek = $5, master_key_id = $6
        WHERE org_id = $1 AND provider_id = $2 AND version = $3 AND encrypted_dek = $4
        RETURNING true
    """,
    "rotation": """
        UPDATE rotation
        SET encrypted_dek = $5, master_key_id = $6
        WHERE org_id = $1 AND id = $2 AND version = $3 AND encrypted_dek = $4
        RETURNING true
    """,
    # Of a webhook there is one version, in the view of data keys too.
    "webhook": """
        UPDATE webhook_secret
        SET encrypted_dek = $5, master_key_id = $6
        WHERE org_id = $1 AND webhook_id = $2 AND $3 = 1 AND encrypted_dek = $4
        RETURNING true
    """,
    "mcp_server": """
        UPDATE mcp_server
        SET encrypted_dek = $5, master_key_id = $6
        WHERE org_id = $1 AND id = $2 AND token_version = $3 AND encrypted_dek = $4
        RETURNING true
    """,
}
"""Of a data key by another, by the kind of what it is of."""


@dataclass(frozen=True, slots=True)
class Job:
    """A running rewrap, as far as its work needs to know it."""

    id: UUID
    org_id: UUID
    master_key_id: str


@dataclass(frozen=True, slots=True)
class WrappedRow:
    """A data key where it is kept, whatever the secret is of."""

    org_id: UUID
    object_kind: str
    object_id: UUID
    version: int
    context: Binding
    secret: SealedSecret


async def add_rewrap(
    transaction: Transaction, *, rewrap_id: UUID, org_id: UUID, master_key_id: str
) -> bool:
    """Start a rewrap; False if the id is taken, or another one runs."""
    added: bool | None = await transaction.fetchval(
        """
        INSERT INTO rewrap (id, org_id, master_key_id, total)
        SELECT $1, $2, $3, count(*)
        FROM data_key
        WHERE master_key_id <> $3
        ON CONFLICT DO NOTHING
        RETURNING true
        """,
        rewrap_id,
        org_id,
        master_key_id,
    )
    return bool(added)


async def supersede(transaction: Transaction, *, master_key_id: str) -> None:
    """End a rewrap towards a master key that is not *master_key_id*."""
    await transaction.execute(
        """
        UPDATE rewrap
        SET status = 'superseded', finished_at = now()
        WHERE status = 'running' AND master_key_id <> $1
        """,
        master_key_id,
    )


async def rewrap(transaction: Transaction, rewrap_id: UUID) -> Rewrap:
    """Read a rewrap. Raises `JobNotFoundError`."""
    row = await transaction.fetchrow(f"{_SELECT} WHERE r.id = $1", rewrap_id)
    return _found(row, rewrap_id)


async def latest_rewrap(transaction: Transaction) -> Rewrap | None:
    """Read the rewrap that was started last, which is the one that runs, if any."""
    row = await transaction.fetchrow(f"{_SELECT} ORDER BY r.started_at DESC LIMIT 1")
    return None if row is None else _rewrap(row)


async def this_or_latest(transaction: Transaction, rewrap_id: UUID) -> Rewrap:
    """Read the rewrap of this id, else what kept it from starting."""
    row = await transaction.fetchrow(
        f"""
        {_SELECT}
        ORDER BY r.id = $1 DESC, r.status = 'running' DESC, r.started_at DESC
        LIMIT 1
        """,
        rewrap_id,
    )
    return _found(row, rewrap_id)


async def running(transaction: Transaction) -> Job | None:
    row = await transaction.fetchrow(
        "SELECT id, org_id, master_key_id FROM rewrap WHERE status = 'running'"
    )
    return None if row is None else Job(**row)


async def rows_under_other_keys(
    transaction: Transaction, job: Job, *, limit: int
) -> list[WrappedRow]:
    """Read rows that *job* has yet to rewrap, and has not found unreadable."""
    rows = await transaction.fetch(
        """
        SELECT k.org_id, k.object_kind, k.object_id, k.version, k.bound_id, k.bound_to,
               k.encrypted_key, k.encrypted_dek, k.master_key_id
        FROM data_key k
        WHERE k.master_key_id <> $1
          AND NOT EXISTS (
              SELECT
              FROM rewrap_failure f
              WHERE f.rewrap_id = $2 AND f.org_id = k.org_id
                AND f.object_id = k.object_id AND f.version = k.version
          )
        ORDER BY k.org_id, k.object_id
        LIMIT $3
        """,
        job.master_key_id,
        job.id,
        limit,
    )
    return [_wrapped_row(row) for row in rows]


async def put_data_key(
    transaction: Transaction, job: Job, row: WrappedRow, again: SealedSecret
) -> bool:
    """Replace a wrapped data key, and count it; False if *row* is not what it was."""
    replaced: bool | None = await transaction.fetchval(
        _REPLACEMENTS[row.object_kind],
        row.org_id,
        row.object_id,
        row.version,
        row.secret.encrypted_dek,
        again.encrypted_dek,
        again.master_key_id,
    )
    if replaced:
        await transaction.execute(
            "UPDATE rewrap SET rewrapped = rewrapped + 1 WHERE id = $1", job.id
        )
    return bool(replaced)


async def add_failure(
    transaction: Transaction, job: Job, row: WrappedRow, code: str
) -> bool:
    """Remember what is unreadable; False if it was remembered already."""
    added: bool | None = await transaction.fetchval(
        """
        INSERT INTO rewrap_failure (rewrap_id, org_id, object_id, version, code)
        VALUES ($1, $2, $3, $4, $5)
        ON CONFLICT DO NOTHING
        RETURNING true
        """,
        job.id,
        row.org_id,
        row.object_id,
        row.version,
        code,
    )
    return bool(added)


async def finish(transaction: Transaction, job: Job) -> RewrapStatus | None:
    """End a rewrap as what it became; None if another process did."""
    status: str | None = await transaction.fetchval(
        """
        UPDATE rewrap
        SET finished_at = now(),
            status = CASE
                WHEN EXISTS (
                    SELECT FROM data_key WHERE master_key_id <> $2
                )
                THEN 'failed'
                ELSE 'completed'
            END
        WHERE id = $1 AND status = 'running'
        RETURNING status
        """,
        job.id,
        job.master_key_id,
    )
    return None if status is None else RewrapStatus(status)


async def data_keys(transaction: Transaction) -> dict[str, int]:
    """Count the data keys by the master key that wrapped them."""
    rows = await transaction.fetch(
        """
        SELECT master_key_id, count(*) AS count
        FROM data_key
        GROUP BY master_key_id
        ORDER BY master_key_id
        """
    )
    return {row["master_key_id"]: row["count"] for row in rows}


def _found(row: asyncpg.Record | None, rewrap_id: UUID) -> Rewrap:
    if row is None:
        raise JobNotFoundError(f"There is no job {rewrap_id}.")
    return _rewrap(row)


def _rewrap(row: asyncpg.Record) -> Rewrap:
    return Rewrap.model_validate(dict(row))


def _wrapped_row(row: asyncpg.Record) -> WrappedRow:
    return WrappedRow(
        org_id=row["org_id"],
        object_kind=row["object_kind"],
        object_id=row["object_id"],
        version=row["version"],
        context=_context(row),
        secret=sealed_secret_in(row),
    )


def _context(row: asyncpg.Record) -> Binding:
    org_id, bound_id = row["org_id"], row["bound_id"]
    if row["object_kind"] == "webhook":
        return WebhookContext(org_id, bound_id, origin=row["bound_to"])
    if row["object_kind"] == "mcp_server":
        return McpServerContext(
            org_id, bound_id, row["version"], origin=origin_of(row["bound_to"])
        )
    return Context(
        org_id, bound_id, row["version"], origin=sealed_origin(row["bound_to"])
    )
