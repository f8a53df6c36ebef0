import re
from typing import Any

import pytest
from aiohttp import ClientSession
from structlog.typing import EventDict

from shared.agent_tokens import hash_token
from shared.contracts.agent_runner import (
    AGENT_LOGS,
    CREATE_AGENT,
    DELETE_AGENT,
    GET_AGENT,
    LIST_AGENTS,
    REPLACE_TOKEN,
    RESTART_AGENT,
    START_AGENT,
    STOP_AGENT,
    UPDATE_AGENT,
    Agent,
    AgentLogs,
    AgentQuestion,
    AgentStatus,
    BaseUrls,
    DesiredState,
)
from shared.contracts.base import Empty, Endpoint, Page
from shared.errors import (
    AgentIsHostedError,
    AgentNotFoundError,
    ProviderGoneError,
    UnavailableError,
)

from .fakes import Neighbours
from .objects import AGENT, ORGANIZATION, SOME_ID

SUBMISSION: dict[str, Any] = {"name": "ada", "agent_type_id": str(SOME_ID)}
ONE = f"/api/agents/{SOME_ID}"
EXTERNAL = AGENT.model_copy(
    update={
        "status": AgentStatus.RUNNING,
        "is_external": True,
        "base_urls": BaseUrls(
            openai="https://agents.example/openai/v1",
            anthropic="https://agents.example/anthropic",
            bedrock="https://agents.example/bedrock",
        ),
    }
)
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


async def test_an_external_agent_is_made_with_a_token_that_only_its_hash_leaves(
    client: ClientSession, neighbours: Neighbours
) -> None:
    neighbours.answer(CREATE_AGENT, EXTERNAL)

    async with client.post("/api/agents", json=SUBMISSION) as response:
        body = await response.json()

    sent = neighbours.question(CREATE_AGENT)
    assert response.status == 201
    assert re.fullmatch("[A-Za-z0-9_]{40,}", body["agent_token"])
    assert body["base_urls"]["openai"] == "https://agents.example/openai/v1"
    assert sent.token_hash == hash_token(body["agent_token"])
    assert body["agent_token"] not in sent.model_dump_json()


async def test_the_token_of_an_external_agent_is_shown_once(
    client: ClientSession, neighbours: Neighbours
) -> None:
    neighbours.answer(CREATE_AGENT, EXTERNAL)
    neighbours.answer(GET_AGENT, EXTERNAL)
    headers = {"Idempotency-Key": "once-0001"}

    async with client.post("/api/agents", json=SUBMISSION, headers=headers) as first:
        shown = await first.json()
    async with client.post("/api/agents", json=SUBMISSION, headers=headers) as again:
        repeated = await again.json()
    async with client.get(ONE) as read:
        later = await read.json()

    assert "agent_token" in shown
    assert again.headers["Idempotency-Replayed"] == "true"
    assert repeated["id"] == shown["id"]
    assert "agent_token" not in repeated
    assert "agent_token" not in later


async def test_a_hosted_agent_is_made_without_a_token(
    client: ClientSession, neighbours: Neighbours
) -> None:
    neighbours.answer(CREATE_AGENT, AGENT)

    async with client.post("/api/agents", json=SUBMISSION) as response:
        body = await response.json()

    assert "agent_token" not in body
    assert body["base_urls"] is None


async def test_a_token_is_replaced_and_the_new_one_shown(
    client: ClientSession, neighbours: Neighbours
) -> None:
    neighbours.answer(REPLACE_TOKEN, EXTERNAL)

    async with client.post(f"{ONE}/token") as response:
        body = await response.json()

    assert response.status == 200
    assert set(body) == {"agent_token", "base_urls"}
    assert neighbours.question(REPLACE_TOKEN).token_hash == hash_token(
        body["agent_token"]
    )


async def test_a_token_is_revoked(
    client: ClientSession, neighbours: Neighbours
) -> None:
    neighbours.answer(REPLACE_TOKEN, EXTERNAL)

    async with client.delete(f"{ONE}/token") as response:
        pass

    assert response.status == 204
    assert neighbours.question(REPLACE_TOKEN).token_hash is None


async def test_a_hosted_agent_has_no_token_to_replace(
    client: ClientSession, neighbours: Neighbours
) -> None:
    neighbours.answer(REPLACE_TOKEN, AgentIsHostedError("It is hosted."))

    async with client.post(f"{ONE}/token") as response:
        body = await response.json()

    assert (response.status, body["error_code"]) == (409, "AGENT_IS_HOSTED")


async def test_an_agent_is_renamed_and_reassigned(
    client: ClientSession, neighbours: Neighbours
) -> None:
    neighbours.answer(UPDATE_AGENT, AGENT)
    changes = {"name": "bob", "agent_type_id": str(SOME_ID)}

    async with client.patch(ONE, json=changes, headers={"If-Match": '"3"'}) as answer:
        pass

    question = neighbours.question(UPDATE_AGENT)
    assert answer.status == 200
    assert (question.patch.name, question.patch.agent_type_id) == ("bob", SOME_ID)
    assert question.if_version == 3


@pytest.mark.parametrize("changes", [{"name": None}, {"runner": "x"}, {"name": ""}])
async def test_a_change_that_makes_no_sense_is_refused(
    client: ClientSession, neighbours: Neighbours, changes: dict[str, Any]
) -> None:
    async with client.patch(ONE, json=changes) as answer:
        body = await answer.json()

    assert (answer.status, body["error_code"]) == (422, "VALIDATION_FAILED")
    assert neighbours.asked == []
