"""What becomes of a delivery after an attempt. Pure."""

from http import HTTPStatus

from metrics.repositories.deliveries import Outcome
from shared.contracts.webhooks import DeliveryAttempt, DeliveryStatus

from .pauses import pause_after

__all__ = ["outcome_of", "outcome_of_test"]

_GONE = "The receiver answered 410 Gone: it wants to be told no more."


def outcome_of(attempt: DeliveryAttempt, *, failures: int, chance: float) -> Outcome:
    """Judge an attempt of a delivery that has failed *failures* times before.

    2xx is delivered; 410 disables the webhook; anything else is tried again, for as
    long as there is a pause for it.
    """
    if _is_success(attempt):
        return Outcome(attempt, DeliveryStatus.DELIVERED)
    failures += 1
    if attempt.http_status == HTTPStatus.GONE:
        return Outcome(attempt, DeliveryStatus.FAILED, failures, disabled_reason=_GONE)
    pause = pause_after(failures, chance=chance)
    if pause is None:
        return Outcome(attempt, DeliveryStatus.FAILED, failures)
    return Outcome(attempt, DeliveryStatus.PENDING, failures, due_at=attempt.at + pause)


def outcome_of_test(attempt: DeliveryAttempt) -> Outcome:
    """Judge an attempt that is the only one."""
    is_success = _is_success(attempt)
    status = DeliveryStatus.DELIVERED if is_success else DeliveryStatus.FAILED
    return Outcome(attempt, status, failures=0 if is_success else 1)


def _is_success(attempt: DeliveryAttempt) -> bool:
    status = attempt.http_status
    return status is not None and 200 <= status < 300  # noqa: PLR2004 - RFC 9110
