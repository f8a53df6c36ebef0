"""What Anthropic says when it refuses.

Types and statuses: Anthropic's documentation, "Errors"; clients rely on `type` and
`details.error_code`, never on a text.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from http import HTTPStatus
from typing import Final

from pydantic import JsonValue

from ag2trust_sandbox.error_table import ErrorTable
from ag2trust_sandbox.script import ErrorCode, Step
from ag2trust_sandbox.stamp import Stamp

__all__ = ["ERRORS", "error_body", "is_rate_limit"]


@dataclass(frozen=True, slots=True)
class _Error:
    status: int
    type: str
    message: str
    error_code: str | None = None


_BY_CODE: Final[Mapping[str | None, _Error]] = {
    ErrorCode.CONTEXT_LENGTH_EXCEEDED: _Error(
        400,
        "invalid_request_error",
        "prompt is too long: 200001 tokens > 200000 maximum",
    ),
    ErrorCode.CONTENT_POLICY_VIOLATION: _Error(
        400, "invalid_request_error", "Output blocked by content filtering policy"
    ),
    ErrorCode.INVALID_API_KEY: _Error(401, "authentication_error", "invalid x-api-key"),
    ErrorCode.MODEL_NOT_FOUND: _Error(404, "not_found_error", "model: unknown"),
    ErrorCode.RATE_LIMIT_EXCEEDED: _Error(
        429,
        "rate_limit_error",
        "This request would exceed your organization's rate limit of requests per "
        "minute.",
    ),
    ErrorCode.SLOW_DOWN: _Error(
        429,
        "rate_limit_error",
        "Your usage grew too fast. Please increase it gradually.",
        "ramp_limit_exceeded",
    ),
    ErrorCode.INSUFFICIENT_QUOTA: _Error(
        429,
        "rate_limit_error",
        "Your organization has reached its monthly spend limit.",
        "enforced_spend_limit_reached",
    ),
    ErrorCode.SERVER_IS_OVERLOADED: _Error(529, "overloaded_error", "Overloaded"),
}
_BY_STATUS: Final[Mapping[int, _Error]] = {
    error.status: error
    for error in (
        _BY_CODE[ErrorCode.INVALID_API_KEY],
        _Error(402, "billing_error", "There is an issue with your billing."),
        _Error(403, "permission_error", "Your API key lacks permission for this."),
        _BY_CODE[ErrorCode.MODEL_NOT_FOUND],
        _Error(409, "conflict_error", "The resource was changed by another request."),
        _Error(413, "request_too_large", "Request exceeds the maximum size"),
        _BY_CODE[ErrorCode.RATE_LIMIT_EXCEEDED],
        _Error(504, "timeout_error", "The request timed out."),
        _BY_CODE[ErrorCode.SERVER_IS_OVERLOADED],
    )
}
_BAD_REQUEST: Final = _Error(400, "invalid_request_error", "The request is invalid.")
_SERVER_ERROR: Final = _Error(500, "api_error", "Internal server error")
_SAYS_WHEN_TO_RETRY: Final = frozenset(
    {ErrorCode.RATE_LIMIT_EXCEEDED, ErrorCode.SLOW_DOWN, None}
)
ERRORS: Final = ErrorTable(_BY_CODE, _BY_STATUS, _BAD_REQUEST, _SERVER_ERROR)


def error_body(step: Step, stamp: Stamp) -> dict[str, JsonValue]:
    """`{"type", "error": {"type", "message", "details"}, "request_id"}`."""
    default = ERRORS.error_of(step)
    given = {}
    if step.error is not None:
        given = step.error.model_dump(include={"type", "message"}, exclude_unset=True)
    error = {"type": default.type, "message": default.message, **given}
    return {
        "type": "error",
        "error": {**error, **_details(step)},
        "request_id": f"req_{stamp.id}",
    }


def is_rate_limit(step: Step) -> bool:
    """Whether the answer says when to come back: a spent budget does not."""
    code = None if step.error is None else step.error.code
    is_too_many = ERRORS.status_of(step) == HTTPStatus.TOO_MANY_REQUESTS
    return is_too_many and code in _SAYS_WHEN_TO_RETRY


def _details(step: Step) -> dict[str, JsonValue]:
    """Tell the code of a step in `details.error_code`, unless a type says it all."""
    code = None if step.error is None else step.error.code
    error_code = _BY_CODE[code].error_code if code in _BY_CODE else code
    return {} if error_code is None else {"details": {"error_code": error_code}}
