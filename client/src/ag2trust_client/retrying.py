"""When a request is worth sending again, and how long to wait before."""

from .errors import (
    Ag2TrustError,
    ConflictError,
    LimitedError,
    UnavailableError,
    UnreachableError,
)

__all__ = ["TRIES", "seconds_before"]

TRIES = 4

_FIRST_SECONDS = 0.25
_LONGEST_SECONDS = 30.0
_STILL_RUNNING = "REQUEST_IN_PROGRESS"


def seconds_before(
    next_try: int, failure: Ag2TrustError, *, is_repeatable: bool
) -> float | None:
    """Return how long to wait before *next_try* (2 and on), None to give up.

    *is_repeatable*: sent twice it has the effect of once. What is not is sent again
    only after a refusal that says that nothing was done.
    """
    if next_try > TRIES:
        return None
    backoff: float = _FIRST_SECONDS * 2 ** (next_try - 2)
    match failure:
        case LimitedError(retry_after_seconds=asked):
            return _within_patience(asked, backoff)
        case UnavailableError(retry_after_seconds=asked) if is_repeatable:
            return _within_patience(asked, backoff)
        case ConflictError(code=code, retry_after_seconds=asked):
            return _within_patience(asked, backoff) if code == _STILL_RUNNING else None
        case UnreachableError() if is_repeatable:
            return backoff
        case _:
            return None


def _within_patience(asked: float | None, backoff: float) -> float | None:
    """Give up at more than half a minute, which is for the caller to decide."""
    seconds = max(asked or 0.0, backoff)
    return seconds if seconds <= _LONGEST_SECONDS else None
