"""Sessions of people in PostgreSQL."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

import asyncpg

from gateway.access.permissions import Role
from gateway.access.principals import Principal
from shared.contracts.base import Actor
from shared.database import Database, Transaction
from shared.errors import SessionNotFoundError

from . import audit
from .held_people import require_password

__all__ = ["NewSession", "PostgresSessions", "Session", "add_session"]

_COLUMNS = """
    id, user_id, user_agent, address, created_at, seen_at, expires_at
"""

_LASTING = timedelta(days=7)
_IDLE = timedelta(hours=12)
_NOTED_EVERY = timedelta(minutes=1)
_AT_ONCE = 10


@dataclass(frozen=True, slots=True)
class NewSession:
    """A session about to begin; *hash* is that of its token."""

    id: UUID
    hash: bytes
    user_agent: str | None
    address: str | None


@dataclass(frozen=True, slots=True)
class Session:
    """A session; *seen_at* is as of the minute."""

    id: UUID
    user_id: UUID
    user_agent: str | None
    address: str | None
    created_at: datetime
    seen_at: datetime
    expires_at: datetime


class PostgresSessions:
    """Sessions end after 12 idle hours, and 7 days after they began."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def principal(self, hashed: bytes) -> Principal | None:
        """Find whose session has this hash; None if nobody has it (any more)."""
        async with self._database.sweep() as transaction:
            row = await transaction.fetchrow(
                """
                SELECT s.id, s.org_id, s.user_id, u.role,
                       s.seen_at > now() - $3::interval AS is_noted
                FROM session s
                JOIN user_account u ON u.id = s.user_id
                WHERE s.hash = $1
                  AND s.expires_at > now()
                  AND s.seen_at > now() - $2::interval
                  AND u.is_enabled
                """,
                hashed,
                _IDLE,
                _NOTED_EVERY,
            )
            if row is None:
                return None
            if not row["is_noted"]:
                await transaction.execute(
                    "UPDATE session SET seen_at = now() WHERE id = $1", row["id"]
                )
        return Principal(
            org_id=row["org_id"],
            kind="user",
            id=row["user_id"],
            role=Role(row["role"]),
            session_id=row["id"],
        )

    async def begin(
        self, new: NewSession, *, org_id: UUID, user_id: UUID, password_hash: str | None
    ) -> Session:
        """Begin a session by a password that had this hash when it was checked.

        Raises `LoginRefusedError` if it is another one now.
        """
        async with self._database.organization(org_id) as transaction:
            await require_password(transaction, user_id, password_hash)
            return await add_session(transaction, new, org_id=org_id, user_id=user_id)

    async def newest(
        self, org_id: UUID, user_id: UUID, *, before: UUID | None, limit: int
    ) -> list[Session]:
        """List the sessions of a person that have not ended."""
        async with self._database.organization(org_id) as transaction:
            rows = await transaction.fetch(
                f"""
                SELECT {_COLUMNS}
                FROM session
                WHERE user_id = $1
                  AND expires_at > now()
                  AND seen_at > now() - $4::interval
                  AND ($2::uuid IS NULL OR id < $2)
                ORDER BY id DESC
                LIMIT $3
                """,  # noqa: S608 - our own columns
                user_id,
                before,
                limit,
                _IDLE,
            )
        return [_session(row) for row in rows]

    async def one(self, org_id: UUID, session_id: UUID, *, of: UUID) -> Session:
        """Find a session of one person; raise `SessionNotFoundError`."""
        async with self._database.organization(org_id) as transaction:
            row = await transaction.fetchrow(
                f"""
                SELECT {_COLUMNS}
                FROM session
                WHERE id = $1 AND user_id = $2 AND expires_at > now()
                """,  # noqa: S608 - our own columns
                session_id,
                of,
            )
        if row is None:
            raise _not_found()
        return _session(row)

    async def end(
        self, org_id: UUID, session_id: UUID, *, by: Principal, any_users: bool
    ) -> UUID:
        """End a session of *by*'s own, or of *any_users*'; return whose it was.

        Raises `SessionNotFoundError`.
        """
        async with self._database.organization(org_id) as transaction:
            ended = await transaction.fetchval(
                """
                DELETE FROM session
                WHERE id = $1 AND (user_id = $2 OR $3)
                RETURNING user_id
                """,
                session_id,
                by.id,
                any_users,
            )
            if ended is None:
                raise _not_found()
            await audit.note(
                transaction,
                org_id=org_id,
                actor=by.actor,
                act="session.ended",
                object_id=session_id,
            )
        return UUID(str(ended))

    async def forget(self) -> None:
        """Delete sessions that have ended by themselves, and links nobody used.

        One after another: who removes a person locks their links before their sessions.
        """
        async with self._database.sweep_once() as transaction:
            await transaction.execute(
                """
                DELETE FROM session
                WHERE expires_at <= now() OR seen_at <= now() - $1::interval
                """,
                _IDLE,
            )
        async with self._database.sweep_once() as transaction:
            await transaction.execute(
                "DELETE FROM invitation WHERE expires_at <= now()"
            )
        async with self._database.sweep_once() as transaction:
            await transaction.execute(
                "DELETE FROM login_attempt WHERE began_at <= now() - interval '1 day'"
            )


async def add_session(
    transaction: Transaction, new: NewSession, *, org_id: UUID, user_id: UUID
) -> Session:
    """Begin a session; of one person only the newest few go on.

    This one does, even if by their ids others are newer: clocks are put back.
    """
    row = await transaction.fetchrow(
        f"""
        INSERT INTO session (
            id, org_id, user_id, hash, user_agent, address, expires_at
        )
        VALUES ($1, $2, $3, $4, $5, $6, now() + $7::interval)
        RETURNING {_COLUMNS}
        """,  # noqa: S608 - our own columns
        new.id,
        org_id,
        user_id,
        new.hash,
        new.user_agent,
        new.address,
        _LASTING,
    )
    await transaction.execute(
        """
        DELETE FROM session
        WHERE user_id = $1
          AND id NOT IN (
              SELECT id
              FROM session
              WHERE user_id = $1
              ORDER BY id = $3 DESC, id DESC
              LIMIT $2
          )
        """,
        user_id,
        _AT_ONCE,
        new.id,
    )
    await transaction.execute(
        "UPDATE user_account SET last_login_at = now() WHERE id = $1", user_id
    )
    await audit.note(
        transaction,
        org_id=org_id,
        actor=Actor(kind="user", id=str(user_id)),
        act="session.started",
        object_id=new.id,
    )
    return _session(row)


def _not_found() -> SessionNotFoundError:
    return SessionNotFoundError("There is no such session.")


def _session(row: asyncpg.Record | None) -> Session:
    assert row  # noqa: S101 - for the type checker: RETURNING has a row
    return Session(
        id=row["id"],
        user_id=row["user_id"],
        user_agent=row["user_agent"],
        address=row["address"],
        created_at=row["created_at"],
        seen_at=row["seen_at"],
        expires_at=row["expires_at"],
    )
