"""Our own refusals on the OpenAI path, in the shape of which SDKs make exceptions."""

from http import HTTPStatus
from math import ceil

from aiohttp import web

from shared.errors import AppError

from .provider_failures import ProviderFailedError

__all__ = ["refusal"]

# The `type` that OpenAI gives errors of a status; clients choose by status and code.
_TYPES = {
    HTTPStatus.UNAUTHORIZED: "invalid_request_error",
    HTTPStatus.FORBIDDEN: "permission_error",
    HTTPStatus.TOO_MANY_REQUESTS: "rate_limit_error",
    HTTPStatus.SERVICE_UNAVAILABLE: "service_unavailable_error",
    HTTPStatus.BAD_GATEWAY: "server_error",
    HTTPStatus.INTERNAL_SERVER_ERROR: "server_error",
}


def refusal(error: AppError, request_id: str) -> web.Response:
    """Say *error*, and whether trying again is useless (`x-should-retry`)."""
    response = web.json_response(
        {
            "error": {
                "message": error.message,
                "type": _TYPES.get(error.status, "invalid_request_error"),
                "param": None,
                "code": error.code.lower(),
            }
        },
        status=int(error.status),
        headers={"x-request-id": request_id, "x-ag2trust-error": error.code},
    )
    if error.retry_after_seconds is not None:
        response.headers["retry-after"] = str(max(1, ceil(error.retry_after_seconds)))
    elif _is_final(error):
        response.headers["x-should-retry"] = "false"
    return response


def _is_final(error: AppError) -> bool:
    if isinstance(error, ProviderFailedError):
        return not error.explanation.retryable
    return error.status < HTTPStatus.INTERNAL_SERVER_ERROR
