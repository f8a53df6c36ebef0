"""OpenAPI 3.1 of what is served, made of the declarations and models that serve."""

import re
from collections.abc import Iterable, Iterator
from http import HTTPStatus
from typing import Any

from pydantic import BaseModel, ConfigDict, Field, JsonValue

from shared.errors import (
    AppError,
    DatabaseUnavailableError,
    ForbiddenError,
    IdempotencyKeyReusedError,
    InvalidApiKeyError,
    InvalidError,
    LimitedError,
    MalformedError,
    MalformedJsonError,
    PreconditionFailedError,
    RequestInProgressError,
    TooLargeError,
    UnavailableError,
)

from .idempotency import IDEMPOTENCY_KEY
from .operations import Operation
from .schemas import Schemas, without_null

__all__ = ["describe"]

JsonObject = dict[str, Any]

_JSON = "application/json"
_PARAMETER = re.compile(r"{(\w+)}")
_OFTEN = (AppError, InvalidError, MalformedError, UnavailableError)
_OF_A_KEY = (InvalidApiKeyError, ForbiddenError, LimitedError, DatabaseUnavailableError)
_OF_A_BODY = (MalformedJsonError, TooLargeError)


class Error(BaseModel):
    """What went wrong. *error_code* is stable, *error* is a sentence for people."""

    model_config = ConfigDict(extra="forbid")

    error: str
    error_code: str
    details: dict[str, JsonValue] = Field(
        description="More about it: of `VALIDATION_FAILED`, which `fields` are wrong."
    )
    request_id: str


def describe(
    operations: Iterable[Operation], *, title: str, version: str
) -> JsonObject:
    """Make the document of *operations*, each with its whole path."""
    operations = list(operations)
    description = _Description(operations)
    paths: dict[str, JsonObject] = {}
    for operation in operations:
        described = description.of(operation)
        paths.setdefault(operation.path, {})[operation.method.lower()] = described
    return {
        "openapi": "3.1.0",
        "info": {"title": title, "version": version},
        "paths": paths,
        "components": {
            "schemas": description.schemas.definitions_for(paths, description.refusals),
            "responses": description.refusals,
            "headers": _HEADERS,
            "securitySchemes": _SECURITY_SCHEMES,
        },
        "security": [{name: []} for name in _SECURITY_SCHEMES],
    }


class _Description:
    """Describes operations; *schemas* and *refusals* are what they have in common."""

    def __init__(self, operations: list[Operation]) -> None:
        given = [each for operation in operations for each in _given(operation)]
        self.schemas = Schemas(
            taken=[each for operation in operations for each in _taken(operation)],
            given=[*given, Error],
        )
        self.refusals: dict[str, JsonObject] = {}

    def of(self, operation: Operation) -> JsonObject:
        described: JsonObject = {
            "operationId": operation.id,
            "tags": [operation.tag],
            "summary": operation.summary,
            "parameters": self._parameters(operation),
            "responses": self._responses(operation),
        }
        if operation.description:
            described["description"] = operation.description
        if operation.body is not None:
            content = {_JSON: {"schema": self.schemas.taken(operation.body)}}
            described["requestBody"] = {
                "required": operation.needs_body,
                "content": content,
            }
        if operation.needs is None:
            described["security"] = []
        else:
            described["x-permission"] = operation.needs
        return described

    def _parameters(self, operation: Operation) -> list[JsonObject]:
        headers = {
            "If-Match": operation.minds_version,
            IDEMPOTENCY_KEY: operation.may_be_repeated,
        }
        return [
            *_in_path(operation),
            *self._in_query(operation),
            *(_TAKEN_HEADERS[name] for name, is_taken in headers.items() if is_taken),
        ]

    def _in_query(self, operation: Operation) -> Iterator[JsonObject]:
        reference = self.schemas.taken(operation.query)["$ref"]
        query = self.schemas.definitions[reference.rpartition("/")[2]]
        for name, schema in query.get("properties", {}).items():
            yield {
                "name": name,
                "in": "query",
                "required": name in query.get("required", []),
                "schema": without_null(schema),
            }

    def _responses(self, operation: Operation) -> JsonObject:
        answers = {operation.status: operation.answer, **operation.also}
        responses = {
            status: self._answer(operation, status, model)
            for status, model in answers.items()
        }
        for status, codes in _codes_by_status(operation).items():
            responses.setdefault(status, self._refusal(status, codes))
        return {str(int(status)): responses[status] for status in sorted(responses)}

    def _answer(self, operation: Operation, status: int, model: Any) -> JsonObject:
        content: JsonObject = {}
        if model is not None:
            content[_JSON] = {"schema": self.schemas.given(model)}
        if operation.media is not None and status == operation.status:
            kind = "object" if operation.media == _JSON else "string"
            content[operation.media] = {"schema": {"type": kind}}
        return {
            "description": HTTPStatus(status).phrase,
            "headers": _headers(status, *_own_headers(operation)),
            **({"content": content} if content else {}),
        }

    def _refusal(self, status: int, codes: set[str]) -> JsonObject:
        """Refer to the refusal with one of *codes*, which is its name."""
        name = "_or_".join(sorted(codes))
        self.refusals[name] = {
            "description": " or ".join(f"`{code}`" for code in sorted(codes)),
            "headers": _headers(status),
            "content": {_JSON: {"schema": self.schemas.given(Error)}},
        }
        return {"$ref": f"#/components/responses/{name}"}


