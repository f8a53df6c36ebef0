"""A rotation amid steady messages, while one service after another is killed."""

import asyncio
from collections.abc import Callable
from time import monotonic
from typing import Any

import aiohttp
import pytest

from ag2trust.operator import Operator
from ag2trust.waiting import until
from ag2trust_sandbox import Sandbox, Step, fingerprint

from .recovering import kill
from .traffic import flowing
from .whole import Whole

pytestmark = [pytest.mark.stack, pytest.mark.asyncio(loop_scope="module")]

OLD_KEY, NEW_KEY = "sk-the-old-key", "sk-the-new-key"
LIMIT_SECONDS = 90
STREAMED = Step(pace_seconds=0.02, repeat=1_000_000)
SAID = "This is the sandbox provider, not a model. You said: "


@pytest.fixture(scope="module")
def runtime() -> str:
    return "process"


async def test_a_rotation_amid_kills_loses_no_message(
    whole: Whole,
    sandbox: Sandbox,
    record_property: Callable[[str, object], None],
) -> None:
    operator = whole.operator
    old, agents = await _agents_of_one_type(operator, sandbox)
    new = await _provider(operator, sandbox, "new", NEW_KEY)
    sandbox.play(STREAMED)

    async with flowing(operator, *agents) as traffic:
        async with asyncio.timeout(LIMIT_SECONDS):
            await sandbox.wait_for_requests(sandbox.request_count + 2)
        began = monotonic()
        job = await operator.made(
            f"/api/providers/{old}/rotate", {"to_provider_id": new, "delete_old": True}
        )
        await kill(whole, "gateway")
        await _comes_to(operator, job["id"], "restart")
        await kill(whole, "agent_runner")
        await kill(whole, "credentials")
        ended = await operator.until(
            f"/api/jobs/{job['id']}", status="completed", seconds=LIMIT_SECONDS
        )
        seconds = monotonic() - began
        sandbox.forget_requests()
        async with asyncio.timeout(LIMIT_SECONDS):
            await sandbox.wait_for_requests(3)
    answers = await traffic.ends(seconds=LIMIT_SECONDS)

    record_property("rotation of 2 agents amid 3 kills", f"{seconds:.1f} s")
    assert {each["progress"] for each in ended["agents"]} == {"restarted"}
    assert {each["message_id"]: each["content"] for each in answers} == {
        message_id: f"{SAID}{content}"
        for message_id, content in traffic.accepted.items()
    }
    assert {each["status"] for each in answers} == {"completed"}
    assert {each.headers["authorization"] for each in sandbox.requests} == {
        f"Bearer {fingerprint(NEW_KEY)}"
    }
    assert [each["id"] for each in await operator.all_of("/api/providers")] == [new]


async def _agents_of_one_type(
    operator: Operator, sandbox: Sandbox
) -> tuple[str, list[str]]:
    """Make two agents that run; return their provider, and them."""
    made = await operator.running_agent(sandbox.base_url, OLD_KEY, name="ada")
    agents = [made["agent_id"]]
    for name in ("bob",):
        agent = await operator.made(
            "/api/agents",
            {"name": name, "agent_type_id": made["agent_type_id"], "start": True},
        )
        agents.append(agent["id"])
    for agent_id in agents:
        await operator.until(f"/api/agents/{agent_id}", status="running")
    return made["provider_id"], agents


async def _provider(operator: Operator, sandbox: Sandbox, name: str, key: str) -> str:
    provider = await operator.made(
        "/api/providers",
        {"name": name, "type": "openai", "base_url": sandbox.base_url, "api_key": key},
    )
    provider_id: str = provider["id"]
    return provider_id


async def _comes_to(operator: Operator, job_id: str, step: str) -> None:
    """Wait until a job has begun a step, whoever tells of it."""
    await until(
        f"the step {step} begun",
        lambda: _status_of(operator, job_id, step),
        lambda status: status not in {None, "pending"},
        seconds=LIMIT_SECONDS,
        not_yet=aiohttp.ClientError,
    )


async def _status_of(operator: Operator, job_id: str, step: str) -> Any:
    job = (await operator.ask("GET", f"/api/jobs/{job_id}")).body
    steps = {each["name"]: each["status"] for each in job.get("steps", [])}
    return steps.get(step)
