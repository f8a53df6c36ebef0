"""People in PostgreSQL."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

import asyncpg

from gateway.access.permissions import Role
from gateway.access.principals import Principal
from shared.contracts.base import Actor
from shared.database import Database, Transaction
from shared.errors import NameTakenError, PreconditionFailedError, UserNotFoundError

from . import audit
from .held_people import require_password
from .owners import lock_owners, require_an_owner
from .sessions import NewSession, Session, add_session

__all__ = [
    "PostgresUsers",
    "User",
    "add_user",
    "locked_user",
    "put_password",
    "users_with",
]

_COLUMNS = """
    id, org_id, email, name, role, password_hash, is_enabled, version, created_at,
    updated_at, last_login_at
"""


@dataclass(frozen=True, slots=True)
class User:
    """A person; without a password, one who has not come in yet."""

    id: UUID
    org_id: UUID
    email: str
    name: str | None
    role: Role
    password_hash: str | None
    is_enabled: bool
    version: int
    created_at: datetime
    updated_at: datetime
    last_login_at: datetime | None


class PostgresUsers:
    def __init__(self, database: Database) -> None:
        self._database = database

    async def who_may_log_in(self, email: str, organization: str | None) -> list[User]:
        """Find the people with this email, of all organizations or the named one."""
        async with self._database.sweep() as transaction:
            found = await users_with(transaction, email, organization)
        return [user for user in found if user.password_hash is not None]

    async def newest(
        self, org_id: UUID, *, before: UUID | None, limit: int
    ) -> list[User]:
        async with self._database.organization(org_id) as transaction:
            rows = await transaction.fetch(
                f"""
                SELECT {_COLUMNS}
                FROM user_account
                WHERE $1::uuid IS NULL OR id < $1
                ORDER BY id DESC
                LIMIT $2
                """,  # noqa: S608 - our own columns
                before,
                limit,
            )
        return [_user(row) for row in rows]

    async def one(self, org_id: UUID, user_id: UUID) -> User:
        """Raise `UserNotFoundError`."""
        async with self._database.organization(org_id) as transaction:
            row = await transaction.fetchrow(
                f"SELECT {_COLUMNS} FROM user_account WHERE id = $1",  # noqa: S608 - our own columns
                user_id,
            )
        if row is None:
            raise _not_found()
        return _user(row)

    async def change(
        self,
        org_id: UUID,
        user_id: UUID,
        changes: Mapping[str, Any],
        *,
        by: Principal,
        if_version: int | None,
    ) -> User:
        """Change name, role or is_enabled, and end the sessions if it takes rights.

        Raises `UserNotFoundError`, `ForbiddenError` for one above *by*,
        `PreconditionFailedError`, and `ConflictError` if no owner would be left.
        """
        async with self._database.organization(org_id) as transaction:
            await lock_owners(transaction, org_id)
            before = await locked_user(transaction, user_id)
            by.require_role(before.role)
            if if_version not in {None, before.version}:
                raise PreconditionFailedError("The user has been changed since.")
            after = await _changed(transaction, before, changes)
            if (after.role, after.is_enabled) != (before.role, before.is_enabled):
                await require_an_owner(transaction)
                await _end_sessions(transaction, user_id)
            await audit.note(
                transaction,
                org_id=org_id,
                actor=by.actor,
                act="user.updated",
                object_id=user_id,
            )
        return after

    async def change_password(
        self,
        who: Principal,
        password_hash: str,
        session: NewSession,
        *,
        instead_of: str | None,
    ) -> Session:
        """Set one's own password; all sessions end but the one that begins by it.

        Raises `LoginRefusedError` if the hash *instead_of* is not the stored one.
        """
        async with self._database.organization(who.org_id) as transaction:
            await require_password(transaction, who.id, instead_of)
            await put_password(transaction, who.id, password_hash, None)
            began = await add_session(
                transaction, session, org_id=who.org_id, user_id=who.id
            )
            await audit.note(
                transaction,
                org_id=who.org_id,
                actor=who.actor,
                act="user.password_changed",
                object_id=who.id,
            )
        return began

    async def remove(self, org_id: UUID, user_id: UUID, *, by: Principal) -> None:
        """Delete a person with all sessions and links.

        Raises `UserNotFoundError`, `ForbiddenError` for one above *by*, and
        `ConflictError` if no owner would be left.
        """
        async with self._database.organization(org_id) as transaction:
            await lock_owners(transaction, org_id)
            user = await locked_user(transaction, user_id)
            by.require_role(user.role)
            await transaction.execute("DELETE FROM user_account WHERE id = $1", user_id)
            await require_an_owner(transaction)
            await audit.note(
                transaction,
                org_id=org_id,
                actor=by.actor,
                act="user.deleted",
                object_id=user_id,
            )


async def users_with(
    transaction: Transaction, email: str, organization: str | None
) -> list[User]:
    """Find who is enabled and has this email, in all organizations or the named one."""
    rows = await transaction.fetch(
        f"""
        SELECT {_COLUMNS}
        FROM user_account
        WHERE email = $1
          AND is_enabled
          AND (
              $2::text IS NULL
              OR org_id = (SELECT o.id FROM organization o WHERE o.name = $2)
          )
        ORDER BY id
        """,  # noqa: S608 - our own columns
        email,
        organization,
    )
    return [_user(row) for row in rows]


async def add_user(
    transaction: Transaction,
    *,
    org_id: UUID,
    user_id: UUID,
    email: str,
    name: str | None,
    role: Role,
    actor: Actor,
) -> User:
    """Raise `NameTakenError` if somebody of the organization has the email."""
    try:
        row = await transaction.fetchrow(
            f"""
            INSERT INTO user_account (id, org_id, email, name, role)
            VALUES ($1, $2, $3, $4, $5)
            RETURNING {_COLUMNS}
            """,  # noqa: S608 - our own columns
            user_id,
            org_id,
            email,
            name,
            role,
        )
    except asyncpg.UniqueViolationError as error:
        raise NameTakenError(f"There is a user with the email {email}.") from error
    await audit.note(
        transaction, org_id=org_id, actor=actor, act="user.created", object_id=user_id
    )
    return _user(row)


async def locked_user(transaction: Transaction, user_id: UUID) -> User:
    """Read a person whom nobody else changes meanwhile."""
    row = await transaction.fetchrow(
        f"SELECT {_COLUMNS} FROM user_account WHERE id = $1 FOR NO KEY UPDATE",  # noqa: S608 - our own columns
        user_id,
    )
    if row is None:
        raise _not_found()
    return _user(row)


async def put_password(
    transaction: Transaction, user_id: UUID, password_hash: str, name: str | None
) -> User:
    """Set a password, and a name if one is given; end all sessions."""
    row = await transaction.fetchrow(
        f"""
        UPDATE user_account
        SET password_hash = $2,
            name = COALESCE($3, name),
            version = version + 1,
            updated_at = now()
        WHERE id = $1
        RETURNING {_COLUMNS}
        """,  # noqa: S608 - our own columns
        user_id,
        password_hash,
        name,
    )
    if row is None:
        raise _not_found()
    await _end_sessions(transaction, user_id)
    return _user(row)


async def _changed(
    transaction: Transaction, user: User, changes: Mapping[str, Any]
) -> User:
    row = await transaction.fetchrow(
        f"""
        UPDATE user_account
        SET name = $2, role = $3, is_enabled = $4,
            version = version + 1, updated_at = now()
        WHERE id = $1
        RETURNING {_COLUMNS}
        """,  # noqa: S608 - our own columns
        user.id,
        changes.get("name", user.name),
        changes.get("role", user.role),
        changes.get("is_enabled", user.is_enabled),
    )
    return _user(row)


async def _end_sessions(transaction: Transaction, user_id: UUID) -> None:
    await transaction.execute("DELETE FROM session WHERE user_id = $1", user_id)


def _not_found() -> UserNotFoundError:
    return UserNotFoundError("There is no such user.")


def _user(row: asyncpg.Record | None) -> User:
    assert row  # noqa: S101 - for the type checker: RETURNING has a row
    return User(
        id=row["id"],
        org_id=row["org_id"],
        email=row["email"],
        name=row["name"],
        role=Role(row["role"]),
        password_hash=row["password_hash"],
        is_enabled=row["is_enabled"],
        version=row["version"],
        created_at=row["created_at"],
        updated_at=row["updated_at"],
        last_login_at=row["last_login_at"],
    )
