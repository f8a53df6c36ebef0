"""`/api-keys`: which programs may come in; a key is shown once and stored as a hash."""

from http import HTTPStatus
from uuid import UUID

import structlog
from pydantic import AwareDatetime, BaseModel, Field

from gateway.access.permissions import Permission, Role
from gateway.access.principals import Principal
from gateway.access.revocations import Revocations
from gateway.access.tokens import hash_of, new_key
from gateway.repositories.api_keys import ApiKey, ApiKeyRepository
from gateway.routing.asked import Asked
from gateway.routing.operations import operation
from gateway.routing.reading import Input, PageQuery, invalid_body
from shared.clock import Clock
from shared.contracts.base import Instant, Name, Page, ShownOnce
from shared.errors import (
    ApiKeyNotFoundError,
    ConflictError,
    ForbiddenError,
    NameTakenError,
)
from shared.pages import before, page_of

__all__ = ["ApiKeyRoutes"]

log = structlog.get_logger(__name__)

_PREFIX_CHARACTERS = 9


class ApiKeySubmission(Input):
    """*scopes* narrow what the role allows; without any, it may all of it."""

    name: Name
    role: Role = Role.VIEWER
    scopes: list[Permission] | None = Field(default=None, min_length=1, max_length=100)
    expires_at: Instant | None = None


class ApiKeyView(BaseModel):
    """A key as it may be told; the first key has no *prefix*.

    *last_used_at* is as of the minute.
    """

    id: UUID
    name: str
    role: Role
    scopes: list[Permission] | None
    prefix: str | None
    created_at: AwareDatetime
    expires_at: AwareDatetime | None
    last_used_at: AwareDatetime | None


class NewApiKeyView(ApiKeyView):
    """The one answer that holds the key itself."""

    key: ShownOnce = None


class ApiKeyRoutes:
    """Nobody makes or ends a key that may more than oneself."""

    def __init__(
        self, api_keys: ApiKeyRepository, *, revocations: Revocations, now: Clock
    ) -> None:
        self._api_keys = api_keys
        self._revocations = revocations
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
        now = self._now()
        _require_within(asked.who, body)
        if body.expires_at is not None and body.expires_at <= now:
            raise invalid_body({"expires_at": "must be in the future"})
        key = new_key()
        record = ApiKey(
            id=asked.new_id,
            org_id=asked.org_id,
            name=body.name,
            role=body.role,
            hash=hash_of(key),
            prefix=key[:_PREFIX_CHARACTERS],
            created_at=now,
            scopes=None if body.scopes is None else frozenset(body.scopes),
            expires_at=body.expires_at,
        )
        added = await self._api_keys.add(record, actor=asked.actor)
        log.info("api_key.created", api_key=str(added.id), role=added.role)
        return NewApiKeyView(**_view(added).model_dump(), key=key)

    @operation(
        "GET /api-keys/{id}",
        needs=Permission.API_KEYS_READ,
        missing=ApiKeyNotFoundError,
    )
    async def get_api_key(self, asked: Asked) -> ApiKeyView:
        """Show an API key, without the key itself."""
        return _view(await self._api_keys.one(asked.org_id, asked.id))

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
        await self._revocations.forget(asked.id)
        log.info("api_key.revoked", api_key=str(asked.id))


def _require_within(who: Principal, wanted: ApiKeySubmission) -> None:
    """Raise `ForbiddenError` for a key that may what *who* may not."""
    who.require_role(wanted.role)
    for scope in wanted.scopes or ():
        who.require(scope)
    if wanted.scopes is None and who.scopes is not None:
        raise ForbiddenError("A key with scopes makes only keys with scopes.")


def _view(key: ApiKey) -> ApiKeyView:
    return ApiKeyView(
        id=key.id,
        name=key.name,
        role=key.role,
        scopes=None if key.scopes is None else sorted(key.scopes),
        prefix=key.prefix,
        created_at=key.created_at,
        expires_at=key.expires_at,
        last_used_at=key.last_used_at,
    )
