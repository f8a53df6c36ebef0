import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import UTC, datetime
from uuid import UUID

import asyncpg
import pytest
import pytest_asyncio

from ag2trust.testing import Stack
from gateway.access.permissions import Permission, Role
from gateway.access.principals import Principal
from gateway.repositories.api_keys import ApiKey, PostgresApiKeys
from gateway.repositories.organizations import Organization, PostgresOrganizations
from gateway.settings import Settings
from shared.contracts.base import Actor
from shared.database import Database, connect_database
from shared.errors import (
    ApiKeyNotFoundError,
    ConflictError,
    ForbiddenError,
    NameTakenError,
)
from shared.ids import new_id
from shared.migrations import migrate

from .conftest import Superuser

pytestmark = pytest.mark.integration

NOON = datetime(2026, 1, 1, 12, tzinfo=UTC)
ACTOR = Actor(kind="service", id="test")


def api_key(org_id: UUID, *, name: str = "one", role: Role = Role.OWNER) -> ApiKey:
    key_id = new_id()
    return ApiKey(
        id=key_id,
        org_id=org_id,
        name=name,
        role=role,
        hash=key_id.bytes * 2,
        prefix="cust_abcd",
        created_at=NOON,
    )


def principal(key: ApiKey) -> Principal:
    return Principal(key.org_id, "api_key", key.id, key.role, key.scopes)


@pytest_asyncio.fixture
async def database(settings: Settings) -> AsyncIterator[Database]:
    await migrate(settings, "gateway.migrations")
    async with connect_database(settings) as connected:
        yield connected


@pytest.fixture
def api_keys(database: Database) -> PostgresApiKeys:
    return PostgresApiKeys(database)


@pytest_asyncio.fixture
async def owner_key(database: Database) -> ApiKey:
    """Make the first organization, and return its owner's key."""
    organization = Organization(id=new_id(), name="default", created_at=NOON)
    key = api_key(organization.id)
    organizations = PostgresOrganizations(database)
    assert await organizations.add_first(organization, owner_key=key, actor=ACTOR)
    return key


@pytest_asyncio.fixture
async def elsewhere(superuser: Superuser, owner_key: ApiKey) -> UUID:
    """Make a second organization."""
    org_id = new_id()
    assert org_id != owner_key.org_id
    await superuser.execute(
        "INSERT INTO organization (id, name, created_at) VALUES ($1, $2, $3)",
        org_id,
        "elsewhere",
        NOON,
    )
    return org_id


async def test_a_key_is_found_by_its_hash_until_it_is_revoked(
    api_keys: PostgresApiKeys, owner_key: ApiKey
) -> None:
    key = api_key(owner_key.org_id, name="CI", role=Role.VIEWER)
    await api_keys.add(key, actor=ACTOR)
    found = await api_keys.principal(key.hash)

    await api_keys.revoke(key.org_id, key.id, at=NOON, by=principal(owner_key))

    assert found == principal(key)
    assert await api_keys.principal(key.hash) is None
    assert await api_keys.principal(bytes(32)) is None


async def test_keys_are_listed_newest_first_and_revoked_ones_are_not(
    api_keys: PostgresApiKeys, owner_key: ApiKey
) -> None:
    keys = [api_key(owner_key.org_id, name=name) for name in "abc"]
    for key in keys:
        await api_keys.add(key, actor=ACTOR)
    await api_keys.revoke(
        owner_key.org_id, keys[1].id, at=NOON, by=principal(owner_key)
    )

    listed = await api_keys.newest(owner_key.org_id, before=None, limit=2)
    rest = await api_keys.newest(owner_key.org_id, before=keys[0].id, limit=2)

    assert listed == [keys[2], keys[0]]
    assert rest == [owner_key]


async def test_each_organization_sees_and_ends_its_own_keys_alone(
    api_keys: PostgresApiKeys, owner_key: ApiKey, elsewhere: UUID
) -> None:
    theirs = api_key(elsewhere)
    await api_keys.add(theirs, actor=ACTOR)

    with pytest.raises(ApiKeyNotFoundError):
        await api_keys.revoke(
            owner_key.org_id, theirs.id, at=NOON, by=principal(owner_key)
        )

    assert await api_keys.newest(elsewhere, before=None, limit=9) == [theirs]
    assert await api_keys.newest(owner_key.org_id, before=None, limit=9) == [owner_key]
    assert await api_keys.principal(theirs.hash) == principal(theirs)


