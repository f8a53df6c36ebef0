from gateway.access.permissions import Role
from gateway.access.tokens import hash_of
from gateway.bootstrap import open_first_organization

from .conftest import OWNER_KEY
from .fakes import FakeInvitations, FakeOrganizations


async def opened(organizations: FakeOrganizations, key: str | None) -> None:
    await open_first_organization(
        organizations,
        FakeInvitations(),
        owner_key_hash=hash_of(key) if key else None,
        login_link_hash=None,
    )


async def test_the_first_organization_belongs_to_who_has_the_key() -> None:
    organizations = FakeOrganizations()

    await open_first_organization(
        organizations,
        FakeInvitations(),
        owner_key_hash=hash_of(OWNER_KEY),
        login_link_hash=None,
    )

    [organization] = organizations.organizations
    [key] = organizations.keys
    assert organization.name == "default"
    assert (key.org_id, key.role) == (organization.id, Role.OWNER)
    assert key.hash == hash_of(OWNER_KEY)


async def test_a_second_start_makes_nothing() -> None:
    organizations = FakeOrganizations()
    await open_first_organization(
        organizations,
        FakeInvitations(),
        owner_key_hash=hash_of(OWNER_KEY),
        login_link_hash=None,
    )

    await open_first_organization(
        organizations,
        FakeInvitations(),
        owner_key_hash=hash_of("another"),
        login_link_hash=None,
    )

    assert len(organizations.organizations) == 1
    assert len(organizations.keys) == 1


async def test_without_a_key_nothing_is_made() -> None:
    organizations = FakeOrganizations()

    await opened(organizations, None)

    assert organizations.organizations == []


async def test_the_link_for_the_first_person_is_offered_at_every_start() -> None:
    invitations = FakeInvitations()

    for link in ("one", "another"):
        await open_first_organization(
            FakeOrganizations(),
            invitations,
            owner_key_hash=None,
            login_link_hash=hash_of(link),
        )

    assert invitations.offered == [hash_of("one"), hash_of("another")]
