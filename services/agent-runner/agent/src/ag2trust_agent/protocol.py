"""The runner's HTTP protocol, as an agent speaks it."""

import asyncio
import json
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from datetime import timedelta
from http import HTTPStatus
from typing import Any, Literal, TypeVar
from urllib.parse import quote
from uuid import UUID

import httpx2
from pydantic import BaseModel, ConfigDict, ValidationError

from .conversation import ToolCall, ToolResult
from .errors import (
    AnswerNotUnderstoodError,
    MessageGoneError,
    ReplyInterruptedError,
    ReplyRefusedError,
    RunnerLostError,
    TokenRefusedError,
)

__all__ = [
    "Completed",
    "Configuration",
    "Failed",
    "Message",
    "Outcome",
    "Problem",
    "Runner",
    "Tool",
    "Turn",
    "connect",
]

PATIENCE = timedelta(seconds=60)
"""How long the runner may be out of reach before the agent gives up."""

_WAIT_SECONDS = 25
_ANSWER_SECONDS = 10
_TOOL_SECONDS = 120
_FIRST_PAUSE_SECONDS = 0.25
_LONGEST_PAUSE_SECONDS = 4.0


class _Wire(BaseModel):
    model_config = ConfigDict(frozen=True)


class Tool(_Wire):
    """A tool that the model may call; *parameters* is a JSON Schema of an object."""

    name: str
    description: str
    parameters: dict[str, Any]


class Configuration(_Wire):
    """How this agent is to answer. `None` leaves the choice to the provider.

    The type of the provider decides which official client asks the model.
    """

    agent_id: UUID
    name: str
    provider_type: Literal["openai", "anthropic", "bedrock"]
    model: str
    system_prompt: str
    temperature: float | None = None
    max_tokens: int | None = None
    tools: tuple[Tool, ...] = ()


class Turn(_Wire):
    role: Literal["user", "assistant"]
    content: str


class Message(_Wire):
    """A message to answer; *history* is what its thread said before, oldest first."""

    message_id: UUID
    thread_id: UUID
    content: str
    attempt: int
    history: tuple[Turn, ...]


class ToolAnswer(_Wire):
    """What a tool gave, or that it failed, for the model to read."""

    content: str
    is_error: bool = False


class Heard(_Wire):
    """What the agent has in hand, as far as the runner knows."""

    message_id: UUID | None


class Refusal(_Wire):
    """Why the runner did not do what it was asked, in words for people."""

    error: str


class Completed(_Wire):
    status: Literal["completed"] = "completed"
    content: str


class Problem(_Wire):
    code: str
    message: str


class Failed(_Wire):
    status: Literal["failed"] = "failed"
    content: Literal[""] = ""
    error: Problem


Outcome = Completed | Failed

WireT = TypeVar("WireT", bound=_Wire)


