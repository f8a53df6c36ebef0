"""Two homes on one machine and one Docker engine."""

import pytest

from ag2trust_sandbox import Sandbox

from .containers import engine
from .whole import new_place, running

pytestmark = [
    *(pytest.mark.stack, pytest.mark.docker, pytest.mark.timeout(300)),
    pytest.mark.torture,  # in processes, they stand side by side in test_launcher.py
    pytest.mark.asyncio(loop_scope="module"),
]


async def test_two_homes_have_containers_of_their_own(sandbox: Sandbox) -> None:
    with new_place() as place, new_place() as other_place:
        async with running(place, "docker") as stack:
            ids = await stack.operator.running_agent(sandbox.base_url, "sk-one")
            messages = f"/api/agents/{ids['agent_id']}/messages"
            async with running(other_place, "docker") as other:
                others = await other.operator.running_agent(sandbox.base_url, "sk-two")
                answer = await other.operator.made(
                    f"/api/agents/{others['agent_id']}/messages", {"content": "Two?"}
                )
            first_answer = await stack.operator.made(messages, {"content": "One?"})
            async with engine(stack.installation) as docker:
                [container] = await docker.containers()

    assert answer["content"].endswith("You said: Two?")
    assert first_answer["content"].endswith("You said: One?")
    assert container["RestartCount"] == 0
    assert container["Config"]["Labels"]["ag2trust.agent"] == ids["agent_id"]
