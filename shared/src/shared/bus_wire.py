"""How a question and its answer are written on NATS: headers, failures, sizes."""

from datetime import datetime, timedelta

from nats.aio.client import Client

from .contracts.base import Failure
from .errors import AppError, error_from

__all__ = [
    "ASK_ID",
    "CLOCK_TOLERANCE",
    "EXPIRES_AT",
    "FAILED",
    "REQUEST_ID",
    "SECONDS_LEFT",
    "error_in",
    "expiry",
    "failure_of",
    "payload_limit",
]

ASK_ID = "Ag2trust-Ask-Id"
REQUEST_ID = "Ag2trust-Request-Id"
SECONDS_LEFT = "Ag2trust-Seconds-Left"
EXPIRES_AT = "Ag2trust-Expires-At"  # seconds since 1970
FAILED = "Ag2trust-Failed"

CLOCK_TOLERANCE = timedelta(seconds=1)
_TOLERATED_PART = 5  # of a deadline: never more than its fifth part

_HEADER_BYTES = 512  # at most; they count for the server's limit, not for nats-py's


def expiry(now: datetime, deadline: timedelta) -> datetime:
    """Return the time after which a question is not worked on any more.

    It is before the asker gives up by what the clocks of two machines may differ, so
    that nothing is done later even where the answerer's is slower.
    """
    return now + deadline - min(CLOCK_TOLERANCE, deadline / _TOLERATED_PART)


def payload_limit(client: Client) -> int:
    """Bytes beyond which the server hangs up, and nats-py closes for good."""
    return client.max_payload - _HEADER_BYTES


def failure_of(error: AppError) -> bytes:
    failure = Failure(
        code=error.code,
        status=int(error.status),
        message=error.message,
        details=error.details,
        retry_after_seconds=error.retry_after_seconds,
    )
    return failure.model_dump_json().encode()


def error_in(payload: bytes) -> AppError:
    """Read the error of an answer. Raises `ValidationError` if there is none."""
    failure = Failure.model_validate_json(payload)
    return error_from(
        code=failure.code,
        status=failure.status,
        message=failure.message,
        details=failure.details,
        retry_after_seconds=failure.retry_after_seconds,
    )
