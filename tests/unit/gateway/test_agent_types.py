from typing import Any

import pytest
from aiohttp import ClientSession

from gateway.access.permissions import Permission
from shared.contracts.agent_types import (
    CREATE_AGENT_TYPE,
    DELETE_AGENT_TYPE,
    GET_AGENT_TYPE,
    LIST_AGENT_TYPES,
    UPDATE_AGENT_TYPE,
)
from shared.contracts.base import Empty, Page
from shared.errors import AgentTypeInUseError, AgentTypeNotFoundError

from .fakes import FakeApiKeys, Neighbours
from .objects import AGENT_TYPE, ORGANIZATION, SOME_ID

SUBMISSION: dict[str, Any] = {
    "name": "Support",
    "slug": "support",
    "provider_id": str(SOME_ID),
    "model": "gpt-4o-mini",
}
ONE = f"/api/agent-types/{SOME_ID}"


async def test_an_agent_type_is_created(
    client: ClientSession, neighbours: Neighbours
) -> None:
    neighbours.answer(CREATE_AGENT_TYPE, AGENT_TYPE)

    async with client.post("/api/agent-types", json=SUBMISSION) as response:
        body = await response.json()

    assert response.status == 201
    assert response.headers["Location"] == f"/api/agent-types/{SOME_ID}"
    assert response.headers["ETag"] == '"2"'
    assert body["slug"] == "support"
    question = neighbours.question(CREATE_AGENT_TYPE)
    assert question.org_id == ORGANIZATION
    assert question.submission.model == "gpt-4o-mini"


async def test_agent_types_are_listed(
    client: ClientSession, neighbours: Neighbours
) -> None:
    neighbours.answer(LIST_AGENT_TYPES, Page(data=[AGENT_TYPE]))

    async with client.get("/api/agent-types") as response:
        body = await response.json()

    assert [each["id"] for each in body["data"]] == [str(SOME_ID)]
    assert body["next_cursor"] is None
    assert neighbours.question(LIST_AGENT_TYPES).limit == 50


async def test_an_agent_type_is_shown(
    client: ClientSession, neighbours: Neighbours
) -> None:
    neighbours.answer(GET_AGENT_TYPE, AGENT_TYPE)

    async with client.get(ONE) as response:
        assert response.headers["ETag"] == '"2"'
        assert (await response.json())["model"] == "gpt-4o-mini"


async def test_a_patch_crosses_the_bus_with_what_it_says_alone(
    client: ClientSession, neighbours: Neighbours
) -> None:
    neighbours.answer(UPDATE_AGENT_TYPE, AGENT_TYPE)
    patch = {"temperature": None, "model": "gpt-4o"}

    async with client.patch(ONE, json=patch, headers={"If-Match": '"2"'}) as response:
        assert response.status == 200

    question = neighbours.question(UPDATE_AGENT_TYPE)
    assert question.if_version == 2
    assert question.patch.model_dump() == patch


async def test_an_agent_type_is_deleted(
    client: ClientSession, neighbours: Neighbours
) -> None:
    neighbours.answer(DELETE_AGENT_TYPE, Empty())

    async with client.delete(ONE) as response:
        assert response.status == 204


@pytest.mark.parametrize(
    ("error", "status", "code"),
    [
        (AgentTypeInUseError("Agents have it."), 409, "AGENT_TYPE_IN_USE"),
        (AgentTypeNotFoundError("None such."), 404, "AGENT_TYPE_NOT_FOUND"),
    ],
)
async def test_what_the_runner_refuses_keeps_its_code(
    client: ClientSession,
    neighbours: Neighbours,
    error: Exception,
    status: int,
    code: str,
) -> None:
    neighbours.answer(DELETE_AGENT_TYPE, error)

    async with client.delete(ONE) as response:
        assert response.status == status
        assert (await response.json())["error_code"] == code


@pytest.mark.parametrize(
    "budget",
    [
        {"period": "month"},
        {"period": "month", "usd": 1, "tokens": 1},
        {"usd": 1, "period": "week"},
        {"usd": 1, "period": "day", "scope": {"kind": "organization"}},
    ],
)
async def test_a_budget_that_cannot_be_is_refused_with_its_field(
    client: ClientSession, budget: dict[str, Any]
) -> None:
    told = SUBMISSION | {"budget": budget}

    async with client.post("/api/agent-types", json=told) as response:
        body = await response.json()

    assert response.status == 422
    assert body["details"]["fields"][0]["field"].startswith("budget.")


@pytest.mark.parametrize("budget", [{"usd": 1, "period": "day"}, None])
async def test_a_key_that_may_not_change_budgets_changes_none_with_a_type(
    client: ClientSession,
    neighbours: Neighbours,
    api_keys: FakeApiKeys,
    budget: dict[str, Any] | None,
) -> None:
    neighbours.answer(UPDATE_AGENT_TYPE, AGENT_TYPE)
    api_keys.narrow(api_keys.keys[0].id, frozenset({Permission.AGENT_TYPES_WRITE}))

    async with client.patch(ONE, json={"budget": budget}) as response:
        refused = response.status
    async with client.patch(ONE, json={"model": "gpt-4o"}) as response:
        allowed = response.status

    assert (refused, allowed) == (403, 200)


async def test_a_key_that_may_not_make_budgets_makes_none_with_a_type(
    client: ClientSession, neighbours: Neighbours, api_keys: FakeApiKeys
) -> None:
    neighbours.answer(CREATE_AGENT_TYPE, AGENT_TYPE)
    api_keys.narrow(api_keys.keys[0].id, frozenset({Permission.AGENT_TYPES_WRITE}))
    told = SUBMISSION | {"budget": {"usd": 1, "period": "day"}}

    async with client.post("/api/agent-types", json=told) as response:
        refused = response.status
    async with client.post("/api/agent-types", json=SUBMISSION) as response:
        allowed = response.status

    assert (refused, allowed) == (403, 201)
