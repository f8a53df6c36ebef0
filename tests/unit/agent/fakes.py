"""A runner and an OpenAI server that speak the wire and do as they are told."""

import asyncio
import json
from collections import deque
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any
from uuid import uuid4

from aiohttp import web

__all__ = [
    "KEY",
    "TOKEN",
    "FakeModelServer",
    "FakeRunner",
    "Refusal",
    "Told",
    "listening",
]

TOKEN = "agt_0123456789abcdef"
KEY = "sk-fake-0123456789"


@asynccontextmanager
async def listening(
    app: web.Application, host: str = "127.0.0.1"
) -> AsyncIterator[str]:
    """Serve *app* on a free port of *host*; give its origin."""
    runner = web.AppRunner(app, handler_cancellation=True, shutdown_timeout=0)
    await runner.setup()
    try:
        await web.TCPSite(runner, host, 0).start()
        port = runner.addresses[0][1]
        yield f"http://{host}:{port}"
    finally:
        await runner.cleanup()


@dataclass(slots=True)
class Told:
    """One reply as it came in: the pieces, then the outcome, None until it is there."""

    message_id: str
    content_type: str
    pieces: list[str] = field(default_factory=list)
    outcome: dict[str, Any] | None = None


@dataclass(frozen=True, slots=True)
class Refusal:
    """What the next request to a path gets instead: a status, or (None) no answer."""

    status: int | None


class FakeRunner:
    """Hands out the messages it was given, each until it is replied to."""

    def __init__(self) -> None:
        self.configuration: dict[str, Any] = {
            "agent_id": str(uuid4()),
            "name": "echo",
            "provider_type": "openai",
            "model": "gpt-test",
            "system_prompt": "You are brief.",
            "temperature": None,
            "max_tokens": None,
            "tools": [],
        }
        self.tools: dict[str, str] = {}
        self.tool_calls: list[tuple[str, dict[str, Any]]] = []
        self.replies: list[Told] = []
        self.heartbeats = 0
        self.polls = 0
        self.accepted_token = TOKEN
        self.breaks_streams = False
        self._messages: deque[dict[str, Any]] = deque()
        self._refusals: dict[str, deque[Refusal]] = {}
        self._changed = asyncio.Condition()

    def give(self, content: str, *, history: list[dict[str, str]] | None = None) -> str:
        """Queue a message; give its id."""
        message_id = str(uuid4())
        self._messages.append(
            {
                "message_id": message_id,
                "thread_id": str(uuid4()),
                "content": content,
                "attempt": 1,
                "history": history or [],
            }
        )
        return message_id

    def refuse(self, path: str, *refusals: Refusal) -> None:
        """Meet the next requests whose path ends in *path* with *refusals*."""
        self._refusals.setdefault(path, deque()).extend(refusals)

    async def until(self, holds: Callable[[], bool]) -> None:
        """Wait until *holds*, looked at whenever something came in."""
        async with self._changed, asyncio.timeout(20):
            await self._changed.wait_for(holds)

    async def until_replied(self, count: int = 1) -> list[dict[str, Any]]:
        """Wait for *count* outcomes and give them."""
        await self.until(lambda: len(self.outcomes) >= count)
        return self.outcomes

    @property
    def outcomes(self) -> list[dict[str, Any]]:
        return [each.outcome for each in self.replies if each.outcome is not None]

    def app(self) -> web.Application:
        app = web.Application(middlewares=[self._guard])
        app.router.add_get("/agent/v1/configuration", self._configuration)
        app.router.add_get("/agent/v1/next", self._next)
        app.router.add_post("/agent/v1/heartbeat", self._heartbeat)
        app.router.add_post("/agent/v1/messages/{id}/reply", self._reply)
        app.router.add_post("/agent/v1/tools/{name}", self._use_tool)
        return app

    @web.middleware
    async def _guard(
        self, request: web.Request, handler: Callable[[web.Request], Any]
    ) -> web.StreamResponse:
        if refusal := self._refusal(request.path):
            if refusal.status is None:
                _hang_up(request)
            return web.json_response({"error": "no"}, status=refusal.status or 500)
        if request.headers.get("Authorization") != f"Bearer {self.accepted_token}":
            code = {"error": "no", "error_code": "INVALID_AGENT_TOKEN"}
            return web.json_response(code, status=401)
        response: web.StreamResponse = await handler(request)
        return response

    def _refusal(self, path: str) -> Refusal | None:
        for ending, refusals in self._refusals.items():
            if path.endswith(ending) and refusals:
                return refusals.popleft()
        return None

    async def _configuration(self, _request: web.Request) -> web.Response:
        return web.json_response(self.configuration)

    async def _next(self, request: web.Request) -> web.Response:
        assert request.query["wait_seconds"] == "25"
        self.polls += 1
        await self._tell()
        async with self._changed:
            await self._changed.wait_for(lambda: bool(self._messages))
        return web.json_response(self._messages[0])

    async def _heartbeat(self, _request: web.Request) -> web.Response:
        self.heartbeats += 1
        await self._tell()
        in_hand = self._messages[0]["message_id"] if self._messages else None
        return web.json_response({"message_id": in_hand})

    async def _use_tool(self, request: web.Request) -> web.Response:
        body = await request.json()
        assert body["message_id"] == self._messages[0]["message_id"]
        name = request.match_info["name"]
        self.tool_calls.append((name, body["arguments"]))
        if name not in self.tools:
            return web.json_response({"error": "There is no such tool."}, status=404)
        return web.json_response({"content": self.tools[name], "is_error": False})

    async def _reply(self, request: web.Request) -> web.Response:
        message_id = request.match_info["id"]
        if not self._messages or self._messages[0]["message_id"] != message_id:
            code = {"error": "no", "error_code": "MESSAGE_NOT_IN_HAND"}
            return web.json_response(code, status=409)
        told = Told(message_id, request.content_type)
        self.replies.append(told)
        await self._read(request, told)
        self._messages.popleft()
        await self._tell()
        return web.Response(status=204)

    async def _read(self, request: web.Request, told: Told) -> None:
        async for line in request.content:
            said = json.loads(line)
            if "delta" not in said:
                told.outcome = said
                return
            told.pieces.append(said["delta"])
            await self._tell()
            if self.breaks_streams:
                _hang_up(request)
        assert told.outcome is not None, "a reply ends with its outcome"

    async def take_back(self) -> None:
        """Give the message in hand to another agent, in a manner of speaking."""
        self._messages.popleft()
        await self._tell()

    async def _tell(self) -> None:
        async with self._changed:
            self._changed.notify_all()


