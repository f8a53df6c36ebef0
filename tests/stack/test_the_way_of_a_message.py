"""From a provider's key to an answer and its cost, in both runtimes."""

import asyncio
import json

import aiohttp
import pytest
from prometheus_client.parser import text_string_to_metric_families

from ag2trust.waiting import until
from ag2trust_sandbox import Sandbox, Step, Usage, fingerprint
from shared.contracts.base import Service

from .following import log_until
from .whole import Whole

pytestmark = [pytest.mark.stack, pytest.mark.asyncio(loop_scope="module")]


async def test_a_message_is_answered_counted_and_holds_its_provider(
    whole: Whole, sandbox: Sandbox, provider_key: str
) -> None:
    operator = whole.operator
    provider = await operator.made(
        "/api/providers",
        {
            "name": "openai",
            "type": "openai",
            "base_url": sandbox.base_url,
            "api_key": provider_key,
        },
    )
    agent_type = await operator.made(
        "/api/agent-types",
        {
            "name": "Helper",
            "slug": "helper",
            "provider_id": provider["id"],
            "model": "sandbox-echo",
            "system_prompt": "You are helpful.",
        },
    )
    agent = await operator.made(
        "/api/agents", {"name": "ada", "agent_type_id": agent_type["id"]}
    )
    path = f"/api/agents/{agent['id']}"
    assert agent["status"] == "stopped"
    await operator.made(f"{path}/start")
    await operator.until(path, status="running")

    answer = await operator.made(f"{path}/messages", {"content": "Hello?"})

    assert answer["status"] == "completed"
    assert answer["content"].endswith("You said: Hello?")
    stats = await operator.until(f"{path}/stats", calls=1, messages_processed=1)
    assert stats["total_tokens"] == answer["usage"]["total_tokens"] > 0
    assert stats["average_response_time_ms"] > 0
    assert stats["errors"] == 0
    refused = await operator.ask("DELETE", f"/api/providers/{provider['id']}")
    assert refused.status == 409
    assert refused.body["error_code"] == "PROVIDER_IN_USE"
    assert refused.body["details"]["agents"] == [{"id": agent["id"], "name": "ada"}]
    await operator.made(f"{path}/stop")
    await operator.until(path, status="stopped")
    deleted = await operator.ask("DELETE", f"/api/providers/{provider['id']}")
    assert deleted.status == 204
    assert await operator.all_of("/api/providers") == []


async def test_prometheus_is_told_of_those_whom_it_cannot_ask(whole: Whole) -> None:
    url = f"http://127.0.0.1:{whole.place.metrics_port}/metrics"

    async with aiohttp.ClientSession() as prometheus:
        await until(
            "exactly those two services",
            lambda: _told_of(prometheus, url),
            lambda told: told == {Service.AGENT_RUNNER, Service.CREDENTIALS},
        )


async def _told_of(prometheus: aiohttp.ClientSession, url: str) -> set[str]:
    """Return the services of which `GET /metrics` says how long they worked."""
    async with prometheus.get(url) as answer:
        text = await answer.text()
    return {
        sample.labels["service"]
        for family in text_string_to_metric_families(text)
        for sample in family.samples
        if sample.name == "ag2trust_process_cpu_seconds_total"
    }


async def test_a_log_is_followed_while_the_agent_writes_it(
    whole: Whole, sandbox: Sandbox, provider_key: str
) -> None:
    operator = whole.operator
    ids = await operator.running_agent(sandbox.base_url, provider_key, name="eve")
    agent = f"/api/agents/{ids['agent_id']}"
    reading = asyncio.create_task(log_until(operator, f"{agent}/logs", "completed"))
    before = await log_until(operator, f"{agent}/logs", "agent.started")

    said = await operator.made(f"{agent}/messages", {"content": "Hello?"})
    lines = await reading

    message = f"message_id={said['message_id']}"
    assert lines == [
        *before,
        f"message.taken {message}",
        f"message.completed {message}",
    ]


async def test_the_official_sdk_streams_through_the_proxy_and_the_call_is_listed(
    whole: Whole, sandbox: Sandbox, provider_key: str
) -> None:
    operator = whole.operator
    ids = await operator.running_agent(sandbox.base_url, provider_key, name="bob")
    sandbox.forget_requests()
    sandbox.play(
        Step(
            content=("Good ", "day."),
            pace_seconds=0.2,
            usage=Usage(prompt_tokens=7, completion_tokens=3),
        )
    )

    answer = await operator.made(
        f"/api/agents/{ids['agent_id']}/messages", {"content": "Hello?"}
    )

    assert answer["content"] == "Good day."
    [request] = sandbox.requests
    assert request.path == "/v1/chat/completions"
    assert request.headers["user-agent"].startswith("AsyncOpenAI/Python")
    assert request.headers["authorization"] == f"Bearer {fingerprint(provider_key)}"
    assert json.loads(request.body)["stream"] is True
    await operator.until(f"/api/agents/{ids['agent_id']}/stats", calls=1)
    listed = await operator.ask("GET", f"/api/calls?agent_id={ids['agent_id']}")
    [call] = listed.body["data"]
    assert call == (await operator.ask("GET", f"/api/calls/{call['call_id']}")).body
    assert call["status"] == "completed"
    assert call["is_streamed"] is True
    assert call["message_id"] == answer["message_id"]
    assert (call["usage"]["input_tokens"], call["usage"]["output_tokens"]) == (7, 3)
    waited_for_the_rest = call["duration_ms"] - call["time_to_first_token_ms"]
    assert waited_for_the_rest >= 400
