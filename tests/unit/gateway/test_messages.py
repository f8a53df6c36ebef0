from typing import Any

import pytest
from aiohttp import ClientSession
from structlog.typing import EventDict

from shared.contracts.base import Explanation
from shared.contracts.conversations import (
    ASK_AGENT_TYPE,
    CANCEL_MESSAGE,
    GET_MESSAGE,
    MESSAGE_MAX_CHARACTERS,
    RETRY_MESSAGE,
    SUBMIT_MESSAGE,
    MessageStatus,
)
from shared.errors import (
    AgentNotRunningError,
    MessageFinalError,
    MessageNotFoundError,
)

from .fakes import Neighbours
from .objects import ORGANIZATION, SOME_ID, message

ONE = f"/api/agents/{SOME_ID}/messages"


async def test_a_message_is_answered(
    client: ClientSession, neighbours: Neighbours
) -> None:
    answered = message(MessageStatus.COMPLETED, content="Hello!")
    neighbours.answer(SUBMIT_MESSAGE, answered)

    async with client.post(ONE, json={"content": "Hi"}) as response:
        body = await response.json()

    assert response.status == 200
    assert body["message_id"] == str(answered.message_id)
    assert body["status"] == "completed"
    assert body["content"] == "Hello!"
    assert body["usage"]["calls"] == 0
    assert body["duration_ms"] == 10
    question = neighbours.question(SUBMIT_MESSAGE)
    assert question.agent_id == SOME_ID
    assert question.content == "Hi"
    assert question.thread_id is None
    assert question.org_id == ORGANIZATION


async def test_a_failure_of_the_agent_is_an_answer_with_its_explanation(
    client: ClientSession, neighbours: Neighbours
) -> None:
    explanation = Explanation(
        code="INVALID_CREDENTIALS",
        provider_error="invalid_api_key",
        message="The provider refused the key.",
        cause="The key was revoked.",
        fix="Replace the key.",
        retryable=False,
    )
    failed = message(MessageStatus.FAILED)
    neighbours.answer(
        SUBMIT_MESSAGE, failed.model_copy(update={"explanation": explanation})
    )

    async with client.post(ONE, json={"content": "Hi"}) as response:
        body = await response.json()

    assert response.status == 200
    assert body["status"] == "failed"
    assert body["explanation"] == explanation.model_dump()


async def test_a_message_nobody_waits_for_is_accepted_as_it_is(
    client: ClientSession, neighbours: Neighbours
) -> None:
    neighbours.answer(SUBMIT_MESSAGE, message(MessageStatus.QUEUED))
    body = {"content": "Hi", "wait": False, "thread_id": str(SOME_ID)}

    async with client.post(ONE, json=body) as response:
        told = await response.json()

    assert response.status == 202
    assert told["status"] == "queued"
    assert neighbours.question(SUBMIT_MESSAGE).thread_id == SOME_ID


async def test_the_longest_message_is_accepted(
    client: ClientSession, neighbours: Neighbours
) -> None:
    neighbours.answer(SUBMIT_MESSAGE, message(MessageStatus.COMPLETED))
    longest = "€" * MESSAGE_MAX_CHARACTERS

    async with client.post(ONE, json={"content": longest}) as response:
        assert response.status == 200

    assert neighbours.question(SUBMIT_MESSAGE).content == longest


async def test_a_longer_message_is_refused_and_its_limit_told(
    client: ClientSession, neighbours: Neighbours
) -> None:
    longer = "x" * (MESSAGE_MAX_CHARACTERS + 1)

    async with client.post(ONE, json={"content": longer}) as response:
        body = await response.json()

    assert response.status == 422
    assert body["error_code"] == "MESSAGE_TOO_LONG"
    assert body["details"] == {"max_characters": 10_000}
    assert not neighbours.asked


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({}, "content"),
        ({"content": ""}, "content"),
        ({"content": 5}, "content"),
        ({"content": "a\0b"}, "content"),
        ({"content": "Hi", "thread_id": "t"}, "thread_id"),
        ({"content": "Hi", "wait": "yes"}, "wait"),
        ({"content": "Hi", "timeout_seconds": 0}, "timeout_seconds"),
        ({"content": "Hi", "timeout_seconds": 601}, "timeout_seconds"),
        ({"content": "Hi", "timeout_seconds": "9"}, "timeout_seconds"),
        ({"content": "Hi", "colour": "red"}, "colour"),
    ],
)
async def test_a_message_with_a_wrong_field_is_refused(
    client: ClientSession, neighbours: Neighbours, body: dict[str, Any], field: str
) -> None:
    async with client.post(ONE, json=body) as response:
        told = await response.json()

    assert response.status == 422
    assert told["error_code"] == "VALIDATION_FAILED"
    assert [each["field"] for each in told["details"]["fields"]] == [field]
    assert not neighbours.asked


