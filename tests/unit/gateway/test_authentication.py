import pytest
from aiohttp import ClientSession
from structlog.typing import EventDict

from gateway.access.permissions import Role
from shared.contracts.agent_runner import LIST_AGENTS
from shared.contracts.base import Page

from .conftest import OWNER_KEY, Client
from .fakes import FakeApiKeys, Neighbours
from .objects import ELSEWHERE, ORGANIZATION, SOME_ID


@pytest.mark.parametrize(
    "headers",
    [
        {"X-API-Key": OWNER_KEY},
        {"x-api-key": f" {OWNER_KEY} "},
        {"Authorization": f"Bearer {OWNER_KEY}"},
        {"Authorization": f"bearer  {OWNER_KEY}"},
        {"Authorization": "Basic eDp5", "X-API-Key": OWNER_KEY},
    ],
)
async def test_a_key_opens_its_organization(
    stranger: Client, neighbours: Neighbours, headers: dict[str, str]
) -> None:
    neighbours.answer(LIST_AGENTS, Page(data=[]))

    async with stranger.get("/api/agents", headers=headers) as response:
        assert response.status == 200

    question = neighbours.question(LIST_AGENTS)
    assert question.org_id == ORGANIZATION
    assert question.actor.kind == "api_key"


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"X-API-Key": ""},
        {"X-API-Key": "cust_" + "x" * 40},
        {"X-API-Key": OWNER_KEY[:-1]},
        {"X-API-Key": OWNER_KEY + "o"},
        {"X-API-Key": OWNER_KEY.upper()},
        {"X-API-Key": "cust_short"},
        {"X-API-Key": "cust_" + "é" * 40},
        {"Authorization": OWNER_KEY},
        {"Authorization": f"Basic {OWNER_KEY}"},
        {"Authorization": "Bearer"},
        {"X-API-Key": "cust_" + "x" * 40, "Authorization": f"Bearer {OWNER_KEY}"},
    ],
)
@pytest.mark.parametrize("path", ["/api/agents", "/api/v1/agents", "/api/nothing"])
async def test_without_a_good_key_nothing_is_told(
    stranger: Client,
    neighbours: Neighbours,
    logged: list[EventDict],
    headers: dict[str, str],
    path: str,
) -> None:
    neighbours.answer(LIST_AGENTS, Page(data=[]))

    async with stranger.get(path, headers=headers) as response:
        body = await response.json()

    assert response.status == 401
    assert body["error_code"] == "INVALID_API_KEY"
    assert body["request_id"] == response.headers["X-Request-Id"]
    assert response.headers["WWW-Authenticate"] == "Bearer"
    assert not neighbours.asked
    assert "cust_" not in str(logged)


async def test_what_cannot_be_a_key_is_not_looked_up(
    stranger: Client, api_keys: FakeApiKeys
) -> None:
    async with stranger.get("/api/agents", headers={"X-API-Key": "no key"}):
        pass

    assert api_keys.lookups == 0


async def test_each_organization_asks_for_itself(
    stranger: Client, neighbours: Neighbours, api_keys: FakeApiKeys
) -> None:
    neighbours.answer(LIST_AGENTS, Page(data=[]))
    other = "cust_" + "e" * 40
    api_keys.give(other, Role.OWNER, org_id=ELSEWHERE)

    async with stranger.get("/api/agents", headers={"X-API-Key": other}):
        pass

    assert neighbours.question(LIST_AGENTS).org_id == ELSEWHERE


async def test_a_viewer_may_look_and_not_touch(
    stranger: Client, neighbours: Neighbours, api_keys: FakeApiKeys
) -> None:
    neighbours.answer(LIST_AGENTS, Page(data=[]))
    key = "cust_" + "v" * 40
    api_keys.give(key, Role.VIEWER)

    async with stranger.get("/api/agents", headers={"X-API-Key": key}) as looked:
        assert looked.status == 200
    async with stranger.delete(
        f"/api/agents/{SOME_ID}", headers={"X-API-Key": key}
    ) as touched:
        assert touched.status == 403
        assert (await touched.json())["error_code"] == "FORBIDDEN"


async def test_a_record_that_is_away_is_no_wrong_key(
    client: ClientSession, api_keys: FakeApiKeys
) -> None:
    api_keys.is_away = True

    async with client.get("/api/agents") as response:
        body = await response.json()

    assert response.status == 503
    assert body["error_code"] == "DATABASE_UNAVAILABLE"
    assert response.headers["Retry-After"] == "2"


@pytest.mark.parametrize(
    ("role", "includes"),
    [
        (Role.OWNER, {Role.OWNER, Role.ADMIN, Role.OPERATOR, Role.VIEWER}),
        (Role.ADMIN, {Role.ADMIN, Role.OPERATOR, Role.VIEWER}),
        (Role.OPERATOR, {Role.OPERATOR, Role.VIEWER}),
        (Role.VIEWER, {Role.VIEWER}),
    ],
)
def test_a_role_includes_those_below_it(role: Role, includes: set[Role]) -> None:
    assert {each for each in Role if role.includes(each)} == includes
