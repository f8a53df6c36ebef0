"""`/invitations`: what a one-time link is for, and coming in by it."""

from http import HTTPStatus

import structlog
from pydantic import AwareDatetime, BaseModel, Field, SecretStr

from gateway.access.browsers import Browsers
from gateway.access.passwords import Passwords
from gateway.access.permissions import Role
from gateway.access.revocations import Revocations
from gateway.access.tokens import hash_of
from gateway.logging_in import Token
from gateway.repositories.invitations import PostgresInvitations
from gateway.routing.asked import Asked
from gateway.routing.operations import Reply, operation
from gateway.routing.reading import Input, invalid_body
from shared.errors import (
    CrossSiteError,
    ForbiddenError,
    InvitationNotFoundError,
    NameTakenError,
)

from .people import Email, NewPassword, PersonName
from .sessions import StartedSession, started

__all__ = ["InvitationRoutes"]

log = structlog.get_logger(__name__)


class InvitationQuestion(Input):
    """*token* is what the link carries behind its `#`."""

    token: SecretStr = Field(min_length=1, max_length=200)


class InvitationAcceptance(InvitationQuestion):
    """*email* is needed where the link is for the first owner, and only there."""

    password: NewPassword
    name: PersonName | None = None
    email: Email | None = None


class InvitationView(BaseModel):
    """What a link is for; *email* is None where the first owner brings one."""

    organization: str
    email: str | None
    name: str | None
    role: Role
    expires_at: AwareDatetime


class InvitationRoutes:
    def __init__(
        self,
        invitations: PostgresInvitations,
        *,
        passwords: Passwords,
        revocations: Revocations,
        browsers: Browsers,
    ) -> None:
        self._invitations = invitations
        self._passwords = passwords
        self._revocations = revocations
        self._browsers = browsers

    @operation(
        "POST /invitations/inspect", needs=None, errors=(InvitationNotFoundError,)
    )
    async def inspect_invitation(
        self, _: Asked, body: InvitationQuestion
    ) -> InvitationView:
        """Tell what a one-time link is for; it stays good."""
        found = await self._invitations.one(hash_of(body.token.get_secret_value()))
        return InvitationView(
            organization=found.organization,
            email=found.email,
            name=found.name,
            role=found.role,
            expires_at=found.expires_at,
        )

    @operation(
        "POST /invitations/accept",
        needs=None,
        status=HTTPStatus.CREATED,
        errors=(
            CrossSiteError,
            ForbiddenError,
            InvitationNotFoundError,
            NameTakenError,
        ),
    )
    async def accept_invitation(
        self, asked: Asked, body: InvitationAcceptance
    ) -> Reply[StartedSession]:
        """Set a password by a one-time link, which uses it up, and log in."""
        self._browsers.require_place(asked.http)
        self._browsers.require_own_page(asked.http)
        hashed = hash_of(body.token.get_secret_value())
        _require_one_email(body, known=(await self._invitations.one(hashed)).email)
        token = Token.for_browser(asked.http)
        user, session = await self._invitations.accept(
            hashed,
            email=body.email,
            name=body.name,
            password_hash=await self._passwords.hash(body.password.get_secret_value()),
            session=token.session,
        )
        await self._revocations.forget(user.id)
        log.info("user.joined", user=str(user.id))
        return started(user, session, token, self._browsers)


def _require_one_email(body: InvitationAcceptance, *, known: str | None) -> None:
    if known is None and body.email is None:
        raise invalid_body({"email": "is required: the link is for nobody yet"})
    if known is not None and body.email not in {None, known}:
        raise invalid_body({"email": "The link is for another email"})
