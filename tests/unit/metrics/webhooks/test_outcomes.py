"""What an attempt makes of a delivery."""

from datetime import UTC, datetime, timedelta

import pytest

from metrics.webhooks.outcomes import outcome_of, outcome_of_test
from metrics.webhooks.pauses import ATTEMPTS
from shared.contracts.webhooks import DeliveryAttempt, DeliveryStatus

NOON = datetime(2026, 1, 1, 12, tzinfo=UTC)


def attempt(http_status: int | None) -> DeliveryAttempt:
    error = None if http_status else "No connection could be made."
    return DeliveryAttempt(at=NOON, http_status=http_status, error=error, duration_ms=1)


@pytest.mark.parametrize("http_status", [200, 202, 204, 299])
def test_2xx_is_delivered(http_status: int) -> None:
    outcome = outcome_of(attempt(http_status), failures=3, chance=0)

    assert outcome.status is DeliveryStatus.DELIVERED
    assert (outcome.failures, outcome.due_at) == (0, None)


@pytest.mark.parametrize("http_status", [None, 199, 301, 307, 400, 404, 429, 500])
def test_anything_else_is_tried_again_later(http_status: int | None) -> None:
    outcome = outcome_of(attempt(http_status), failures=1, chance=0)

    assert outcome.status is DeliveryStatus.PENDING
    assert outcome.failures == 2
    assert outcome.due_at == NOON + timedelta(seconds=20)


def test_the_last_failure_is_the_end_of_it() -> None:
    outcome = outcome_of(attempt(500), failures=ATTEMPTS - 1, chance=0)

    assert outcome.status is DeliveryStatus.FAILED
    assert outcome.due_at is None
    assert outcome.disabled_reason is None


def test_a_receiver_that_is_gone_is_told_no_more() -> None:
    outcome = outcome_of(attempt(410), failures=0, chance=0)

    assert outcome.status is DeliveryStatus.FAILED
    assert outcome.disabled_reason is not None


@pytest.mark.parametrize(
    ("http_status", "status"),
    [
        (200, DeliveryStatus.DELIVERED),
        (500, DeliveryStatus.FAILED),
        (410, DeliveryStatus.FAILED),
        (None, DeliveryStatus.FAILED),
    ],
)
def test_a_test_is_made_once_and_disables_nothing(
    http_status: int | None, status: DeliveryStatus
) -> None:
    outcome = outcome_of_test(attempt(http_status))

    assert (outcome.status, outcome.due_at) == (status, None)
    assert outcome.disabled_reason is None
