"""`/users`: the people of an organization."""

from http import HTTPStatus

import structlog
from pydantic import Field, SecretStr

from gateway.access.browsers import Browsers
from gateway.access.passwords import Passwords
from gateway.access.permissions import Permission, Role, permissions_of
from gateway.access.revocations import Revocations
from gateway.access.tokens import hash_of, new_token
from gateway.logging_in import LoggingIn, Token
from gateway.repositories.invitations import PostgresInvitations
from gateway.repositories.users import PostgresUsers, User
from gateway.routing.asked import Asked
from gateway.routing.operations import Reply, operation
from gateway.routing.reading import Input, PageQuery
from shared.contracts.base import Page, Patch, ShownOnce
from shared.errors import (
    ConflictError,
    ForbiddenError,
    LoginRefusedError,
    NameTakenError,
    PreconditionFailedError,
    UserNotFoundError,
)
from shared.pages import before, page_of

from .people import Email, NewPassword, PersonName, UserView, view_of
from .sessions import StartedSession, started

__all__ = ["UserRoutes"]

log = structlog.get_logger(__name__)


class UserSubmission(Input):
    email: Email
    name: PersonName | None = None
    role: Role = Role.VIEWER


class UserPatch(Patch):
    """Changes to a person; who loses rights, or gets others, logs in anew."""

    clearable = frozenset({"name"})

    name: PersonName | None = None
    role: Role | None = None
    is_enabled: bool | None = None


class PasswordChange(Input):
    current_password: SecretStr = Field(min_length=1, max_length=256)
    new_password: NewPassword


class InvitedUserView(UserView):
    """A person, and the one-time link by which that one comes in within 7 days."""

    invitation_link: ShownOnce = None


class UserRoutes:
    """Nobody makes, changes or removes one above the own role.

    Nor does a key with scopes let in who may more than it may itself.
    """

    def __init__(
        self,
        users: PostgresUsers,
        invitations: PostgresInvitations,
        *,
        passwords: Passwords,
        logging_in: LoggingIn,
        revocations: Revocations,
        browsers: Browsers,
    ) -> None:
        self._users = users
        self._invitations = invitations
        self._passwords = passwords
        self._logging_in = logging_in
        self._revocations = revocations
        self._browsers = browsers

    @operation("GET /users", needs=Permission.USERS_READ)
    async def list_users(self, asked: Asked, query: PageQuery) -> Page[UserView]:
        """List the people of the organization, newest first."""
        found = await self._users.newest(
            asked.org_id, before=before(query.cursor), limit=query.limit + 1
        )
        page = page_of(found, limit=query.limit, id_of=lambda user: user.id)
        return Page(data=[*map(view_of, page.data)], next_cursor=page.next_cursor)

    @operation(
        "POST /users",
        needs=Permission.USERS_WRITE,
        status=HTTPStatus.CREATED,
        errors=(NameTakenError,),
    )
    async def invite_user(self, asked: Asked, body: UserSubmission) -> InvitedUserView:
        """Add a person; the answer has the link to pass on, which is shown once."""
        asked.who.require_role(body.role)
        asked.who.require_all_of(permissions_of(body.role))
        token = new_token()
        user = await self._invitations.invite(
            org_id=asked.org_id,
            user_id=asked.new_id,
            email=body.email,
            name=body.name,
            role=body.role,
            hashed=hash_of(token),
            actor=asked.actor,
        )
        log.info("user.created", user=str(user.id), role=user.role)
        return self._invited(asked, user, token)

    @operation(
        "GET /users/{id}", needs=Permission.USERS_READ, missing=UserNotFoundError
    )
    async def get_user(self, asked: Asked) -> UserView:
        """Show a person."""
        return view_of(await self._users.one(asked.org_id, asked.id))

    @operation(
        "PATCH /users/{id}",
        needs=Permission.USERS_WRITE,
        errors=(ConflictError, PreconditionFailedError),
        missing=UserNotFoundError,
    )
    async def update_user(
        self, asked: Asked, body: UserPatch, if_version: int | None
    ) -> UserView:
        """Change a person's name or role, or let nobody in by that name for now."""
        if body.role is not None:
            asked.who.require_role(body.role)
            asked.who.require_all_of(permissions_of(body.role))
        user = await self._users.change(
            asked.org_id,
            asked.id,
            body.model_dump(),
            by=asked.who,
            if_version=if_version,
        )
        await self._revocations.forget(user.id)
        log.info("user.updated", user=str(user.id))
        return view_of(user)

    @operation(
        "DELETE /users/{id}",
        needs=Permission.USERS_WRITE,
        errors=(ConflictError,),
        missing=UserNotFoundError,
    )
    async def delete_user(self, asked: Asked) -> None:
        """Remove a person; all sessions end."""
        await self._users.remove(asked.org_id, asked.id, by=asked.who)
        await self._revocations.forget(asked.id)
        log.info("user.deleted", user=str(asked.id))

    @operation(
        "POST /users/{id}/invite",
        needs=Permission.USERS_WRITE,
        missing=UserNotFoundError,
    )
    async def invite_user_again(self, asked: Asked) -> InvitedUserView:
        """Make a new one-time link, by which a person sets a new password."""
        token = new_token()
        user = await self._invitations.invite_again(
            asked.org_id, asked.id, hash_of(token), by=asked.who
        )
        log.info("user.invited", user=str(user.id))
        return self._invited(asked, user, token)

    @operation(
        "POST /users/me/password",
        needs=Permission.SELF,
        errors=(LoginRefusedError,),
    )
    async def change_password(
        self, asked: Asked, body: PasswordChange
    ) -> Reply[StartedSession]:
        """Change one's own password; all sessions end, and a new one begins."""
        if asked.who.kind != "user":
            raise ForbiddenError("Only people have passwords; this is an API key.")
        user = await self._users.one(asked.org_id, asked.who.id)
        current = body.current_password.get_secret_value()
        await self._logging_in.require_password(user, current)
        token = Token.for_browser(asked.http)
        new = await self._passwords.hash(body.new_password.get_secret_value())
        session = await self._users.change_password(
            asked.who, new, token.session, instead_of=user.password_hash
        )
        await self._revocations.forget(user.id)
        log.info("user.password_changed", user=str(user.id))
        return started(user, session, token, self._browsers)

    def _invited(self, asked: Asked, user: User, token: str) -> InvitedUserView:
        link = self._browsers.url_of(asked.http, f"/welcome#{token}")
        return InvitedUserView(**view_of(user).model_dump(), invitation_link=link)
