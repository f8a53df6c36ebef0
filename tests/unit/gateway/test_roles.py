"""Every route by every role, and by keys of one scope: who may, and nobody else."""

from dataclasses import dataclass
from itertools import pairwise

import pytest
from aiohttp import web

from gateway.access.permissions import Permission, Role, permissions_of
from gateway.routes.description import DOCUMENT

from .conftest import Client
from .fakes import FakeApiKeys, Neighbours
from .objects import SOME_ID

KEYS = {role: f"cust_{role:x<40}" for role in Role}
PERMISSIONS = {permission.value: permission for permission in Permission}


@dataclass(frozen=True, slots=True)
class Route:
    method: str
    path: str
    needs: Permission

    @property
    def url(self) -> str:
        return self.path.replace("{id}", str(SOME_ID)).replace("{slug}", "a")


def guarded_routes(app: web.Application) -> list[Route]:
    return [
        Route(method.upper(), path, PERMISSIONS[operation["x-permission"]])
        for path, methods in app[DOCUMENT]()["paths"].items()
        for method, operation in methods.items()
        if "x-permission" in operation
    ]


@pytest.mark.parametrize("role", Role)
async def test_a_role_may_what_the_table_says_and_nothing_else(
    app: web.Application,
    stranger: Client,
    api_keys: FakeApiKeys,
    neighbours: Neighbours,
    role: Role,
) -> None:
    api_keys.give(KEYS[role], role)
    headers = {"X-API-Key": KEYS[role]}

    for route in guarded_routes(app):
        before = len(neighbours.asked)
        async with stranger.request(route.method, route.url, headers=headers) as told:
            is_forbidden = told.status == 403 and "This needs" in await told.text()

        may = route.needs in permissions_of(role)
        assert is_forbidden is not may, route
        assert may or len(neighbours.asked) == before, route


async def test_nobody_may_anything_without_a_key(
    app: web.Application, stranger: Client
) -> None:
    for route in guarded_routes(app):
        async with stranger.request(route.method, route.url) as told:
            assert told.status == 401, route


@pytest.mark.parametrize(
    ("role", "lacks"),
    [
        (Role.OWNER, set()),
        (Role.ADMIN, {Permission.MASTER_KEY_READ, Permission.MASTER_KEY_WRITE}),
    ],
)
def test_what_the_highest_roles_lack(role: Role, lacks: set[Permission]) -> None:
    assert set(Permission) - permissions_of(role) == lacks


def test_a_viewer_only_reads() -> None:
    verbs = {each.partition(":")[2] for each in permissions_of(Role.VIEWER)}

    assert verbs == {"", "read"}


def test_each_role_may_all_that_those_below_it_may() -> None:
    allowed = [permissions_of(role) for role in Role]

    assert all(higher >= lower for higher, lower in pairwise(allowed))
