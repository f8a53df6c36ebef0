import pytest

from ag2trust.operator import Operator
from ag2trust_sandbox import Sandbox, Step

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


async def test_an_answer_is_told_as_the_model_makes_it(
    operator: Operator, sandbox: Sandbox, provider_key: str
) -> None:
    await operator.running_agent(sandbox.base_url, provider_key)
    words = ("Good ", "day, ", "dear ", "friend.")
    sandbox.play(Step(content=words, pace_seconds=0.05))

    events = [
        event async for event in operator.streamed("/api/ask/ada", {"content": "Hi"})
    ]

    *deltas, (last, message) = events
    assert [name for name, _ in deltas] == ["delta"] * len(words)
    assert [data["content"] for _, data in deltas] == [*words]
    assert last == "completed"
    assert message["content"] == "".join(words)
    thread = await operator.ask("GET", f"/api/threads/{message['thread_id']}")
    [said] = thread.body["messages"]
    assert (said["content"], said["reply"]) == ("Hi", "Good day, dear friend.")


async def test_a_cancelled_message_makes_room_for_the_next(
    operator: Operator, sandbox: Sandbox, provider_key: str
) -> None:
    await operator.running_agent(sandbox.base_url, provider_key)
    sandbox.play(Step(content="word " * 100_000, pace_seconds=0.05))
    endless = await operator.made("/api/ask/ada", {"content": "Talk", "wait": False})
    await sandbox.wait_for_requests(1)

    cancelled = await operator.made(f"/api/messages/{endless['message_id']}/cancel")
    body = {"content": "Hello?", "thread_id": endless["thread_id"]}
    answer = await operator.made("/api/ask/ada", body)

    assert cancelled["status"] == "cancelled"
    assert answer["status"] == "completed"
