"""`/sessions` and `/me`: who is logged in, where, and who one is."""

from http import HTTPStatus
from typing import Literal
from uuid import UUID

import structlog
from pydantic import AwareDatetime, BaseModel, Field, SecretStr

from gateway.access.authentication import Authentication
from gateway.access.browsers import Browsers, csrf_token_of
from gateway.access.permissions import Permission, Role
from gateway.access.principals import Principal
from gateway.access.revocations import Revocations
from gateway.logging_in import LoggingIn, Login, Token
from gateway.repositories.organizations import PostgresOrganizations
from gateway.repositories.sessions import PostgresSessions, Session
from gateway.repositories.users import PostgresUsers, User
from gateway.routing.asked import Asked
from gateway.routing.operations import Reply, operation
from gateway.routing.reading import Input, PageQuery
from shared.contracts.base import Name, Page
from shared.errors import (
    CrossSiteError,
    ForbiddenError,
    LimitedError,
    LoginRefusedError,
    SessionNotFoundError,
)
from shared.pages import before, page_of

from .people import Email, UserView, view_of

__all__ = ["SessionRoutes", "StartedSession", "started"]

log = structlog.get_logger(__name__)


class LoginSubmission(Input):
    """*organization* is needed by who has this email and password in several."""

    email: Email
    password: SecretStr = Field(min_length=1, max_length=256)
    organization: Name | None = None


class SessionView(BaseModel):
    """A session of a person; *is_current* is the one that asks."""

    id: UUID
    user_id: UUID
    user_agent: str | None
    address: str | None
    is_current: bool
    created_at: AwareDatetime
    seen_at: AwareDatetime
    expires_at: AwareDatetime


class StartedSession(BaseModel):
    """A session has begun; its secret is in the cookie alone.

    Each change it asks for needs *csrf_token* in `X-CSRF-Token`.
    """

    id: UUID
    user: UserView
    csrf_token: str
    expires_at: AwareDatetime


class SessionsQuery(PageQuery):
    """Whose sessions are wanted: one's own, or with `users:read` anybody's."""

    user_id: UUID | None = None


class OrganizationSummary(BaseModel):
    id: UUID
    name: str


class Me(BaseModel):
    """Who asks, and what that one may. *user* and *csrf_token* are of people only."""

    kind: Literal["api_key", "user"]
    id: UUID
    role: Role
    permissions: list[Permission]
    organization: OrganizationSummary
    user: UserView | None
    csrf_token: str | None


class CurrentSession(BaseModel):
    """Who is logged in in a browser; *me* is null if nobody is."""

    me: Me | None


