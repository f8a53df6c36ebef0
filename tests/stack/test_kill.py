"""Kill -9 of each process but the runner, amid messages and running model calls.

The runner's own death is another story: see `test_killed_runner`.
"""

import asyncio
from collections.abc import Callable
from time import monotonic

import pytest
import pytest_asyncio

from ag2trust_sandbox import Sandbox, Step

from .recovering import calls_are, everything, kill, whole_again
from .traffic import flowing
from .whole import Whole

pytestmark = [pytest.mark.stack, pytest.mark.asyncio(loop_scope="module")]

LIMIT_SECONDS = 60
STREAMED = Step(pace_seconds=0.02, repeat=1_000_000)


@pytest.fixture(scope="module")
def runtime() -> str:
    return "process"


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def agents(whole: Whole, sandbox: Sandbox) -> list[str]:
    """Three that run; the last is to stay idle, so that it can answer at once."""
    sandbox.play(STREAMED)
    made = [
        await whole.operator.running_agent(sandbox.base_url, "sk-any", name=name)
        for name in ("ada", "bob", "eve")
    ]
    return [each["agent_id"] for each in made]


@pytest.mark.parametrize(
    "victim", ["credentials", "gateway", "metrics", "nats", "postgres"]
)
async def test_a_kill_loses_no_object_no_accepted_message_and_no_call(
    whole: Whole,
    sandbox: Sandbox,
    agents: list[str],
    victim: str,
    record_property: Callable[[str, object], None],
) -> None:
    operator = whole.operator
    *busy, idle = agents
    before = await everything(operator)

    async with flowing(operator, *busy) as traffic:
        await _calls_run(sandbox)
        killed_at = monotonic()
        await kill(whole, victim)
        await whole_again(whole, idle)
        seconds = monotonic() - killed_at
        await _calls_run(sandbox)
    ended = await traffic.ends(seconds=LIMIT_SECONDS)

    record_property(f"whole again after kill -9 {victim}", f"{seconds:.1f} s")
    assert await everything(operator) == before
    assert {each["message_id"]: each["content"] for each in ended} == {
        message_id: f"This is the sandbox provider, not a model. You said: {content}"
        for message_id, content in traffic.accepted.items()
    }
    assert {each["status"] for each in ended} == {"completed"}
    calls = await calls_are(operator, sandbox)
    assert {each["status"] for each in calls} == {"completed"}
    assert len({each["message_id"] for each in calls}) == len(calls)


async def _calls_run(sandbox: Sandbox) -> None:
    """Wait for some calls more: the last of them has then only just begun."""
    async with asyncio.timeout(LIMIT_SECONDS):
        await sandbox.wait_for_requests(sandbox.request_count + 3)
