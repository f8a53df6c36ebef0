"""What must be the same after a kill as before, and how soon all is whole again."""

import asyncio
import os
import signal
from typing import Any

import aiohttp

from ag2trust.operator import Operator
from ag2trust.readiness import until_ready
from ag2trust_sandbox import Sandbox

from .whole import Whole

__all__ = ["calls_are", "everything", "kill", "whole_again"]

_REPLACED_SECONDS = 30.0
_WHOLE_SECONDS = 60.0
_LOOK_AGAIN_SECONDS = 0.05
_OK = 200


async def kill(whole: Whole, name: str) -> None:
    """Kill -9 a process of the stack; return once it has a successor."""
    killed = whole.place.pid_of(name)
    os.kill(killed, signal.SIGKILL)
    async with asyncio.timeout(_REPLACED_SECONDS):
        while _pid_of(whole, name) in {killed, None}:  # noqa: ASYNC110 - a file says it
            await asyncio.sleep(_LOOK_AGAIN_SECONDS)


async def whole_again(whole: Whole, agent: str) -> None:
    """Return once the stack says that it is, and *agent* has answered a new message."""
    async with asyncio.timeout(_WHOLE_SECONDS):
        await until_ready(whole.place.gateway_url, seconds=_WHOLE_SECONDS)
        while not await _answers(whole.operator, agent):  # noqa: ASYNC110 - over HTTP
            await asyncio.sleep(_LOOK_AGAIN_SECONDS)


async def everything(operator: Operator) -> dict[str, Any]:
    """Return what an operator made, as far as a kill must not change it."""
    agents = await operator.all_of("/api/agents")
    return {
        "providers": await operator.all_of("/api/providers"),
        "agent types": await operator.all_of("/api/agent-types"),
        "agents": {each["id"]: each["desired_state"] for each in agents},
    }


async def calls_are(operator: Operator, sandbox: Sandbox) -> list[dict[str, Any]]:
    """Wait until as many calls are counted as the provider saw; return them.

    A number that stays another one is told as that.
    """
    calls: list[dict[str, Any]] = []
    try:
        async with asyncio.timeout(_WHOLE_SECONDS):
            while len(calls) != sandbox.request_count:
                await asyncio.sleep(_LOOK_AGAIN_SECONDS)
                calls = await operator.all_of("/api/calls")
    except TimeoutError:
        counted, seen = len(calls), sandbox.request_count
        raise AssertionError(f"{counted} calls counted, {seen} seen") from None
    return calls


def _pid_of(whole: Whole, name: str) -> int | None:
    """None between the one and the other."""
    try:
        return whole.place.pid_of(name)
    except KeyError:
        return None


async def _answers(operator: Operator, agent: str) -> bool:
    try:
        answer = await operator.ask(
            "POST", f"/api/agents/{agent}/messages", {"content": "Are you there?"}
        )
    except aiohttp.ClientError:
        return False
    return answer.status == _OK and answer.body["status"] == "completed"
