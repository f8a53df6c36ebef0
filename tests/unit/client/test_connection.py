"""Requests, tries and errors of the client, against a gateway that does as told."""

from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import pytest
from aiohttp import web

from ag2trust_client import (
    Client,
    ConflictError,
    FailedError,
    InvalidError,
    NotFoundError,
    RefusedError,
    UnauthenticatedError,
    UnavailableError,
    UnexpectedAnswerError,
    UnreachableError,
    every,
)
from ag2trust_client.models import AgentPatch, MessageSubmission, ProviderSubmission

from .gateway import Gateway, json_answer, refusal, serving
from .objects import AGENT_ID, AGENT_JSON, MESSAGE_JSON, PROVIDER_JSON, page_of

KEY = "cust_" + "k" * 40


async def breaks_off(request: web.Request) -> web.StreamResponse:
    assert request.transport is not None
    request.transport.abort()
    return web.Response()


async def test_a_request_carries_the_key_and_its_answer_is_typed() -> None:
    async with (
        serving(json_answer(AGENT_JSON)) as gateway,
        client_of(gateway) as client,
    ):
        agent = await client.get_agent(AGENT_ID)

    [asked] = gateway.asked
    assert (asked.method, asked.path) == ("GET", f"/api/agents/{AGENT_ID}")
    assert asked.headers["Authorization"] == f"Bearer {KEY}"
    assert (agent.id, agent.status) == (AGENT_ID, "running")


async def test_a_field_that_is_newer_than_the_client_is_kept() -> None:
    newer = AGENT_JSON | {"mood": "good"}
    async with serving(json_answer(newer)) as gateway, client_of(gateway) as client:
        agent = await client.get_agent(AGENT_ID)

    assert agent.model_dump()["mood"] == "good"


async def test_only_what_was_said_is_sent_and_secrets_only_there() -> None:
    body = ProviderSubmission(name="one", type="openai", api_key="sk-secret")
    async with (
        serving(json_answer(PROVIDER_JSON, 201)) as gateway,
        client_of(gateway) as client,
    ):
        await client.create_provider(body)

    assert gateway.asked[0].body == (
        '{"name":"one","type":"openai","api_key":"sk-secret"}'
    )
    assert "sk-secret" not in repr(body)


async def test_null_is_sent_where_it_was_said() -> None:
    async with (
        serving(json_answer(AGENT_JSON)) as gateway,
        client_of(gateway) as client,
    ):
        await client.update_agent(AGENT_ID, AgentPatch(name="eve"), if_match="3")

    [asked] = gateway.asked
    assert asked.body == '{"name":"eve"}'
    assert asked.headers["If-Match"] == '"3"'


async def test_a_list_is_read_page_by_page() -> None:
    first = page_of([AGENT_JSON], next_cursor="more")
    last = page_of([AGENT_JSON | {"name": "bob"}])
    async with (
        serving(json_answer(first), json_answer(last)) as gateway,
        client_of(gateway) as client,
    ):
        names = [each.name async for each in every(client.list_agents)]

    assert names == ["ada", "bob"]
    assert gateway.asked[1].query == [("limit", "200"), ("cursor", "more")]


async def test_times_are_asked_for_as_the_api_reads_them() -> None:
    since = datetime(2026, 1, 31, 9, 30, tzinfo=UTC)
    async with (
        serving(json_answer(page_of([]))) as gateway,
        client_of(gateway) as client,
    ):
        await client.list_calls(from_=since, model="m")

    assert gateway.asked[0].query == [
        ("from", "2026-01-31T09:30:00+00:00"),
        ("model", "m"),
    ]


@pytest.mark.parametrize(
    ("status", "kind"),
    [
        (401, UnauthenticatedError),
        (404, NotFoundError),
        (409, ConflictError),
        (422, InvalidError),
        (500, FailedError),
        (418, RefusedError),
    ],
)
async def test_a_refusal_is_an_error_of_its_kind(
    status: int, kind: type[RefusedError]
) -> None:
    answer = refusal(status, "SOME_CODE", fields=[{"field": "a", "message": "b"}])
    async with serving(answer) as gateway, client_of(gateway) as client:
        with pytest.raises(RefusedError) as raised:
            await client.get_agent(AGENT_ID)

    assert type(raised.value) is kind
    assert str(raised.value) == "It cannot be."
    assert (raised.value.code, raised.value.request_id) == ("SOME_CODE", "r-1")


