"""`/api-keys`: who may come in; a key is shown once and stored as its hash."""

import secrets
import string
from uuid import UUID

import structlog
from aiohttp import web
from pydantic import AwareDatetime, BaseModel

from gateway.authentication import KeyRing, hash_of, principal_of
from gateway.principals import Principal, Role
from gateway.reading import Input, PageQuery, id_in_path, query_of
from gateway.repository import ApiKey, ApiKeyRepository
from shared.clock import Clock
from shared.contracts.base import Name, Page
from shared.errors import ApiKeyNotFoundError
from shared.http import read_json, reply_json
from shared.ids import new_id
from shared.pages import before, page_of

__all__ = ["ApiKeyRoutes"]

log = structlog.get_logger(__name__)

_ALPHABET = string.ascii_letters + string.digits
_RANDOM_CHARACTERS = 40  # 238 bits
_PREFIX_CHARACTERS = 9


class ApiKeySubmission(Input):
    name: Name
    role: Role = Role.VIEWER


class ApiKeyView(BaseModel):
    """A key as it may be told; the first key has no *prefix*."""

    id: UUID
    name: str
    role: Role
    prefix: str | None
    created_at: AwareDatetime


class NewApiKeyView(ApiKeyView):
    """The one answer that holds the key itself."""

    key: str


class ApiKeyRoutes:
    """Only an owner or admin sees or changes keys, none above its own role."""

    def __init__(
        self, api_keys: ApiKeyRepository, *, key_ring: KeyRing, now: Clock
    ) -> None:
        self._api_keys = api_keys
        self._key_ring = key_ring
        self._now = now

    def routes(self) -> list[web.RouteDef]:
        return [
            web.get("/api-keys", self._list),
            web.post("/api-keys", self._create),
            web.delete("/api-keys/{id}", self._revoke),
        ]

    async def _list(self, request: web.Request) -> web.Response:
        who = _admin(request)
        query = query_of(request, PageQuery)
        found = await self._api_keys.newest(
            who.org_id, before=before(query.cursor), limit=query.limit + 1
        )
        page = page_of(found, limit=query.limit, id_of=lambda key: key.id)
        return reply_json(
            Page(data=[*map(_view, page.data)], next_cursor=page.next_cursor)
        )

    async def _create(self, request: web.Request) -> web.Response:
        who = _admin(request)
        submission = await read_json(request, ApiKeySubmission)
        who.require(submission.role)
        key = _new_key()
        record = ApiKey(
            id=new_id(),
            org_id=who.org_id,
            name=submission.name,
            role=submission.role,
            hash=hash_of(key),
            prefix=key[:_PREFIX_CHARACTERS],
            created_at=self._now(),
        )
        await self._api_keys.add(record, actor=who.actor)
        log.info("api_key.created", api_key=str(record.id), role=record.role)
        shown_once = NewApiKeyView(**_view(record).model_dump(), key=key)
        return reply_json(shown_once, status=201)

    async def _revoke(self, request: web.Request) -> web.Response:
        who = _admin(request)
        key_id = id_in_path(request, ApiKeyNotFoundError)
        await self._api_keys.revoke(who.org_id, key_id, at=self._now(), by=who)
        self._key_ring.forget(key_id)
        log.info("api_key.revoked", api_key=str(key_id))
        return web.Response(status=204)


def _admin(request: web.Request) -> Principal:
    who = principal_of(request)
    who.require(Role.ADMIN)
    return who


def _new_key() -> str:
    random = (secrets.choice(_ALPHABET) for _ in range(_RANDOM_CHARACTERS))
    return "cust_" + "".join(random)


def _view(key: ApiKey) -> ApiKeyView:
    return ApiKeyView(
        id=key.id,
        name=key.name,
        role=key.role,
        prefix=key.prefix,
        created_at=key.created_at,
    )
