"""What a caller gets wrong: one sentence, a stable code, the right status, no trace."""

import json
import re
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass, field
from io import BytesIO
from typing import Any
from uuid import UUID

import aiohttp
import pytest
import pytest_asyncio

from ag2trust_sandbox import Sandbox

from .recovering import everything
from .whole import OWNER_KEY, Whole

pytestmark = [pytest.mark.stack, pytest.mark.asyncio(loop_scope="module")]

SENTENCE = re.compile(r"[A-Z/][^\n]{5,300}[.]")
NOWHERE = str(UUID(int=4711, version=4))
KEYLESS = {"X-API-Key": ""}
PROVIDER = {
    "name": "second",
    "type": "openai",
    "base_url": "https://api.openai.com/v1",
    "api_key": "sk-second",
}
AGENT_TYPE = {"name": "second", "slug": "second", "provider_id": NOWHERE, "model": "m"}
DEEP = "[" * 100_000
HUGE = json.dumps({**PROVIDER, "name": "n" * 2_000_000})


@dataclass(frozen=True, slots=True)
class Case:
    """A request, and what it is refused with; `{…}` in *path* is an id of `things`."""

    method: str
    path: str
    status: int
    code: str
    body: object = None
    headers: Mapping[str, str] = field(default_factory=dict)
    wrong: str | None = None


def malformed(body: str | bytes) -> Case:
    return Case("POST", "/api/providers", 400, "MALFORMED_JSON", body)


def provider(wrong: str, **changes: object) -> Case:
    body = {**PROVIDER, **changes}
    return Case("POST", "/api/providers", 422, "VALIDATION_FAILED", body, wrong=wrong)


def agent_type(wrong: str, **changes: object) -> Case:
    body = {**AGENT_TYPE, **changes}
    path = "/api/agent-types"
    return Case("POST", path, 422, "VALIDATION_FAILED", body, wrong=wrong)


def message(wrong: str, **body: object) -> Case:
    path = "/api/agents/{agent}/messages"
    return Case("POST", path, 422, "VALIDATION_FAILED", body, wrong=wrong)


def query(wrong: str, path: str) -> Case:
    return Case("GET", path, 422, "VALIDATION_FAILED", wrong=wrong)


def nowhere(method: str, path: str, code: str) -> Case:
    return Case(method, path, 404, code)


