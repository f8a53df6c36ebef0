"""What the gateway says to requests that make no sense, whatever they are about."""

import gzip
import io
import json
from typing import Any

import pytest
from aiohttp import ClientSession
from structlog.typing import EventDict
from yarl import URL

from shared.contracts.agent_runner import GET_AGENT, LIST_AGENTS
from shared.contracts.base import Page

from .fakes import Neighbours
from .objects import SOME_ID

PROVIDER: dict[str, Any] = {"name": "one", "type": "openai", "api_key": "sk-1"}
BEDROCK: dict[str, Any] = {"name": "one", "type": "bedrock"}
AGENT_TYPE: dict[str, Any] = {
    "name": "one",
    "slug": "one",
    "provider_id": str(SOME_ID),
    "model": "gpt-4o-mini",
}
AGENT: dict[str, Any] = {"name": "one", "agent_type_id": str(SOME_ID)}
API_KEY: dict[str, Any] = {"name": "one"}

TAKE_A_BODY = [
    ("POST", "/api/providers"),
    ("PATCH", f"/api/providers/{SOME_ID}"),
    ("POST", "/api/agent-types"),
    ("PATCH", f"/api/agent-types/{SOME_ID}"),
    ("POST", "/api/agents"),
    ("POST", f"/api/agents/{SOME_ID}/messages"),
    ("POST", "/api/api-keys"),
    ("POST", "/api/users"),
    ("PATCH", f"/api/users/{SOME_ID}"),
    ("POST", "/api/users/me/password"),
    ("POST", "/api/sessions"),
    ("POST", "/api/invitations/inspect"),
    ("POST", "/api/invitations/accept"),
    ("PATCH", "/api/organization"),
]

NOT_JSON = {
    "empty": b"",
    "cut off": b'{"name": "one"',
    "a form": b"name=one&type=openai",
    "a comma too much": b'{"name": "one",}',
    "not a number": b'{"name": NaN}',
    "not UTF-8": b'{"name": "\xff"}',
    "half a character": b'{"name": "\\ud800"}',
    "UTF-16": '{"name": "one"}'.encode("utf-16"),
    "too deep": b"[" * 100_000,
}


@pytest.mark.parametrize(("method", "path"), TAKE_A_BODY)
@pytest.mark.parametrize("body", NOT_JSON.values(), ids=NOT_JSON)
async def test_what_is_not_json_is_malformed(
    client: ClientSession, neighbours: Neighbours, method: str, path: str, body: bytes
) -> None:
    async with client.request(method, path, data=body) as response:
        told = await response.json()

    assert response.status == 400
    assert told["error_code"] == "MALFORMED_JSON"
    assert told["error"] == "The body is not valid JSON."
    assert told["details"] == {}
    assert told["request_id"] == response.headers["X-Request-Id"]
    assert not neighbours.asked


@pytest.mark.parametrize(("method", "path"), TAKE_A_BODY)
@pytest.mark.parametrize("body", ["[]", "null", '"one"', "5"])
async def test_json_that_is_no_object_is_invalid(
    client: ClientSession, method: str, path: str, body: str
) -> None:
    async with client.request(method, path, data=body) as response:
        told = await response.json()

    assert response.status == 422
    assert told["error_code"] == "VALIDATION_FAILED"
    assert told["details"]["fields"] == [
        {"field": "body", "message": "must be an object"}
    ]