async def test_an_answer_of_another_program_is_told_as_that() -> None:
    async def greets(_: web.Request) -> web.Response:
        return web.Response(text="<h1>Hello</h1>", content_type="text/html")

    async with serving(greets) as gateway, client_of(gateway) as client:
        with pytest.raises(UnexpectedAnswerError):
            await client.get_agent(AGENT_ID)


@pytest.mark.parametrize("status", [502, 503, 504])
async def test_a_proxy_that_does_not_reach_the_gateway_is_asked_again(
    status: int,
) -> None:
    async def apologizes(_: web.Request) -> web.Response:
        return web.Response(text="<h1>Bad</h1>", status=status)

    async with (
        serving(apologizes, json_answer(AGENT_JSON)) as gateway,
        client_of(gateway) as client,
    ):
        agent = await client.get_agent(AGENT_ID)

    assert agent.id == AGENT_ID


async def test_a_key_may_be_read_from_a_file_with_the_end_of_its_line() -> None:
    async with (
        serving(json_answer(AGENT_JSON)) as gateway,
        Client(gateway.url, f"{KEY}\n") as client,
    ):
        await client.get_agent(AGENT_ID)

    assert gateway.asked[0].headers["Authorization"] == f"Bearer {KEY}"


@pytest.mark.parametrize("url", ["127.0.0.1:8080", "localhost:8080", "ftp://there"])
async def test_what_is_no_address_of_the_web_is_told_as_that(url: str) -> None:
    async with Client(url, KEY) as client:
        with pytest.raises(UnreachableError) as raised:
            await client.update_agent(AGENT_ID, AgentPatch(name="eve"))

    assert str(raised.value) == f"{url} is no address of a gateway."


async def test_nobody_there_is_told_without_the_key() -> None:
    async with Client("http://127.0.0.1:9", KEY) as client:
        with pytest.raises(UnreachableError) as raised:
            await client.update_agent(AGENT_ID, AgentPatch(name="eve"))

    assert str(raised.value) == "Nobody answers at http://127.0.0.1:9."
    assert raised.value.__cause__ is None


async def test_a_post_that_breaks_off_is_sent_again_under_the_same_key() -> None:
    async with (
        serving(breaks_off, json_answer(PROVIDER_JSON, 201)) as gateway,
        client_of(gateway) as client,
    ):
        await client.create_provider(ProviderSubmission(name="one", type="openai"))

    first, second = gateway.asked
    assert first.headers["Idempotency-Key"] == second.headers["Idempotency-Key"]
    assert first.body == second.body


async def test_a_change_that_breaks_off_is_not_sent_again() -> None:
    async with serving(breaks_off) as gateway, client_of(gateway) as client:
        with pytest.raises(UnreachableError):
            await client.update_agent(AGENT_ID, AgentPatch(name="eve"))

    assert len(gateway.asked) == 1


async def test_who_is_busy_is_asked_again() -> None:
    busy = refusal(503, "SERVICE_UNAVAILABLE")
    async with (
        serving(busy, json_answer(AGENT_JSON)) as gateway,
        client_of(gateway) as client,
    ):
        agent = await client.get_agent(AGENT_ID)

    assert agent.name == "ada"


async def test_who_asks_for_more_patience_than_there_is_is_not_asked_again() -> None:
    later = {"error": "Later.", "error_code": "X", "details": {}, "request_id": ""}
    answer = json_answer(later, 503, **{"Retry-After": "120"})
    async with serving(answer) as gateway, client_of(gateway) as client:
        with pytest.raises(UnavailableError) as raised:
            await client.get_agent(AGENT_ID)

    assert raised.value.retry_after_seconds == 120
    assert len(gateway.asked) == 1


def client_of(gateway: Gateway) -> Client:
    return Client(gateway.url + "/", KEY)


async def test_a_message_is_waited_for() -> None:
    body = MessageSubmission(content="Hello?")
    async with (
        serving(json_answer(MESSAGE_JSON)) as gateway,
        client_of(gateway) as client,
    ):
        message = await client.ask("helper", body)

    assert gateway.asked[0].path == "/api/ask/helper"
    assert isinstance(message.message_id, UUID)
    assert message.content == "Good day."


def test_what_the_api_does_not_know_is_refused_before_it_is_sent() -> None:
    wrong: dict[str, Any] = {"name": "eve", "colour": "red"}

    with pytest.raises(ValueError, match="colour"):
        AgentPatch(**wrong)
