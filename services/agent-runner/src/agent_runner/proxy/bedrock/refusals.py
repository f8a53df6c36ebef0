"""Our own refusals on the Bedrock path, as exceptions that boto3 knows.

boto3 heeds neither `Retry-After` nor `x-should-retry`: it tries 429, 500, 502, 503 and
504 again, and what it makes of `x-amz-retry-after` is milliseconds. So where trying
again is useless, the status is one that it takes for final.
"""

from http import HTTPStatus
from math import ceil
from typing import NamedTuple

from agent_runner.proxy.refusing import is_final, json_reply
from agent_runner.proxy.wire_format import Reply
from shared.errors import AppError

__all__ = ["refusal"]


class _Exception(NamedTuple):
    status: int
    name: str


_INVALID = _Exception(400, "ValidationException")
_FINAL_FAILURE = _Exception(424, "ModelErrorException")
_EXCEPTIONS = {
    HTTPStatus.UNAUTHORIZED: _Exception(403, "UnrecognizedClientException"),
    HTTPStatus.FORBIDDEN: _Exception(403, "AccessDeniedException"),
    HTTPStatus.NOT_FOUND: _Exception(404, "ResourceNotFoundException"),
    HTTPStatus.CONFLICT: _Exception(400, "ConflictException"),
    HTTPStatus.REQUEST_ENTITY_TOO_LARGE: _Exception(413, "ValidationException"),
    HTTPStatus.TOO_MANY_REQUESTS: _Exception(429, "ThrottlingException"),
    HTTPStatus.INTERNAL_SERVER_ERROR: _Exception(500, "InternalServerException"),
    HTTPStatus.BAD_GATEWAY: _Exception(502, "InternalServerException"),
    HTTPStatus.SERVICE_UNAVAILABLE: _Exception(503, "ServiceUnavailableException"),
    HTTPStatus.GATEWAY_TIMEOUT: _Exception(504, "ModelTimeoutException"),
}


def refusal(error: AppError, request_id: str) -> Reply:
    exception = _exception(error)
    named = [
        (b"x-amzn-errortype", exception.name.encode()),
        (b"x-amzn-requestid", request_id.encode()),
    ]
    if error.retry_after_seconds is not None:
        milliseconds = ceil(error.retry_after_seconds * 1000)
        named.append((b"x-amz-retry-after", b"%d" % milliseconds))
    return json_reply(
        error,
        {"message": error.message},
        request_id=request_id,
        status=exception.status,
        more=named,
    )


def _exception(error: AppError) -> _Exception:
    exception = _EXCEPTIONS.get(error.status, _INVALID)
    if is_final(error) and exception.status >= HTTPStatus.INTERNAL_SERVER_ERROR:
        return _FINAL_FAILURE
    return exception
