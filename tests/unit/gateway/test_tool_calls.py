from datetime import timedelta

import pytest
from aiohttp import ClientSession

from shared.contracts.base import Page
from shared.contracts.metrics import GET_TOOL_CALL, LIST_TOOL_CALLS
from shared.errors import ToolCallNotFoundError

from .fakes import Neighbours
from .objects import NOON, ORGANIZATION, SOME_ID, TOOL_CALL

ONE = f"/api/tool-calls/{SOME_ID}"


async def test_tool_calls_of_the_last_day_are_listed(
    client: ClientSession, neighbours: Neighbours
) -> None:
    neighbours.answer(LIST_TOOL_CALLS, Page(data=[TOOL_CALL], next_cursor="next"))

    async with client.get("/api/tool-calls") as response:
        body = await response.json()

    assert [each["tool_call_id"] for each in body["data"]] == [str(SOME_ID)]
    assert body["data"][0]["explanation"]["code"] == "TOOL_TIMED_OUT"
    assert body["next_cursor"] == "next"
    question = neighbours.question(LIST_TOOL_CALLS)
    assert (question.org_id, question.agent_id) == (ORGANIZATION, None)
    assert (question.since, question.until) == (NOON - timedelta(days=1), None)


async def test_those_of_a_message_are_looked_for_at_any_time(
    client: ClientSession, neighbours: Neighbours
) -> None:
    neighbours.answer(LIST_TOOL_CALLS, Page(data=[]))

    async with client.get(f"/api/tool-calls?message_id={SOME_ID}") as response:
        assert response.status == 200

    question = neighbours.question(LIST_TOOL_CALLS)
    assert (question.since, question.until) == (None, None)


async def test_tool_calls_that_have_all_that_is_named_are_listed(
    client: ClientSession, neighbours: Neighbours
) -> None:
    neighbours.answer(LIST_TOOL_CALLS, Page(data=[]))
    query = {
        "agent_id": str(SOME_ID),
        "agent_type_id": str(SOME_ID),
        "message_id": str(SOME_ID),
        "tool": "http_request",
        "status": "refused",
        "code": "TOOL_DESTINATION_FORBIDDEN",
        "period": "7d",
    }

    async with client.get("/api/tool-calls", params=query) as response:
        assert response.status == 200

    question = neighbours.question(LIST_TOOL_CALLS)
    asked = question.model_dump(mode="json", include=set(query))
    assert asked == {name: query[name] for name in query if name != "period"}
    assert (question.since, question.until) == (NOON - timedelta(days=7), None)


@pytest.mark.parametrize(
    ("query", "field"),
    [
        ("status=interrupted", "status"),
        ("tool=%00", "tool"),
        ("agent_id=ada", "agent_id"),
        ("message_id=1", "message_id"),
        ("from=today", "from"),
        ("model=gpt-5", "model"),
    ],
)
async def test_a_filter_that_is_none_is_named(
    client: ClientSession, query: str, field: str
) -> None:
    async with client.get(f"/api/tool-calls?{query}") as response:
        body = await response.json()

    assert response.status == 422
    assert [each["field"] for each in body["details"]["fields"]] == [field]


async def test_a_tool_call_is_shown(
    client: ClientSession, neighbours: Neighbours
) -> None:
    neighbours.answer(GET_TOOL_CALL, TOOL_CALL)

    async with client.get(ONE) as response:
        assert response.status == 200
        assert response.headers["ETag"]
        assert (await response.json())["tool"] == "http_request"

    assert neighbours.question(GET_TOOL_CALL).tool_call_id == SOME_ID


async def test_a_tool_call_of_another_organization_is_not_found(
    client: ClientSession, neighbours: Neighbours
) -> None:
    neighbours.answer(GET_TOOL_CALL, ToolCallNotFoundError("There is none."))

    async with client.get(ONE) as response:
        assert response.status == 404
        assert (await response.json())["error_code"] == "TOOL_CALL_NOT_FOUND"


async def test_a_malformed_id_is_not_found(client: ClientSession) -> None:
    async with client.get("/api/tool-calls/ada") as response:
        assert response.status == 404
        assert (await response.json())["error_code"] == "TOOL_CALL_NOT_FOUND"
