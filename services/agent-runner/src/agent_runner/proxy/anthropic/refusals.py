"""Our own refusals on the Anthropic path, in the shape that SDKs make exceptions of."""

from http import HTTPStatus

from agent_runner.proxy.refusing import json_reply
from agent_runner.proxy.wire_format import Reply
from shared.errors import AppError

__all__ = ["refusal"]

# The `error.type` of a status (platform.claude.com, "Errors").
_TYPES = {
    HTTPStatus.UNAUTHORIZED: "authentication_error",
    HTTPStatus.PAYMENT_REQUIRED: "billing_error",
    HTTPStatus.FORBIDDEN: "permission_error",
    HTTPStatus.NOT_FOUND: "not_found_error",
    HTTPStatus.CONFLICT: "conflict_error",
    HTTPStatus.REQUEST_ENTITY_TOO_LARGE: "request_too_large",
    HTTPStatus.TOO_MANY_REQUESTS: "rate_limit_error",
    HTTPStatus.INTERNAL_SERVER_ERROR: "api_error",
    HTTPStatus.BAD_GATEWAY: "api_error",
    HTTPStatus.SERVICE_UNAVAILABLE: "overloaded_error",
    HTTPStatus.GATEWAY_TIMEOUT: "timeout_error",
}


def refusal(error: AppError, request_id: str) -> Reply:
    body = {
        "type": "error",
        "error": {
            "type": _TYPES.get(error.status, "invalid_request_error"),
            "message": error.message,
            "details": {"error_code": error.code.lower()},
        },
        "request_id": request_id,
    }
    named = [(b"request-id", request_id.encode())]
    return json_reply(error, body, request_id=request_id, more=named)
