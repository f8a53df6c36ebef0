"""What other services say of their things, judged: pure, with the time given.

A standing condition holds until its owner says otherwise; nothing is compared with
what is usual.
"""

from collections.abc import Iterable
from datetime import datetime, timedelta

from metrics.repositories.alerts import Condition
from shared.clock import to_the_second
from shared.contracts.agent_runner import Agent, AgentStatus, DesiredState
from shared.contracts.alerts import (
    AlertEvidence,
    AlertRuleName,
    AlertSubject,
    AlertSubjectKind,
)
from shared.contracts.credentials import Provider
from shared.contracts.limits import Budget, ScopeKind

from .calls_meant import calls_meant

__all__ = [
    "STANDING_RULES",
    "agents_in_error",
    "budgets_spent",
    "expiring_credentials",
]

STANDING_RULES = frozenset(
    {
        AlertRuleName.BUDGET_SPENT,
        AlertRuleName.CREDENTIAL_EXPIRY,
        AlertRuleName.AGENT_IN_ERROR,
    }
)

_WARNED_BEFORE = timedelta(hours=1)  # as `credential_expiring` tells it first
_MINUTE = timedelta(minutes=1)


def budgets_spent(budgets: Iterable[Budget], *, now: datetime) -> list[Condition]:
    """Find the budgets that have come to where they warn, in the period of *now*."""
    return [
        _of_budget(each, now=now)
        for each in budgets
        if each.period_start <= now < each.period_end
        and each.used >= _warning_from(each)
    ]


def expiring_credentials(
    providers: Iterable[Provider], *, now: datetime
) -> list[Condition]:
    """Find the enabled providers whose credentials end within the hour."""
    return [
        _of_provider(each, expires_at=expires_at, now=now)
        for each in providers
        if each.enabled
        and (expires_at := each.credential.expires_at)
        and expires_at <= now + _WARNED_BEFORE
    ]


def agents_in_error(agents: Iterable[Agent], *, now: datetime) -> list[Condition]:
    """Find the agents that are to run and cannot be made to."""
    return [
        _of_agent(each, now=now)
        for each in agents
        if each.status is AgentStatus.ERROR
        and each.desired_state is DesiredState.RUNNING
    ]


def _of_budget(budget: Budget, *, now: datetime) -> Condition:
    unit = "US dollars" if budget.tokens is None else "tokens"
    percent = 100 * budget.used / _amount(budget) if _amount(budget) else 100
    return Condition(
        rule=AlertRuleName.BUDGET_SPENT,
        subject=AlertSubject(kind=AlertSubjectKind.BUDGET, key=str(budget.id)),
        message=(
            f"{percent:.0f} % of the budget {budget.name} is used, calls under way"
            f" included; it begins anew at {to_the_second(budget.period_end)}."
        ),
        evidence=AlertEvidence(
            figure=budget.used,
            threshold=_warning_from(budget),
            unit=unit,
            since=budget.period_start,
            until=now,
            calls=calls_meant(budget.period_start, now, **_scope(budget)),
        ),
    )


def _of_provider(
    provider: Provider, *, expires_at: datetime, now: datetime
) -> Condition:
    warned_from = expires_at - _WARNED_BEFORE
    end = "have ended" if expires_at <= now else "end soon"
    return Condition(
        rule=AlertRuleName.CREDENTIAL_EXPIRY,
        subject=AlertSubject(kind=AlertSubjectKind.PROVIDER, key=str(provider.id)),
        message=(
            f"The credentials of provider {provider.name} {end}, at"
            f" {to_the_second(expires_at)}. Replace them with"
            f" POST /api/providers/{provider.id}/rotate."
        ),
        evidence=AlertEvidence(
            figure=max((expires_at - now) / _MINUTE, 0),
            threshold=_WARNED_BEFORE / _MINUTE,
            unit="minutes left",
            since=warned_from,
            until=now,
            calls=calls_meant(warned_from, now, provider_id=str(provider.id)),
        ),
    )


def _of_agent(agent: Agent, *, now: datetime) -> Condition:
    """Say why in words of our own: what the agent said itself may be content."""
    why = agent.status_reason
    told = f" {why.code}: {why.cause} {why.fix}" if why else ""
    return Condition(
        rule=AlertRuleName.AGENT_IN_ERROR,
        subject=AlertSubject(kind=AlertSubjectKind.AGENT, key=str(agent.id)),
        message=f"Agent {agent.name} is to run and fails again and again.{told}",
        evidence=AlertEvidence(
            figure=1,
            threshold=1,
            unit="agents in error",
            since=min(agent.updated_at, now),
            until=now,
            calls=calls_meant(min(agent.updated_at, now), now, agent_id=str(agent.id)),
        ),
    )


def _warning_from(budget: Budget) -> float:
    return _amount(budget) * budget.warn_at_percent / 100


def _amount(budget: Budget) -> float:
    """Return the measure that it has: tokens or dollars, never both."""
    return float(budget.usd or 0 if budget.tokens is None else budget.tokens)


def _scope(budget: Budget) -> dict[str, str]:
    scope = budget.scope
    if scope.kind is ScopeKind.ORGANIZATION:
        return {}
    return {f"{scope.kind}_id": str(scope.id)}
