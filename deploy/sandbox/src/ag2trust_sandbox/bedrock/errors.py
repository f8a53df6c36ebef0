"""What Bedrock says when it refuses.

Names and statuses: the service model of `bedrock-runtime` in botocore.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from pydantic import JsonValue

from ag2trust_sandbox.error_table import ErrorTable
from ag2trust_sandbox.script import ErrorCode, Step

__all__ = ["ERRORS", "error_body", "error_name", "exception_type"]


@dataclass(frozen=True, slots=True)
class _Error:
    status: int
    name: str
    message: str


_BY_CODE: Final[Mapping[str | None, _Error]] = {
    ErrorCode.CONTEXT_LENGTH_EXCEEDED: _Error(
        400, "ValidationException", "Input is too long for requested model."
    ),
    ErrorCode.CONTENT_POLICY_VIOLATION: _Error(
        400, "ValidationException", "The request was blocked by our content policy."
    ),
    ErrorCode.INVALID_API_KEY: _Error(
        403,
        "UnrecognizedClientException",
        "The security token included in the request is invalid.",
    ),
    ErrorCode.MODEL_NOT_FOUND: _Error(
        404,
        "ResourceNotFoundException",
        "Could not resolve the foundation model from the provided model identifier.",
    ),
    ErrorCode.RATE_LIMIT_EXCEEDED: _Error(
        429,
        "ThrottlingException",
        "Too many requests, please wait before trying again.",
    ),
    ErrorCode.SLOW_DOWN: _Error(
        429, "ThrottlingException", "Too many tokens, please wait before trying again."
    ),
    ErrorCode.INSUFFICIENT_QUOTA: _Error(
        400,
        "ServiceQuotaExceededException",
        "Your request exceeds the service quota for your account.",
    ),
    ErrorCode.SERVER_IS_OVERLOADED: _Error(
        503,
        "ServiceUnavailableException",
        "Bedrock is unable to process your request.",
    ),
}
_BY_STATUS: Final[Mapping[int, _Error]] = {
    error.status: error
    for error in (
        _Error(
            403, "AccessDeniedException", "You are not authorized to do this operation."
        ),
        _BY_CODE[ErrorCode.MODEL_NOT_FOUND],
        _Error(408, "ModelTimeoutException", "The model took too long to answer."),
        _Error(424, "ModelErrorException", "The model failed on your request."),
        _BY_CODE[ErrorCode.RATE_LIMIT_EXCEEDED],
        _BY_CODE[ErrorCode.SERVER_IS_OVERLOADED],
        _Error(529, "overloaded_error", "Overloaded"),
    )
}
_BAD_REQUEST: Final = _Error(400, "ValidationException", "The request is invalid.")
_SERVER_ERROR: Final = _Error(
    500, "InternalServerException", "The system encountered an unexpected error."
)
ERRORS: Final = ErrorTable(_BY_CODE, _BY_STATUS, _BAD_REQUEST, _SERVER_ERROR)


def error_name(step: Step) -> str:
    """Give the exception: the step's own type, or the one of its code or status."""
    given = None if step.error is None else step.error.type
    return given or ERRORS.error_of(step).name


def exception_type(step: Step) -> str:
    """Give the same name as an open stream has it."""
    name = error_name(step)
    return name[:1].lower() + name[1:]


def error_body(step: Step) -> dict[str, JsonValue]:
    given = None if step.error is None else step.error.message
    return {"message": given or ERRORS.error_of(step).message}
