"""What OpenAI says when it refuses."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from http import HTTPStatus
from typing import Final

from pydantic import JsonValue

from .script import Step

__all__ = ["RefusalError", "error_body", "error_code"]


class RefusalError(Exception):
    """The request is answered with *step*, an error, whatever the script says."""

    def __init__(self, step: Step) -> None:
        super().__init__(step.status)
        self.step = step


@dataclass(frozen=True, slots=True)
class _Error:
    message: str
    type: str = "invalid_request_error"
    param: str | None = None
    code: str | None = None


# Texts and types: OpenAI's guide "Error codes" and answers seen in public bug reports;
# clients must rely on status and code only.
_BY_CODE: Final[Mapping[str | None, _Error]] = {
    error.code: error
    for error in (
        _Error(
            "This model's maximum context length is 128000 tokens. However, your "
            "messages resulted in more. Please reduce the length of the messages.",
            param="messages",
            code="context_length_exceeded",
        ),
        _Error(
            "Incorrect API key provided. You can find your API key at "
            "https://platform.openai.com/account/api-keys.",
            code="invalid_api_key",
        ),
        _Error(
            "The model does not exist or you do not have access to it.",
            code="model_not_found",
        ),
        _Error(
            "Rate limit reached for requests. Please try again in 1s.",
            type="requests",
            code="rate_limit_exceeded",
        ),
        _Error(
            "You exceeded your current quota, please check your plan and billing "
            "details.",
            type="insufficient_quota",
            code="insufficient_quota",
        ),
        _Error(
            "The server is overloaded or not ready yet.",
            type="service_unavailable_error",
            code="server_is_overloaded",
        ),
    )
}
_BY_STATUS: Final[Mapping[int, _Error]] = {
    401: _BY_CODE["invalid_api_key"],
    404: _BY_CODE["model_not_found"],
    429: _BY_CODE["rate_limit_exceeded"],
    503: _BY_CODE["server_is_overloaded"],
}
_BAD_REQUEST: Final = _Error("The request is invalid.")
_SERVER_ERROR: Final = _Error(
    "The server had an error while processing your request. Sorry about that!",
    type="server_error",
)


def error_body(step: Step) -> dict[str, JsonValue]:
    """`{"error": {"message", "type", "param", "code"}}`, completed from the table."""
    given = {} if step.error is None else step.error.model_dump(exclude_unset=True)
    return {"error": {**asdict(_default_error(step)), **given}}


def error_code(step: Step) -> str | None:
    """Give the `code` of the step's error body."""
    if step.error is None or "code" not in step.error.model_fields_set:
        return _default_error(step).code
    return step.error.code


def _default_error(step: Step) -> _Error:
    code = None if step.error is None else step.error.code
    if code in _BY_CODE:
        return _BY_CODE[code]
    if step.is_success or step.status >= HTTPStatus.INTERNAL_SERVER_ERROR:
        return _BY_STATUS.get(step.status, _SERVER_ERROR)
    return _BY_STATUS.get(step.status, _BAD_REQUEST)
