import pytest

from ag2trust.operator import Operator
from ag2trust_sandbox import Sandbox

pytestmark = pytest.mark.integration


async def test_a_message_is_answered_counted_and_holds_its_provider(
    operator: Operator, sandbox: Sandbox, provider_key: str
) -> None:
    ids = await operator.running_agent(sandbox.base_url, provider_key)
    agent, provider = (
        f"/api/agents/{ids['agent_id']}",
        f"/api/providers/{ids['provider_id']}",
    )

    answer = await operator.made(f"{agent}/messages", {"content": "Hello?"})

    assert answer["status"] == "completed"
    assert "You said: Hello?" in answer["content"]
    assert answer["usage"]["total_tokens"] > 0
    stats = await operator.until(f"{agent}/stats", calls=1, messages_processed=1)
    assert stats["total_tokens"] == answer["usage"]["total_tokens"]
    assert stats["errors"] == 0
    refused = await operator.ask("DELETE", provider)
    assert refused.status == 409
    assert refused.body["error_code"] == "PROVIDER_IN_USE"
    assert refused.body["details"]["agents"] == [{"id": ids["agent_id"], "name": "ada"}]
    await operator.made(f"{agent}/stop", None)
    await operator.until(agent, status="stopped")
    assert (await operator.ask("DELETE", provider)).status == 204
