"""Rotations and rolling restarts, over HTTP, the bus and the wire to a provider."""

from typing import Any

import pytest

from ag2trust.operator import Operator
from ag2trust.waiting import until
from ag2trust_sandbox import ErrorCode, ErrorDetail, Sandbox, Step, fingerprint

pytestmark = pytest.mark.integration

OLD_KEY = "sk-the-old-key-of-the-sandbox"
NEW_KEY = "sk-the-new-key-of-the-sandbox"
REJECTED = Step(error=ErrorDetail(code=ErrorCode.INVALID_API_KEY), repeat=3)


async def _provider(operator: Operator, sandbox: Sandbox, name: str, key: str) -> str:
    made = await operator.made(
        "/api/providers",
        {
            "name": name,
            "type": "openai",
            "base_url": sandbox.base_url,
            "api_key": key,
        },
    )
    provider_id: str = made["id"]
    return provider_id


async def _ended(operator: Operator, job: dict[str, Any], status: str) -> Any:
    return await operator.until(f"/api/jobs/{job['id']}", status=status, seconds=40)


async def _key_of_an_answer(
    operator: Operator, sandbox: Sandbox, agent_id: str
) -> tuple[str, str]:
    """Have an agent answer; return the message's status and the key that was used."""
    sandbox.forget_requests()
    message = await operator.made(
        f"/api/agents/{agent_id}/messages", {"content": "Hello"}
    )
    return message["status"], sandbox.requests[-1].headers["authorization"]


async def _started_after(operator: Operator, agent: str, earlier: str) -> None:
    """Wait for another incarnation; until it speaks, the status is the old one's."""
    await until(
        f"another start than {earlier}",
        lambda: operator.ask("GET", agent),
        lambda told: (
            told.body["started_at"] != earlier and told.body["status"] == "running"
        ),
    )


def _steps(job: dict[str, Any]) -> dict[str, str]:
    return {step["name"]: step["status"] for step in job["steps"]}


async def test_a_rotation_moves_types_restarts_agents_and_deletes_the_old_provider(
    operator: Operator, sandbox: Sandbox
) -> None:
    ada = await operator.running_agent(sandbox.base_url, OLD_KEY)
    new = await _provider(operator, sandbox, "new", NEW_KEY)

    job = await operator.made(
        f"/api/providers/{ada['provider_id']}/rotate",
        {"to_provider_id": new, "delete_old": True},
    )
    ended = await _ended(operator, job, "completed")

    old = await operator.ask("GET", f"/api/providers/{ada['provider_id']}")
    kind = await operator.ask("GET", f"/api/agent-types/{ada['agent_type_id']}")
    assert _steps(ended) == dict.fromkeys(
        ("test", "retire", "move", "restart", "delete"), "done"
    )
    assert [each["progress"] for each in ended["agents"]] == ["restarted"]
    assert old.status == 404
    assert kind.body["provider_id"] == new
    assert await _key_of_an_answer(operator, sandbox, ada["agent_id"]) == (
        "completed",
        f"Bearer {fingerprint(NEW_KEY)}",
    )


async def test_a_rotation_gives_the_same_provider_a_new_secret(
    operator: Operator, sandbox: Sandbox
) -> None:
    ada = await operator.running_agent(sandbox.base_url, OLD_KEY)
    path = f"/api/providers/{ada['provider_id']}"

    job = await operator.made(f"{path}/rotate", {"api_key": NEW_KEY})
    ended = await _ended(operator, job, "completed")

    provider = (await operator.ask("GET", path)).body
    tested_with = sandbox.requests[0].headers["authorization"]
    assert _steps(ended) == dict.fromkeys(("test", "switch", "restart"), "done")
    assert [each["progress"] for each in ended["agents"]] == ["restarted"]
    assert provider["credential"]["version"] == 2
    assert provider["credential"]["hint"] == f"…{NEW_KEY[-4:]}"
    assert tested_with == f"Bearer {fingerprint(NEW_KEY)}"
    assert await _key_of_an_answer(operator, sandbox, ada["agent_id"]) == (
        "completed",
        f"Bearer {fingerprint(NEW_KEY)}",
    )


async def test_a_new_secret_that_fails_its_test_changes_nothing(
    operator: Operator, sandbox: Sandbox
) -> None:
    ada = await operator.running_agent(sandbox.base_url, OLD_KEY)
    path = f"/api/providers/{ada['provider_id']}"
    before = (await operator.ask("GET", path)).body
    sandbox.play(REJECTED)

    job = await operator.made(f"{path}/rotate", {"api_key": NEW_KEY})
    ended = await _ended(operator, job, "rolled_back")

    sandbox.play()
    assert _steps(ended) == {
        "test": "failed",
        "switch": "left_out",
        "restart": "left_out",
        "discard": "done",
    }
    assert ended["explanation"]["code"] == "INVALID_API_KEY"
    assert ended["explanation"]["fix"]
    assert (await operator.ask("GET", path)).body == before
    assert await _key_of_an_answer(operator, sandbox, ada["agent_id"]) == (
        "completed",
        f"Bearer {fingerprint(OLD_KEY)}",
    )


async def test_a_changed_type_restarts_its_agents_in_a_job(
    operator: Operator, sandbox: Sandbox
) -> None:
    ada = await operator.running_agent(sandbox.base_url, OLD_KEY)
    agent = f"/api/agents/{ada['agent_id']}"
    before = (await operator.ask("GET", agent)).body

    begun = await operator.ask(
        "PATCH",
        f"/api/agent-types/{ada['agent_type_id']}?restart=rolling",
        {"system_prompt": "You are brief."},
    )
    await _ended(operator, begun.body, "completed")

    after = (await operator.ask("GET", agent)).body
    assert begun.status == 202
    assert begun.headers["Location"] == f"/api/jobs/{begun.body['id']}"
    assert (before["agent_type_version"], after["agent_type_version"]) == (1, 2)
    assert after["restart_required"] is False
    assert after["incarnation"] == before["incarnation"] + 1


async def test_each_step_by_hand_comes_to_the_same(
    operator: Operator, sandbox: Sandbox
) -> None:
    ada = await operator.running_agent(sandbox.base_url, OLD_KEY)
    old, agent = (
        f"/api/providers/{ada['provider_id']}",
        f"/api/agents/{ada['agent_id']}",
    )

    new = await _provider(operator, sandbox, "new", NEW_KEY)
    test = await operator.made(f"/api/providers/{new}/test")
    moved = await operator.ask(
        "PATCH", f"/api/agent-types/{ada['agent_type_id']}", {"provider_id": new}
    )
    in_use = await operator.ask("DELETE", old)
    waiting = (await operator.ask("GET", agent)).body
    await operator.made(f"{agent}/restart")
    await _started_after(operator, agent, waiting["started_at"])
    answer = await _key_of_an_answer(operator, sandbox, ada["agent_id"])
    deleted = await operator.ask("DELETE", old)

    assert test["ok"]
    assert moved.status == 200
    assert waiting["restart_required"]
    assert (in_use.status, in_use.body["error_code"]) == (409, "PROVIDER_IN_USE")
    assert answer == ("completed", f"Bearer {fingerprint(NEW_KEY)}")
    assert deleted.status == 204
