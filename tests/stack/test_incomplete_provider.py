"""An agent of an incomplete provider acknowledges, and works once it is completed."""

import pytest

from ag2trust_sandbox import Sandbox

from .whole import Whole

pytestmark = [pytest.mark.stack, pytest.mark.asyncio(loop_scope="module")]


@pytest.mark.parametrize(
    "runtime",
    [
        "process",
        pytest.param("docker", marks=[pytest.mark.docker, pytest.mark.torture]),
    ],
    scope="module",
)
async def test_messages_are_acknowledged_until_the_provider_is_completed(
    whole: Whole, sandbox: Sandbox, provider_key: str
) -> None:
    operator = whole.operator
    given = {"name": "later", "type": "openai", "base_url": sandbox.base_url}
    refused = await operator.ask("POST", "/api/providers", given)
    provider = await operator.made(
        "/api/providers", {**given, "allow_incomplete": True}
    )
    agent_type = await operator.made(
        "/api/agent-types",
        {
            "name": "Later",
            "slug": "later",
            "provider_id": provider["id"],
            "model": "sandbox-echo",
        },
    )
    agent = await operator.made(
        "/api/agents",
        {"name": "later", "agent_type_id": agent_type["id"], "start": True},
    )
    path = f"/api/agents/{agent['id']}"
    waiting = await operator.until(path, status="ack_only")
    sandbox.forget_requests()

    early = await operator.made(f"{path}/messages", {"content": "Anybody there?"})
    await operator.ask(
        "PATCH", f"/api/providers/{provider['id']}", {"api_key": provider_key}
    )
    await operator.until(path, status="running")
    answer = await operator.made(f"{path}/messages", {"content": "Hello?"})

    assert refused.status == 422
    assert refused.body["error_code"] == "PROVIDER_INCOMPLETE"
    assert refused.body["details"]["missing"] == ["api_key"]
    assert provider["status"] == "incomplete"
    assert waiting["status_reason"]["code"] == "CREDENTIALS_MISSING"
    assert early["status"] == "acknowledged"
    assert early["explanation"] == waiting["status_reason"]
    assert "api_key" in early["explanation"]["fix"]
    assert answer["status"] == "completed"
    assert answer["content"].endswith("You said: Hello?")
    assert len(sandbox.requests) == 1