Step = str | bytes | asyncio.Event | None
"""A piece of text, a raw frame, something to wait for, or (None) the line dead."""


class FakeModelServer:
    """Answers chat completions, one script each: steps of a stream, or an error."""

    def __init__(self) -> None:
        self.requests: list[dict[str, Any]] = []
        self.keys: list[str | None] = []
        self._scripts: deque[tuple[int, Any]] = deque()

    def say(self, *steps: Step, finish: str | None = "stop") -> None:
        """Stream *steps*, then finish for that reason (None: end without one)."""
        self._scripts.append((200, (steps, finish)))

    def fail(self, status: int, **error: str) -> None:
        """Answer *status* with this error, and that a retry is useless."""
        self._scripts.append((status, {"error": error}))

    def app(self) -> web.Application:
        app = web.Application()
        app.router.add_post("/a/{token}/openai/v1/chat/completions", self._complete)
        return app

    async def _complete(self, request: web.Request) -> web.StreamResponse:
        self.requests.append(await request.json())
        self.keys.append(request.headers.get("Authorization"))
        status, script = self._scripts.popleft()
        if status != 200:
            never = {"x-should-retry": "false"}
            return web.json_response(script, status=status, headers=never)
        response = web.StreamResponse(headers={"Content-Type": "text/event-stream"})
        await response.prepare(request)
        await _stream(request, response, *script)
        return response


async def _stream(
    request: web.Request,
    response: web.StreamResponse,
    steps: tuple[Step, ...],
    finish: str | None,
) -> None:
    for step in steps:
        if step is None:
            _hang_up(request)
        elif isinstance(step, asyncio.Event):
            await step.wait()
        else:
            frame = step if isinstance(step, bytes) else _frame({"content": step}, None)
            await response.write(frame)
    if finish is not None:
        await response.write(_frame({}, finish) + b"data: [DONE]\n\n")


def _frame(delta: dict[str, str], finish: str | None) -> bytes:
    chunk = {
        "id": "chatcmpl-1",
        "object": "chat.completion.chunk",
        "created": 1,
        "model": "gpt-test",
        "choices": [{"index": 0, "delta": delta, "finish_reason": finish}],
    }
    return b"data: " + json.dumps(chunk).encode() + b"\n\n"


def _hang_up(request: web.Request) -> None:
    assert request.transport is not None
    request.transport.abort()
    raise asyncio.CancelledError
