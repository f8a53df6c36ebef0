"""Our own refusals on the OpenAI path, in the shape that SDKs make exceptions of."""

from collections.abc import Mapping
from http import HTTPStatus
from typing import Any

from agent_runner.proxy.refusing import json_reply
from agent_runner.proxy.wire_format import Reply
from shared.errors import AppError

__all__ = ["error_body", "refusal"]

# The `type` that OpenAI gives errors of a status; clients choose by status and code.
_TYPES: Mapping[int, str] = {
    HTTPStatus.FORBIDDEN: "permission_error",
    HTTPStatus.TOO_MANY_REQUESTS: "rate_limit_error",
    HTTPStatus.SERVICE_UNAVAILABLE: "service_unavailable_error",
    HTTPStatus.BAD_GATEWAY: "server_error",
    HTTPStatus.INTERNAL_SERVER_ERROR: "server_error",
}


def refusal(error: AppError, request_id: str) -> Reply:
    body = error_body(
        error.status,
        error.message,
        error.code.lower(),
        param=error.details.get("param"),
    )
    return json_reply(error, body, request_id=request_id)


def error_body(
    status: int, message: str, code: str, *, param: object = None
) -> dict[str, Any]:
    kind = _TYPES.get(status, "invalid_request_error")
    error = {"message": message, "type": kind, "param": param, "code": code}
    return {"error": error}
