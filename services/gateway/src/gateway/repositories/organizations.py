"""Organizations in PostgreSQL."""

from dataclasses import dataclass
from datetime import datetime
from typing import Protocol
from uuid import UUID

from shared.contracts.base import Actor
from shared.database import Database

from . import audit
from .api_keys import ApiKey, add_key

__all__ = ["Organization", "OrganizationRepository", "PostgresOrganizations"]


@dataclass(frozen=True, slots=True)
class Organization:
    id: UUID
    name: str
    created_at: datetime


class OrganizationRepository(Protocol):
    async def add_first(
        self, organization: Organization, *, owner_key: ApiKey, actor: Actor
    ) -> bool: ...


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
            await audit.note(
                transaction,
                org_id=organization.id,
                actor=actor,
                act="organization.created",
                object_id=organization.id,
            )
            await add_key(transaction, owner_key, actor=actor)
        return True