@pytest.mark.parametrize(
    ("path", "body", "field"),
    [
        ("/api/providers", {**PROVIDER, "colour": "red"}, "colour"),
        ("/api/providers", {**PROVIDER, "name": ""}, "name"),
        ("/api/providers", {**PROVIDER, "name": "  "}, "name"),
        ("/api/providers", {**PROVIDER, "name": "x" * 101}, "name"),
        ("/api/providers", {**PROVIDER, "name": "a\0b"}, "name"),
        ("/api/providers", {**PROVIDER, "name": 5}, "name"),
        ("/api/providers", {**PROVIDER, "type": "unknown"}, "type"),
        ("/api/providers", {**PROVIDER, "api_key": 5}, "api_key"),
        ("/api/providers", {**PROVIDER, "aws_region": "us-east-1"}, "aws_region"),
        (
            "/api/providers",
            {**BEDROCK, "aws_session_expires_at": "2026-01-01T12:00:00"},
            "aws_session_expires_at",
        ),
        ("/api/providers", {**PROVIDER, "enabled": "yes"}, "enabled"),
        ("/api/providers", {**PROVIDER, "name": "a\x1b[31mb"}, "name"),
        ("/api/providers", {**PROVIDER, "name": "a\nb"}, "name"),
        ("/api/agent-types", {**AGENT_TYPE, "name": "a\u202eb"}, "name"),
        ("/api/api-keys", {**API_KEY, "name": "a\x9bb"}, "name"),
        ("/api/providers", {**PROVIDER, "labels": []}, "labels"),
        ("/api/providers", {**PROVIDER, "labels": {"1": "x"}}, "labels.1.[key]"),
        ("/api/providers", {**PROVIDER, "labels": {"a": "\0"}}, "labels.a"),
        (
            "/api/providers",
            {**PROVIDER, "limits": {"concurrent": "5"}},
            "limits.concurrent",
        ),
        (
            "/api/providers",
            {**PROVIDER, "limits": {"concurrent": 10**30}},
            "limits.concurrent",
        ),
        ("/api/providers", {"name": "one", "api_key": "sk-1"}, "type"),
        ("/api/agent-types", {**AGENT_TYPE, "colour": "red"}, "colour"),
        ("/api/agent-types", {**AGENT_TYPE, "slug": "No Slug"}, "slug"),
        ("/api/agent-types", {**AGENT_TYPE, "provider_id": "p"}, "provider_id"),
        ("/api/agent-types", {**AGENT_TYPE, "temperature": "1"}, "temperature"),
        ("/api/agent-types", {**AGENT_TYPE, "temperature": 2.1}, "temperature"),
        ("/api/agent-types", {**AGENT_TYPE, "max_tokens": 10**12}, "max_tokens"),
        (
            "/api/agent-types",
            {**AGENT_TYPE, "resources": {"gpus": 1}},
            "resources.gpus",
        ),
        ("/api/agents", {**AGENT, "colour": "red"}, "colour"),
        ("/api/agents", {**AGENT, "agent_type_id": 7}, "agent_type_id"),
        ("/api/agents", {**AGENT, "start": 1}, "start"),
        ("/api/agents", {"name": "one"}, "agent_type_id"),
        ("/api/api-keys", {**API_KEY, "role": "emperor"}, "role"),
        ("/api/api-keys", {**API_KEY, "key": "mine"}, "key"),
        ("/api/api-keys", {**API_KEY, "scopes": []}, "scopes"),
        ("/api/api-keys", {**API_KEY, "scopes": ["all"]}, "scopes.0"),
        (
            "/api/api-keys",
            {**API_KEY, "expires_at": "2025-12-31T00:00:00Z"},
            "expires_at",
        ),
        (
            "/api/api-keys",
            {**API_KEY, "expires_at": "9999-12-31T23:59:59-14:00"},
            "expires_at",
        ),
        (
            f"/api/alerts/{SOME_ID}/silence",
            {"until": "9999-12-31T23:59:59-14:00"},
            "until",
        ),
        ("/api/users", {"email": "nobody"}, "email"),
        ("/api/users", {"email": "a@b", "role": "king"}, "role"),
        ("/api/sessions", {"email": "a@b", "password": ""}, "password"),
        (
            "/api/invitations/accept",
            {"token": "t", "password": "too short"},
            "password",
        ),
    ],
)
async def test_a_wrong_field_is_named(
    client: ClientSession,
    neighbours: Neighbours,
    path: str,
    body: dict[str, Any],
    field: str,
) -> None:
    async with client.post(path, json=body) as response:
        told = await response.json()

    assert response.status == 422
    assert told["error_code"] == "VALIDATION_FAILED"
    assert [each["field"] for each in told["details"]["fields"]] == [field]
    assert "<" not in str(told["details"])
    assert not neighbours.asked


@pytest.mark.parametrize(
    ("path", "body", "field"),
    [
        (f"/api/providers/{SOME_ID}", {"type": "openai"}, "type"),
        (f"/api/providers/{SOME_ID}", {"name": None}, "name"),
        (f"/api/providers/{SOME_ID}", {"enabled": None}, "enabled"),
        (f"/api/agent-types/{SOME_ID}", {"version": 2}, "version"),
        (f"/api/agent-types/{SOME_ID}", {"model": None}, "model"),
    ],
)
async def test_a_change_that_cannot_be_is_named(
    client: ClientSession, path: str, body: dict[str, Any], field: str
) -> None:
    async with client.patch(path, json=body) as response:
        told = await response.json()

    assert response.status == 422
    assert [each["field"] for each in told["details"]["fields"]] == [field]


