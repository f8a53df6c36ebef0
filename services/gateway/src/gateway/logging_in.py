"""Letting people in: by password or by a link, not too often, into a new session."""

from dataclasses import dataclass

from aiohttp import web

from shared.errors import InvalidError, LoginRefusedError
from shared.ids import new_id

from .access.passwords import Passwords
from .access.tokens import hash_of, new_token
from .repositories.logins import PostgresLogins, Tries
from .repositories.sessions import NewSession, PostgresSessions, Session
from .repositories.users import PostgresUsers, User

__all__ = ["LoggingIn", "Login", "Token"]

_BY_EMAIL = 10
_BY_ADDRESS = 300
_ORGANIZATIONS_TRIED = 5
_USER_AGENT_CHARACTERS = 200


@dataclass(frozen=True, slots=True)
class Login:
    """Who says to be whom; *organization* tells apart who is in several."""

    email: str
    password: str
    organization: str | None


@dataclass(frozen=True, slots=True)
class Token:
    """The secret of a session about to begin, and what is kept of it."""

    secret: str
    session: NewSession

    @classmethod
    def for_browser(cls, request: web.Request) -> "Token":
        secret = new_token()
        # A header may hold bytes that are no text, which PostgreSQL does not keep.
        agent = request.headers.get("User-Agent", "").encode(errors="replace").decode()
        session = NewSession(
            id=new_id(),
            hash=hash_of(secret),
            user_agent=agent[:_USER_AGENT_CHARACTERS] or None,
            address=request.remote,
        )
        return cls(secret, session)


class LoggingIn:
    def __init__(
        self,
        users: PostgresUsers,
        sessions: PostgresSessions,
        logins: PostgresLogins,
        passwords: Passwords,
    ) -> None:
        self._users = users
        self._sessions = sessions
        self._logins = logins
        self._passwords = passwords

    async def log_in(self, login: Login, token: Token) -> tuple[User, Session]:
        """Begin a session for whom the password is right.

        Raises `LimitedError` after too many tries, `LoginRefusedError`, and
        `InvalidError` for who is in several organizations and names none.
        """
        by_email = _tries_by(login.email)
        await self._logins.count(Tries(f"address:{token.session.address}", _BY_ADDRESS))
        await self._logins.count(by_email)
        user = await self._who(login)
        await self._logins.forgive(by_email)
        session = await self._sessions.begin(
            token.session,
            org_id=user.org_id,
            user_id=user.id,
            password_hash=user.password_hash,
        )
        return user, session

    async def require_password(self, user: User, password: str) -> None:
        """Check the password of who is in already, counted as a try to log in.

        Raises `LimitedError` after too many of them, and `LoginRefusedError`.
        """
        by_email = _tries_by(user.email)
        await self._logins.count(by_email)
        if not await self._passwords.verifies(password, user.password_hash):
            raise LoginRefusedError("The current password is wrong.")
        await self._logins.forgive(by_email)

    async def _who(self, login: Login) -> User:
        """Find whose password it is; a wrong email takes as long to be refused."""
        found = await self._users.who_may_log_in(login.email, login.organization)
        right = [
            user
            for user in found[:_ORGANIZATIONS_TRIED]
            if await self._passwords.verifies(login.password, user.password_hash)
        ]
        if not found:
            await self._passwords.verifies(login.password, None)
        if not right:
            raise LoginRefusedError("The email or the password is wrong.")
        if len(right) > 1:
            raise _ambiguous()
        return right[0]


def _tries_by(email: str) -> Tries:
    return Tries(f"email:{email}", _BY_EMAIL)


def _ambiguous() -> InvalidError:
    problem = "Name the organization: there are several with this email and password"
    return InvalidError.of_fields(
        "Several organizations know this email.", {"organization": problem}
    )
