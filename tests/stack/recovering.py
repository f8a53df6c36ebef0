"""What must be the same after a kill as before, and how soon all is whole again."""

import os
import signal
from typing import Any

import aiohttp

from ag2trust.operator import Operator
from ag2trust.readiness import until_ready
from ag2trust.waiting import until
from ag2trust_sandbox import Sandbox

from .whole import Whole

__all__ = ["calls_are", "everything", "kill", "whole_again"]

_WHOLE_SECONDS = 60.0
_OK = 200


async def kill(whole: Whole, name: str) -> None:
    """Kill -9 a process of the stack; return once it has a successor."""
    killed = whole.place.pid_of(name)
    os.kill(killed, signal.SIGKILL)
    await until(
        f"a successor of {name} {killed}",
        lambda: whole.place.pid_of(name),
        lambda pid: pid != killed,
        not_yet=KeyError,  # between the one and the other
    )


async def whole_again(whole: Whole, agent: str) -> None:
    """Return once the stack says that it is, and *agent* has answered a new message."""
    path, body = f"/api/agents/{agent}/messages", {"content": "Are you there?"}
    await until_ready(whole.place.gateway_url, seconds=_WHOLE_SECONDS)
    await until(
        f"an answer of {agent}",
        lambda: whole.operator.ask("POST", path, body),
        lambda told: told.status == _OK and told.body["status"] == "completed",
        not_yet=aiohttp.ClientError,
    )


async def everything(operator: Operator) -> dict[str, Any]:
    """Return what an operator made, as far as a kill must not change it."""
    agents = await operator.all_of("/api/agents")
    return {
        "providers": await operator.all_of("/api/providers"),
        "agent types": await operator.all_of("/api/agent-types"),
        "agents": {each["id"]: each["desired_state"] for each in agents},
    }


async def calls_are(operator: Operator, sandbox: Sandbox) -> list[dict[str, Any]]:
    """Wait until as many calls are counted as the provider saw; return them."""

    async def seen_and_counted() -> tuple[int, list[dict[str, Any]]]:
        return sandbox.request_count, await operator.all_of("/api/calls")

    _, calls = await until(
        "as many calls as the provider saw",
        seen_and_counted,
        lambda both: both[0] == len(both[1]),
    )
    return calls