@pytest.mark.parametrize(
    ("method", "path", "code"),
    [
        ("GET", "/api/providers/{}", "PROVIDER_NOT_FOUND"),
        ("PATCH", "/api/providers/{}", "PROVIDER_NOT_FOUND"),
        ("DELETE", "/api/providers/{}", "PROVIDER_NOT_FOUND"),
        ("GET", "/api/providers/{}/iam-policy", "PROVIDER_NOT_FOUND"),
        ("GET", "/api/agent-types/{}", "AGENT_TYPE_NOT_FOUND"),
        ("PATCH", "/api/agent-types/{}", "AGENT_TYPE_NOT_FOUND"),
        ("DELETE", "/api/agent-types/{}", "AGENT_TYPE_NOT_FOUND"),
        ("GET", "/api/agents/{}", "AGENT_NOT_FOUND"),
        ("DELETE", "/api/agents/{}", "AGENT_NOT_FOUND"),
        ("POST", "/api/agents/{}/start", "AGENT_NOT_FOUND"),
        ("POST", "/api/agents/{}/stop", "AGENT_NOT_FOUND"),
        ("POST", "/api/agents/{}/restart", "AGENT_NOT_FOUND"),
        ("POST", "/api/agents/{}/messages", "AGENT_NOT_FOUND"),
        ("GET", "/api/agents/{}/stats", "AGENT_NOT_FOUND"),
        ("GET", "/api/agents/{}/logs", "AGENT_NOT_FOUND"),
        ("GET", "/api/messages/{}", "MESSAGE_NOT_FOUND"),
        ("GET", "/api/calls/{}", "CALL_NOT_FOUND"),
        ("GET", "/api/api-keys/{}", "API_KEY_NOT_FOUND"),
        ("DELETE", "/api/api-keys/{}", "API_KEY_NOT_FOUND"),
        ("GET", "/api/users/{}", "USER_NOT_FOUND"),
        ("PATCH", "/api/users/{}", "USER_NOT_FOUND"),
        ("DELETE", "/api/users/{}", "USER_NOT_FOUND"),
        ("POST", "/api/users/{}/invite", "USER_NOT_FOUND"),
        ("GET", "/api/sessions/{}", "SESSION_NOT_FOUND"),
        ("DELETE", "/api/sessions/{}", "SESSION_NOT_FOUND"),
    ],
)
@pytest.mark.parametrize(
    "malformed", ["7", "%00", "%2e%2e", SOME_ID.hex, f"urn:uuid:{SOME_ID}", "ü"]
)
async def test_what_is_no_id_names_nothing(
    client: ClientSession, method: str, path: str, code: str, malformed: str
) -> None:
    url = URL(path.format(malformed), encoded=malformed.isascii())

    async with client.request(method, url, json={}) as response:
        told = await response.json()

    assert response.status == 404
    assert told["error_code"] == code


@pytest.mark.parametrize(
    ("query", "field"),
    [
        ("limit=0", "limit"),
        ("limit=201", "limit"),
        ("limit=-1", "limit"),
        ("limit=many", "limit"),
        ("limit=", "limit"),
        ("cursor=", "cursor"),
        (f"cursor={'x' * 201}", "cursor"),
        ("limit=1&limit=2", "limit"),
        ("colour=red", "colour"),
    ],
)
@pytest.mark.parametrize(
    "noun", ["providers", "agent-types", "agents", "calls", "api-keys"]
)
async def test_a_wrong_parameter_is_named(
    client: ClientSession, neighbours: Neighbours, noun: str, query: str, field: str
) -> None:
    async with client.get(f"/api/{noun}?{query}") as response:
        told = await response.json()

    assert response.status == 422
    assert told["error_code"] == "VALIDATION_FAILED"
    assert [each["field"] for each in told["details"]["fields"]] == [field]
    assert not neighbours.asked


@pytest.mark.parametrize(
    ("path", "field"),
    [
        ("/api/calls?agent_id=7", "agent_id"),
        (f"/api/agents/{SOME_ID}/stats?period=1y", "period"),
        (f"/api/agents/{SOME_ID}/stats?days=0", "days"),
        (f"/api/agents/{SOME_ID}/stats?from=monday", "from"),
        (f"/api/agents/{SOME_ID}/stats?period=7d&days=7", "days"),
        (f"/api/agents/{SOME_ID}/stats?to=2026-01-01T00:00:00", "to"),
        ("/api/calls?from=0001-01-01T00:00:00%2B14:00", "from"),
    ],
)
async def test_a_parameter_of_one_route_is_named(
    client: ClientSession, path: str, field: str
) -> None:
    async with client.get(path) as response:
        told = await response.json()

    assert response.status == 422
    assert [each["field"] for each in told["details"]["fields"]] == [field]


