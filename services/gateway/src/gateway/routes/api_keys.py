"""`/api-keys`: who may come in; a key is shown once and stored as its hash."""

import secrets
import string
from http import HTTPStatus
from uuid import UUID

import structlog
from pydantic import AwareDatetime, BaseModel

from gateway.access.authentication import KeyRing, hash_of
from gateway.access.permissions import Permission, Role
from gateway.repositories.api_keys import ApiKey, ApiKeyRepository
from gateway.routing.asked import Asked
from gateway.routing.operations import operation
from gateway.routing.reading import Input, PageQuery
from shared.clock import Clock
from shared.contracts.base import Name, Page, ShownOnce
from shared.errors import ApiKeyNotFoundError, ConflictError, NameTakenError
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

    key: ShownOnce = None


class ApiKeyRoutes:
    """Nobody makes or ends a key above its own role."""

    def __init__(
        self, api_keys: ApiKeyRepository, *, key_ring: KeyRing, now: Clock
    ) -> None:
        self._api_keys = api_keys
        self._key_ring = key_ring
        self._now = now

    @operation("GET /api-keys", needs=Permission.API_KEYS_READ)
    async def list_api_keys(self, asked: Asked, query: PageQuery) -> Page[ApiKeyView]:
        """List API keys that are not revoked, newest first."""
        found = await self._api_keys.newest(
            asked.org_id, before=before(query.cursor), limit=query.limit + 1
        )
        page = page_of(found, limit=query.limit, id_of=lambda key: key.id)
        return Page(data=[*map(_view, page.data)], next_cursor=page.next_cursor)

    @operation(
        "POST /api-keys",
        needs=Permission.API_KEYS_WRITE,
        status=HTTPStatus.CREATED,
        errors=(NameTakenError,),
    )
    async def create_api_key(
        self, asked: Asked, body: ApiKeySubmission
    ) -> NewApiKeyView:
        """Make an API key, which this answer alone shows."""
        asked.who.require_role(body.role)
        key = _new_key()
        record = ApiKey(
            id=asked.new_id,
            org_id=asked.org_id,
            name=body.name,
            role=body.role,
            hash=hash_of(key),
            prefix=key[:_PREFIX_CHARACTERS],
            created_at=self._now(),
        )
        await self._api_keys.add(record, actor=asked.actor)
        log.info("api_key.created", api_key=str(record.id), role=record.role)
        return NewApiKeyView(**_view(record).model_dump(), key=key)

    @operation(
        "DELETE /api-keys/{id}",
        needs=Permission.API_KEYS_WRITE,
        errors=(ConflictError,),
        missing=ApiKeyNotFoundError,
    )
    async def revoke_api_key(self, asked: Asked) -> None:
        """Revoke an API key; it opens nothing from then on."""
        await self._api_keys.revoke(
            asked.org_id, asked.id, at=self._now(), by=asked.who
        )
        self._key_ring.forget(asked.id)
        log.info("api_key.revoked", api_key=str(asked.id))


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
