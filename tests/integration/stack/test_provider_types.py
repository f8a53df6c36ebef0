"""The default agent on each provider type, from the API to the provider and back."""

from typing import Any

import pytest

from ag2trust.operator import Operator
from ag2trust_sandbox import EXAMPLE_KEY_PAIR, Sandbox, Step

pytestmark = pytest.mark.integration

SONNET = "anthropic.claude-3-5-sonnet-20241022-v2:0"


def provider_of(kind: str, sandbox: Sandbox) -> dict[str, Any]:
    match kind:
        case "openai":
            return {"base_url": sandbox.base_url, "api_key": "sk-any-of-openai"}
        case "anthropic":
            return {
                "base_url": sandbox.anthropic_base_url,
                "api_key": "sk-ant-any-of-anthropic",
            }
        case _:
            return {
                "base_url": sandbox.bedrock_endpoint_url,
                "aws_region": "us-east-1",
                "aws_access_key_id": EXAMPLE_KEY_PAIR.access_key_id,
                "aws_secret_access_key": EXAMPLE_KEY_PAIR.secret_access_key,
            }


@pytest.mark.parametrize(
    ("kind", "model", "path"),
    [
        ("openai", "sandbox-echo", "/v1/chat/completions"),
        ("anthropic", "sandbox-echo", "/anthropic/v1/messages"),
        ("bedrock", SONNET, f"/bedrock/model/{SONNET}/converse-stream"),
    ],
)
async def test_an_agent_answers_in_the_format_of_its_provider(
    operator: Operator, sandbox: Sandbox, kind: str, model: str, path: str
) -> None:
    provider = await operator.made(
        "/api/providers", {"name": kind, "type": kind, **provider_of(kind, sandbox)}
    )
    agent_type = await operator.made(
        "/api/agent-types",
        {
            "name": kind,
            "slug": kind,
            "provider_id": provider["id"],
            "model": model,
            "system_prompt": "You are helpful.",
        },
    )
    agent = await operator.made(
        "/api/agents", {"name": kind, "agent_type_id": agent_type["id"], "start": True}
    )
    await operator.until(f"/api/agents/{agent['id']}", status="running")
    words = ("Good ", "day.")
    sandbox.play(Step(content=words))

    events = [
        event
        async for event in operator.streamed(f"/api/ask/{kind}", {"content": "Hi"})
    ]

    *deltas, (last, message) = events
    assert "".join(data["content"] for _, data in deltas) == "Good day."
    assert (last, message["content"]) == ("completed", "Good day.")
    assert message["usage"]["calls"] == 1
    assert message["usage"]["total_tokens"] > 0
    [request] = sandbox.requests
    assert request.path.replace("%3A", ":") == path
