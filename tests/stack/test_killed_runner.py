"""Kill -9 of the agent-runner while an agent is in the middle of a model call."""

import asyncio
from collections import Counter
from collections.abc import Callable
from time import monotonic

import pytest

from ag2trust.waiting import until
from ag2trust_sandbox import Fault, Sandbox, Step

from .containers import engine
from .processes import Process, children_of, every_process
from .recovering import calls_are, everything, kill, whole_again
from .traffic import flowing
from .whole import Whole

pytestmark = [pytest.mark.stack, pytest.mark.asyncio(loop_scope="module")]

LIMIT_SECONDS = 60
IN_DOCKER = pytest.param(
    "docker",
    marks=[pytest.mark.docker, pytest.mark.timeout(300), pytest.mark.torture],
)
HANGING = Step(fault=Fault.HANG, after_frames=3)
STREAMED = Step(pace_seconds=0.02, repeat=1_000_000)


@pytest.mark.parametrize(
    "runtime",
    ["process", IN_DOCKER],  # what it left there is replaced in test_docker_hosting.py
    scope="module",
)
async def test_a_killed_runner_loses_no_message_and_every_broken_call_is_a_row(
    whole: Whole,
    runtime: str,
    sandbox: Sandbox,
    record_property: Callable[[str, object], None],
) -> None:
    operator = whole.operator
    made = [
        await operator.running_agent(sandbox.base_url, "sk-any", name=name)
        for name in ("ada", "eve")
    ]
    busy, idle = (each["agent_id"] for each in made)
    before = await everything(operator)
    old_agents = await _agents(whole, runtime)
    sandbox.forget_requests()
    sandbox.play(HANGING, STREAMED)

    async with flowing(operator, busy) as traffic:
        async with asyncio.timeout(LIMIT_SECONDS):
            await sandbox.wait_for_requests(1)
        await until(
            "6 accepted", lambda: len(traffic.accepted), lambda count: count >= 6
        )
        killed_at = monotonic()
        await kill(whole, "agent_runner")
        await whole_again(whole, idle)
        seconds = monotonic() - killed_at
    ended = await traffic.ends(seconds=LIMIT_SECONDS)

    record_property(
        f"whole again after kill -9 agent_runner, {runtime}", f"{seconds:.1f} s"
    )
    assert await everything(operator) == before
    assert {each["message_id"]: each["content"] for each in ended} == {
        message_id: f"This is the sandbox provider, not a model. You said: {content}"
        for message_id, content in traffic.accepted.items()
    }
    assert {each["status"] for each in ended} == {"completed"}
    calls = await calls_are(operator, sandbox)
    [broken] = [each for each in calls if each["status"] == "interrupted"]
    assert broken["message_id"] in traffic.accepted
    assert broken["usage"]["input_tokens"] is None
    whole_calls = Counter(it["message_id"] for it in calls if it != broken)
    assert set(whole_calls) >= set(traffic.accepted)
    assert set(whole_calls.values()) == {1}
    assert not [agent for agent in old_agents if agent.is_alive]
    assert len(await _agents(whole, runtime)) == len(old_agents) == 2


async def _agents(whole: Whole, runtime: str) -> list[Process]:
    if runtime == "process":
        return children_of(whole.place.pid_of("agent_runner"))
    async with engine(whole.installation) as docker:
        pids = {each["State"]["Pid"] for each in await docker.containers()}
    return [each for each in every_process() if each.pid in pids]