def _taken(operation: Operation) -> Iterator[Any]:
    yield operation.query
    if operation.body is not None:
        yield operation.body


def _given(operation: Operation) -> Iterator[Any]:
    if operation.answer is not None:
        yield operation.answer
    yield from operation.also.values()


def _in_path(operation: Operation) -> Iterator[JsonObject]:
    for name in _PARAMETER.findall(operation.path):
        kind = {"type": "string"} | ({"format": "uuid"} if name == "id" else {})
        yield {"name": name, "in": "path", "required": True, "schema": kind}


def _codes_by_status(operation: Operation) -> dict[int, set[str]]:
    by_status: dict[int, set[str]] = {}
    for error in _errors(operation):
        by_status.setdefault(error.status, set()).add(error.code)
    return by_status


def _errors(operation: Operation) -> Iterator[type[AppError]]:
    yield from _OFTEN
    yield from operation.errors
    if operation.needs is not None:
        yield from _OF_A_KEY
    if operation.method != "GET":
        yield from _OF_A_BODY
    if operation.minds_version:
        yield PreconditionFailedError
    if operation.may_be_repeated:
        yield from (IdempotencyKeyReusedError, RequestInProgressError)
    if operation.missing is not None:
        yield operation.missing


def _headers(status: int, *own: str) -> JsonObject:
    names = ["X-Request-Id", *_HEADERS_OF.get(HTTPStatus(status), []), *own]
    return {name: {"$ref": f"#/components/headers/{name}"} for name in names}


def _own_headers(operation: Operation) -> Iterator[str]:
    if operation.carries_etag:
        yield "ETag"
    if operation.needs is not None:
        yield from ("X-RateLimit-Limit", "X-RateLimit-Remaining", "X-RateLimit-Reset")
    if operation.may_be_repeated:
        yield "Idempotency-Replayed"


_HEADERS_OF = {
    HTTPStatus.CREATED: ["Location"],
    HTTPStatus.UNAUTHORIZED: ["WWW-Authenticate"],
    HTTPStatus.TOO_MANY_REQUESTS: ["Retry-After"],
    HTTPStatus.SERVICE_UNAVAILABLE: ["Retry-After"],
}
_HEADERS: dict[str, JsonObject] = {
    "ETag": {
        "description": "The version of the object, for `If-Match`.",
        "schema": {"type": "string"},
    },
    "Idempotency-Replayed": {
        "description": "`true` if this was answered before, to the same request.",
        "schema": {"type": "string", "enum": ["true"]},
    },
    "Location": {
        "description": "Where the new object is.",
        "schema": {"type": "string"},
    },
    "Retry-After": {
        "description": "Seconds after which it is worth trying again.",
        "schema": {"type": "integer"},
    },
    "WWW-Authenticate": {
        "description": "How to say who asks.",
        "schema": {"type": "string"},
    },
    "X-RateLimit-Limit": {
        "description": "Requests a minute.",
        "schema": {"type": "integer"},
    },
    "X-RateLimit-Remaining": {
        "description": "Requests left of them.",
        "schema": {"type": "integer"},
    },
    "X-RateLimit-Reset": {
        "description": "When there are all again, in Unix seconds.",
        "schema": {"type": "integer"},
    },
    "X-Request-Id": {
        "description": "Names the request in our logs.",
        "schema": {"type": "string"},
    },
}
_TAKEN_HEADERS: dict[str, JsonObject] = {
    "If-Match": {
        "name": "If-Match",
        "in": "header",
        "required": False,
        "description": "The `ETag` that was read: 412 if the object has changed since.",
        "schema": {"type": "string"},
    },
    IDEMPOTENCY_KEY: {
        "name": IDEMPOTENCY_KEY,
        "in": "header",
        "required": False,
        "description": (
            "Sent again with the same request within 24 hours, it brings the same "
            "answer, without what is shown once."
        ),
        "schema": {"type": "string", "minLength": 1, "maxLength": 255},
    },
}
_SECURITY_SCHEMES: dict[str, JsonObject] = {
    "api_key": {"type": "apiKey", "in": "header", "name": "X-API-Key"},
    "bearer": {"type": "http", "scheme": "bearer"},
}