class SessionRoutes:
    def __init__(
        self,
        sessions: PostgresSessions,
        users: PostgresUsers,
        organizations: PostgresOrganizations,
        *,
        authentication: Authentication,
        logging_in: LoggingIn,
        revocations: Revocations,
        browsers: Browsers,
    ) -> None:
        self._sessions = sessions
        self._users = users
        self._organizations = organizations
        self._authentication = authentication
        self._logging_in = logging_in
        self._revocations = revocations
        self._browsers = browsers

    @operation(
        "POST /sessions",
        needs=None,
        status=HTTPStatus.CREATED,
        errors=(CrossSiteError, ForbiddenError, LimitedError, LoginRefusedError),
    )
    async def log_in(
        self, asked: Asked, body: LoginSubmission
    ) -> Reply[StartedSession]:
        """Log in with email and password; the answer sets the session's cookie."""
        self._browsers.require_place(asked.http)
        self._browsers.require_own_page(asked.http)
        token = Token.for_browser(asked.http)
        login = Login(body.email, body.password.get_secret_value(), body.organization)
        user, session = await self._logging_in.log_in(login, token)
        log.info("session.started", session=str(session.id), user=str(user.id))
        return started(user, session, token, self._browsers)

    @operation("GET /sessions", needs=Permission.SELF)
    async def list_sessions(
        self, asked: Asked, query: SessionsQuery
    ) -> Page[SessionView]:
        """List one's sessions, or with `users:read` those of another, newest first."""
        user_id = query.user_id or _person(asked.who).id
        if user_id != asked.who.id:
            asked.who.require(Permission.USERS_READ)
        found = await self._sessions.newest(
            asked.org_id, user_id, before=before(query.cursor), limit=query.limit + 1
        )
        page = page_of(found, limit=query.limit, id_of=lambda session: session.id)
        views = [_view(each, asked.who) for each in page.data]
        return Page(data=views, next_cursor=page.next_cursor)

    @operation("GET /sessions/current", needs=None)
    async def get_current_session(self, asked: Asked) -> CurrentSession:
        """Tell who is logged in in this browser, which may be nobody."""
        who = await self._authentication.visitor(asked.http)
        return CurrentSession(me=await self._me(who, asked) if who else None)

    @operation("DELETE /sessions/current", needs=Permission.SELF)
    async def log_out(self, asked: Asked) -> Reply[None]:
        """End the session that asks."""
        session_id = _person(asked.who).session_id
        if session_id is not None:
            await self._end(asked, session_id)
        return Reply(None, headers={"Set-Cookie": self._browsers.no_cookie()})

    @operation(
        "GET /sessions/{id}", needs=Permission.SELF, missing=SessionNotFoundError
    )
    async def get_session(self, asked: Asked) -> SessionView:
        """Show a session of one's own."""
        session = await self._sessions.one(asked.org_id, asked.id, of=asked.who.id)
        return _view(session, asked.who)

    @operation(
        "DELETE /sessions/{id}", needs=Permission.SELF, missing=SessionNotFoundError
    )
    async def end_session(self, asked: Asked) -> None:
        """End a session of one's own, or with `users:write` of anybody."""
        await self._end(asked, asked.id)

    @operation("GET /me", needs=Permission.SELF)
    async def get_me(self, asked: Asked) -> Me:
        """Tell who asks, and what that one may."""
        return await self._me(asked.who, asked)

    async def _me(self, who: Principal, asked: Asked) -> Me:
        organization = await self._organizations.one(who.org_id)
        user = None
        if who.kind == "user":
            user = view_of(await self._users.one(who.org_id, who.id))
        token = self._browsers.token_in(asked.http)
        return Me(
            kind=who.kind,
            id=who.id,
            role=who.role,
            permissions=sorted(who.permissions),
            organization=OrganizationSummary(
                id=organization.id, name=organization.name
            ),
            user=user,
            csrf_token=csrf_token_of(token) if user and token else None,
        )

    async def _end(self, asked: Asked, session_id: UUID) -> None:
        user_id = await self._sessions.end(
            asked.org_id,
            session_id,
            by=asked.who,
            any_users=Permission.USERS_WRITE in asked.who.permissions,
        )
        await self._revocations.forget(user_id)
        log.info("session.ended", session=str(session_id))


def started(
    user: User, session: Session, token: Token, browsers: Browsers
) -> Reply[StartedSession]:
    """Answer with the cookie of a session that has begun."""
    body = StartedSession(
        id=session.id,
        user=view_of(user),
        csrf_token=csrf_token_of(token.secret),
        expires_at=session.expires_at,
    )
    headers = {
        "Location": f"/api/sessions/{session.id}",
        "Set-Cookie": browsers.cookie(token.secret),
    }
    return Reply(body, headers=headers)


def _person(who: Principal) -> Principal:
    if who.kind != "user":
        raise ForbiddenError("Only people have sessions; this is an API key.")
    return who


def _view(session: Session, who: Principal) -> SessionView:
    return SessionView(
        id=session.id,
        user_id=session.user_id,
        user_agent=session.user_agent,
        address=session.address,
        is_current=session.id == who.session_id,
        created_at=session.created_at,
        seen_at=session.seen_at,
        expires_at=session.expires_at,
    )
