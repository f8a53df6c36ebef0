"""The identity provider over HTTP: where it is, its keys, and codes for tokens."""

import time
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from http import HTTPStatus
from typing import Any
from urllib.parse import urlencode

from pydantic import BaseModel, JsonValue, TypeAdapter, ValidationError

from shared.errors import LoginRefusedError, UnavailableError
from shared.guarded_http import GuardedHttp, OutgoingError, guarded_http

from .id_tokens import Identified, identified_by, is_signed_by_one_of

__all__ = ["IdentityProvider", "connected_identity_provider"]

_KEPT_SECONDS = 600.0
_SCOPES = "openid email profile"
_FORM = {"Content-Type": "application/x-www-form-urlencoded"}
_OBJECT = TypeAdapter(dict[str, JsonValue])


class _Configuration(BaseModel):
    """What we need of OpenID Connect Discovery 1.0, section 3."""

    issuer: str
    authorization_endpoint: str
    token_endpoint: str
    jwks_uri: str


class IdentityProvider:
    """*issuer* is of the deployment's choosing, and so are the addresses it names."""

    def __init__(self, http: GuardedHttp, *, issuer: str, client_id: str) -> None:
        self._http = http
        self._issuer = issuer
        self._client_id = client_id
        self._kept: tuple[float, _Configuration, Mapping[str, Any]] | None = None

    async def authorization_url(
        self, *, redirect_uri: str, state: str, nonce: str, challenge: str
    ) -> str:
        """Return where to send a browser; raises `UnavailableError`."""
        configuration, _ = await self._known()
        question = {
            "response_type": "code",
            "client_id": self._client_id,
            "redirect_uri": redirect_uri,
            "scope": _SCOPES,
            "state": state,
            "nonce": nonce,
            "code_challenge": challenge,
            "code_challenge_method": "S256",
        }
        # The endpoint may have a query of its own (RFC 6749, section 3.1).
        endpoint = configuration.authorization_endpoint
        return f"{endpoint}{'&' if '?' in endpoint else '?'}{urlencode(question)}"

    async def identify(
        self, *, code: str, redirect_uri: str, verifier: str, nonce: str
    ) -> Identified:
        """Turn a code into who came; raises `LoginRefusedError`, `UnavailableError`."""
        configuration, _ = await self._known()
        form = {
            "grant_type": "authorization_code",
            "code": code,
            "redirect_uri": redirect_uri,
            "client_id": self._client_id,
            "code_verifier": verifier,
        }
        answer = await self._asked("POST", configuration.token_endpoint, form)
        token = answer.get("id_token")
        if not isinstance(token, str):
            raise LoginRefusedError("The identity provider did not take the code.")
        return identified_by(
            token,
            await self._keys_for(token),
            issuer=self._issuer,
            client_id=self._client_id,
            nonce=nonce,
        )

    async def _keys_for(self, token: str) -> Mapping[str, Any]:
        """Remember the keys, or read them anew if *token* is signed by another."""
        _, keys = await self._known()
        if is_signed_by_one_of(keys, token):
            return keys
        self._kept = None
        _, keys = await self._known()
        return keys

    async def _known(self) -> tuple[_Configuration, Mapping[str, Any]]:
        """Read configuration and keys, or remember them: keys change now and then."""
        now = time.monotonic()
        if self._kept is None or now >= self._kept[0]:
            configuration = await self._discovered()
            keys = await self._asked("GET", configuration.jwks_uri)
            self._kept = (now + _KEPT_SECONDS, configuration, keys)
        return self._kept[1], self._kept[2]

    async def _discovered(self) -> _Configuration:
        url = f"{self._issuer.rstrip('/')}/.well-known/openid-configuration"
        try:
            found = _Configuration.model_validate(await self._asked("GET", url))
        except ValidationError as error:
            raise _unavailable() from error
        if found.issuer != self._issuer:
            raise _unavailable()
        return found

    async def _asked(
        self, method: str, url: str, form: Mapping[str, str] | None = None
    ) -> dict[str, Any]:
        try:
            answer = await self._http.ask(method, url, **_sending(form))
        except OutgoingError as error:
            raise _unavailable() from error
        if answer.status >= HTTPStatus.INTERNAL_SERVER_ERROR or not answer.is_whole:
            raise _unavailable()
        try:
            return _OBJECT.validate_json(answer.body)
        except ValidationError as error:
            raise _unavailable() from error


def _sending(form: Mapping[str, str] | None) -> dict[str, Any]:
    if form is None:
        return {}
    return {"headers": _FORM, "body": urlencode(form).encode()}


@asynccontextmanager
async def connected_identity_provider(
    issuer: str | None, client_id: str | None
) -> AsyncIterator[IdentityProvider | None]:
    """Hold connections to the identity provider; None if there is none.

    It may be on a private network: the deployment has named it.
    """
    if issuer is None or client_id is None:
        yield None
        return
    async with guarded_http(allow_private=True) as http:
        yield IdentityProvider(http, issuer=issuer, client_id=client_id)


def _unavailable() -> UnavailableError:
    return UnavailableError("The identity provider cannot be asked right now.")
