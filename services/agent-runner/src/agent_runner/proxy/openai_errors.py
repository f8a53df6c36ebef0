"""Errors on the OpenAI path: ours in its shape, and the provider's explained.

Codes and causes: OpenAI's guide to error codes. A table, not branches.
"""

from http import HTTPStatus
from typing import Any

from aiohttp import web

from shared.contracts.base import Explanation
from shared.errors import AppError

__all__ = ["explain", "explain_error", "refusal"]

# (status or None, provider's code or None) → our code, cause, fix, is it retryable
_Row = tuple[int | None, str | None, str, str, str, bool]
_TABLE: tuple[_Row, ...] = (
    (
        None,
        "context_length_exceeded",
        "CONTEXT_TOO_LONG",
        "The prompt and the output limit do not fit the model's context window.",
        "Shorten the conversation, lower max_tokens, or choose a larger model.",
        False,
    ),
    (
        None,
        "insufficient_quota",
        "QUOTA_EXHAUSTED",
        "The provider account has no credit left, or reached its spend limit.",
        "Top up or raise the limit in the provider's console.",
        False,
    ),
    (
        None,
        "model_not_found",
        "MODEL_NOT_AVAILABLE",
        "The model is unknown, retired, or not open to this account.",
        "Choose a model that the provider lists for this key.",
        False,
    ),
    (
        None,
        "content_policy_violation",
        "CONTENT_FILTERED",
        "The provider's policy refused the content.",
        "Change the content of the request.",
        False,
    ),
    (
        401,
        None,
        "INVALID_API_KEY",
        "The provider does not accept the key: mistyped, revoked or expired.",
        "Replace the provider's key.",
        False,
    ),
    (
        403,
        None,
        "PERMISSION_DENIED",
        "The key may not do this: project, region or model access.",
        "Grant the access in the provider's console.",
        False,
    ),
    (
        404,
        None,
        "NOT_FOUND",
        "The provider has nothing at this path.",
        "Check the base URL; OpenAI's ends in /v1.",
        False,
    ),
    (
        429,
        None,
        "RATE_LIMITED",
        "The account's requests or tokens per minute are used up.",
        "Wait as Retry-After says, reduce the load, or raise the provider's tier.",
        True,
    ),
    (
        503,
        None,
        "OVERLOADED",
        "The provider is overloaded.",
        "Try again later, or give the agent type a fallback.",
        True,
    ),
    (
        504,
        None,
        "TIMEOUT",
        "The provider took too long.",
        "Try again; stream long answers.",
        True,
    ),
    (
        400,
        None,
        "INVALID_REQUEST",
        "The provider does not accept the request's parameters.",
        "Correct the request as the provider's message says.",
        False,
    ),
)
_ELSE: _Row = (
    None,
    None,
    "PROVIDER_ERROR",
    "The provider failed.",
    "Try again; if it lasts, see the provider's status page.",
    True,
)

# The `type` that OpenAI gives errors of a status; clients choose by status and code.
_TYPES = {
    HTTPStatus.UNAUTHORIZED: "invalid_request_error",
    HTTPStatus.FORBIDDEN: "permission_error",
    HTTPStatus.TOO_MANY_REQUESTS: "rate_limit_error",
    HTTPStatus.SERVICE_UNAVAILABLE: "service_unavailable_error",
    HTTPStatus.BAD_GATEWAY: "server_error",
    HTTPStatus.INTERNAL_SERVER_ERROR: "server_error",
}


def explain(status: int, body: object) -> Explanation:
    """Explain a provider's answer of 400 or more; *body* is its JSON, if any."""
    error = body.get("error") if isinstance(body, dict) else None
    return explain_error(status, error if isinstance(error, dict) else {})


def explain_error(status: int, error: dict[str, Any]) -> Explanation:
    """Explain an OpenAI `error` object; a stream carries it under status 200."""
    name = error.get("code") or error.get("type")
    provider_error = str(name)[:100] if name else None
    message = error.get("message")
    row = next(
        (
            row
            for row in _TABLE
            if row[0] in {None, status} and row[1] in {None, error.get("code")}
        ),
        _ELSE,
    )
    return Explanation(
        code=row[2],
        provider_error=provider_error,
        message=str(message)[:500] if message else f"The provider answered {status}.",
        cause=row[3],
        fix=row[4],
        retryable=row[5],
    )


def refusal(error: AppError, request_id: str) -> web.Response:
    """Say a refusal of ours in the shape of which the SDK makes its own exception.

    It is told not to retry where that is useless.
    """
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
        response.headers["retry-after"] = str(max(1, round(error.retry_after_seconds)))
    elif error.status < HTTPStatus.INTERNAL_SERVER_ERROR:
        response.headers["x-should-retry"] = "false"
    return response