async def test_a_name_is_taken_within_its_organization_until_it_is_revoked(
    api_keys: PostgresApiKeys, owner_key: ApiKey, elsewhere: UUID
) -> None:
    key = api_key(owner_key.org_id, name="CI")
    await api_keys.add(key, actor=ACTOR)
    await api_keys.add(api_key(elsewhere, name="CI"), actor=ACTOR)

    with pytest.raises(NameTakenError, match="CI"):
        await api_keys.add(api_key(owner_key.org_id, name="CI"), actor=ACTOR)

    await api_keys.revoke(key.org_id, key.id, at=NOON, by=principal(owner_key))
    await api_keys.add(api_key(owner_key.org_id, name="CI"), actor=ACTOR)


async def test_what_is_refused_leaves_the_key_and_no_audit_entry(
    api_keys: PostgresApiKeys, owner_key: ApiKey, superuser: Superuser
) -> None:
    admin_key = api_key(owner_key.org_id, name="admin", role=Role.ADMIN)
    await api_keys.add(admin_key, actor=ACTOR)

    with pytest.raises(ForbiddenError):
        await api_keys.revoke(
            owner_key.org_id, owner_key.id, at=NOON, by=principal(admin_key)
        )
    with pytest.raises(ForbiddenError):
        await api_keys.revoke(
            admin_key.org_id,
            admin_key.id,
            at=NOON,
            by=principal(
                replace(owner_key, scopes=frozenset({Permission.API_KEYS_WRITE}))
            ),
        )
    with pytest.raises(ConflictError):
        await api_keys.revoke(
            owner_key.org_id, owner_key.id, at=NOON, by=principal(owner_key)
        )

    assert await api_keys.principal(owner_key.hash) == principal(owner_key)
    revoked = "SELECT count(*) FROM audit WHERE act = 'revoked'"
    assert await superuser.fetchval(revoked) == 0


async def test_owners_who_end_each_other_at_once_leave_one(
    api_keys: PostgresApiKeys, owner_key: ApiKey
) -> None:
    keys = [owner_key, *(api_key(owner_key.org_id, name=name) for name in "abcdefg")]
    for key in keys[1:]:
        await api_keys.add(key, actor=ACTOR)

    outcomes = await asyncio.gather(
        *(
            api_keys.revoke(key.org_id, key.id, at=NOON, by=principal(key))
            for key in keys
        ),
        return_exceptions=True,
    )

    left = await api_keys.newest(owner_key.org_id, before=None, limit=99)
    assert len(left) == 1
    assert [type(each) for each in outcomes if each] == [ConflictError]


async def test_without_an_organization_there_are_no_rows(
    stack: Stack, owner_key: ApiKey
) -> None:
    connection = await stack.connect("gateway")
    try:
        counts = [
            await connection.fetchval(f"SELECT count(*) FROM {table}")  # noqa: S608 - ours
            for table in ("organization", "api_key", "audit")
        ]
        async with connection.transaction():
            await connection.execute(
                "SELECT set_config('ag2trust.org_id', $1, true)", str(owner_key.org_id)
            )
            visible = await connection.fetchval("SELECT count(*) FROM organization")
    finally:
        await connection.close()

    assert counts == [0, 0, 0]
    assert visible == 1


@pytest.mark.parametrize("role", ["gateway", "gateway_sweep"])
@pytest.mark.parametrize(
    "statement",
    ["UPDATE audit SET act = 'x'", "DELETE FROM audit", "DELETE FROM api_key"],
)
@pytest.mark.usefixtures("owner_key")
async def test_what_was_done_cannot_be_undone(
    stack: Stack, role: str, statement: str
) -> None:
    connection = await stack.connect(role)
    try:
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            await connection.execute(statement)
    finally:
        await connection.close()