async def test_an_agent_that_does_not_run_takes_no_message(
    client: ClientSession, neighbours: Neighbours
) -> None:
    neighbours.answer(SUBMIT_MESSAGE, AgentNotRunningError("The agent is stopped."))

    async with client.post(ONE, json={"content": "Hi"}) as response:
        body = await response.json()

    assert response.status == 409
    assert body["error_code"] == "AGENT_NOT_RUNNING"
    assert neighbours.bus.hearers == []


async def test_a_message_is_shown(
    client: ClientSession, neighbours: Neighbours
) -> None:
    neighbours.answer(GET_MESSAGE, message(MessageStatus.RUNNING))

    async with client.get(f"/api/messages/{SOME_ID}") as response:
        assert (await response.json())["status"] == "running"

    assert neighbours.question(GET_MESSAGE).message_id == SOME_ID


async def test_a_message_of_another_organization_is_not_found(
    client: ClientSession, neighbours: Neighbours
) -> None:
    neighbours.answer(GET_MESSAGE, MessageNotFoundError("There is no such message."))

    async with client.get(f"/api/messages/{SOME_ID}") as response:
        assert response.status == 404
        assert (await response.json())["error_code"] == "MESSAGE_NOT_FOUND"


@pytest.mark.parametrize("path", ["/api/ask/support", "/api/v1/ask/support"])
async def test_an_agent_type_is_asked_by_its_slug(
    client: ClientSession, neighbours: Neighbours, path: str
) -> None:
    neighbours.answer(
        ASK_AGENT_TYPE, message(MessageStatus.COMPLETED, content="Hello!")
    )
    body = {"content": "Hi", "thread_id": str(SOME_ID)}

    async with client.post(path, json=body) as response:
        assert response.status == 200
        assert (await response.json())["content"] == "Hello!"

    question = neighbours.question(ASK_AGENT_TYPE)
    assert question.slug == "support"
    assert question.content == "Hi"
    assert question.thread_id == SOME_ID
    assert question.org_id == ORGANIZATION


async def test_a_type_that_nobody_runs_answers_nothing(
    client: ClientSession, neighbours: Neighbours
) -> None:
    neighbours.answer(ASK_AGENT_TYPE, AgentNotRunningError("Nobody runs."))

    async with client.post("/api/ask/support", json={"content": "Hi"}) as response:
        assert response.status == 409
        assert (await response.json())["error_code"] == "AGENT_NOT_RUNNING"


@pytest.mark.parametrize("slug", ["Support", "a%00b", "-", "a" * 64])
async def test_what_is_no_slug_names_no_agent_type(
    client: ClientSession, neighbours: Neighbours, slug: str
) -> None:
    async with client.post(f"/api/ask/{slug}", json={"content": "Hi"}) as response:
        assert response.status == 404
        assert (await response.json())["error_code"] == "AGENT_TYPE_NOT_FOUND"

    assert not neighbours.asked


async def test_a_message_is_cancelled(
    client: ClientSession, neighbours: Neighbours
) -> None:
    neighbours.answer(CANCEL_MESSAGE, message(MessageStatus.CANCELLED))

    async with client.post(f"/api/messages/{SOME_ID}/cancel") as response:
        assert response.status == 200
        assert (await response.json())["status"] == "cancelled"

    assert neighbours.question(CANCEL_MESSAGE).message_id == SOME_ID


async def test_a_message_is_sent_again(
    client: ClientSession, neighbours: Neighbours
) -> None:
    neighbours.answer(RETRY_MESSAGE, message(MessageStatus.QUEUED))

    async with client.post(f"/api/messages/{SOME_ID}/retry") as response:
        assert response.status == 202
        assert (await response.json())["status"] == "queued"

    assert neighbours.question(RETRY_MESSAGE).message_id == SOME_ID


@pytest.mark.parametrize("act", ["cancel", "retry"])
async def test_what_is_final_stays_so(
    client: ClientSession, neighbours: Neighbours, act: str
) -> None:
    for endpoint in (CANCEL_MESSAGE, RETRY_MESSAGE):
        neighbours.answer(endpoint, MessageFinalError("It is completed."))

    async with client.post(f"/api/messages/{SOME_ID}/{act}") as response:
        assert response.status == 409
        assert (await response.json())["error_code"] == "MESSAGE_FINAL"


async def test_no_content_of_a_message_is_logged(
    client: ClientSession, neighbours: Neighbours, logged: list[EventDict]
) -> None:
    neighbours.answer(
        SUBMIT_MESSAGE, message(MessageStatus.COMPLETED, content="an answer")
    )

    async with client.post(ONE, json={"content": "a question"}):
        pass

    assert [event["event"] for event in logged] == ["request.answered"]
    assert "a question" not in str(logged)
    assert "an answer" not in str(logged)
