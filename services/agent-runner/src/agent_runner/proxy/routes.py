"""The paths of the proxy: who calls, may it, and then forward.

A token in the path identifies the agent under environment delivery, where the key that
comes with the call must be one its process was given; a bearer token stands for itself.
"""

import asyncio

import structlog
from aiohttp import web
from structlog.contextvars import bound_contextvars

from agent_runner.agent_protocol.routes import HOSTED, reached_at
from agent_runner.hosted_agents import HostedAgent
from shared.errors import (
    AppError,
    CredentialMismatchError,
    MalformedError,
    ModelNotAllowedError,
    TooLargeError,
)
from shared.ids import new_id

from .features import require_allowed
from .forwarding import Forwarding
from .messages import response_of
from .paths import Place, format_of, place_of
from .wire_format import Asked, Reply, Route

__all__ = ["FORWARDING", "routes"]

log = structlog.get_logger(__name__)

FORWARDING = web.AppKey("forwarding", Forwarding)

routes = web.RouteTableDef()


@routes.route("*", "/{path:(?!agent/).*}")
async def called(request: web.Request) -> web.StreamResponse:
    """Answer in the path's own error shape: an edge, like `shared.http.tell_errors`."""
    request_id = str(new_id())
    with bound_contextvars(request_id=request_id):
        try:
            # As it was sent: `match_info` would have decoded what lists must see.
            place = place_of(request.rel_url.raw_path)
            agent = _agent(request, place)
        except AppError as error:
            return _refused(request, error, request_id)
        response = await _answered(request, place, agent, request_id)
    if not response.prepared:
        provider = str(agent.agent_type.provider_id)
        response.headers.setdefault("x-ag2trust-provider", provider)
        response.headers.setdefault("x-ag2trust-attempts", "0")
    return response


def _agent(request: web.Request, place: Place) -> HostedAgent:
    """Identify who calls, by the token in the path or else by the key."""
    key = place.format.key_of(request.raw_headers)
    token = key if place.token is None else place.token
    agent = request.app[HOSTED].identify(token, reached_at=reached_at(request))
    if place.token is not None and not agent.was_given(key):
        raise CredentialMismatchError(
            "The key of this call is not the one this agent was given."
        )
    return agent


async def _answered(
    request: web.Request, place: Place, agent: HostedAgent, request_id: str
) -> web.StreamResponse:
    try:
        return await _served(request, place, agent, request_id)
    except AppError as error:
        return _refused(request, error, request_id)
    except web.HTTPRequestEntityTooLarge:
        return _refused(request, TooLargeError("The body is too large."), request_id)
    except Exception:
        log.exception("proxy.failed")
        return _refused(request, AppError(), request_id)


async def _served(
    request: web.Request, place: Place, agent: HostedAgent, request_id: str
) -> web.StreamResponse:
    route = place.format.route_of(
        request.method, place.path, request.rel_url.raw_query_string
    )
    if not route.is_model_call:
        response = response_of(place.format.models(agent.agent_type))
        response.headers["x-request-id"] = request_id
        return response
    asked = await _asked(request, place, route)
    allowed = agent.agent_type.allowed_models
    if asked.request.model not in allowed:
        raise ModelNotAllowedError(
            f"The agent type allows {', '.join(allowed)}, not this model."
        )
    require_allowed(agent.agent_type, asked.request.features)
    return await request.app[FORWARDING].forward(
        request, agent, place.format, asked, request_id=request_id
    )


async def _asked(request: web.Request, place: Place, route: Route) -> Asked:
    encoding = request.headers.get("Content-Encoding", "identity")
    if encoding.lower() != "identity":
        raise MalformedError("Send the body uncompressed, without Content-Encoding.")
    try:
        async with asyncio.timeout(request.app[FORWARDING].patience.total_seconds()):
            body = await request.read()
    except TimeoutError:
        raise MalformedError("The body did not arrive in time.") from None
    model_request = place.format.read_request(route, body)
    return Asked(route, model_request, request.raw_headers)


def _refused(request: web.Request, error: AppError, request_id: str) -> web.Response:
    reply: Reply = format_of(request.rel_url.raw_path).refusal(error, request_id)
    return response_of(reply)
