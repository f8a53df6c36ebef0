"""Logins that are on their way over an identity provider, in PostgreSQL."""

from dataclasses import dataclass
from datetime import timedelta

from shared.database import Database
from shared.errors import LoginRefusedError

from .sessions import NewSession, Session, add_session
from .users import User, users_with

__all__ = ["Attempt", "PostgresOidc"]

_LASTING = timedelta(minutes=10)


@dataclass(frozen=True, slots=True)
class Attempt:
    """A browser that was sent away, to be known again when it comes back.

    *state* and *browser* are hashes: of what the identity provider hands back, and of
    what the browser's cookie holds.
    """

    state: bytes
    browser: bytes
    nonce: str
    verifier: str
    organization: str | None


class PostgresOidc:
    def __init__(self, database: Database) -> None:
        self._database = database

    async def begin(self, attempt: Attempt) -> None:
        """Keep an attempt for ten minutes; those that are older go."""
        async with self._database.sweep() as transaction:
            await transaction.execute(
                "DELETE FROM oidc_login WHERE expires_at <= now()"
            )
            await transaction.execute(
                """
                INSERT INTO oidc_login (
                    id, browser, nonce, verifier, organization, expires_at
                )
                VALUES ($1, $2, $3, $4, $5, now() + $6::interval)
                """,
                attempt.state,
                attempt.browser,
                attempt.nonce,
                attempt.verifier,
                attempt.organization,
                _LASTING,
            )

    async def take(self, state: bytes, browser: bytes) -> Attempt:
        """Use an attempt up; raise `LoginRefusedError` if this browser has none."""
        async with self._database.sweep() as transaction:
            row = await transaction.fetchrow(
                """
                DELETE FROM oidc_login
                WHERE id = $1 AND browser = $2 AND expires_at > now()
                RETURNING nonce, verifier, organization
                """,
                state,
                browser,
            )
        if row is None:
            raise LoginRefusedError("This login was not begun here, or too long ago.")
        return Attempt(
            state, browser, row["nonce"], row["verifier"], row["organization"]
        )

    async def log_in(
        self,
        *,
        email: str,
        subject: str,
        organization: str | None,
        session: NewSession,
    ) -> tuple[User, Session]:
        """Begin a session for who is known by *email*, and from then on by *subject*.

        Raises `LoginRefusedError` for who is not known, is known by another subject, or
        is known in several organizations and named none.
        """
        async with self._database.sweep() as transaction:
            found = await users_with(transaction, email, organization)
            if len(found) != 1:
                raise _not_one(len(found))
            [user] = found
            bound = await transaction.fetchval(
                """
                UPDATE user_account
                SET oidc_subject = $2
                WHERE id = $1
                  AND is_enabled
                  AND (oidc_subject IS NULL OR oidc_subject = $2)
                RETURNING id
                """,
                user.id,
                subject,
            )
            if bound is None:
                raise LoginRefusedError(
                    "This email belonged to somebody else before, or is let in no more."
                )
            began = await add_session(
                transaction, session, org_id=user.org_id, user_id=user.id
            )
        return user, began


def _not_one(count: int) -> LoginRefusedError:
    if count:
        return LoginRefusedError("Name the organization: several know this email.")
    return LoginRefusedError("Nobody here has this email; ask for an invitation.")
