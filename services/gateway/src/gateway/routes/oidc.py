"""`/oidc`: logging in at an identity provider, if the deployment names one."""

import base64
import hashlib
from http import HTTPStatus
from typing import Annotated

import structlog
from aiohttp import hdrs, web
from pydantic import BaseModel, ConfigDict, StringConstraints

from gateway.access.browsers import Browsers
from gateway.access.tokens import hash_of, new_token
from gateway.logging_in import Token
from gateway.oidc.identity_provider import IdentityProvider
from gateway.repositories.oidc import Attempt, PostgresOidc
from gateway.routing.asked import Asked
from gateway.routing.operations import operation
from gateway.routing.reading import Input
from shared.contracts.base import Name
from shared.errors import (
    ForbiddenError,
    LoginRefusedError,
    NotFoundError,
    UnavailableError,
)

__all__ = ["OidcRoutes"]

log = structlog.get_logger(__name__)

_CALLBACK = "/api/oidc/callback"
_HOME = "/"

Word = Annotated[str, StringConstraints(min_length=1, max_length=4000)]


class OidcView(BaseModel):
    """Whether there is an identity provider to log in at: at `/api/oidc/start`."""

    is_enabled: bool


class StartQuery(Input):
    """*organization* is needed by who is known in several."""

    organization: Name | None = None


class CallbackQuery(Input):
    """What the identity provider sends a browser back with (RFC 6749, 4.1.2).

    What it says besides must be ignored: each has words of its own.
    """

    model_config = ConfigDict(extra="ignore")

    state: Word
    code: Word | None = None
    error: Word | None = None
    error_description: Word | None = None
    error_uri: Word | None = None
    iss: Word | None = None
    session_state: Word | None = None
    scope: Word | None = None
    authuser: Word | None = None
    hd: Word | None = None
    prompt: Word | None = None


class OidcRoutes:
    """People who are known here, by an email that the identity provider verified."""

    def __init__(
        self,
        identity_provider: IdentityProvider | None,
        oidc: PostgresOidc,
        *,
        browsers: Browsers,
    ) -> None:
        self._identity_provider = identity_provider
        self._oidc = oidc
        self._browsers = browsers

    @operation("GET /oidc", needs=None)
    async def get_oidc(self, _: Asked) -> OidcView:
        """Tell whether there is an identity provider."""
        return OidcView(is_enabled=self._identity_provider is not None)

    @operation(
        "GET /oidc/start",
        needs=None,
        status=HTTPStatus.FOUND,
        media="text/plain",
        errors=(ForbiddenError, NotFoundError, UnavailableError),
    )
    async def start_oidc_login(
        self, asked: Asked, query: StartQuery
    ) -> web.StreamResponse:
        """Send a browser to the identity provider."""
        provider = self._required()
        self._browsers.require_place(asked.http)
        state, browser, nonce, verifier = (new_token() for _ in range(4))
        location = await provider.authorization_url(
            redirect_uri=self._browsers.url_of(asked.http, _CALLBACK),
            state=state,
            nonce=nonce,
            challenge=_challenge(verifier),
        )
        attempt = Attempt(
            hash_of(state), hash_of(browser), nonce, verifier, query.organization
        )
        await self._oidc.begin(attempt)
        return _sent_to(location, self._browsers.way_cookie(browser))

    @operation(
        "GET /oidc/callback",
        needs=None,
        status=HTTPStatus.FOUND,
        media="text/plain",
        errors=(ForbiddenError, LoginRefusedError, NotFoundError, UnavailableError),
    )
    async def finish_oidc_login(
        self, asked: Asked, query: CallbackQuery
    ) -> web.StreamResponse:
        """Let in who comes back from the identity provider, into a new session."""
        provider = self._required()
        self._browsers.require_place(asked.http)
        browser = self._browsers.way_in(asked.http) or ""
        attempt = await self._oidc.take(hash_of(query.state), hash_of(browser))
        if query.code is None:
            raise LoginRefusedError("The identity provider let nobody in.")
        who = await provider.identify(
            code=query.code,
            redirect_uri=self._browsers.url_of(asked.http, _CALLBACK),
            verifier=attempt.verifier,
            nonce=attempt.nonce,
        )
        token = Token.for_browser(asked.http)
        user, session = await self._oidc.log_in(
            email=who.email,
            subject=who.subject,
            organization=attempt.organization,
            session=token.session,
        )
        log.info("session.started", session=str(session.id), user=str(user.id))
        return _sent_to(
            _HOME,
            self._browsers.cookie(token.secret),
            self._browsers.no_way_cookie(),
        )

    def _required(self) -> IdentityProvider:
        if self._identity_provider is None:
            raise NotFoundError("There is no identity provider to log in at.")
        return self._identity_provider


def _challenge(verifier: str) -> str:
    """Hash the verifier (RFC 7636, section 4.2)."""
    hashed = hashlib.sha256(verifier.encode()).digest()
    return base64.urlsafe_b64encode(hashed).rstrip(b"=").decode()


def _sent_to(location: str, *cookies: str) -> web.Response:
    response = web.Response(status=HTTPStatus.FOUND, text="")
    response.headers[hdrs.LOCATION] = location
    response.headers[hdrs.CACHE_CONTROL] = "no-store"
    for cookie in cookies:
        response.headers.add(hdrs.SET_COOKIE, cookie)
    return response
