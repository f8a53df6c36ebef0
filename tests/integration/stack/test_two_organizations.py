"""Every route by every role of another organization: 404, and no byte of the other's.

All neighbours are real. What belongs to one organization is asked for with the keys of
another, by every route that has an id, and looked for in every list.
"""

import hashlib
import json
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import aiohttp
import pytest
import pytest_asyncio

from ag2trust.operator import Operator
from ag2trust.testing import Servers, Stack, fresh_stack
from gateway.access.permissions import Permission, Role, permissions_of
from shared.ids import new_id

from .four_services import OWNER_KEY, four_services

pytestmark = [
    pytest.mark.integration,
    pytest.mark.asyncio(loop_scope="module"),
    pytest.mark.timeout(300),
]

MARK = "only-ours-7f3a"
COPY = Path(__file__).parents[3] / "docs" / "api" / "openapi.json"
PERMISSIONS = {permission.value: permission for permission in Permission}
KEYS = {role: f"cust_{role:x<40}" for role in Role}
THEIRS: dict[str, dict[str, Any]] = {
    "PATCH /api/organization": {"name": "theirs"},
}
"""Bodies that are allowed for what has no id, and so is of who asks."""


@dataclass(frozen=True, slots=True)
class Route:
    method: str
    path: str
    noun: str
    needs: Permission

    @property
    def name(self) -> str:
        return f"{self.method} {self.path}"


@dataclass(frozen=True, slots=True)
class Two:
    """A running installation: ours has things, whose *ids* are kept by noun."""

    url: str
    ids: dict[str, str]


