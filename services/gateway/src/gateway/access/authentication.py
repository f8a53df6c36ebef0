"""From the key or the session of a request to the principal behind it."""

import re
from collections.abc import Collection, Mapping

from aiohttp import hdrs, web
from aiohttp.typedefs import Handler, Middleware

from shared.errors import InvalidApiKeyError, SessionEndedError

from .browsers import Browsers
from .principals import Principal
from .remembering import Remembering
from .tokens import hash_of

__all__ = ["Authentication", "asker_of", "authenticating", "principal_of"]

_KEY = re.compile(r"cust_[A-Za-z0-9]{32,}")

_PRINCIPAL = web.RequestKey("principal", Principal)


class Authentication:
    """Knows keys and sessions; what `forget` names is looked up anew at once."""

    def __init__(
        self, keys: Remembering, sessions: Remembering, browsers: Browsers
    ) -> None:
        self._keys = keys
        self._sessions = sessions
        self._browsers = browsers

    async def principal_of(self, request: web.Request) -> Principal:
        """Raise `InvalidApiKeyError`, `SessionEndedError` or `CrossSiteError`.

        A key counts before a session: who sends one means it.
        """
        key = _key_in(request.headers)
        token = self._browsers.token_in(request) if key is None else None
        if token is not None:
            return await self._of_session(request, token)
        return await self._of_key(key or "")

    async def visitor(self, request: web.Request) -> Principal | None:
        """Tell who is logged in in the browser that asks; None if nobody is."""
        token = self._browsers.token_in(request)
        return await self._sessions.principal(hash_of(token)) if token else None

    async def _of_key(self, key: str) -> Principal:
        if not _KEY.fullmatch(key):
            raise _refusal()
        principal = await self._keys.principal(hash_of(key))
        if principal is None:
            raise _refusal()
        return principal

    async def _of_session(self, request: web.Request, token: str) -> Principal:
        principal = await self._sessions.principal(hash_of(token))
        if principal is None:
            raise SessionEndedError("The session has ended; log in again.")
        self._browsers.require_token(request, token)
        return principal


def authenticating(
    authentication: Authentication, *, open_routes: Collection[tuple[str, str]]
) -> Middleware:
    """Let nobody below `/api` who is not known.

    *open_routes* are those, method and path, that whoever comes may ask.
    """

    @web.middleware
    async def authenticate(
        request: web.Request, handler: Handler
    ) -> web.StreamResponse:
        if _is_below_api(request.path) and _route_of(request) not in open_routes:
            request[_PRINCIPAL] = await authentication.principal_of(request)
        return await handler(request)

    return authenticate


def principal_of(request: web.Request) -> Principal:
    """Tell who asks; fails for a path that needs no key, rather than answer anyone."""
    return request[_PRINCIPAL]


def asker_of(request: web.Request) -> Principal | None:
    """Tell who asks, None for whoever came without being asked who it is."""
    return request.get(_PRINCIPAL)


def _is_below_api(path: str) -> bool:
    return path == "/api" or path.startswith("/api/")


def _route_of(request: web.Request) -> tuple[str, str] | None:
    resource = request.match_info.route.resource
    method = hdrs.METH_GET if request.method == hdrs.METH_HEAD else request.method
    return (method, resource.canonical) if resource else None


def _key_in(headers: Mapping[str, str]) -> str | None:
    """Read the key, None if there is none at all."""
    if key := headers.get("X-API-Key"):
        return key.strip()
    if authorization := headers.get(hdrs.AUTHORIZATION):
        scheme, _, key = authorization.partition(" ")
        return key.strip() if scheme.lower() == "bearer" else ""
    return None


def _refusal() -> InvalidApiKeyError:
    return InvalidApiKeyError(
        "The API key is missing or not valid; send it as X-API-Key or as a bearer."
    )
