"""A model that uses tools, from the question to the answer."""

import json
from collections.abc import AsyncIterator

import aiohttp
import pytest
from tests.unit.shared.foreign_site import Site, serving

from ag2trust.operator import Operator
from ag2trust.testing import Stack
from ag2trust.waiting import until
from ag2trust_sandbox import Sandbox, Step
from ag2trust_sandbox.script import ToolCall

from .four_services import OWNER_KEY, four_services

pytestmark = pytest.mark.integration


@pytest.fixture
async def site() -> AsyncIterator[Site]:
    async with serving() as site:
        yield site


@pytest.fixture
async def operator(stack: Stack) -> AsyncIterator[Operator]:
    """Somebody whose agents' tools may reach this machine."""
    async with (
        four_services(stack, of_runner={"allow_private_tool_hosts": True}) as url,
        aiohttp.ClientSession(url, headers={"X-API-Key": OWNER_KEY}) as session,
    ):
        yield Operator(session)


async def test_a_model_calls_a_tool_and_answers_with_what_it_gave(
    operator: Operator, sandbox: Sandbox, provider_key: str, site: Site
) -> None:
    site.bodies["/weather"] = b"Rain in Bern."
    hosts = [f"127.0.0.1:{site.port}"]
    await operator.running_agent(
        sandbox.base_url,
        provider_key,
        tools=["current_time", {"name": "http_request", "hosts": hosts}],
    )
    wanted = json.dumps({"url": site.url("/weather")})
    elsewhere = json.dumps({"url": "https://example.com/"})
    sandbox.play(
        Step(
            tool_calls=(
                ToolCall(name="http_request", arguments=wanted),
                ToolCall(name="http_request", arguments=elsewhere),
            )
        ),
        Step(content="It rains in Bern."),
    )

    answer = await operator.made("/api/ask/ada", {"content": "What is the weather?"})

    assert (answer["status"], answer["content"]) == ("completed", "It rains in Bern.")
    offered, told = (json.loads(each.body) for each in sandbox.requests)
    names = [each["function"]["name"] for each in offered["tools"]]
    assert names == ["current_time", "http_request"]
    given, refused = (
        each["content"] for each in told["messages"] if each["role"] == "tool"
    )
    assert json.loads(given)["body"] == "Rain in Bern."
    assert "none of the hosts" in refused
    assert [path for _, path, _, _ in site.asked] == ["/weather"]
    [listed] = await until(
        "a tool call counted", lambda: operator.all_of("/api/tool-calls")
    )
    assert (listed["tool"], listed["status"]) == ("http_request", "completed")
    assert listed["message_id"] == answer["message_id"]
    assert "weather" not in json.dumps(listed)


async def test_a_tool_that_cannot_be_is_refused_by_the_api(
    operator: Operator, sandbox: Sandbox, provider_key: str
) -> None:
    ids = await operator.running_agent(sandbox.base_url, provider_key)
    path = f"/api/agent-types/{ids['agent_type_id']}"

    without_hosts = await operator.ask("PATCH", path, {"tools": ["http_request"]})
    unknown = await operator.ask("PATCH", path, {"tools": ["shell"]})
    changed = await operator.ask("PATCH", path, {"tools": ["current_time"]})

    assert without_hosts.status == 422
    [field] = without_hosts.body["details"]["fields"]
    assert field["field"] == "tools.0.hosts"
    assert (unknown.status, unknown.body["error_code"]) == (422, "VALIDATION_FAILED")
    assert changed.body["tools"] == [{"name": "current_time"}]
    agent = await operator.ask("GET", f"/api/agents/{ids['agent_id']}")
    assert agent.body["restart_required"] is True
