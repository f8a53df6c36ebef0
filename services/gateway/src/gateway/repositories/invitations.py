"""Links that let somebody in once, in PostgreSQL."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

import asyncpg

from gateway.access.permissions import Role, permissions_of
from gateway.access.principals import Principal
from shared.contracts.base import Actor
from shared.database import Database, Transaction
from shared.errors import (
    ConflictError,
    InvitationNotFoundError,
    UserNotFoundError,
)
from shared.ids import new_id

from . import audit
from .held_people import hold_person
from .sessions import NewSession, Session, add_session
from .users import User, add_user, locked_user, put_password

__all__ = ["Invitation", "PostgresInvitations"]

_LASTING = timedelta(days=7)


@dataclass(frozen=True, slots=True)
class Invitation:
    """What a link is for; without a user, for whoever becomes the first owner."""

    id: UUID
    org_id: UUID
    organization: str
    user_id: UUID | None
    email: str | None
    name: str | None
    role: Role
    expires_at: datetime


class PostgresInvitations:
    def __init__(self, database: Database) -> None:
        self._database = database

    async def offer_first_login(self, hashed: bytes) -> bool:
        """Let the link with this hash make the first owner; False if one has come.

        An earlier link of this kind leads nowhere any more.
        """
        async with self._database.sweep() as transaction:
            await transaction.execute("LOCK TABLE invitation IN EXCLUSIVE MODE")
            org_id = await transaction.fetchval(
                """
                SELECT id
                FROM organization o
                WHERE NOT EXISTS (SELECT FROM user_account u WHERE u.org_id = o.id)
                ORDER BY created_at
                LIMIT 1
                """
            )
            if org_id is None:
                return False
            await transaction.execute(
                "DELETE FROM invitation WHERE org_id = $1 AND user_id IS NULL", org_id
            )
            await _add(transaction, org_id, None, hashed)
        return True

    async def invite(
        self,
        *,
        org_id: UUID,
        user_id: UUID,
        email: str,
        name: str | None,
        role: Role,
        hashed: bytes,
        actor: Actor,
    ) -> User:
        """Add a person and the link by which that one comes in.

        A person of the same id who has not come in gets another link: whoever invites
        again was not told of the one before. Raises `NameTakenError`.
        """
        async with self._database.organization(org_id) as transaction:
            user = await _invited_before(transaction, user_id) or await add_user(
                transaction,
                org_id=org_id,
                user_id=user_id,
                email=email,
                name=name,
                role=role,
                actor=actor,
            )
            await _add(transaction, org_id, user_id, hashed)
        return user

    async def invite_again(
        self, org_id: UUID, user_id: UUID, hashed: bytes, *, by: Principal
    ) -> User:
        """Make a new link for a person, who sets a new password by it.

        Raises `UserNotFoundError`, and `ForbiddenError` for one who may more than *by*.
        """
        async with self._database.organization(org_id) as transaction:
            user = await locked_user(transaction, user_id)
            by.require_role(user.role)
            by.require_all_of(permissions_of(user.role))
            await transaction.execute(
                "DELETE FROM invitation WHERE user_id = $1", user_id
            )
            await _add(transaction, org_id, user_id, hashed)
            await audit.note(
                transaction,
                org_id=org_id,
                actor=by.actor,
                act="user.invited",
                object_id=user_id,
            )
        return user

    async def offer(self, email: str, hashed: bytes, *, actor: Actor) -> int:
        """Make a link for everybody with *email*; return for how many: 0 or 1.

        Their earlier links lead nowhere any more; who is disabled gets none. Raises
        `ConflictError` for an email that several organizations know.
        """
        async with self._database.sweep() as transaction:
            rows = await transaction.fetch(
                """
                SELECT id, org_id
                FROM user_account
                WHERE email = $1 AND is_enabled
                FOR NO KEY UPDATE
                """,
                email,
            )
            if len(rows) > 1:
                raise ConflictError("Several organizations know this email.")
            for row in rows:
                await transaction.execute(
                    "DELETE FROM invitation WHERE user_id = $1", row["id"]
                )
                await _add(transaction, row["org_id"], row["id"], hashed)
                await audit.note(
                    transaction,
                    org_id=row["org_id"],
                    actor=actor,
                    act="user.invited",
                    object_id=row["id"],
                )
        return len(rows)

    async def one(self, hashed: bytes) -> Invitation:
        """Tell what a link is for; raise `InvitationNotFoundError`."""
        async with self._database.sweep() as transaction:
            return await _invitation(transaction, hashed)

    async def accept(
        self,
        hashed: bytes,
        *,
        email: str | None,
        name: str | None,
        password_hash: str,
        session: NewSession,
    ) -> tuple[User, Session]:
        """Use a link up: set the password, and begin a session.

        *email* is of use only where the link is for nobody yet. Raises
        `InvitationNotFoundError`, also for the one of two who comes second.
        """
        async with self._database.sweep() as transaction:
            invitation = await _held_invitation(transaction, hashed)
            await transaction.execute(
                "DELETE FROM invitation WHERE id = $1", invitation.id
            )
            user_id = invitation.user_id or await _first_owner(
                transaction, invitation, email or ""
            )
            user = await put_password(transaction, user_id, password_hash, name)
            await audit.note(
                transaction,
                org_id=invitation.org_id,
                actor=Actor(kind="user", id=str(user_id)),
                act="user.joined",
                object_id=user_id,
            )
            began = await add_session(
                transaction, session, org_id=invitation.org_id, user_id=user_id
            )
        return user, began


async def _add(
    transaction: Transaction, org_id: UUID, user_id: UUID | None, hashed: bytes
) -> None:
    await transaction.execute(
        """
        INSERT INTO invitation (id, org_id, user_id, hash, expires_at)
        VALUES ($1, $2, $3, $4, now() + $5::interval)
        """,
        new_id(),
        org_id,
        user_id,
        hashed,
        _LASTING,
    )


async def _invited_before(transaction: Transaction, user_id: UUID) -> User | None:
    """Find a person who was invited and not told so, and end that link."""
    try:
        user = await locked_user(transaction, user_id)
    except UserNotFoundError:
        return None
    if user.password_hash is not None:
        return None
    await transaction.execute("DELETE FROM invitation WHERE user_id = $1", user_id)
    return user


async def _held_invitation(transaction: Transaction, hashed: bytes) -> Invitation:
    """Read a link that is nobody else's to use up; hold whom it is for before it."""
    found = await _invitation(transaction, hashed)
    if found.user_id is not None:
        await hold_person(transaction, found.user_id)
    return await _invitation(transaction, hashed, lock="FOR UPDATE OF i")


