from typing import Any

import pytest
from aiohttp import ClientSession
from structlog.typing import EventDict

from shared.contracts.agent_runner import (
    AGENT_LOGS,
    CREATE_AGENT,
    DELETE_AGENT,
    GET_AGENT,
    LIST_AGENTS,
    RESTART_AGENT,
    START_AGENT,
    STOP_AGENT,
    Agent,
    AgentLogs,
    AgentQuestion,
    AgentStatus,
    DesiredState,
)
from shared.contracts.base import Empty, Endpoint, Page
from shared.errors import AgentNotFoundError, ProviderGoneError, UnavailableError

from .fakes import Neighbours
from .objects import AGENT, ORGANIZATION, SOME_ID

SUBMISSION: dict[str, Any] = {"name": "ada", "agent_type_id": str(SOME_ID)}
ONE = f"/api/agents/{SOME_ID}"
STARTING = AGENT.model_copy(
    update={"status": AgentStatus.STARTING, "desired_state": DesiredState.RUNNING}
)


async def test_an_agent_is_created_stopped(
    client: ClientSession, neighbours: Neighbours
) -> None:
    neighbours.answer(CREATE_AGENT, AGENT)

    async with client.post("/api/agents", json=SUBMISSION) as response:
        body = await response.json()

    assert response.status == 201
    assert response.headers["Location"] == f"/api/agents/{SOME_ID}"
    assert body["status"] == "stopped"
    assert neighbours.subjects == [CREATE_AGENT.subject]
    assert neighbours.question(CREATE_AGENT).org_id == ORGANIZATION


async def test_an_agent_is_started_at_once_if_wanted(
    client: ClientSession, neighbours: Neighbours
) -> None:
    neighbours.answer(CREATE_AGENT, AGENT)
    neighbours.answer(START_AGENT, STARTING)

    async with client.post("/api/agents", json={**SUBMISSION, "start": True}) as answer:
        body = await answer.json()

    assert answer.status == 201
    assert body["status"] == "starting"
    created = neighbours.question(CREATE_AGENT)
    assert neighbours.question(START_AGENT).agent_id == created.agent_id


async def test_an_agent_that_cannot_start_at_once_is_not_left_behind(
    client: ClientSession, neighbours: Neighbours
) -> None:
    neighbours.answer(CREATE_AGENT, AGENT)
    neighbours.answer(START_AGENT, ProviderGoneError("The provider is gone."))
    neighbours.answer(DELETE_AGENT, Empty())

    async with client.post("/api/agents", json={**SUBMISSION, "start": True}) as answer:
        body = await answer.json()

    assert answer.status == 409
    assert body["error_code"] == "PROVIDER_NOT_FOUND"
    created = neighbours.question(CREATE_AGENT)
    assert neighbours.question(DELETE_AGENT).agent_id == created.agent_id


async def test_an_agent_that_cannot_be_removed_again_is_named_in_the_log(
    client: ClientSession, neighbours: Neighbours, logged: list[EventDict]
) -> None:
    neighbours.answer(CREATE_AGENT, AGENT)
    neighbours.answer(START_AGENT, ProviderGoneError("The provider is gone."))
    neighbours.answer(DELETE_AGENT, UnavailableError("The runner is away."))

    async with client.post("/api/agents", json={**SUBMISSION, "start": True}) as answer:
        assert answer.status == 409

    created = neighbours.question(CREATE_AGENT)
    [left] = [event for event in logged if event["event"] == "agent.left_behind"]
    assert left["agent"] == str(created.agent_id)


async def test_agents_are_listed(client: ClientSession, neighbours: Neighbours) -> None:
    neighbours.answer(LIST_AGENTS, Page(data=[AGENT]))

    async with client.get("/api/agents?limit=200") as response:
        body = await response.json()

    assert [each["name"] for each in body["data"]] == ["ada"]
    assert neighbours.question(LIST_AGENTS).limit == 200


async def test_an_agent_is_shown(client: ClientSession, neighbours: Neighbours) -> None:
    neighbours.answer(GET_AGENT, AGENT)

    async with client.get(ONE) as response:
        assert response.headers["ETag"] == '"5"'
        assert (await response.json())["name"] == "ada"


async def test_an_agent_is_deleted(
    client: ClientSession, neighbours: Neighbours
) -> None:
    neighbours.answer(DELETE_AGENT, Empty())

    async with client.delete(ONE) as response:
        assert response.status == 204

    assert neighbours.question(DELETE_AGENT).agent_id == SOME_ID


@pytest.mark.parametrize(
    ("verb", "endpoint"),
    [("start", START_AGENT), ("stop", STOP_AGENT), ("restart", RESTART_AGENT)],
)
async def test_an_agent_is_told_what_to_do(
    client: ClientSession,
    neighbours: Neighbours,
    verb: str,
    endpoint: Endpoint[AgentQuestion, Agent],
) -> None:
    neighbours.answer(endpoint, STARTING)

    async with client.post(f"{ONE}/{verb}") as response:
        body = await response.json()

    assert response.status == 202
    assert body["desired_state"] == "running"
    assert neighbours.question(endpoint).agent_id == SOME_ID


async def test_the_last_lines_of_an_agent_are_shown(
    client: ClientSession, neighbours: Neighbours
) -> None:
    neighbours.answer(AGENT_LOGS, AgentLogs(lines=["hello"]))

    async with client.get(f"{ONE}/logs") as response:
        assert await response.json() == {"lines": ["hello"]}


async def test_an_agent_of_another_organization_is_not_found(
    client: ClientSession, neighbours: Neighbours
) -> None:
    neighbours.answer(START_AGENT, AgentNotFoundError("There is no such agent."))

    async with client.post(f"{ONE}/start") as response:
        body = await response.json()

    assert response.status == 404
    assert body["error_code"] == "AGENT_NOT_FOUND"


async def test_a_runner_that_is_away_is_unavailable_for_now(
    client: ClientSession,
) -> None:
    async with client.get(ONE) as response:
        body = await response.json()

    assert response.status == 503
    assert body["error_code"] == "SERVICE_UNAVAILABLE"
    assert int(response.headers["Retry-After"]) >= 1
