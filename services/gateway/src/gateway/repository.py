"""Organizations and API keys in PostgreSQL. All SQL of this service is in this file."""

from dataclasses import dataclass
from datetime import datetime
from typing import Protocol
from uuid import UUID

import asyncpg

from shared.contracts.base import Actor
from shared.database import Database, Transaction
from shared.errors import ApiKeyNotFoundError, ConflictError, NameTakenError
from shared.ids import new_id

from .access.permissions import Role
from .access.principals import Principal

__all__ = [
    "ApiKey",
    "ApiKeyRepository",
    "Organization",
    "OrganizationRepository",
    "PostgresApiKeys",
    "PostgresOrganizations",
]


@dataclass(frozen=True, slots=True)
class Organization:
    id: UUID
    name: str
    created_at: datetime


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


class OrganizationRepository(Protocol):
    async def add_first(
        self, organization: Organization, *, owner_key: ApiKey, actor: Actor
    ) -> bool: ...


class ApiKeyRepository(Protocol):
    async def principal(self, hashed: bytes) -> Principal | None: ...

    async def newest(
        self, org_id: UUID, *, before: UUID | None, limit: int
    ) -> list[ApiKey]: ...

    async def add(self, key: ApiKey, *, actor: Actor) -> None: ...

    async def revoke(
        self, org_id: UUID, key_id: UUID, *, at: datetime, by: Principal
    ) -> None: ...


class PostgresOrganizations:
    def __init__(self, database: Database) -> None:
        self._database = database

    async def ping(self) -> None:
        """Raise `DatabaseUnavailableError` if the database does not answer."""
        async with self._database.sweep() as transaction:
            await transaction.execute("SELECT 1")

    async def add_first(
        self, organization: Organization, *, owner_key: ApiKey, actor: Actor
    ) -> bool:
        """Add the first organization and its owner's key; False if there is one."""
        async with self._database.sweep() as transaction:
            await transaction.execute(
                "SELECT pg_advisory_xact_lock(hashtext('gateway.first_organization'))"
            )
            if await transaction.fetchval("SELECT EXISTS (SELECT FROM organization)"):
                return False
            await transaction.execute(
                """
                INSERT INTO organization (id, name, created_at)
                VALUES ($1, $2, $3)
                """,
                organization.id,
                organization.name,
                organization.created_at,
            )
            await _audit(
                transaction,
                "organization.created",
                organization.id,
                org_id=organization.id,
                at=organization.created_at,
                actor=actor,
            )
            await _add_key(transaction, owner_key, actor=actor)
        return True


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
            await _add_key(transaction, key, actor=actor)

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
            await _audit(
                transaction,
                "api_key.revoked",
                key_id,
                org_id=org_id,
                at=at,
                actor=by.actor,
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


async def _add_key(transaction: Transaction, key: ApiKey, *, actor: Actor) -> None:
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
    await _audit(
        transaction,
        "api_key.created",
        key.id,
        org_id=key.org_id,
        at=key.created_at,
        actor=actor,
    )


async def _audit(
    transaction: Transaction,
    event: str,
    object_id: UUID,
    *,
    org_id: UUID,
    at: datetime,
    actor: Actor,
) -> None:
    """Write *event*, `<object kind>.<act>`, in the transaction of the act."""
    object_kind, _, act = event.partition(".")
    await transaction.execute(
        """
        INSERT INTO audit
            (id, org_id, at, actor_kind, actor_id, act, object_kind, object_id)
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8)
        """,
        new_id(),
        org_id,
        at,
        actor.kind,
        actor.id,
        act,
        object_kind,
        object_id,
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
