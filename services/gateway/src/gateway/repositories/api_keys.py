"""API keys in PostgreSQL."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Protocol
from uuid import UUID

import asyncpg

from gateway.access.permissions import Permission, Role
from gateway.access.principals import Principal
from shared.contracts.base import Actor
from shared.database import Database, Transaction
from shared.errors import ApiKeyNotFoundError, NameTakenError

from . import audit
from .owners import lock_owners, require_an_owner

__all__ = ["ApiKey", "ApiKeyRepository", "PostgresApiKeys", "add_key"]

_COLUMNS = """
    id, org_id, name, role, hash, prefix, created_at, scopes, expires_at, last_used_at
"""

_NOTED_EVERY = timedelta(minutes=1)


@dataclass(frozen=True, slots=True)
class ApiKey:
    """A key as we know it: its hash, and a prefix by which people know it.

    *scopes* narrow what its role allows; None does not. *last_used_at* is as of the
    minute.
    """

    id: UUID
    org_id: UUID
    name: str
    role: Role
    hash: bytes
    prefix: str | None
    created_at: datetime
    scopes: frozenset[Permission] | None = None
    expires_at: datetime | None = None
    last_used_at: datetime | None = None


class ApiKeyRepository(Protocol):
    async def principal(self, hashed: bytes) -> Principal | None: ...

    async def newest(
        self, org_id: UUID, *, before: UUID | None, limit: int
    ) -> list[ApiKey]: ...

    async def one(self, org_id: UUID, key_id: UUID) -> ApiKey: ...

    async def add(self, key: ApiKey, *, actor: Actor) -> ApiKey: ...

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
                SELECT id, org_id, role, scopes,
                       last_used_at > now() - $2::interval AS is_noted
                FROM api_key
                WHERE hash = $1
                  AND revoked_at IS NULL
                  AND (expires_at IS NULL OR expires_at > now())
                """,
                hashed,
                _NOTED_EVERY,
            )
            if row is None:
                return None
            if not row["is_noted"]:
                await _note_use(transaction, row["id"])
        return _principal(row)

    async def newest(
        self, org_id: UUID, *, before: UUID | None, limit: int
    ) -> list[ApiKey]:
        """List keys that are not revoked, those older than *before*."""
        async with self._database.organization(org_id) as transaction:
            rows = await transaction.fetch(
                f"""
                SELECT {_COLUMNS}
                FROM api_key
                WHERE revoked_at IS NULL AND ($1::uuid IS NULL OR id < $1)
                ORDER BY id DESC
                LIMIT $2
                """,  # noqa: S608 - our own columns
                before,
                limit,
            )
        return [_key(row) for row in rows]

    async def one(self, org_id: UUID, key_id: UUID) -> ApiKey:
        """Raise `ApiKeyNotFoundError` for one that is revoked, or not there."""
        async with self._database.organization(org_id) as transaction:
            row = await transaction.fetchrow(
                f"SELECT {_COLUMNS} FROM api_key WHERE id = $1 AND revoked_at IS NULL",  # noqa: S608 - our own columns
                key_id,
            )
        if row is None:
            raise _not_found()
        return _key(row)

    async def add(self, key: ApiKey, *, actor: Actor) -> ApiKey:
        """Keep a key; one of the same id opens with the hash of the last time.

        Whoever adds it again was not told the secret before. Raises `NameTakenError` if
        another key of the organization has the name.
        """
        async with self._database.organization(key.org_id) as transaction:
            if added_before := await _given_again(transaction, key):
                return added_before
            await add_key(transaction, key, actor=actor)
        return key

    async def revoke(
        self, org_id: UUID, key_id: UUID, *, at: datetime, by: Principal
    ) -> None:
        """End a key that *by* may end; an organization keeps an owner."""
        async with self._database.organization(org_id) as transaction:
            await lock_owners(transaction, org_id)
            revoked = await transaction.fetchrow(
                """
                UPDATE api_key
                SET revoked_at = $2
                WHERE id = $1 AND revoked_at IS NULL
                RETURNING id, org_id, role, scopes
                """,
                key_id,
                at,
            )
            if revoked is None:
                raise _not_found()
            theirs = _principal(revoked)
            by.require_role(theirs.role)
            by.require_all_of(theirs.permissions)
            await require_an_owner(transaction)
            await audit.note(
                transaction,
                org_id=org_id,
                actor=by.actor,
                act="api_key.revoked",
                object_id=key_id,
            )


async def add_key(transaction: Transaction, key: ApiKey, *, actor: Actor) -> None:
    """Keep a key. Raises `NameTakenError`."""
    try:
        await transaction.execute(
            """
            INSERT INTO api_key (
                id, org_id, name, role, hash, prefix, created_at, scopes, expires_at
            )
            VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)
            """,
            key.id,
            key.org_id,
            key.name,
            key.role,
            key.hash,
            key.prefix,
            key.created_at,
            None if key.scopes is None else sorted(key.scopes),
            key.expires_at,
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


async def _given_again(transaction: Transaction, key: ApiKey) -> ApiKey | None:
    """Give a key that was added before its new secret; None if it was not."""
    row = await transaction.fetchrow(
        f"""
        UPDATE api_key
        SET hash = $2, prefix = $3
        WHERE id = $1 AND revoked_at IS NULL
        RETURNING {_COLUMNS}
        """,  # noqa: S608 - our own columns
        key.id,
        key.hash,
        key.prefix,
    )
    return None if row is None else _key(row)


async def _note_use(transaction: Transaction, key_id: UUID) -> None:
    await transaction.execute(
        "UPDATE api_key SET last_used_at = now() WHERE id = $1", key_id
    )


def _not_found() -> ApiKeyNotFoundError:
    return ApiKeyNotFoundError("There is no such API key.")


def _principal(row: asyncpg.Record) -> Principal:
    return Principal(
        org_id=row["org_id"],
        kind="api_key",
        id=row["id"],
        role=Role(row["role"]),
        scopes=_scopes(row["scopes"]),
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
        scopes=_scopes(row["scopes"]),
        expires_at=row["expires_at"],
        last_used_at=row["last_used_at"],
    )


def _scopes(names: list[str] | None) -> frozenset[Permission] | None:
    """Read scopes; one that is not known (any more) allows nothing."""
    if names is None:
        return None
    return frozenset(each for each in Permission if each in names)
