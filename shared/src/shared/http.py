"""What every aiohttp application here wears: request ids, errors, JSON in and out."""

import math
import re
from collections.abc import Awaitable, Callable, Iterable, Iterator
from http import HTTPStatus
from typing import TypeVar

import structlog
from aiohttp import web
from pydantic import BaseModel, JsonValue, ValidationError
from pydantic_core import from_json
from structlog.contextvars import bound_contextvars

from .errors import (
    AppError,
    InvalidError,
    MalformedError,
    MalformedJsonError,
    MethodNotAllowedError,
    NotFoundError,
    TooLargeError,
)
from .ids import new_id
from .wrong_values import what_is_wrong

__all__ = [
    "REQUEST_ID",
    "error_body",
    "fields_of",
    "read_json",
    "refusal",
    "reply_json",
    "tell_errors",
]

log = structlog.get_logger(__name__)

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]
ModelT = TypeVar("ModelT", bound=BaseModel)

REQUEST_ID = "X-Request-Id"
_USABLE_REQUEST_ID = re.compile(r"[A-Za-z0-9._-]{8,128}")
_RETRY_AFTER_SECONDS = 2.0


@web.middleware
async def tell_errors(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Give every request an id, and every failure its status and JSON body."""
    given = request.headers.get(REQUEST_ID, "")
    request_id = given if _USABLE_REQUEST_ID.fullmatch(given) else str(new_id())
    with bound_contextvars(request_id=request_id):
        response = await _answered(request, handler, request_id)
        if response.prepared:
            return response
        if request.writer.output_size > 0:
            raise ConnectionError("An answer has begun; there cannot be another.")
        response.headers.setdefault(REQUEST_ID, request_id)
        return response


async def _answered(
    request: web.Request, handler: Handler, request_id: str
) -> web.StreamResponse:
    try:
        return await handler(request)
    except AppError as error:
        return refusal(error, request_id)
    except web.HTTPException as error:
        return _refused(error, request_id)
    except Exception:
        log.exception("http.handler_failed", method=request.method)
        return refusal(AppError(), request_id)


def error_body(error: AppError, request_id: str) -> dict[str, JsonValue]:
    return {
        "error": error.message,
        "error_code": error.code,
        "details": error.details,
        "request_id": request_id,
    }


async def read_json(request: web.Request, model: type[ModelT]) -> ModelT:
    """Read the body as *model*: 400 for what is not JSON, 422 with the fields else.

    Nothing is coerced: a number in quotes is no number. A field that is not known is
    refused, whatever the model says: on the bus the same model ignores it.
    """
    raw = await _body_of(request)
    try:
        body: JsonValue = from_json(raw, allow_inf_nan=False)
    except ValueError:
        raise MalformedJsonError("The body is not valid JSON.") from None
    if unstorable := [*_fields_with_nul(body)]:
        raise _invalid(unstorable)
    try:
        return model.model_validate_json(raw, strict=True, extra="forbid")
    except ValidationError as error:
        raise _invalid(fields_of(error)) from None


async def _body_of(request: web.Request) -> bytes:
    try:
        return await request.read()
    except (web.RequestPayloadError, ConnectionError):
        raise MalformedError("The body cannot be read.") from None


def _fields_with_nul(value: JsonValue, *path: str) -> Iterator[JsonValue]:
    """Find text that JSON can say and PostgreSQL cannot keep."""
    match value:
        case str() if "\0" in value:
            yield _field(path, "must not hold the character U+0000")
        case list():
            for index, each in enumerate(value):
                yield from _fields_with_nul(each, *path, str(index))
        case dict():
            for name, each in value.items():
                yield from _fields_with_nul(name, *path, "[key]")
                yield from _fields_with_nul(each, *path, name)
        case _:
            return


def _invalid(fields: list[JsonValue]) -> InvalidError:
    return InvalidError("The request has invalid fields.", details={"fields": fields})


def fields_of(error: ValidationError) -> list[JsonValue]:
    """Say which fields are wrong and why, never what was given."""
    return [
        _field([str(part) for part in each["loc"]], what_is_wrong(each))
        for each in error.errors(include_input=False, include_url=False)
    ]


def _field(path: Iterable[str], message: str) -> JsonValue:
    return {"field": ".".join(path) or "body", "message": message}


def reply_json(model: BaseModel, *, status: int = 200) -> web.Response:
    return web.Response(
        text=model.model_dump_json(by_alias=True),
        status=status,
        content_type="application/json",
    )


def refusal(error: AppError, request_id: str) -> web.Response:
    """Tell an error in the one shape that errors have."""
    response = web.json_response(
        error_body(error, request_id), status=int(error.status)
    )
    response.headers[REQUEST_ID] = request_id
    retry_after_seconds = error.retry_after_seconds
    if retry_after_seconds is None and error.status == HTTPStatus.SERVICE_UNAVAILABLE:
        retry_after_seconds = _RETRY_AFTER_SECONDS
    if retry_after_seconds is not None:
        response.headers["Retry-After"] = str(max(1, math.ceil(retry_after_seconds)))
    if error.status == HTTPStatus.UNAUTHORIZED:
        response.headers["WWW-Authenticate"] = "Bearer"  # RFC 9110, section 11.6.1
    return response


def _refused(error: web.HTTPException, request_id: str) -> web.Response:
    """Say aiohttp's own refusals in our words, keeping its `Allow` header."""
    response = refusal(_translated(error), request_id)
    if allow := error.headers.get("Allow"):
        response.headers["Allow"] = allow
    return response


def _translated(error: web.HTTPException) -> AppError:
    """Say what is wrong without what was given: it may be a secret, misplaced."""
    match error:
        case web.HTTPNotFound():
            return NotFoundError("There is nothing at this path.")
        case web.HTTPMethodNotAllowed():
            allowed = ", ".join(sorted(error.allowed_methods))
            return MethodNotAllowedError(f"This path takes no method but {allowed}.")
        case web.HTTPRequestEntityTooLarge():
            return TooLargeError("The body is too large.")
        case _:
            return MalformedError("The request cannot be read.")
