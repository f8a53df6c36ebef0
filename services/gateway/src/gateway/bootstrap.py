"""The first organization, and the two ways into it: a key, and a one-time link."""

from datetime import datetime
from typing import Protocol

import structlog

from shared.clock import Clock, utc_now
from shared.contracts.base import Actor
from shared.ids import new_id

from .access.permissions import Role
from .repositories.api_keys import ApiKey
from .repositories.organizations import Organization

__all__ = ["open_first_organization"]

log = structlog.get_logger(__name__)

_GATEWAY = Actor(kind="service", id="gateway")


class Organizations(Protocol):
    async def add_first(
        self, organization: Organization, *, owner_key: ApiKey, actor: Actor
    ) -> bool: ...


class Invitations(Protocol):
    async def offer_first_login(self, hashed: bytes) -> bool: ...


async def open_first_organization(
    organizations: Organizations,
    invitations: Invitations,
    *,
    owner_key_hash: bytes | None,
    login_link_hash: bytes | None,
    now: Clock = utc_now,
) -> None:
    """Make organization "default", opened by the key with this hash, if none exists.

    As long as it has no people, the link with the other hash makes the first owner.
    """
    if owner_key_hash is not None:
        await _make_first(organizations, owner_key_hash, now())
    if login_link_hash is not None:
        await invitations.offer_first_login(login_link_hash)


async def _make_first(
    organizations: Organizations, owner_key_hash: bytes, now: datetime
) -> None:
    organization = Organization(id=new_id(), name="default", created_at=now)
    owner_key = ApiKey(
        id=new_id(),
        org_id=organization.id,
        name="owner",
        role=Role.OWNER,
        hash=owner_key_hash,
        prefix=None,
        created_at=now,
    )
    if await organizations.add_first(organization, owner_key=owner_key, actor=_GATEWAY):
        log.info("organization.created", organization=str(organization.id))
