"""`ETag` and `If-Match`: nothing is changed or ended that has changed since."""

import pytest
from aiohttp import ClientSession

from gateway.access.permissions import Role
from shared.contracts.agent_runner import DELETE_AGENT, GET_AGENT
from shared.contracts.base import Empty
from shared.contracts.conversations import GET_MESSAGE, MessageStatus
from shared.errors import AgentNotFoundError

from .fakes import FakeApiKeys, Neighbours
from .objects import AGENT, SOME_ID, message

ONE = f"/api/agents/{SOME_ID}"


@pytest.mark.parametrize("etag", ['"5"', '"4", "5"', "*", "  *  "])
async def test_what_was_read_last_is_ended(
    client: ClientSession, neighbours: Neighbours, etag: str
) -> None:
    neighbours.answer(GET_AGENT, AGENT)
    neighbours.answer(DELETE_AGENT, Empty())

    async with client.delete(ONE, headers={"If-Match": etag}) as response:
        assert response.status == 204

    assert neighbours.subjects[-1] == DELETE_AGENT.subject


@pytest.mark.parametrize("etag", ['"4"', 'W/"5"', '"x"', '""'])
async def test_what_has_changed_since_is_not_ended(
    client: ClientSession, neighbours: Neighbours, etag: str
) -> None:
    neighbours.answer(GET_AGENT, AGENT)
    neighbours.answer(DELETE_AGENT, Empty())

    async with client.delete(ONE, headers={"If-Match": etag}) as response:
        body = await response.json()

    assert response.status == 412
    assert body["error_code"] == "PRECONDITION_FAILED"
    assert DELETE_AGENT.subject not in neighbours.subjects


@pytest.mark.parametrize("method", ["PATCH", "DELETE"])
@pytest.mark.parametrize("etag", ["5", "x", "", '"5'])
async def test_a_version_without_quotes_is_not_valid(
    client: ClientSession, neighbours: Neighbours, method: str, etag: str
) -> None:
    headers = {"If-Match": etag}

    async with client.request(method, ONE, json={}, headers=headers) as response:
        body = await response.json()

    assert response.status == 422
    assert body["details"]["fields"] == [
        {"field": "If-Match", "message": 'must be a version in quotes, as "1"'}
    ]
    assert not neighbours.asked


async def test_what_is_gone_is_not_found_whatever_was_read(
    client: ClientSession, neighbours: Neighbours
) -> None:
    neighbours.answer(GET_AGENT, AgentNotFoundError("There is no such agent."))

    async with client.delete(ONE, headers={"If-Match": '"5"'}) as response:
        assert response.status == 404


async def test_without_a_version_an_object_has_a_tag_of_what_it_says(
    client: ClientSession, neighbours: Neighbours
) -> None:
    running = message(MessageStatus.RUNNING, message_id=SOME_ID)
    done = running.model_copy(update={"status": MessageStatus.COMPLETED})
    neighbours.answer(GET_MESSAGE, running, running, done)
    tags = []

    for _ in range(3):
        async with client.get(f"/api/messages/{SOME_ID}") as response:
            tags.append(response.headers["ETag"])

    assert tags[0] == tags[1]
    assert tags[1] != tags[2]


async def test_a_key_is_revoked_as_it_was_read(
    client: ClientSession, api_keys: FakeApiKeys
) -> None:
    record = api_keys.give("cust_" + "k" * 40, Role.VIEWER)
    path = f"/api/api-keys/{record.id}"
    async with client.get(path) as response:
        etag = response.headers["ETag"]

    async with client.delete(path, headers={"If-Match": '"another"'}) as refused:
        assert refused.status == 412
    async with client.delete(path, headers={"If-Match": etag}) as revoked:
        assert revoked.status == 204
