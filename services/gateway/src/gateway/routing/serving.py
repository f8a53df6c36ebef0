"""From an operation to a route: everything around it that is the same for all."""

import hashlib
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from aiohttp import hdrs, web
from aiohttp.typedefs import Handler
from pydantic import BaseModel

from gateway.access.authentication import principal_of
from shared.contracts.base import SHOWN_ONCE, Empty
from shared.errors import PreconditionFailedError
from shared.http import read_json, reply_json
from shared.ids import new_id

from .asked import Asked
from .idempotency import IDEMPOTENCY_KEY, KEPT_TEXT, Idempotency
from .operations import Method, Operation, Reply, operations_of
from .reading import id_in_path, if_match, if_match_header, query_of

__all__ = ["open_routes", "routes_below"]

_CREATED = 201
_READING = frozenset({hdrs.METH_GET, hdrs.METH_HEAD})


def routes_below(
    prefix: str, *declaring: object, idempotency: Idempotency
) -> list[web.RouteDef]:
    """Make the routes of all operations of *declaring*; their paths follow *prefix*."""
    found = [each for routes in declaring for each in operations_of(routes)]
    showing = {
        operation.path: method
        for operation, method in found
        if operation.method == hdrs.METH_GET
    }
    return [
        _route(
            prefix + operation.path,
            operation,
            _Served(method, showing.get(operation.path), idempotency),
        )
        for operation, method in found
    ]


def open_routes(prefix: str, *declaring: object) -> frozenset[tuple[str, str]]:
    """Return method and path of the operations that whoever comes may call."""
    return frozenset(
        (operation.method, prefix + operation.path)
        for routes in declaring
        for operation, _ in operations_of(routes)
        if operation.needs is None
    )


@dataclass(frozen=True, slots=True)
class _Served:
    """What serves an operation: *method*, and *show* for the object it is about."""

    method: Method
    show: Method | None
    idempotency: Idempotency


def _route(path: str, operation: Operation, served: _Served) -> web.RouteDef:
    """Make a route; what can be got has a head, unless it is made as it is sent."""
    handler = _handler_of(operation, served)
    if operation.method != hdrs.METH_GET:
        return web.route(operation.method, path, handler)
    return web.get(path, handler, allow_head=operation.media is None)


def _handler_of(operation: Operation, served: _Served) -> Handler:
    """Make the handler that reads what *operation* says, asks *method* and replies."""

    async def serve(request: web.Request) -> web.StreamResponse:
        if operation.needs is not None:
            principal_of(request).require(operation.needs)
        object_id = _object_id(request, operation)
        arguments = await _arguments(request, operation)
        if served.show and operation.minds_version and not operation.takes_version:
            await _require_match(Asked(request, object_id, new_id()), served.show)

        async def answer(new_id: UUID) -> web.StreamResponse:
            asked = Asked(request, object_id, new_id)
            said = await served.method(asked, **arguments)
            return _replied(request, operation, said)

        if operation.may_be_repeated and IDEMPOTENCY_KEY in request.headers:
            return await served.idempotency.once(request, operation, answer)
        return await answer(new_id())

    return serve


async def _require_match(asked: Asked, show: Method) -> None:
    """Raise `PreconditionFailedError` if the object is none that `If-Match` names."""
    named = if_match_header(asked.http)
    if named == "*":
        return
    etags = {each.strip() for each in named.split(",")}
    if f'"{_etag_of(await show(asked))}"' not in etags:
        raise PreconditionFailedError("The object has changed since it was read.")


def _object_id(request: web.Request, operation: Operation) -> UUID | None:
    return id_in_path(request, operation.missing) if operation.missing else None


async def _arguments(request: web.Request, operation: Operation) -> dict[str, Any]:
    arguments: dict[str, Any] = {}
    query = query_of(request, operation.query)
    if operation.query.model_fields:
        arguments["query"] = query
    if operation.takes_version:
        arguments["if_version"] = if_match(request)
    if operation.body is not None:
        arguments["body"] = await _body(request, operation, operation.body)
    elif request.method not in _READING and request.can_read_body:
        await read_json(request, Empty)
    return arguments


async def _body(
    request: web.Request, operation: Operation, model: type[BaseModel]
) -> BaseModel | None:
    if operation.needs_body or request.can_read_body:
        return await read_json(request, model)
    return None


def _replied(
    request: web.Request, operation: Operation, answer: object
) -> web.StreamResponse:
    match answer:
        case web.StreamResponse():
            return answer
        case None:
            return web.Response(status=operation.status)
        case Reply(body=body, status=status, headers=headers):
            status = status or operation.status
            response = web.Response(status=status)
            if body is not None:
                response = _told(request, operation, body, status)
            response.headers.update(headers)
            return response
        case BaseModel():
            return _told(request, operation, answer, operation.status)
        case _:
            raise TypeError(f"{operation.id} returned {type(answer).__name__}")


def _told(
    request: web.Request, operation: Operation, body: Any, status: int
) -> web.Response:
    """Tell an object or a list; an object carries its `ETag` (RFC 9110, 8.8.3)."""
    response = reply_json(body, status=status)
    if secrets := _shown_once(body):
        kept = body.model_copy(update=dict.fromkeys(secrets))
        response[KEPT_TEXT] = kept.model_dump_json(by_alias=True)
    if operation.carries_etag:
        response.etag = _etag_of(body)
    if status == _CREATED:
        response.headers[hdrs.LOCATION] = f"{request.path}/{body.id}"
    return response


def _shown_once(body: BaseModel) -> list[str]:
    fields = type(body).model_fields.items()
    return [name for name, field in fields if SHOWN_ONCE in field.metadata]


def _etag_of(body: Any) -> str:
    """Return the version of an object, or what changes with all it says."""
    if version := getattr(body, "version", None):
        return str(version)
    text: str = body.model_dump_json(by_alias=True)
    return hashlib.sha256(text.encode()).hexdigest()[:32]
