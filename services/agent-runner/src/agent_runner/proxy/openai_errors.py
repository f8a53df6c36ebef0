"""What OpenAI's errors mean: code, cause and fix for people. A table, not branches.

Sources: OpenAI's guide "Error codes" and its API reference; clients must rely on the
status and the error's `code`, never on its text.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any

from agent_runner.masking import SecretMask
from shared.contracts.base import Explanation

__all__ = ["explain", "explain_error"]

_LONGEST_NAME = 100
_LONGEST_MESSAGE = 400


@dataclass(frozen=True, slots=True)
class _Meaning:
    code: str
    cause: str
    fix: str
    is_retryable: bool = False


_INVALID_REQUEST = _Meaning(
    "INVALID_REQUEST",
    "The provider does not accept the request's parameters.",
    "Correct the request as the provider's message says.",
)
_CONTEXT_TOO_LONG = _Meaning(
    "CONTEXT_TOO_LONG",
    "The prompt and the output limit do not fit the model's context window.",
    "Shorten the conversation, lower max_tokens, or choose a larger model.",
)
_CONTENT_FILTERED = _Meaning(
    "CONTENT_FILTERED",
    "The provider's policy refused the content.",
    "Change the content of the request.",
)
_INVALID_API_KEY = _Meaning(
    "INVALID_API_KEY",
    "The provider does not accept the key: mistyped, revoked or expired.",
    "Replace the provider's key.",
)
_QUOTA_EXHAUSTED = _Meaning(
    "QUOTA_EXHAUSTED",
    "The provider account has no credit left, or reached its spend limit.",
    "Top up or raise the limit in the provider's console.",
)
_PERMISSION_DENIED = _Meaning(
    "PERMISSION_DENIED",
    "The key may not do this: project, region or model access.",
    "Grant the access in the provider's console.",
)
_MODEL_NOT_AVAILABLE = _Meaning(
    "MODEL_NOT_AVAILABLE",
    "The model is unknown, retired, or not open to this account.",
    "Choose a model that the provider lists for this key.",
)
_NOT_FOUND = _Meaning(
    "NOT_FOUND",
    "The provider has nothing at this path.",
    "Check the base URL; OpenAI's ends in /v1.",
)
_CONFLICT = _Meaning(
    "CONFLICT",
    "Another request was changing the same thing.",
    "Try again.",
    is_retryable=True,
)
_REQUEST_TOO_LARGE = _Meaning(
    "REQUEST_TOO_LARGE",
    "The request is larger than the provider takes.",
    "Shorten the conversation, or send smaller images.",
)
_RATE_LIMITED = _Meaning(
    "RATE_LIMITED",
    "The account's requests or tokens per minute are used up.",
    "Wait as Retry-After says, reduce the load, or raise the provider's tier.",
    is_retryable=True,
)
_OVERLOADED = _Meaning(
    "OVERLOADED",
    "The provider is overloaded.",
    "Try again later, or give the agent type a fallback.",
    is_retryable=True,
)
_TIMEOUT = _Meaning(
    "TIMEOUT",
    "The provider took too long.",
    "Try again; stream long answers.",
    is_retryable=True,
)
_PROVIDER_ERROR = _Meaning(
    "PROVIDER_ERROR",
    "The provider failed.",
    "Try again; if it lasts, see the provider's status page.",
    is_retryable=True,
)

_BY_NAME: Mapping[str, _Meaning] = {
    "bio_policy": _CONTENT_FILTERED,
    "content_filter": _CONTENT_FILTERED,  # Azure's word
    "content_policy_violation": _CONTENT_FILTERED,
    "context_length_exceeded": _CONTEXT_TOO_LONG,
    "credit_balance_exhausted": _QUOTA_EXHAUSTED,
    "insufficient_quota": _QUOTA_EXHAUSTED,
    "invalid_api_key": _INVALID_API_KEY,
    "invalid_prompt": _CONTENT_FILTERED,
    "misalignment_policy_violation": _CONTENT_FILTERED,
    "model_not_found": _MODEL_NOT_AVAILABLE,
    "organization_spend_limit_exceeded": _QUOTA_EXHAUSTED,
    "organization_usage_limit_exceeded": _QUOTA_EXHAUSTED,
    "project_spend_limit_exceeded": _QUOTA_EXHAUSTED,
    "rate_limit_error": _RATE_LIMITED,
    "rate_limit_exceeded": _RATE_LIMITED,
    "server_is_overloaded": _OVERLOADED,
    "slow_down": _RATE_LIMITED,
}
_BY_STATUS: Mapping[int, _Meaning] = {
    401: _INVALID_API_KEY,
    402: _QUOTA_EXHAUSTED,
    403: _PERMISSION_DENIED,
    404: _NOT_FOUND,
    408: _TIMEOUT,
    409: _CONFLICT,
    413: _REQUEST_TOO_LARGE,
    429: _RATE_LIMITED,
    503: _OVERLOADED,
    504: _TIMEOUT,
    529: _OVERLOADED,
}


def explain(status: int, body: object, *, mask: SecretMask) -> Explanation:
    """Explain an answer of 400 or more; *body* is its JSON, None if it is none.

    The error is in `error`, an object or only its message, or is the body itself.
    """
    fields = body if isinstance(body, dict) else {}
    error = fields.get("error", fields)
    if not isinstance(error, dict):
        error = {"message": error}
    return explain_error(status, error, mask=mask)


def explain_error(
    status: int, error: Mapping[str, Any], *, mask: SecretMask
) -> Explanation:
    """Explain an OpenAI `error` object; a stream carries it under status 200.

    What the provider says is cut, freed of control characters and of secrets: some
    repeat the key that they refuse.
    """
    names = [error.get("code"), error.get("type")]
    meaning = _meaning(status, names)
    name = next((str(each) for each in names if each), "")
    message = error.get("message") or error.get("detail")
    said = message if isinstance(message, str) else ""
    return Explanation(
        code=meaning.code,
        provider_error=_plain(name, _LONGEST_NAME, mask) or None,
        message=_plain(said, _LONGEST_MESSAGE, mask)
        or f"The provider answered {status}.",
        cause=meaning.cause,
        fix=meaning.fix,
        retryable=meaning.is_retryable,
    )


def _meaning(status: int, names: list[object]) -> _Meaning:
    for name in names:
        if isinstance(name, str) and name in _BY_NAME:
            return _BY_NAME[name]
    is_clients = HTTPStatus.BAD_REQUEST <= status < HTTPStatus.INTERNAL_SERVER_ERROR
    return _BY_STATUS.get(status, _INVALID_REQUEST if is_clients else _PROVIDER_ERROR)


def _plain(text: str, longest: int, mask: SecretMask) -> str:
    """Mask before cutting, lest half a secret remain; one line, printable."""
    hidden = mask.hide(text)[:longest]
    printable = (each if each.isprintable() else " " for each in hidden)
    return "".join(printable).strip()