async def _invitation(
    transaction: Transaction, hashed: bytes, *, lock: str = ""
) -> Invitation:
    row = await transaction.fetchrow(
        f"""
        SELECT i.id, i.org_id, i.user_id, i.expires_at, o.name AS organization,
               u.email, u.name, COALESCE(u.role, 'owner') AS role
        FROM invitation i
        JOIN organization o ON o.id = i.org_id
        LEFT JOIN user_account u ON u.id = i.user_id
        WHERE i.hash = $1
          AND i.expires_at > now()
          AND (u.id IS NULL OR u.is_enabled)
        {lock}
        """,  # noqa: S608 - a constant
        hashed,
    )
    if row is None:
        raise InvitationNotFoundError("This link is not valid, or not any more.")
    return _of(row)


async def _first_owner(
    transaction: Transaction, invitation: Invitation, email: str
) -> UUID:
    user = await add_user(
        transaction,
        org_id=invitation.org_id,
        user_id=new_id(),
        email=email,
        name=None,
        role=Role.OWNER,
        actor=Actor(kind="service", id="gateway"),
    )
    return user.id


def _of(row: asyncpg.Record) -> Invitation:
    return Invitation(
        id=row["id"],
        org_id=row["org_id"],
        organization=row["organization"],
        user_id=row["user_id"],
        email=row["email"],
        name=row["name"],
        role=Role(row["role"]),
        expires_at=row["expires_at"],
    )
