"""`ag2trust demo`: a tour, each request and answer as it goes.

The provider of the tour is the sandbox; the key is a fake, which is why it may be seen.
"""

import asyncio
import json
import os
import secrets
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import aiohttp

from shared.timeouts import timeout

from .child import Command, running
from .errors import LaunchError, WrongVariableError
from .installation import HOST, RunnerRuntime
from .launch import Session
from .plan import Plan
from .ports import free_port, is_listening
from .screen import Screen

__all__ = ["tour"]

_ANSWER_SECONDS = 150.0
_POLL_SECONDS = 0.2
_PATIENCE_SECONDS = 30.0


def tour(screen: Screen) -> Session:
    """Return the session that takes the tour; the stack runs on after it."""

    async def session(plan: Plan, _: RunnerRuntime) -> None:
        port = free_port()
        sandbox = _sandbox(port, plan)
        timeout = aiohttp.ClientTimeout(total=_ANSWER_SECONDS)
        headers = {"X-API-Key": _key(plan)}
        async with (
            running(sandbox, is_ready=lambda _: is_listening(port)),
            aiohttp.ClientSession(timeout=timeout, headers=headers) as http,
        ):
            guide = Guide(http, f"{plan.gateway_url}/api", screen)
            await _walk(guide, f"http://{HOST}:{port}/v1")
            screen.say("The tour is over. The stack runs on; Ctrl-C stops it.")
            await asyncio.Event().wait()

    return session


@dataclass(frozen=True, slots=True)
class Guide:
    """Makes requests, and shows them with their answers."""

    http: aiohttp.ClientSession
    api: str
    screen: Screen

    async def shows(
        self,
        heading: str,
        method: str,
        path: str,
        body: Mapping[str, Any] | None = None,
        *,
        expects: int,
    ) -> Any:
        """Return the answer's JSON; raise `LaunchError` if its status is another."""
        self.screen.say(f"# {heading}\n{method} /api{path}")
        if body is not None:
            self.screen.say(_indented(body))
        async with self.http.request(method, self.api + path, json=body) as response:
            answer = await response.json() if response.content_length else None
        self.screen.say(f"-> {response.status}")
        if answer is not None:
            self.screen.say(_indented(answer))
        self.screen.say()
        if response.status != expects:
            raise LaunchError(f"The tour expected {expects} here, and ends.")
        return answer


async def _walk(guide: Guide, base_url: str) -> None:
    name = f"demo-{secrets.token_hex(3)}"
    provider = await guide.shows(
        "A provider: its key is sealed on arrival and never shown again",
        *("POST", "/providers"),
        {
            "name": name,
            "type": "openai",
            "base_url": base_url,
            "api_key": f"sk-fake-{secrets.token_hex(8)}",
        },
        expects=201,
    )
    agent_type = await guide.shows(
        "An agent type: what an agent is made from",
        *("POST", "/agent-types"),
        {
            "name": name,
            "slug": name,
            "provider_id": provider["id"],
            "model": "sandbox-echo",
            "system_prompt": "You are on a tour.",
        },
        expects=201,
    )
    agent = await guide.shows(
        "An agent, started at once",
        *("POST", "/agents"),
        {"name": name, "agent_type_id": agent_type["id"], "start": True},
        expects=201,
    )
    await guide.shows(
        "A message, and its answer",
        *("POST", f"/agents/{agent['id']}/messages"),
        {"content": "Hello! What did this cost?"},
        expects=200,
    )
    await _until(
        guide, f"/agents/{agent['id']}/stats", lambda it: it["messages_processed"] == 1
    )
    await guide.shows(
        "What it cost", "GET", f"/agents/{agent['id']}/stats", expects=200
    )
    await guide.shows(
        "The provider is in use, so it stays",
        *("DELETE", f"/providers/{provider['id']}"),
        expects=409,
    )
    await guide.shows(
        "Stop the agent", "POST", f"/agents/{agent['id']}/stop", expects=202
    )
    await _until(guide, f"/agents/{agent['id']}", lambda it: it["status"] == "stopped")
    await guide.shows(
        "Now the provider may go, and its secret with it",
        *("DELETE", f"/providers/{provider['id']}"),
        expects=204,
    )


async def _until(guide: Guide, path: str, is_so: Callable[[Any], bool]) -> None:
    """Look, without showing it, until *is_so* of the answer; raise `LaunchError`."""
    try:
        async with timeout(_PATIENCE_SECONDS):
            while True:
                async with guide.http.get(guide.api + path) as response:
                    if is_so(await response.json()):
                        return
                await asyncio.sleep(_POLL_SECONDS)
    except TimeoutError:
        raise LaunchError(
            f"/api{path} was not as the tour expected after {_PATIENCE_SECONDS:.0f} s."
        ) from None


def _sandbox(port: int, plan: Plan) -> Command:
    return Command(
        name="sandbox",
        arguments=(sys.executable, "-P", "-m", "ag2trust_sandbox", "--port", str(port)),
        environment={"PATH": os.defpath, "LANG": "C.UTF-8"},
        log=plan.home.log("sandbox"),
    )


def _key(plan: Plan) -> str:
    if plan.home.api_key.exists():
        return plan.home.api_key.read_text().strip()
    if given := plan.variables.bootstrap_api_key:
        return given.get_secret_value()
    raise WrongVariableError(
        "The tour needs a key: set AG2TRUST_BOOTSTRAP_API_KEY to the one this home was "
        "first started with."
    )


def _indented(value: object) -> str:
    text = json.dumps(value, indent=2, ensure_ascii=False)
    return "\n".join(f"    {line}" for line in text.splitlines())
