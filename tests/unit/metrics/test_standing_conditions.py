"""What owners say of budgets, providers and agents, judged."""

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, TypeVar

import pytest

from metrics.alerting.standing_conditions import (
    agents_in_error,
    budgets_spent,
    expiring_credentials,
)
from shared.contracts.agent_runner import Agent, AgentStatus, DesiredState
from shared.contracts.base import Explanation, Message
from shared.contracts.credentials import Provider
from shared.contracts.limits import Budget

NOW = datetime(2026, 11, 22, 12, tzinfo=UTC)
HOUR = timedelta(hours=1)
SAMPLES = Path(__file__).parents[1] / "shared" / "samples"

MessageT = TypeVar("MessageT", bound=Message)


def sample(kind: type[MessageT], folder: str, **changes: Any) -> MessageT:
    """Read a recorded sample, with some fields as a test wants them."""
    recorded = json.loads((SAMPLES / folder / f"{kind.__name__}.json").read_text())
    plain = kind.model_validate_json(json.dumps(recorded))
    return plain.model_copy(update=changes)


def budget(**changes: Any) -> Budget:
    period = {"period_start": NOW - HOUR, "period_end": NOW + HOUR}
    amount = {"tokens": 1_000, "usd": None, "warn_at_percent": 80}
    return sample(Budget, "limits", **(period | amount | changes))


def provider(*, ends_in: timedelta | None, enabled: bool = True) -> Provider:
    plain = sample(Provider, "credentials", enabled=enabled)
    ends = None if ends_in is None else NOW + ends_in
    credential = plain.credential.model_copy(update={"expires_at": ends})
    return plain.model_copy(update={"credential": credential})


def agent(status: AgentStatus, desired: DesiredState, message: str = "") -> Agent:
    reason = Explanation(
        code="AGENT_EXITED",
        message=message,
        cause="The image ended.",
        fix="Read its log.",
        retryable=False,
    )
    return sample(
        Agent,
        "agent_runner",
        status=status,
        desired_state=desired,
        status_reason=reason,
        updated_at=NOW - HOUR,
    )


@pytest.mark.parametrize(("used", "alerts"), [(799, 0), (800, 1), (5_000, 1)])
def test_a_budget_alerts_from_where_it_warns(used: float, alerts: int) -> None:
    assert len(budgets_spent([budget(used=used)], now=NOW)) == alerts


def test_a_budget_of_dollars_is_told_in_dollars() -> None:
    dollars = budget(tokens=None, usd=50.0, used=45.0)

    [found] = budgets_spent([dollars], now=NOW)

    assert (found.evidence.figure, found.evidence.threshold) == (45.0, 40.0)
    assert found.evidence.unit == "US dollars"
    assert found.evidence.since == dollars.period_start
    assert "90 %" in found.message
    assert found.message.endswith(f"{dollars.period_end:%Y-%m-%dT%H:%M:%SZ}.")


def test_a_budget_whose_period_is_over_alerts_no_more() -> None:
    assert budgets_spent([budget(used=900)], now=NOW + HOUR) == []


@pytest.mark.parametrize(
    ("ends_in", "alerts"), [(2 * HOUR, 0), (HOUR, 1), (-HOUR, 1), (None, 0)]
)
def test_credentials_alert_within_the_hour_and_once_ended(
    ends_in: timedelta | None, alerts: int
) -> None:
    found = expiring_credentials([provider(ends_in=ends_in)], now=NOW)

    assert len(found) == alerts


def test_credentials_of_a_provider_that_is_switched_off_may_end() -> None:
    assert expiring_credentials([provider(ends_in=-HOUR, enabled=False)], now=NOW) == []


def test_ending_credentials_say_what_to_do_and_how_long_there_is() -> None:
    soon = provider(ends_in=HOUR / 2)

    [found] = expiring_credentials([soon], now=NOW)

    assert found.evidence.figure == 30
    assert f"POST /api/providers/{soon.id}/rotate" in found.message


@pytest.mark.parametrize(
    ("status", "desired", "alerts"),
    [
        (AgentStatus.ERROR, DesiredState.RUNNING, 1),
        (AgentStatus.STARTING, DesiredState.RUNNING, 0),
        (AgentStatus.ERROR, DesiredState.STOPPED, 0),
    ],
)
def test_only_an_agent_that_is_to_run_and_cannot_alerts(
    status: AgentStatus, desired: DesiredState, alerts: int
) -> None:
    assert len(agents_in_error([agent(status, desired)], now=NOW)) == alerts


def test_an_agent_in_error_is_told_with_cause_and_fix_and_none_of_its_words() -> None:
    failing = agent(AgentStatus.ERROR, DesiredState.RUNNING, "what somebody wrote")

    [found] = agents_in_error([failing], now=NOW)

    assert "AGENT_EXITED: The image ended. Read its log." in found.message
    assert "what somebody wrote" not in found.message
    assert found.subject.key == str(failing.id)
