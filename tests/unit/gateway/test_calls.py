from datetime import timedelta

import pytest
from aiohttp import ClientSession

from shared.contracts.base import Page
from shared.contracts.metrics import GET_CALL, LIST_CALLS
from shared.errors import CallNotFoundError

from .fakes import Neighbours
from .objects import CALL, NOON, ORGANIZATION, SOME_ID


async def test_calls_of_the_last_day_are_listed(
    client: ClientSession, neighbours: Neighbours
) -> None:
    neighbours.answer(LIST_CALLS, Page(data=[CALL], next_cursor="next"))

    async with client.get("/api/calls") as response:
        body = await response.json()

    assert [each["call_id"] for each in body["data"]] == [str(SOME_ID)]
    assert body["data"][0]["status"] == "completed"
    assert body["next_cursor"] == "next"
    question = neighbours.question(LIST_CALLS)
    assert question.org_id == ORGANIZATION
    assert question.agent_id is None
    assert (question.since, question.until) == (NOON - timedelta(days=1), None)


async def test_calls_of_one_agent_are_listed(
    client: ClientSession, neighbours: Neighbours
) -> None:
    neighbours.answer(LIST_CALLS, Page(data=[]))

    async with client.get(f"/api/calls?agent_id={SOME_ID}&limit=7") as response:
        assert await response.json() == {"data": [], "next_cursor": None}

    question = neighbours.question(LIST_CALLS)
    assert (question.agent_id, question.limit) == (SOME_ID, 7)


async def test_a_request_is_looked_for_at_any_time(
    client: ClientSession, neighbours: Neighbours
) -> None:
    neighbours.answer(LIST_CALLS, Page(data=[]))

    async with client.get("/api/calls?request_id=req_1") as response:
        assert response.status == 200

    question = neighbours.question(LIST_CALLS)
    assert (question.since, question.until) == (None, None)


async def test_calls_that_have_all_that_is_named_are_listed(
    client: ClientSession, neighbours: Neighbours
) -> None:
    neighbours.answer(LIST_CALLS, Page(data=[]))
    query = {
        "agent_id": str(SOME_ID),
        "agent_type_id": str(SOME_ID),
        "provider_id": str(SOME_ID),
        "model": "gpt-5",
        "status": "failed",
        "code": "RATE_LIMITED",
        "request_id": "req_1",
        "period": "7d",
    }

    async with client.get("/api/calls", params=query) as response:
        assert response.status == 200

    question = neighbours.question(LIST_CALLS)
    asked = question.model_dump(mode="json", include=set(query))
    assert asked == {name: query[name] for name in asked}
    assert len(asked) == len(query) - 1
    assert (question.since, question.until) == (NOON - timedelta(days=7), None)


@pytest.mark.parametrize(
    ("query", "field"),
    [
        ("status=lost", "status"),
        ("model=%00", "model"),
        ("provider_id=openai", "provider_id"),
        ("request_id=" + "x" * 501, "request_id"),
        ("from=today", "from"),
        ("shape=round", "shape"),
    ],
)
async def test_a_filter_that_is_none_is_named(
    client: ClientSession, query: str, field: str
) -> None:
    async with client.get(f"/api/calls?{query}") as response:
        body = await response.json()

    assert response.status == 422
    assert [each["field"] for each in body["details"]["fields"]] == [field]


async def test_a_call_is_shown(client: ClientSession, neighbours: Neighbours) -> None:
    neighbours.answer(GET_CALL, CALL)

    async with client.get(f"/api/calls/{SOME_ID}") as response:
        assert (await response.json())["model"] == "gpt-4o-mini"

    assert neighbours.question(GET_CALL).call_id == SOME_ID


async def test_a_call_of_another_organization_is_not_found(
    client: ClientSession, neighbours: Neighbours
) -> None:
    neighbours.answer(GET_CALL, CallNotFoundError("There is no such call."))

    async with client.get(f"/api/calls/{SOME_ID}") as response:
        assert response.status == 404
        assert (await response.json())["error_code"] == "CALL_NOT_FOUND"
