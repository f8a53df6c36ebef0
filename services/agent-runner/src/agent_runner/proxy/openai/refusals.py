"""Our own refusals on the OpenAI path, in the shape that SDKs make exceptions of."""

from http import HTTPStatus

from agent_runner.proxy.refusing import json_reply
from agent_runner.proxy.wire_format import Reply
from shared.errors import AppError

__all__ = ["refusal"]

# The `type` that OpenAI gives errors of a status; clients choose by status and code.
_TYPES = {
    HTTPStatus.FORBIDDEN: "permission_error",
    HTTPStatus.TOO_MANY_REQUESTS: "rate_limit_error",
    HTTPStatus.SERVICE_UNAVAILABLE: "service_unavailable_error",
    HTTPStatus.BAD_GATEWAY: "server_error",
    HTTPStatus.INTERNAL_SERVER_ERROR: "server_error",
}


def refusal(error: AppError, request_id: str) -> Reply:
    body = {
        "error": {
            "message": error.message,
            "type": _TYPES.get(error.status, "invalid_request_error"),
            "param": None,
            "code": error.code.lower(),
        }
    }
    return json_reply(error, body, request_id=request_id)
