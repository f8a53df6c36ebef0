"""The paths of the proxy: who calls, may it, and then forward.

A token in the path identifies the agent under environment delivery, where the key that
comes with the call must be one its process was given; a bearer token stands for itself.
"""

from http import HTTPStatus

import structlog
from aiohttp import web

from agent_runner.agent_routes import HOSTED, reached_at
from agent_runner.hosted_agents import HostedAgent
from shared.contracts.agent_runner import AgentType
from shared.errors import (
    AppError,
    CredentialMismatchError,
    InvalidAgentTokenError,
    ModelNotAllowedError,
    TooLargeError,
    UnavailableError,
)
from shared.ids import new_id

from .forwarding import Forwarding
from .openai_errors import refusal
from .openai_requests import read_request, route_of

__all__ = ["FORWARDING", "routes"]

log = structlog.get_logger(__name__)

FORWARDING = web.AppKey("forwarding", Forwarding)

routes = web.RouteTableDef()


@routes.route("*", "/a/{token:[A-Za-z0-9_]+}/openai/v1/{path:.*}")
async def by_path_token(request: web.Request) -> web.StreamResponse:
    return await _told(request, by_path=True)


@routes.route("*", "/openai/v1/{path:.*}")
async def by_bearer(request: web.Request) -> web.StreamResponse:
    return await _told(request, by_path=False)


async def _told(request: web.Request, *, by_path: bool) -> web.StreamResponse:
    """Answer in the path's own error shape: an edge, like `shared.http.tell_errors`."""
    request_id = str(new_id())
    try:
        agent = _path_agent(request) if by_path else _bearer_agent(request)
        return await _served(request, agent, request_id)
    except AppError as error:
        return refusal(error, request_id)
    except web.HTTPRequestEntityTooLarge:
        return refusal(TooLargeError("The body is too large."), request_id)
    except ConnectionResetError:
        raise
    except Exception:
        log.exception("proxy.failed", request_id=request_id)
        return refusal(AppError(), request_id)


async def _served(
    request: web.Request, agent: HostedAgent, request_id: str
) -> web.StreamResponse:
    route = route_of(request.method, request.match_info["path"])
    if not route.is_model_call:
        return _models(agent.agent_type, request_id)
    if not agent.lease.credential.enabled:
        raise UnavailableError("The provider is disabled by its operator.")
    model_request = read_request(await request.read())
    allowed = agent.agent_type.allowed_models
    if model_request.model not in allowed:
        raise ModelNotAllowedError(
            f"The agent type allows {', '.join(allowed)}, not this model."
        )
    return await request.app[FORWARDING].forward(
        request, agent, route, model_request, request_id=request_id
    )


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
    if not agent.was_given(_bearer(request)):
        raise CredentialMismatchError(
            "The key of this call is not the one this agent was given."
        )
    return agent


def _bearer_agent(request: web.Request) -> HostedAgent:
    return request.app[HOSTED].identify(
        _bearer(request), reached_at=reached_at(request)
    )


def _bearer(request: web.Request) -> str:
    scheme, _, key = request.headers.get("Authorization", "").partition(" ")
    if scheme.lower() != "bearer" or not key:
        raise InvalidAgentTokenError("Send the key as a bearer token.")
    return key
