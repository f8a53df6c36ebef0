"""Answers about one object, with its version as entity tag."""

from aiohttp import web

from shared.contracts.agent_runner import Agent, AgentType
from shared.contracts.credentials import Provider
from shared.http import reply_json

__all__ = ["reply_created", "reply_versioned"]

_Versioned = Provider | AgentType | Agent


def reply_versioned(thing: _Versioned, *, status: int = 200) -> web.Response:
    response = reply_json(thing, status=status)
    response.etag = str(thing.version)
    return response


def reply_created(request: web.Request, thing: _Versioned) -> web.Response:
    """Answer 201, and where the new thing is: below the list it was added to."""
    response = reply_versioned(thing, status=201)
    response.headers["Location"] = f"{request.path}/{thing.id}"
    return response
