"""Which failures send a call to its next candidate: a table.

A call moves on only if the provider says that it did not carry it out, or was never
reached, and if somebody else may do better. A call that was sent and got no answer may
be running and billed: it is not sent again. One that is wrong itself, or was refused
for its content, is refused everywhere.
"""

import re
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

from agent_runner.http.errors import (
    ConnectingFailedError,
    ConnectingTimedOutError,
    ForbiddenAddressError,
)
from shared.contracts.base import Explanation

from .headers import value_of
from .provider_failures import RedirectedError
from .wire_format import Fields

__all__ = ["MOVES_ON", "is_providers", "moves_on", "never_left", "retry_after"]

MOVES_ON = frozenset(
    {
        "ACCESS_DENIED",
        "ACCOUNT_DISABLED",
        "CREDENTIALS_EXPIRED",
        "INFERENCE_PROFILE_REQUIRED",
        "INVALID_API_KEY",
        "INVALID_CONFIGURATION",
        "INVALID_CREDENTIALS",
        "MODEL_ACCESS_FORM_REQUIRED",
        "MODEL_ACCESS_PENDING",
        "MODEL_NOT_AVAILABLE",
        "MODEL_NOT_READY",
        "NOT_FOUND",
        "OVERLOADED",
        "PERMISSION_DENIED",
        "PROVIDER_ERROR",
        "QUOTA_EXHAUSTED",
        "RATE_LIMITED",
        "UPSTREAM_UNREACHABLE",
        "BASE_URL_FORBIDDEN",
        "REDIRECT_REFUSED",
    }
)
"""Codes of explanations."""

# It failed, but may have carried the call out.
_ALSO_THE_PROVIDERS = frozenset(
    {"TIMEOUT", "STREAM_INTERRUPTED", "ANSWER_NOT_UNDERSTOOD"}
)
_NEVER_LEFT = (
    ConnectingFailedError,
    ConnectingTimedOutError,
    ForbiddenAddressError,
    RedirectedError,
)
_SECONDS = re.compile(r"[0-9]{1,9}(\.[0-9]{1,9})?")


def moves_on(explanation: Explanation) -> bool:
    """Say whether a call that the provider answered so is asked of the next."""
    return explanation.code in MOVES_ON


def never_left(error: Exception) -> bool:
    """Say whether what failed so was carried out by nobody."""
    return isinstance(error, _NEVER_LEFT)


def is_providers(explanation: Explanation) -> bool:
    """Say whether the failure is the provider's, rather than the request's."""
    return explanation.code in MOVES_ON | _ALSO_THE_PROVIDERS


def retry_after(fields: Fields, now: datetime) -> float | None:
    """Read when the provider wants to be asked again, in seconds; None if not said.

    `Retry-After` is a number or a date (RFC 9110, section 10.2.3); OpenAI and
    Anthropic say `retry-after-ms`, too.
    """
    milliseconds = value_of(fields, b"retry-after-ms").strip()
    if _SECONDS.fullmatch(milliseconds):
        return float(milliseconds) / 1000
    said = value_of(fields, b"retry-after").strip()
    if _SECONDS.fullmatch(said):
        return float(said)
    try:
        at = parsedate_to_datetime(said)
    except (ValueError, OverflowError):
        return None
    if at.tzinfo is None:
        at = at.replace(tzinfo=UTC)
    return max(0.0, (at - now).total_seconds())