def routes() -> list[Route]:
    return [
        Route(method.upper(), path, declared["tags"][0], needs)
        for path, methods in json.loads(COPY.read_text())["paths"].items()
        for method, declared in methods.items()
        if declared["operationId"] != "stream_events"  # it has no end to look at
        if (needs := PERMISSIONS.get(declared.get("x-permission")))
    ]


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def two(
    servers: Servers, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[Two]:
    async with (
        fresh_stack(servers, tmp_path_factory.mktemp("stack")) as stack,
        four_services(stack, requests_per_minute=1_000_000) as url,
    ):
        await add_another_organization(stack)
        async with aiohttp.ClientSession(
            url, headers={"X-API-Key": OWNER_KEY}
        ) as session:
            yield Two(url, await things(Operator(session)))


async def add_another_organization(stack: Stack) -> None:
    """Add one with a key of each role; there is no route for that."""
    connection = await stack.connect()
    org_id = new_id()
    await connection.execute("SET search_path = gateway")
    await connection.execute(
        "INSERT INTO organization (id, name, created_at) VALUES ($1, 'other', now())",
        org_id,
    )
    for role, key in KEYS.items():
        await connection.execute(
            """
            INSERT INTO api_key (id, org_id, name, role, hash, created_at)
            VALUES ($1, $2, $3, $3, $4, now())
            """,
            new_id(),
            org_id,
            role,
            hashlib.sha256(key.encode()).digest(),
        )
    await connection.close()


async def things(operator: Operator) -> dict[str, str]:
    """Make one of each thing there is, with our mark in it."""
    provider = await operator.made(
        "/api/providers",
        {
            "name": MARK,
            "type": "bedrock",
            "aws_region": "us-east-1",
            "base_url": "http://127.0.0.1:9",
            "api_key": "k-1234",
            "labels": {"of": MARK},
        },
    )
    agent_type = await operator.made(
        "/api/agent-types",
        {
            "name": MARK,
            "slug": MARK,
            "provider_id": provider["id"],
            "model": "amazon.nova-lite-v1:0",
        },
    )
    agent = await operator.made(
        "/api/agents", {"name": MARK, "agent_type_id": agent_type["id"]}
    )
    key = await operator.made("/api/api-keys", {"name": MARK})
    user = await operator.made("/api/users", {"email": f"{MARK}@example.com"})
    budget = await operator.made(
        "/api/budgets",
        {
            "name": MARK,
            "scope": {"kind": "agent", "id": agent["id"]},
            "tokens": 1000,
            "period": "day",
            "time_zone": "UTC",
        },
    )
    mcp_server = await operator.made(
        "/api/mcp-servers", {"name": MARK, "url": "https://mcp.invalid/mcp"}
    )
    job = await operator.made(f"/api/agent-types/{agent_type['id']}/restart")
    # At its end, so that it stays as it is.
    await operator.until(f"/api/jobs/{job['id']}", status="completed")
    return {
        "providers": provider["id"],
        "agent-types": agent_type["id"],
        "agents": agent["id"],
        "api-keys": key["id"],
        "users": user["id"],
        "budgets": budget["id"],
        "mcp-servers": mcp_server["id"],
        "jobs": job["id"],
    }


async def everything_of_ours(two: Two) -> dict[str, Any]:
    """Read what we have, to see that it stays as it is."""
    async with aiohttp.ClientSession(
        two.url, headers={"X-API-Key": OWNER_KEY}
    ) as session:
        operator = Operator(session)
        return {
            noun: (await operator.ask("GET", f"/api/{noun}/{thing_id}")).body
            for noun, thing_id in two.ids.items()
        }


@pytest.mark.parametrize("role", Role)
async def test_nothing_of_ours_is_told_or_touched(two: Two, role: Role) -> None:
    before = await everything_of_ours(two)

    async with aiohttp.ClientSession(
        two.url, headers={"X-API-Key": KEYS[role]}
    ) as session:
        for route in routes():
            await ask(session, route, two, role)

    assert await everything_of_ours(two) == before


async def ask(
    session: aiohttp.ClientSession, route: Route, two: Two, role: Role
) -> None:
    theirs = two.ids.get(route.noun, str(new_id()))
    path = route.path.replace("{id}", theirs).replace("{slug}", MARK)
    if role is Role.OWNER and is_of_the_installation(route):
        return
    body = THEIRS.get(route.name, body_of(route, two))
    async with session.request(route.method, path, json=body) as told:
        text = await told.text()

    sent = path + json.dumps(body)
    ours = {MARK, *two.ids.values()}
    assert not [each for each in ours if each in text and each not in sent], route
    if route.needs not in permissions_of(role):
        assert told.status == 403, (route, text)
    elif "{" in route.path:
        assert told.status in allowed_for(route), (route, text)


def is_of_the_installation(route: Route) -> bool:
    """Tell what concerns every organization, and hence every owner."""
    return route.noun == "master-key"


def allowed_for(route: Route) -> set[int]:
    """Tell what a foreign id is answered with; sessions are of people alone."""
    return {404, 403} if route.noun == "sessions" else {404}


def body_of(route: Route, two: Two) -> dict[str, Any] | None:
    """Return a body that is read, so that it is the id that is refused."""
    if route.method not in {"PATCH", "POST"}:
        return None
    bodies: dict[str, dict[str, Any]] = {
        "POST /api/agents/{id}/messages": {"content": "Hello", "wait": False},
        "POST /api/ask/{slug}": {"content": "Hello", "wait": False},
        "POST /api/providers/{id}/rotate": {"api_key": "k-1234"},
        "POST /api/alerts/{id}/silence": {"until": "2100-01-01T00:00:00Z"},
        "POST /api/webhooks/{id}/replay": {"failed_since": "2026-01-01T00:00:00Z"},
        "POST /api/mcp-servers/{id}/tools/approve": {
            "tools": [{"name": "t", "fingerprint": "0" * 64}]
        },
        "POST /api/mcp-servers/{id}/tools/withdraw": {"tools": ["t"]},
        "POST /api/agents": {"name": "n", "agent_type_id": two.ids["agent-types"]},
        "POST /api/agent-types": {
            "name": "n",
            "slug": "n",
            "provider_id": two.ids["providers"],
            "model": "m",
        },
    }
    return bodies.get(route.name, {})
