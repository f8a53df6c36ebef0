"""API keys in PostgreSQL."""

from dataclasses import dataclass
from datetime import datetime
from typing import Protocol
from uuid import UUID

import asyncpg

from gateway.access.permissions import Role
from gateway.access.principals import Principal
from shared.contracts.base import Actor
from shared.database import Database, Transaction
from shared.errors import ApiKeyNotFoundError, ConflictError, NameTakenError

from . import audit

__all__ = ["ApiKey", "ApiKeyRepository", "PostgresApiKeys", "add_key"]


@dataclass(frozen=True, slots=True)
class ApiKey:
    """A key as we know it: its hash, and a prefix by which people know it."""

    id: UUID
    org_id: UUID
    name: str
    role: Role
    hash: bytes
    prefix: str | None
    created_at: datetime


class ApiKeyRepository(Protocol):
    async def principal(self, hashed: bytes) -> Principal | None: ...

    async def newest(
        self, org_id: UUID, *, before: UUID | None, limit: int
    ) -> list[ApiKey]: ...

    async def add(self, key: ApiKey, *, actor: Actor) -> None: ...

    async def revoke(
        self, org_id: UUID, key_id: UUID, *, at: datetime, by: Principal
    ) -> None: ...


class PostgresApiKeys:
    def __init__(self, database: Database) -> None:
        self._database = database

    async def principal(self, hashed: bytes) -> Principal | None:
        """Find who has the key with this hash; None if nobody has it (any more)."""
        async with self._database.sweep() as transaction:
            row = await transaction.fetchrow(
                """
                SELECT id, org_id, role
                FROM api_key
                WHERE hash = $1 AND revoked_at IS NULL
                """,
                hashed,
            )
        if row is None:
            return None
        return Principal(
            org_id=row["org_id"], kind="api_key", id=row["id"], role=Role(row["role"])
        )

    async def newest(
        self, org_id: UUID, *, before: UUID | None, limit: int
    ) -> list[ApiKey]:
        """List keys that are not revoked, those older than *before*."""
        async with self._database.organization(org_id) as transaction:
            rows = await transaction.fetch(
                """
                SELECT id, org_id, name, role, hash, prefix, created_at
                FROM api_key
                WHERE revoked_at IS NULL AND ($1::uuid IS NULL OR id < $1)
                ORDER BY id DESC
                LIMIT $2
                """,
                before,
                limit,
            )
        return [_key(row) for row in rows]

    async def add(self, key: ApiKey, *, actor: Actor) -> None:
        """Raise `NameTakenError` if a key of the organization has the name."""
        async with self._database.organization(key.org_id) as transaction:
            await add_key(transaction, key, actor=actor)

    async def revoke(
        self, org_id: UUID, key_id: UUID, *, at: datetime, by: Principal
    ) -> None:
        """End a key that *by* may end; an organization keeps one owner key at least."""
        async with self._database.organization(org_id) as transaction:
            await _lock_owner_keys(transaction)
            revoked = await transaction.fetchval(
                """
                UPDATE api_key
                SET revoked_at = $2
                WHERE id = $1 AND revoked_at IS NULL
                RETURNING role
                """,
                key_id,
                at,
            )
            if revoked is None:
                raise ApiKeyNotFoundError("There is no such API key.")
            by.require_role(Role(revoked))
            await _require_an_owner_key(transaction)
            await audit.note(
                transaction,
                org_id=org_id,
                actor=by.actor,
                act="api_key.revoked",
                object_id=key_id,
            )


async def _lock_owner_keys(transaction: Transaction) -> None:
    """Let revocations of owner keys follow one another, so that one is left."""
    await transaction.execute(
        """
        SELECT id
        FROM api_key
        WHERE role = 'owner' AND revoked_at IS NULL
        ORDER BY id
        FOR UPDATE
        """
    )


async def _require_an_owner_key(transaction: Transaction) -> None:
    is_left = await transaction.fetchval(
        """
        SELECT EXISTS (
            SELECT FROM api_key WHERE role = 'owner' AND revoked_at IS NULL
        )
        """
    )
    if not is_left:
        raise ConflictError("This is the last owner key; make another one first.")


async def add_key(transaction: Transaction, key: ApiKey, *, actor: Actor) -> None:
    try:
        await transaction.execute(
            """
            INSERT INTO api_key (id, org_id, name, role, hash, prefix, created_at)
            VALUES ($1, $2, $3, $4, $5, $6, $7)
            """,
            key.id,
            key.org_id,
            key.name,
            key.role,
            key.hash,
            key.prefix,
            key.created_at,
        )
    except asyncpg.UniqueViolationError as error:
        raise NameTakenError(f'An API key is named "{key.name}" already.') from error
    await audit.note(
        transaction,
        org_id=key.org_id,
        actor=actor,
        act="api_key.created",
        object_id=key.id,
    )


def _key(row: asyncpg.Record) -> ApiKey:
    return ApiKey(
        id=row["id"],
        org_id=row["org_id"],
        name=row["name"],
        role=Role(row["role"]),
        hash=row["hash"],
        prefix=row["prefix"],
        created_at=row["created_at"],
    )
