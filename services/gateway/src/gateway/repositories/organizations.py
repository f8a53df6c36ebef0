"""Organizations in PostgreSQL."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

import asyncpg

from shared.contracts.base import Actor
from shared.database import Database
from shared.errors import NameTakenError, PreconditionFailedError

from . import audit
from .api_keys import ApiKey, add_key

__all__ = ["Organization", "PostgresOrganizations"]


@dataclass(frozen=True, slots=True)
class Organization:
    id: UUID
    name: str
    created_at: datetime
    version: int = 1


class PostgresOrganizations:
    def __init__(self, database: Database) -> None:
        self._database = database

    async def ping(self) -> None:
        """Raise `DatabaseUnavailableError` if the database does not answer."""
        async with self._database.sweep() as transaction:
            await transaction.execute("SELECT 1")

    async def ids(self) -> frozenset[UUID]:
        async with self._database.sweep_once() as connection:
            rows = await connection.fetch("SELECT id FROM organization")
        return frozenset(row["id"] for row in rows)

    async def one(self, org_id: UUID) -> Organization:
        async with self._database.organization(org_id) as transaction:
            row = await transaction.fetchrow(
                """
                SELECT id, name, created_at, version
                FROM organization
                WHERE id = $1
                """,
                org_id,
            )
        return _organization(row)

    async def rename(
        self, org_id: UUID, name: str, *, actor: Actor, if_version: int | None
    ) -> Organization:
        """Raise `NameTakenError`, and `PreconditionFailedError`."""
        async with self._database.organization(org_id) as transaction:
            try:
                row = await transaction.fetchrow(
                    """
                    UPDATE organization
                    SET name = $2, version = version + 1, updated_at = now()
                    WHERE id = $1 AND ($3::int IS NULL OR version = $3)
                    RETURNING id, name, created_at, version
                    """,
                    org_id,
                    name,
                    if_version,
                )
            except asyncpg.UniqueViolationError as error:
                raise NameTakenError(f'"{name}" is taken already.') from error
            if row is None:
                raise PreconditionFailedError("The organization was changed since.")
            await audit.note(
                transaction,
                org_id=org_id,
                actor=actor,
                act="organization.updated",
                object_id=org_id,
            )
        return _organization(row)

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
            await audit.note(
                transaction,
                org_id=organization.id,
                actor=actor,
                act="organization.created",
                object_id=organization.id,
            )
            await add_key(transaction, owner_key, actor=actor)
        return True


def _organization(row: asyncpg.Record | None) -> Organization:
    assert row  # noqa: S101 - for the type checker: who asks belongs to it
    return Organization(
        id=row["id"],
        name=row["name"],
        created_at=row["created_at"],
        version=row["version"],
    )
