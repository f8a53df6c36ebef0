"""The same request with the same `Idempotency-Key` is done once."""

import asyncio
from typing import Any

import pytest
from aiohttp import ClientSession

from gateway.access.permissions import Role
from shared.bus import answer
from shared.contracts.agent_runner import CREATE_AGENT, Agent, CreateAgent
from shared.errors import UnavailableError
from shared.testing import FakeBus

from .conftest import Client
from .fakes import FakeApiKeys, Neighbours
from .objects import AGENT, ELSEWHERE, SOME_ID

AGENT_BODY: dict[str, Any] = {"name": "ada", "agent_type_id": str(SOME_ID)}
KEY = {"Idempotency-Key": "first-order-4711"}


def asked_ids(neighbours: Neighbours) -> list[object]:
    return [
        question.agent_id
        for _, question in neighbours.asked
        if isinstance(question, CreateAgent)
    ]


async def test_a_repeat_brings_the_answer_and_does_nothing(
    client: ClientSession, neighbours: Neighbours
) -> None:
    neighbours.answer(CREATE_AGENT, AGENT)

    async with client.post("/api/agents", json=AGENT_BODY, headers=KEY) as first:
        told = await first.json()
    async with client.post("/api/v1/agents", json=AGENT_BODY, headers=KEY) as second:
        reused = await second.json()
    async with client.post("/api/agents", json=AGENT_BODY, headers=KEY) as third:
        again = await third.json()

    assert (first.status, third.status) == (201, 201)
    assert again == told
    assert third.headers["Location"] == first.headers["Location"]
    assert third.headers["ETag"] == first.headers["ETag"]
    assert "Idempotency-Replayed" not in first.headers
    assert third.headers["Idempotency-Replayed"] == "true"
    assert reused == told
    assert len(neighbours.asked) == 1


async def test_without_a_key_each_request_makes_its_own(
    client: ClientSession, neighbours: Neighbours
) -> None:
    neighbours.answer(CREATE_AGENT, AGENT)

    for _ in range(2):
        async with client.post("/api/agents", json=AGENT_BODY) as response:
            assert response.status == 201

    assert len({*asked_ids(neighbours)}) == 2


async def test_what_failed_may_be_tried_again_and_makes_the_same_object(
    client: ClientSession, neighbours: Neighbours
) -> None:
    neighbours.answer(CREATE_AGENT, UnavailableError("Away."), AGENT)

    async with client.post("/api/agents", json=AGENT_BODY, headers=KEY) as failed:
        assert failed.status == 503
    async with client.post("/api/agents", json=AGENT_BODY, headers=KEY) as response:
        assert response.status == 201

    first, second = asked_ids(neighbours)
    assert first == second
    assert "Idempotency-Replayed" not in response.headers


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("/api/agents", {**AGENT_BODY, "name": "eve"}),
        ("/api/agents", {**AGENT_BODY, "start": False}),
    ],
)
async def test_a_key_of_another_request_is_refused(
    client: ClientSession, neighbours: Neighbours, path: str, body: dict[str, Any]
) -> None:
    neighbours.answer(CREATE_AGENT, AGENT)

    async with client.post("/api/agents", json=AGENT_BODY, headers=KEY):
        pass
    async with client.post(path, json=body, headers=KEY) as response:
        told = await response.json()

    assert response.status == 422
    assert told["error_code"] == "IDEMPOTENCY_KEY_REUSED"
    assert len(neighbours.asked) == 1


async def test_a_repeat_is_refused_while_the_first_is_answered(
    client: ClientSession, bus: FakeBus
) -> None:
    arrived, go_on = asyncio.Event(), asyncio.Event()

    async def create(_: CreateAgent) -> Agent:
        arrived.set()
        await go_on.wait()
        return AGENT

    async def post() -> int:
        async with client.post("/api/agents", json=AGENT_BODY, headers=KEY) as told:
            return told.status

    bus.serve(answer(CREATE_AGENT, create))
    async with asyncio.TaskGroup() as group:
        first = group.create_task(post())
        await arrived.wait()
        async with client.post("/api/agents", json=AGENT_BODY, headers=KEY) as told:
            second = await told.json()
        go_on.set()

    assert told.status == 409
    assert second["error_code"] == "REQUEST_IN_PROGRESS"
    assert first.result() == 201


async def test_a_repeat_brings_no_secret(client: ClientSession) -> None:
    async with client.post("/api/api-keys", json={"name": "CI"}, headers=KEY) as first:
        told = await first.json()
    async with client.post("/api/api-keys", json={"name": "CI"}, headers=KEY) as second:
        again = await second.json()

    assert second.status == 201
    assert told.pop("key").startswith("cust_")
    assert again == told


async def test_others_have_keys_of_their_own(
    client: ClientSession,
    stranger: Client,
    api_keys: FakeApiKeys,
    neighbours: Neighbours,
) -> None:
    neighbours.answer(CREATE_AGENT, AGENT)
    other = "cust_" + "e" * 40
    api_keys.give(other, Role.OWNER, org_id=ELSEWHERE)

    async with client.post("/api/agents", json=AGENT_BODY, headers=KEY):
        pass
    async with stranger.post(
        "/api/agents",
        json={**AGENT_BODY, "name": "eve"},
        headers={**KEY, "X-API-Key": other},
    ) as response:
        assert response.status == 201

    assert len({*asked_ids(neighbours)}) == 2


@pytest.mark.parametrize("key", ["", " ", "ü", "a b", "x" * 256])
async def test_what_cannot_be_a_key_is_named(client: ClientSession, key: str) -> None:
    headers = {"Idempotency-Key": key}

    async with client.post("/api/agents", json=AGENT_BODY, headers=headers) as response:
        told = await response.json()

    assert response.status == 422
    assert [each["field"] for each in told["details"]["fields"]] == ["Idempotency-Key"]


async def test_what_cannot_be_read_takes_no_key(
    client: ClientSession, neighbours: Neighbours
) -> None:
    neighbours.answer(CREATE_AGENT, AGENT)

    async with client.post("/api/agents", json={"name": 5}, headers=KEY) as refused:
        assert refused.status == 422
    async with client.post("/api/agents", json=AGENT_BODY, headers=KEY) as response:
        assert response.status == 201