class Runner:
    """The runner, asked again for *patience* when it cannot be reached.

    Every question raises `RunnerLostError` when that time is over, `TokenRefusedError`
    when the agent's token is dead, and `AnswerNotUnderstoodError` for the rest.
    """

    def __init__(self, http: httpx2.AsyncClient, *, patience: timedelta) -> None:
        self._http = http
        self._patience = patience

    async def configuration(self) -> Configuration:
        response = await self._ask("GET", "/agent/v1/configuration")
        return _parse(Configuration, response)

    async def next_message(self) -> Message | None:
        """Wait for a message; None when none came. Repeats one not yet replied to."""
        response = await self._ask(
            "GET",
            "/agent/v1/next",
            params={"wait_seconds": _WAIT_SECONDS},
            answer_seconds=_WAIT_SECONDS + _ANSWER_SECONDS,
        )
        if response.status_code == HTTPStatus.NO_CONTENT:
            return None
        return _parse(Message, response)

    async def stream_reply(
        self, message_id: UUID, deltas: AsyncIterator[str | Outcome]
    ) -> None:
        """Tell a reply as it is made: pieces of text, the outcome last.

        Tried once, for *deltas* can be read only once: `ReplyInterruptedError` when the
        runner did not take all of it. Else raises what `reply` raises.
        """
        try:
            response = await self._http.post(
                _reply_path(message_id),
                content=_lines(deltas),
                headers={"Content-Type": "application/x-ndjson"},
            )
        except httpx2.TransportError as error:
            raise ReplyInterruptedError from error
        if _is_busy(response):
            raise ReplyInterruptedError
        _check_reply(response)

    async def reply(self, message_id: UUID, outcome: Outcome) -> None:
        """Tell a finished reply.

        Raises `MessageGoneError` when the message is another agent's by now, and
        `ReplyRefusedError` when the runner would never accept this reply.
        """
        response = await self._ask(
            "POST", _reply_path(message_id), json=outcome.model_dump()
        )
        _check_reply(response)

    async def use_tool(self, message_id: UUID, call: ToolCall) -> ToolResult:
        """Have the runner use a tool; what goes wrong with it is a result, too.

        Asked once, for a tool that was used twice may do twice. Raises
        `MessageGoneError` when the message is another agent's by now.
        """
        try:
            arguments = json.loads(call.arguments)
        except ValueError:
            return _failed(call, "The arguments are not JSON.")
        try:
            response = await self._http.post(
                f"/agent/v1/tools/{quote(call.name, safe='')}",
                json={"message_id": str(message_id), "arguments": arguments},
                timeout=_TOOL_SECONDS,
            )
        except httpx2.TransportError:
            return _failed(call, "It is not known whether the tool was used.")
        if _admitted(response).status_code == HTTPStatus.CONFLICT:
            raise MessageGoneError
        if response.status_code != HTTPStatus.OK:
            return _failed(call, _words_of(response))
        answer = _parse(ToolAnswer, response)
        return ToolResult(call.id, answer.content, is_error=answer.is_error)

    async def heartbeat(self, message_id: UUID) -> None:
        """Say once that the agent lives and works on a message.

        Raises `MessageGoneError` if nobody wants the answer any more, and
        `RunnerLostError` if nobody heard.
        """
        try:
            response = await self._http.post("/agent/v1/heartbeat")
        except httpx2.TransportError as error:
            raise RunnerLostError from error
        if response.status_code != HTTPStatus.OK:
            return
        if _parse(Heard, response).message_id != message_id:
            raise MessageGoneError

    async def _ask(
        self,
        method: str,
        path: str,
        *,
        params: dict[str, int] | None = None,
        json: object = None,
        answer_seconds: float = _ANSWER_SECONDS,
    ) -> httpx2.Response:
        """Ask until there is an answer that asking again would not change."""
        request = self._http.build_request(
            method, path, params=params, json=json, timeout=answer_seconds
        )
        pauses = _pauses()
        give_up_at: float | None = None
        while True:
            try:
                response = await self._http.send(request)
            except httpx2.TransportError as error:
                now = asyncio.get_running_loop().time()
                give_up_at = give_up_at or now + self._patience.total_seconds()
                if now >= give_up_at:
                    raise RunnerLostError from error
            else:
                if not _is_busy(response):
                    return _admitted(response)
                give_up_at = None
            await asyncio.sleep(next(pauses))


@asynccontextmanager
async def connect(
    url: str, token: str, *, patience: timedelta = PATIENCE
) -> AsyncIterator[Runner]:
    """Open the runner at *url*; no proxy of the environment gets to see the token."""
    async with httpx2.AsyncClient(
        base_url=url,
        headers={"Authorization": f"Bearer {token}"},
        timeout=_ANSWER_SECONDS,
        trust_env=False,
    ) as http:
        yield Runner(http, patience=patience)


def _parse(kind: type[WireT], response: httpx2.Response) -> WireT:
    if response.status_code != HTTPStatus.OK:
        raise AnswerNotUnderstoodError
    try:
        return kind.model_validate_json(response.content)
    except ValidationError as error:
        raise AnswerNotUnderstoodError from error


def _failed(call: ToolCall, why: str) -> ToolResult:
    return ToolResult(call.id, why, is_error=True)


def _words_of(response: httpx2.Response) -> str:
    try:
        return Refusal.model_validate_json(response.content).error
    except ValidationError:
        return f"The tool was not used (HTTP {response.status_code})."


def _reply_path(message_id: UUID) -> str:
    return f"/agent/v1/messages/{message_id}/reply"


async def _lines(deltas: AsyncIterator[str | Outcome]) -> AsyncIterator[bytes]:
    async for each in deltas:
        line = {"delta": each} if isinstance(each, str) else each.model_dump()
        yield json.dumps(line).encode() + b"\n"


def _check_reply(response: httpx2.Response) -> None:
    _admitted(response)
    if response.status_code == HTTPStatus.CONFLICT:
        raise MessageGoneError
    if response.status_code != HTTPStatus.NO_CONTENT:
        raise ReplyRefusedError(response.status_code)


def _is_busy(response: httpx2.Response) -> bool:
    too_many = response.status_code == HTTPStatus.TOO_MANY_REQUESTS
    return too_many or response.is_server_error


def _admitted(response: httpx2.Response) -> httpx2.Response:
    if response.status_code == HTTPStatus.UNAUTHORIZED:
        raise TokenRefusedError
    return response


def _pauses() -> Iterator[float]:
    """Seconds between attempts: doubling, without end."""
    pause = _FIRST_PAUSE_SECONDS
    while True:
        yield pause
        pause = min(2 * pause, _LONGEST_PAUSE_SECONDS)
