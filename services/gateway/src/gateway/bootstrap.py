"""The first organization and the key of its owner, made when there is none."""

import structlog

from shared.clock import Clock, utc_now
from shared.contracts.base import Actor
from shared.ids import new_id

from .access.permissions import Role
from .repositories.api_keys import ApiKey
from .repositories.organizations import Organization, OrganizationRepository

__all__ = ["make_first_organization"]

log = structlog.get_logger(__name__)

_GATEWAY = Actor(kind="service", id="gateway")


async def make_first_organization(
    organizations: OrganizationRepository,
    *,
    owner_key_hash: bytes | None,
    now: Clock = utc_now,
) -> None:
    """Make organization "default", opened by the key with this hash, if none exists."""
    if owner_key_hash is None:
        return
    organization = Organization(id=new_id(), name="default", created_at=now())
    owner_key = ApiKey(
        id=new_id(),
        org_id=organization.id,
        name="owner",
        role=Role.OWNER,
        hash=owner_key_hash,
        prefix=None,
        created_at=organization.created_at,
    )
    if await organizations.add_first(organization, owner_key=owner_key, actor=_GATEWAY):
        log.info("organization.created", organization=str(organization.id))
