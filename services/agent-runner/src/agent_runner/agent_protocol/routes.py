"""The agent protocol: what an agent's process says to its runner, and hears."""

from datetime import timedelta
from uuid import UUID

from aiohttp import web
from pydantic import BaseModel, ConfigDict, Field, JsonValue, ValidationError

from agent_runner.hosted_agents import HostedAgent, HostedAgents
from agent_runner.messages.message_desk import Failure, MessageDesk
from agent_runner.tools.definitions import Definition
from agent_runner.tools.tool_desk import ToolDesk
from shared.errors import InvalidError, MessageNotInHandError
from shared.http import fields_of
from shared.tracing import TRACEPARENT

from .replies import Reply, replied

__all__ = ["DESK", "HOSTED", "TOOLS", "bearer_of", "reached_at", "routes"]

HOSTED = web.AppKey("hosted", HostedAgents)
DESK = web.AppKey("desk", MessageDesk)
TOOLS = web.AppKey("tools", ToolDesk)

routes = web.RouteTableDef()

_LONGEST_WAIT_SECONDS = 30.0
# The longest body that a tool may send, with every second character escaped; what is
# read into values takes thirty times its size in memory.
_LONGEST_TOOL_CALL_BYTES = 2 * 1024 * 1024


class Configuration(BaseModel):
    agent_id: UUID
    name: str
    provider_type: str
    model: str
    system_prompt: str
    temperature: float | None
    max_tokens: int | None
    tools: tuple[Definition, ...]


class ToolCall(BaseModel):
    """What a model wants of a tool, for the message in hand."""

    model_config = ConfigDict(extra="ignore", hide_input_in_errors=True)

    message_id: UUID
    arguments: dict[str, JsonValue] = Field(default_factory=dict)


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
        tools=tuple(await request.app[TOOLS].definitions(agent)),
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
        },
        headers=_trace_of(agent),
    )


@routes.post("/agent/v1/messages/{message_id}/reply")
async def reply(request: web.Request) -> web.Response:
    """Take the answer: one JSON object, or lines of which the last is that object."""
    agent = _agent(request)
    desk = request.app[DESK]
    in_hand = desk.in_hand(agent, _message_id(request))
    telling = desk.telling(agent, in_hand)

    async def tell(text: str) -> None:
        desk.in_hand(agent, in_hand.message_id)
        await telling.say(text)

    with agent.only_reply():
        said = await replied(request, tell)
    await desk.finish(
        agent,
        in_hand,
        status=said.status,
        content=said.content,
        failure=_failure(said),
    )
    return web.Response(status=204)


@routes.post("/agent/v1/tools/{name}")
async def use_tool(request: web.Request) -> web.Response:
    """Use a tool of the agent's type for the message in hand."""
    agent = _agent(request)
    async with agent.reading:
        call = await _tool_call(request)
    in_hand = request.app[DESK].in_hand(agent, call.message_id)
    answer = await request.app[TOOLS].use(
        agent, in_hand, request.match_info["name"], call.arguments
    )
    return web.json_response({"content": answer.content, "is_error": answer.is_error})


@routes.post("/agent/v1/heartbeat")
async def heartbeat(request: web.Request) -> web.Response:
    """Tell what is in hand: an agent may drop what was cancelled or taken away."""
    agent = _agent(request)
    agent.has_spoken()
    in_hand = agent.in_hand.message_id if agent.in_hand else None
    return web.json_response({"message_id": str(in_hand) if in_hand else None})


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


def _trace_of(agent: HostedAgent) -> dict[str, str]:
    """Name the span of the message in hand, below which an agent may have its own."""
    context = agent.in_hand.span.context if agent.in_hand else None
    return {TRACEPARENT: str(context)} if context else {}


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


def _failure(reply: Reply) -> Failure | None:
    if reply.error is None:
        return None
    return Failure(code=reply.error.code, message=reply.error.message)


async def _tool_call(request: web.Request) -> ToolCall:
    limited = request.clone(client_max_size=_LONGEST_TOOL_CALL_BYTES)
    try:
        return ToolCall.model_validate_json(await limited.read())
    except ValidationError as error:
        raise InvalidError(
            "This is not a tool call.", details={"fields": fields_of(error)}
        ) from None
