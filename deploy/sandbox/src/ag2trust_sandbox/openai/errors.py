"""What OpenAI says when it refuses."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from pydantic import JsonValue

from ag2trust_sandbox.error_table import ErrorTable
from ag2trust_sandbox.script import ErrorCode, Step

__all__ = ["ERRORS", "error_code", "error_object"]


@dataclass(frozen=True, slots=True)
class _Error:
    status: int
    message: str
    type: str = "invalid_request_error"
    param: str | None = None
    code: ErrorCode | None = None

    @property
    def members(self) -> dict[str, JsonValue]:
        return {
            "message": self.message,
            "type": self.type,
            "param": self.param,
            "code": self.code,
        }


# Texts and types: OpenAI's guide "Error codes" and answers seen in public bug reports;
# clients must rely on status and code only.
_BY_CODE: Final[Mapping[str | None, _Error]] = {
    error.code: error
    for error in (
        _Error(
            400,
            "This model's maximum context length is 128000 tokens. However, your "
            "messages resulted in more. Please reduce the length of the messages.",
            param="messages",
            code=ErrorCode.CONTEXT_LENGTH_EXCEEDED,
        ),
        _Error(
            400,
            "Your request was rejected as a result of our safety system.",
            code=ErrorCode.CONTENT_POLICY_VIOLATION,
        ),
        _Error(
            401,
            "Incorrect API key provided. You can find your API key at "
            "https://platform.openai.com/account/api-keys.",
            code=ErrorCode.INVALID_API_KEY,
        ),
        _Error(
            404,
            "The model does not exist or you do not have access to it.",
            code=ErrorCode.MODEL_NOT_FOUND,
        ),
        _Error(
            429,
            "Rate limit reached for requests. Please try again in 1s.",
            type="requests",
            code=ErrorCode.RATE_LIMIT_EXCEEDED,
        ),
        _Error(
            429,
            "Your traffic grew too fast. Please slow down and try again later.",
            type="rate_limit_error",
            code=ErrorCode.SLOW_DOWN,
        ),
        _Error(
            429,
            "You exceeded your current quota, please check your plan and billing "
            "details.",
            type="insufficient_quota",
            code=ErrorCode.INSUFFICIENT_QUOTA,
        ),
        _Error(
            503,
            "The server is overloaded or not ready yet.",
            type="service_unavailable_error",
            code=ErrorCode.SERVER_IS_OVERLOADED,
        ),
    )
}
_BY_STATUS: Final[Mapping[int, _Error]] = {
    401: _BY_CODE[ErrorCode.INVALID_API_KEY],
    404: _BY_CODE[ErrorCode.MODEL_NOT_FOUND],
    429: _BY_CODE[ErrorCode.RATE_LIMIT_EXCEEDED],
    503: _BY_CODE[ErrorCode.SERVER_IS_OVERLOADED],
}
_BAD_REQUEST: Final = _Error(400, "The request is invalid.")
_SERVER_ERROR: Final = _Error(
    500,
    "The server had an error while processing your request. Sorry about that!",
    type="server_error",
)
ERRORS: Final = ErrorTable(_BY_CODE, _BY_STATUS, _BAD_REQUEST, _SERVER_ERROR)


def error_object(step: Step) -> dict[str, JsonValue]:
    """`{"message", "type", "param", "code"}`, completed from the table."""
    given = {} if step.error is None else step.error.model_dump(exclude_unset=True)
    return {**ERRORS.error_of(step).members, **given}


def error_code(step: Step) -> str | None:
    """Give the `code` of the step's error body."""
    if step.error is None or "code" not in step.error.model_fields_set:
        return ERRORS.error_of(step).code
    return step.error.code
