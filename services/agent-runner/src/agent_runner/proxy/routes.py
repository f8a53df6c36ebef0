"""The paths of the proxy: who calls, may it, and then forward.

A token in the path identifies the agent under environment delivery, where the key that
comes with the call must be one its process was given; a bearer token stands for itself.
"""

import asyncio
from collections.abc import Callable
from http import HTTPStatus

import structlog
from aiohttp import web
from structlog.contextvars import bound_contextvars

from agent_runner.agent_protocol.routes import HOSTED, bearer_of, reached_at
from agent_runner.hosted_agents import HostedAgent
from shared.contracts.agent_runner import AgentType
from shared.errors import (
    AppError,
    CredentialMismatchError,
    MalformedError,
    ModelNotAllowedError,
    PathNotAllowedError,
    TooLargeError,
)
from shared.ids import new_id

from .forwarding import Forwarding
from .openai_refusals import refusal
from .openai_requests import ModelRequest, Route, read_request, route_of

__all__ = ["FORWARDING", "routes"]

log = structlog.get_logger(__name__)

FORWARDING = web.AppKey("forwarding", Forwarding)

routes = web.RouteTableDef()

_PREFIX = "/openai/v1/"

Identify = Callable[[web.Request], HostedAgent]


@routes.route("*", "/a/{token:[A-Za-z0-9_]+}/openai/v1/{path:.*}")
async def by_path_token(request: web.Request) -> web.StreamResponse:
    return await _told(request, _path_agent)


@routes.route("*", "/openai/v1/{path:.*}")
async def by_bearer(request: web.Request) -> web.StreamResponse:
    return await _told(request, _bearer_agent)


@routes.route("*", "/{path:(?!agent/).*}")
async def elsewhere(request: web.Request) -> web.StreamResponse:
    """Refuse what looks like the proxy's paths, without repeating a token in it."""
    return await _told(request, _nobody)


async def _told(request: web.Request, identify: Identify) -> web.StreamResponse:
    """Answer in the path's own error shape: an edge, like `shared.http.tell_errors`."""
    request_id = str(new_id())
    with bound_contextvars(request_id=request_id):
        try:
            agent = identify(request)
        except AppError as error:
            return refusal(error, request_id)
        response = await _answered(request, agent, request_id)
    if not response.prepared:
        provider = str(agent.agent_type.provider_id)
        response.headers.setdefault("x-ag2trust-provider", provider)
        response.headers.setdefault("x-ag2trust-attempts", "0")
    return response


async def _answered(
    request: web.Request, agent: HostedAgent, request_id: str
) -> web.StreamResponse:
    try:
        return await _served(request, agent, request_id)
    except AppError as error:
        return refusal(error, request_id)
    except web.HTTPRequestEntityTooLarge:
        return refusal(TooLargeError("The body is too large."), request_id)
    except Exception:
        log.exception("proxy.failed")
        return refusal(AppError(), request_id)


async def _served(
    request: web.Request, agent: HostedAgent, request_id: str
) -> web.StreamResponse:
    # As it was sent: `match_info` would have decoded what the allow-list must see.
    path = request.rel_url.raw_path.partition(_PREFIX)[2]
    route = route_of(request.method, path, request.rel_url.raw_query_string)
    if not route.is_model_call:
        return _models(agent.agent_type, request_id)
    model_request = await _read(request, route)
    allowed = agent.agent_type.allowed_models
    if model_request.model not in allowed:
        raise ModelNotAllowedError(
            f"The agent type allows {', '.join(allowed)}, not this model."
        )
    return await request.app[FORWARDING].forward(
        request, agent, route, model_request, request_id=request_id
    )


async def _read(request: web.Request, route: Route) -> ModelRequest:
    encoding = request.headers.get("Content-Encoding", "identity")
    if encoding.lower() != "identity":
        raise MalformedError("Send the body uncompressed, without Content-Encoding.")
    try:
        async with asyncio.timeout(request.app[FORWARDING].patience.total_seconds()):
            body = await request.read()
    except TimeoutError:
        raise MalformedError("The body did not arrive in time.") from None
    return read_request(body, route)


def _models(agent_type: AgentType, request_id: str) -> web.Response:
    """List what the agent may use; the provider is not asked."""
    created = int(agent_type.created_at.timestamp())
    data = [
        {"id": model, "object": "model", "created": created, "owned_by": "ag2trust"}
        for model in agent_type.allowed_models
    ]
    return web.json_response(
        {"object": "list", "data": data},
        status=HTTPStatus.OK,
        headers={"x-request-id": request_id},
    )


def _path_agent(request: web.Request) -> HostedAgent:
    agent = request.app[HOSTED].identify(
        request.match_info["token"], reached_at=reached_at(request)
    )
    if not agent.was_given(bearer_of(request)):
        raise CredentialMismatchError(
            "The key of this call is not the one this agent was given."
        )
    return agent


def _bearer_agent(request: web.Request) -> HostedAgent:
    return request.app[HOSTED].identify(
        bearer_of(request), reached_at=reached_at(request)
    )


def _nobody(_: web.Request) -> HostedAgent:
    raise PathNotAllowedError(
        "There is nothing at this path; the base URL ends in /openai/v1."
    )
