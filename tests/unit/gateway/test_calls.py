from aiohttp import ClientSession

from shared.contracts.base import Page
from shared.contracts.metrics import GET_CALL, LIST_CALLS
from shared.errors import CallNotFoundError

from .fakes import Neighbours
from .objects import CALL, ORGANIZATION, SOME_ID


async def test_calls_are_listed(client: ClientSession, neighbours: Neighbours) -> None:
    neighbours.answer(LIST_CALLS, Page(data=[CALL], next_cursor="next"))

    async with client.get("/api/calls") as response:
        body = await response.json()

    assert [each["call_id"] for each in body["data"]] == [str(SOME_ID)]
    assert body["data"][0]["status"] == "completed"
    assert body["next_cursor"] == "next"
    question = neighbours.question(LIST_CALLS)
    assert question.org_id == ORGANIZATION
    assert question.agent_id is None


async def test_calls_of_one_agent_are_listed(
    client: ClientSession, neighbours: Neighbours
) -> None:
    neighbours.answer(LIST_CALLS, Page(data=[]))

    async with client.get(f"/api/calls?agent_id={SOME_ID}&limit=7") as response:
        assert await response.json() == {"data": [], "next_cursor": None}

    question = neighbours.question(LIST_CALLS)
    assert (question.agent_id, question.limit) == (SOME_ID, 7)


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
