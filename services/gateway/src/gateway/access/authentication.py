"""From the key of a request to the principal behind it.

Keys are stored as SHA-256: they are long and random, so no slow hash is needed, and
finding one by its hash takes the same time whatever was guessed.
"""

import hashlib
import re
import time
from collections.abc import Awaitable, Callable, Collection, Mapping
from dataclasses import dataclass
from uuid import UUID

from aiohttp import web
from aiohttp.typedefs import Handler, Middleware

from shared.errors import InvalidApiKeyError

from .principals import Principal

__all__ = ["KeyRing", "asker_of", "authenticating", "hash_of", "principal_of"]

_KEY = re.compile(r"cust_[A-Za-z0-9]{32,}")
_TRUSTED_SECONDS = 5.0
_KEYS_REMEMBERED = 10_000

_PRINCIPAL = web.RequestKey("principal", Principal)


def authenticating(
    keys: "KeyRing", *, open_routes: Collection[tuple[str, str]]
) -> Middleware:
    """Let nobody below `/api` whom *keys* does not know.

    *open_routes* are those, method and path, that need no key.
    """

    @web.middleware
    async def authenticate(
        request: web.Request, handler: Handler
    ) -> web.StreamResponse:
        if _is_below_api(request.path) and _route_of(request) not in open_routes:
            request[_PRINCIPAL] = await keys.principal_of(_key_in(request.headers))
        return await handler(request)

    return authenticate


def principal_of(request: web.Request) -> Principal:
    """Tell who asks; fails for a path that needs no key, rather than answer anyone."""
    return request[_PRINCIPAL]


def asker_of(request: web.Request) -> Principal | None:
    """Tell who asks, None for whoever came without being asked who it is."""
    return request.get(_PRINCIPAL)


def hash_of(key: str) -> bytes:
    return hashlib.sha256(key.encode()).digest()


@dataclass(frozen=True, slots=True)
class _Trusted:
    principal: Principal
    until: float


class KeyRing:
    """Remembers for a few seconds whose key is whose.

    *find* looks a hash up in the record. A key revoked elsewhere is good here until it
    is looked up again; one revoked here is forgotten at once.
    """

    def __init__(
        self,
        find: Callable[[bytes], Awaitable[Principal | None]],
        *,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._find = find
        self._monotonic = monotonic
        self._trusted: dict[bytes, _Trusted] = {}
        self._forgettings = 0

    async def principal_of(self, key: str) -> Principal:
        """Raise `InvalidApiKeyError` for a key nobody has (any more)."""
        if not _KEY.fullmatch(key):
            raise _refusal()
        hashed = hash_of(key)
        trusted = self._trusted.get(hashed)
        if trusted and self._monotonic() < trusted.until:
            return trusted.principal
        return await self._found(hashed)

    def forget(self, key_id: UUID) -> None:
        """Trust this key no longer, even where it is being looked up right now."""
        self._forgettings += 1
        self._trusted = {
            hashed: trusted
            for hashed, trusted in self._trusted.items()
            if trusted.principal.id != key_id
        }

    async def _found(self, hashed: bytes) -> Principal:
        forgettings, asked_at = self._forgettings, self._monotonic()
        principal = await self._find(hashed)
        if principal is None:
            self._trusted.pop(hashed, None)
            raise _refusal()
        if forgettings == self._forgettings:
            self._trust(hashed, _Trusted(principal, asked_at + _TRUSTED_SECONDS))
        return principal

    def _trust(self, hashed: bytes, trusted: _Trusted) -> None:
        if len(self._trusted) >= _KEYS_REMEMBERED:
            self._trusted.clear()
        self._trusted[hashed] = trusted


def _is_below_api(path: str) -> bool:
    return path == "/api" or path.startswith("/api/")


def _route_of(request: web.Request) -> tuple[str, str] | None:
    resource = request.match_info.route.resource
    method = "GET" if request.method == "HEAD" else request.method
    return (method, resource.canonical) if resource else None


def _key_in(headers: Mapping[str, str]) -> str:
    if key := headers.get("X-API-Key"):
        return key.strip()
    scheme, _, key = headers.get("Authorization", "").partition(" ")
    return key.strip() if scheme.lower() == "bearer" else ""


def _refusal() -> InvalidApiKeyError:
    return InvalidApiKeyError(
        "The API key is missing or not valid; send it as X-API-Key or as a bearer."
    )
