"""The agent protocol: what an agent's process says to its runner, and hears."""

from datetime import timedelta
from typing import Annotated, Literal
from uuid import UUID

from aiohttp import web
from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    Field,
    StringConstraints,
    ValidationError,
)

from agent_runner.hosted_agents import HostedAgent, HostedAgents
from agent_runner.messages.message_desk import MessageDesk
from shared.contracts.agent_runner import MessageStatus
from shared.contracts.base import Explanation
from shared.errors import InvalidError, MessageNotInHandError
from shared.http import fields_of

__all__ = ["DESK", "HOSTED", "bearer_of", "reached_at", "routes"]

HOSTED = web.AppKey("hosted", HostedAgents)
DESK = web.AppKey("desk", MessageDesk)

routes = web.RouteTableDef()

_LONGEST_WAIT_SECONDS = 30.0
_LONGEST_REPLY_CHARACTERS = 1_000_000
_LONGEST_PROBLEM_CHARACTERS = 2000


class Configuration(BaseModel):
    agent_id: UUID
    name: str
    provider_type: str
    model: str
    system_prompt: str
    temperature: float | None
    max_tokens: int | None


class ReplyFailure(BaseModel):
    """Why an agent could not answer; *code* is its own name for it."""

    model_config = ConfigDict(extra="ignore")

    code: Annotated[str, StringConstraints(min_length=1, max_length=100)]
    message: Annotated[
        str, AfterValidator(lambda text: text[:_LONGEST_PROBLEM_CHARACTERS])
    ]


class Reply(BaseModel):
    """The last word on a message."""

    model_config = ConfigDict(extra="ignore", hide_input_in_errors=True)

    status: Literal[MessageStatus.COMPLETED, MessageStatus.FAILED]
    content: str = Field(default="", max_length=_LONGEST_REPLY_CHARACTERS)
    error: ReplyFailure | None = None


@routes.get("/agent/v1/configuration")
async def configuration(request: web.Request) -> web.Response:
    agent = _agent(request)
    agent.has_spoken()
    told = Configuration(
        agent_id=agent.id,
        name=agent.name,
        provider_type=agent.lease.credential.type,
        model=agent.agent_type.model,
        system_prompt=agent.agent_type.system_prompt,
        temperature=agent.agent_type.temperature,
        max_tokens=agent.agent_type.max_tokens,
    )
    return web.json_response(text=told.model_dump_json())


@routes.get("/agent/v1/next")
async def next_message(request: web.Request) -> web.Response:
    agent = _agent(request)
    agent.has_spoken()
    found = await request.app[DESK].next_for(agent, wait=_wait(request))
    if found is None:
        return web.Response(status=204)
    history = [
        {"role": role, "content": content}
        for turn in found.history
        for role, content in (("user", turn.content), ("assistant", turn.reply))
    ]
    return web.json_response(
        {
            "message_id": str(found.message.id),
            "thread_id": str(found.message.thread_id),
            "content": found.message.content,
            "attempt": found.message.attempt,
            "history": history,
        }
    )


@routes.post("/agent/v1/messages/{message_id}/reply")
async def reply(request: web.Request) -> web.Response:
    """Take the answer: one JSON object, or lines of which the last is that object."""
    agent = _agent(request)
    message_id = _message_id(request)
    answer = await _answer(request)
    await request.app[DESK].finish(
        agent,
        message_id=message_id,
        status=answer.status,
        content=answer.content,
        explanation=_explained(answer.error),
    )
    return web.Response(status=204)


@routes.post("/agent/v1/heartbeat")
async def heartbeat(request: web.Request) -> web.Response:
    _agent(request).has_spoken()
    return web.Response(status=204)


def reached_at(request: web.Request) -> str:
    """Our address that the request came in on: it tells the agent's network."""
    if request.transport is None:
        return ""
    address: str = request.transport.get_extra_info("sockname")[0]
    return address


def bearer_of(request: web.Request) -> str:
    """Read the bearer token or key; "" if there is none, or none in ASCII."""
    scheme, _, secret = request.headers.get("Authorization", "").partition(" ")
    return secret if scheme.lower() == "bearer" and secret.isascii() else ""


def _agent(request: web.Request) -> HostedAgent:
    return request.app[HOSTED].identify(
        bearer_of(request), reached_at=reached_at(request)
    )


def _wait(request: web.Request) -> timedelta:
    try:
        seconds = float(request.query.get("wait_seconds", "25"))
    except ValueError:
        seconds = -1.0
    if not 0 <= seconds <= _LONGEST_WAIT_SECONDS:
        raise InvalidError(f"wait_seconds is 0 to {_LONGEST_WAIT_SECONDS:.0f}.")
    return timedelta(seconds=seconds)


def _message_id(request: web.Request) -> UUID:
    try:
        return UUID(request.match_info["message_id"])
    except ValueError:
        raise MessageNotInHandError("There is no such message.") from None


async def _answer(request: web.Request) -> Reply:
    """Read it leniently: what a model said may hold what other bodies may not."""
    body = await request.read()
    if request.content_type == "application/x-ndjson":
        body = body.strip().rpartition(b"\n")[2]
    try:
        return Reply.model_validate_json(body)
    except ValidationError as error:
        raise InvalidError(
            "This is not an answer.", details={"fields": fields_of(error)}
        ) from None


def _explained(failure: ReplyFailure | None) -> Explanation | None:
    if failure is None:
        return None
    return Explanation(
        code="AGENT_FAILED",
        provider_error=failure.code.replace("\0", "\ufffd"),
        message=failure.message.replace("\0", "\ufffd"),
        cause="The agent could not answer; most often its model call failed.",
        fix="See the call of this message for what the provider said.",
        retryable=True,
    )
