"""`/organization`: the one that who asks belongs to."""

from uuid import UUID

from pydantic import AwareDatetime, BaseModel

from gateway.access.permissions import Permission
from gateway.repositories.organizations import Organization, PostgresOrganizations
from gateway.routing.asked import Asked
from gateway.routing.operations import operation
from shared.contracts.base import Name, Patch
from shared.errors import NameTakenError, PreconditionFailedError

__all__ = ["OrganizationRoutes"]


class OrganizationPatch(Patch):
    name: Name | None = None


class OrganizationView(BaseModel):
    id: UUID
    name: str
    version: int
    created_at: AwareDatetime


class OrganizationRoutes:
    def __init__(self, organizations: PostgresOrganizations) -> None:
        self._organizations = organizations

    @operation("GET /organization", needs=Permission.ORGANIZATION_READ)
    async def get_organization(self, asked: Asked) -> OrganizationView:
        """Show the organization that everything here belongs to."""
        return _view(await self._organizations.one(asked.org_id))

    @operation(
        "PATCH /organization",
        needs=Permission.ORGANIZATION_WRITE,
        errors=(NameTakenError, PreconditionFailedError),
    )
    async def update_organization(
        self, asked: Asked, body: OrganizationPatch, if_version: int | None
    ) -> OrganizationView:
        """Rename the organization."""
        if body.name is None:
            as_it_is = await self._organizations.one(asked.org_id)
            if if_version not in {None, as_it_is.version}:
                raise PreconditionFailedError("The organization was changed since.")
            return _view(as_it_is)
        renamed = await self._organizations.rename(
            asked.org_id, body.name, actor=asked.actor, if_version=if_version
        )
        return _view(renamed)


def _view(organization: Organization) -> OrganizationView:
    return OrganizationView(
        id=organization.id,
        name=organization.name,
        version=organization.version,
        created_at=organization.created_at,
    )