async def test_a_huge_body_is_refused(client: ClientSession) -> None:
    body = io.BytesIO(json.dumps({**PROVIDER, "name": "x" * 1024**2}).encode())

    async with client.post("/api/providers", data=body) as response:
        assert response.status == 413
        assert (await response.json())["error_code"] == "REQUEST_TOO_LARGE"


async def test_a_body_that_becomes_huge_is_refused(client: ClientSession) -> None:
    body = gzip.compress(b" " * 50 * 1024**2)
    headers = {"Content-Encoding": "gzip"}

    async with client.post("/api/providers", data=body, headers=headers) as response:
        assert response.status == 413


async def test_a_body_that_does_not_unpack_is_malformed(client: ClientSession) -> None:
    headers = {"Content-Encoding": "gzip"}

    async with client.post(
        "/api/providers", data=b"not packed", headers=headers
    ) as response:
        assert response.status == 400
        assert (await response.json())["error_code"] == "MALFORMED_REQUEST"


@pytest.mark.parametrize(
    ("method", "path", "allowed"),
    [
        ("PUT", "/api/providers", "GET,HEAD,POST"),
        ("DELETE", "/api/agents", "GET,HEAD,POST"),
        ("POST", f"/api/providers/{SOME_ID}", "DELETE,GET,HEAD,PATCH"),
        ("PUT", f"/api/agents/{SOME_ID}", "DELETE,GET,HEAD,PATCH"),
        ("GET", f"/api/agents/{SOME_ID}/start", "POST"),
        ("POST", "/healthz", "GET,HEAD"),
    ],
)
async def test_a_wrong_method_is_told_the_right_ones(
    client: ClientSession, method: str, path: str, allowed: str
) -> None:
    async with client.request(method, path) as response:
        told = await response.json()

    assert response.status == 405
    assert response.headers["Allow"] == allowed
    assert told["error_code"] == "METHOD_NOT_ALLOWED"
    assert told["request_id"] == response.headers["X-Request-Id"]


@pytest.mark.parametrize(
    "path",
    ["/", "/api", "/api/nothing", "/api/v2/agents", "/api/agents/", "/apiagents"],
)
async def test_there_is_nothing_at_an_unknown_path(
    client: ClientSession, path: str
) -> None:
    async with client.get(path) as response:
        assert response.status == 404
        assert (await response.json())["error_code"] == "NOT_FOUND"


async def test_both_prefixes_lead_to_the_same(
    client: ClientSession, neighbours: Neighbours
) -> None:
    neighbours.answer(LIST_AGENTS, Page(data=[]))

    async with client.get("/api/agents") as one:
        pass
    async with client.get("/api/v1/agents") as other:
        pass

    assert (one.status, other.status) == (200, 200)
    assert neighbours.subjects == [LIST_AGENTS.subject] * 2


async def test_a_request_keeps_the_id_it_came_with(
    client: ClientSession, logged: list[EventDict]
) -> None:
    headers = {"X-Request-Id": "request-42"}

    async with client.get(f"/api/agents/{SOME_ID}", headers=headers) as response:
        assert response.headers["X-Request-Id"] == "request-42"

    assert [event["request_id"] for event in logged] == ["request-42"]


@pytest.mark.parametrize("path", ["/healthz", "/api/agents", "/nothing"])
async def test_no_answer_names_the_software_that_gave_it(
    client: ClientSession, path: str
) -> None:
    async with client.get(path) as response:
        assert "Server" not in response.headers


async def test_a_bug_is_told_as_one_and_logged_in_full(
    client: ClientSession, neighbours: Neighbours, logged: list[EventDict]
) -> None:
    neighbours.answer(GET_AGENT, RuntimeError("a bug"))

    async with client.get(f"/api/agents/{SOME_ID}") as response:
        told = await response.json()

    assert response.status == 500
    assert told["error_code"] == "INTERNAL_ERROR"
    assert "bug" not in told["error"]
    assert [event["event"] for event in logged] == [
        "http.handler_failed",
        "request.answered",
    ]
