"""Agents on each provider type, in containers of the real image.

As processes they are in `tests/integration/stack/test_provider_types.py`.
"""

from typing import Any

import pytest

from ag2trust_sandbox import EXAMPLE_KEY_PAIR, Sandbox

from .whole import Whole

pytestmark = [
    pytest.mark.docker,
    pytest.mark.stack,
    pytest.mark.timeout(300),
    pytest.mark.asyncio(loop_scope="module"),
]

SONNET = "anthropic.claude-3-5-sonnet-20241022-v2:0"


@pytest.fixture(scope="module", params=["docker"])
def runtime(request: pytest.FixtureRequest) -> str:
    chosen: str = request.param
    return chosen


def provider_of(kind: str, sandbox: Sandbox) -> dict[str, Any]:
    if kind == "anthropic":
        return {"base_url": sandbox.anthropic_base_url, "api_key": "sk-ant-0123456789"}
    return {
        "base_url": sandbox.bedrock_endpoint_url,
        "aws_region": "us-east-1",
        "aws_access_key_id": EXAMPLE_KEY_PAIR.access_key_id,
        "aws_secret_access_key": EXAMPLE_KEY_PAIR.secret_access_key,
    }


@pytest.mark.parametrize(
    ("kind", "path"),
    [
        ("anthropic", "/anthropic/v1/messages"),
        ("bedrock", f"/bedrock/model/{SONNET}/converse-stream"),
    ],
)
async def test_an_agent_answers_with_its_providers_own_client(
    whole: Whole, sandbox: Sandbox, kind: str, path: str
) -> None:
    operator = whole.operator
    provider = await operator.made(
        "/api/providers", {"name": kind, "type": kind, **provider_of(kind, sandbox)}
    )
    agent_type = await operator.made(
        "/api/agent-types",
        {
            "name": kind,
            "slug": kind,
            "provider_id": provider["id"],
            "model": SONNET,
            "temperature": 0.5,
        },
    )
    agent = await operator.made(
        "/api/agents", {"name": kind, "agent_type_id": agent_type["id"], "start": True}
    )
    await operator.until(f"/api/agents/{agent['id']}", status="running")

    answer = await operator.made(f"/api/ask/{kind}", {"content": "Hello?"})

    assert answer["status"] == "completed"
    assert answer["content"].endswith("You said: Hello?")
    request = sandbox.requests[-1]
    assert request.path.replace("%3A", ":") == path
    assert b"0.5" in request.body