CASES = [
    malformed(""),
    malformed("{"),
    malformed("{'name': 'x'}"),
    malformed('{"name": NaN}'),
    malformed(b'{"name": "\xff"}'),
    malformed(r'{"name": "\ud800"}'),
    malformed(DEEP),
    Case("POST", "/api/providers", 422, "VALIDATION_FAILED", "[]", wrong="body"),
    Case("POST", "/api/providers", 422, "VALIDATION_FAILED", "null", wrong="body"),
    Case("POST", "/api/providers", 413, "REQUEST_TOO_LARGE", HUGE),
    provider("name", name=None),
    provider("name", name=7),
    provider("name", name=""),
    provider("name", name="n" * 1000),
    provider("name", name="a\0b"),
    provider("type", type="cohere"),
    provider("api_key", api_key=["sk"]),
    provider("api_key", api_key="two words"),
    provider("labels", labels="none"),
    provider("surprise", surprise=True),
    Case(
        *("POST", "/api/providers", 422, "BASE_URL_FORBIDDEN"),
        {**PROVIDER, "base_url": "http://169.254.169.254/v1"},
        wrong="base_url",
    ),
    Case("POST", "/api/providers", 409, "NAME_TAKEN", {**PROVIDER, "name": "ada"}),
    agent_type("slug", slug="Not A Slug"),
    agent_type("provider_id", provider_id="none"),
    agent_type("temperature", temperature="hot"),
    agent_type("temperature", temperature=9),
    agent_type("max_tokens", max_tokens=10**30),
    agent_type("resources.cpus", resources={"cpus": -1}),
    Case("POST", "/api/agent-types", 404, "PROVIDER_NOT_FOUND", AGENT_TYPE),
    Case(
        *("POST", "/api/agents", 422, "VALIDATION_FAILED"),
        {"name": "second", "agent_type_id": "none"},
        wrong="agent_type_id",
    ),
    Case(
        *("POST", "/api/agents", 404, "AGENT_TYPE_NOT_FOUND"),
        {"name": "second", "agent_type_id": NOWHERE, "start": True},
    ),
    message("content"),
    message("content", content=""),
    message("content", content=["Hello"]),
    message("thread_id", content="Hello", thread_id="none"),
    message("timeout_seconds", content="Hello", timeout_seconds=-1),
    message("wait", content="Hello", wait="yes"),
    Case(
        *("POST", "/api/agents/{agent}/messages", 422, "MESSAGE_TOO_LONG"),
        {"content": "n" * 10_001},
    ),
    Case(
        *("POST", "/api/agents/{agent}/messages", 404, "THREAD_NOT_FOUND"),
        {"content": "Hello", "thread_id": NOWHERE},
    ),
    Case(
        *("POST", "/api/agents/{idle}/messages", 409, "AGENT_NOT_RUNNING"),
        {"content": "Hello"},
    ),
    Case(
        *("PATCH", "/api/providers/{provider}", 412, "PRECONDITION_FAILED"),
        {"use_case": "other"},
        {"If-Match": '"77"'},
    ),
    Case(
        *("PATCH", "/api/providers/{provider}", 422, "SECRET_REQUIRED"),
        {"base_url": "https://elsewhere.example/v1"},
        wrong="api_key",
    ),
    Case("DELETE", "/api/providers/{provider}", 409, "PROVIDER_IN_USE"),
    Case("DELETE", "/api/agent-types/{agent_type}", 409, "AGENT_TYPE_IN_USE"),
    *(
        Case("GET", "/api/providers", 401, "INVALID_API_KEY", headers=headers)
        for headers in (
            KEYLESS,
            {"X-API-Key": "cust_wrong"},
            {"X-API-Key": OWNER_KEY[:-1] + "9"},
            {"X-API-Key": OWNER_KEY + "\u00e9"},
            {**KEYLESS, "Authorization": f"Basic {OWNER_KEY}"},
        )
    ),
    Case("POST", "/api/providers", 401, "INVALID_API_KEY", HUGE, KEYLESS),
    Case("GET", "/api/nothing", 401, "INVALID_API_KEY", headers=KEYLESS),
    *(
        nowhere(method, f"/api/{kind}/{wrong_id}", code)
        for wrong_id in (NOWHERE, "none", "%00", "%ff", "'; DROP TABLE agent; --")
        for method, kind, code in (
            ("GET", "providers", "PROVIDER_NOT_FOUND"),
            ("DELETE", "providers", "PROVIDER_NOT_FOUND"),
            ("GET", "agent-types", "AGENT_TYPE_NOT_FOUND"),
            ("DELETE", "agents", "AGENT_NOT_FOUND"),
            ("GET", "messages", "MESSAGE_NOT_FOUND"),
            ("GET", "calls", "CALL_NOT_FOUND"),
        )
    ),
    *(
        nowhere(method, f"/api/agents/{NOWHERE}/{what}", "AGENT_NOT_FOUND")
        for method, what in (
            ("POST", "start"),
            ("POST", "stop"),
            ("GET", "logs"),
            ("GET", "stats"),
        )
    ),
    nowhere("GET", "/api/nothing", "NOT_FOUND"),
    nowhere("GET", "/nothing", "NOT_FOUND"),
    Case("PUT", "/api/providers", 405, "METHOD_NOT_ALLOWED"),
    Case("POST", "/api/agents/{agent}", 405, "METHOD_NOT_ALLOWED"),
    Case("DELETE", "/readyz", 405, "METHOD_NOT_ALLOWED"),
    query("limit", "/api/providers?limit=0"),
    query("limit", "/api/providers?limit=many"),
    query("limit", "/api/providers?limit=1&limit=2"),
    query("surprise", "/api/agents?surprise=1"),
    query("cursor", "/api/calls?cursor=%00"),
    query("agent_id", "/api/calls?agent_id=none"),
    query("period", "/api/agents/{agent}/stats?period=1y"),
]


@pytest.fixture(scope="module")
def runtime() -> str:
    return "process"


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def things(whole: Whole, sandbox: Sandbox) -> dict[str, str]:
    """Ids of what is there: a running agent, an idle one, and what they are made of."""
    ids = await whole.operator.running_agent(sandbox.base_url, "sk-any")
    idle = await whole.operator.made(
        "/api/agents", {"name": "idle", "agent_type_id": ids["agent_type_id"]}
    )
    return {
        "provider": ids["provider_id"],
        "agent_type": ids["agent_type_id"],
        "agent": ids["agent_id"],
        "idle": idle["id"],
    }


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def http(whole: Whole) -> AsyncIterator[aiohttp.ClientSession]:
    async with aiohttp.ClientSession(
        base_url=whole.place.gateway_url, headers={"X-API-Key": whole.key}
    ) as session:
        yield session


@pytest.mark.parametrize(
    "case", CASES, ids=lambda case: f"{case.method} {case.path[:60]} {case.code}"
)
async def test_a_mistake_is_refused_in_one_sentence_and_changes_nothing(
    whole: Whole, things: dict[str, str], http: aiohttp.ClientSession, case: Case
) -> None:
    before = await everything(whole.operator)

    status, headers, body = await _answered(http, case, things)

    assert (status, body["error_code"]) == (case.status, case.code)
    assert SENTENCE.fullmatch(body["error"])
    assert body["request_id"] == headers["X-Request-Id"]
    fields = [each["field"] for each in body["details"].get("fields", [])]
    assert fields == ([case.wrong] if case.wrong else [])
    assert await everything(whole.operator) == before


async def _answered(
    http: aiohttp.ClientSession, case: Case, things: Mapping[str, str]
) -> tuple[int, Mapping[str, str], dict[str, Any]]:
    as_written = case.body if isinstance(case.body, str | bytes) else None
    async with http.request(
        case.method,
        case.path.format_map(things),
        data=None if as_written is None else _stream(as_written),
        json=case.body if as_written is None else None,
        headers=case.headers,
    ) as response:
        return response.status, response.headers, await response.json()


def _stream(body: str | bytes) -> BytesIO:
    return BytesIO(body.encode() if isinstance(body, str) else body)
