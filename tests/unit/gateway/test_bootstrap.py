from gateway.access.authentication import hash_of
from gateway.access.permissions import Role
from gateway.bootstrap import make_first_organization

from .conftest import OWNER_KEY
from .fakes import FakeOrganizations


async def test_the_first_organization_belongs_to_who_has_the_key() -> None:
    organizations = FakeOrganizations()

    await make_first_organization(organizations, owner_key_hash=hash_of(OWNER_KEY))

    [organization] = organizations.organizations
    [key] = organizations.keys
    assert organization.name == "default"
    assert (key.org_id, key.role) == (organization.id, Role.OWNER)
    assert key.hash == hash_of(OWNER_KEY)


async def test_a_second_start_makes_nothing() -> None:
    organizations = FakeOrganizations()
    await make_first_organization(organizations, owner_key_hash=hash_of(OWNER_KEY))

    await make_first_organization(organizations, owner_key_hash=hash_of("another"))

    assert len(organizations.organizations) == 1
    assert len(organizations.keys) == 1


async def test_without_a_key_nothing_is_made() -> None:
    organizations = FakeOrganizations()

    await make_first_organization(organizations, owner_key_hash=None)

    assert organizations.organizations == []
