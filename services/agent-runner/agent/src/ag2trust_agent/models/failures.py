"""What went wrong with a model call, in our words: a table by HTTP status."""

import re
from collections.abc import Mapping
from http import HTTPStatus

from ag2trust_agent.errors import ModelCallError

__all__ = [
    "broke_off",
    "content_filtered",
    "failed",
    "malformed",
    "refused",
    "timed_out",
    "unreachable",
]

_OUR_CODE = "x-ag2trust-error"
"""The proxy's name for what it refused itself."""

_BY_STATUS: dict[int, tuple[str, str]] = {
    HTTPStatus.BAD_REQUEST: (
        "INVALID_REQUEST",
        "The provider found the request invalid",
    ),
    HTTPStatus.UNAUTHORIZED: (
        "INVALID_API_KEY",
        "The credentials were not accepted",
    ),
    HTTPStatus.FORBIDDEN: (
        "PERMISSION_DENIED",
        "This model call is not permitted",
    ),
    HTTPStatus.NOT_FOUND: (
        "MODEL_NOT_AVAILABLE",
        "The provider does not have this model",
    ),
    HTTPStatus.REQUEST_TIMEOUT: (
        "TIMEOUT",
        "The model did not answer in time",
    ),
    HTTPStatus.UNPROCESSABLE_ENTITY: (
        "INVALID_REQUEST",
        "The provider found the request invalid",
    ),
    HTTPStatus.TOO_MANY_REQUESTS: (
        "RATE_LIMITED",
        "No more model calls are allowed for now",
    ),
}
_OTHERWISE = ("PROVIDER_ERROR", "The model call failed")
_THEIRS = ("PROVIDER_ERROR", "The provider failed")

_PLAIN_WORD = re.compile(r"[A-Za-z_]{1,64}")
"""An error code such as `insufficient_quota`; a key or an address does not match."""


def refused(
    status: int, headers: Mapping[str, str], *names: str | None
) -> ModelCallError:
    """Say what a *status* means, with the first of the other side's *names* for it.

    No other word of the other side is passed on.
    """
    usual = _THEIRS if status >= HTTPStatus.INTERNAL_SERVER_ERROR else _OTHERWISE
    code, what = _BY_STATUS.get(status, usual)
    return _error(code, what, f"HTTP {status}", headers.get(_OUR_CODE), *names)


def failed(*names: str | None) -> ModelCallError:
    """Say that a call failed that had begun to answer, or never left."""
    return _error(*_OTHERWISE, None, *names)


def timed_out() -> ModelCallError:
    return _error(*_BY_STATUS[HTTPStatus.REQUEST_TIMEOUT])


def unreachable() -> ModelCallError:
    return _error("UPSTREAM_UNREACHABLE", "The connection to the model failed")


def malformed() -> ModelCallError:
    return _error("PROVIDER_ERROR", "The model's answer was malformed")


def broke_off() -> ModelCallError:
    return _error("PROVIDER_ERROR", "The model's answer broke off")


def content_filtered() -> ModelCallError:
    return _error(
        "CONTENT_FILTERED", "The provider's content filter stopped the answer"
    )


def _error(
    code: str, what: str, status: str | None = None, *names: str | None
) -> ModelCallError:
    plain = [name for name in names if name and _PLAIN_WORD.fullmatch(name)]
    facts = ", ".join([*([status] if status else []), *plain[:1]])
    return ModelCallError(code, f"{what} ({facts})." if facts else f"{what}.")
