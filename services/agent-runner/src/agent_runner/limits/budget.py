"""What a budget is in force: its limit in the period that runs. Pure."""

from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from functools import lru_cache
from uuid import UUID
from zoneinfo import ZoneInfo

from shared.contracts.limits import (
    BudgetMode,
    BudgetPeriod,
    BudgetScope,
    BudgetTerms,
    ScopeKind,
)

from .limit import Limit, LimitKind

__all__ = [
    "ActiveBudget",
    "PeriodOfTime",
    "in_measure",
    "new_budget",
    "period_at",
    "units_of",
]

_NANODOLLARS = 1_000_000_000


@dataclass(frozen=True, slots=True)
class PeriodOfTime:
    """From *start* up to, without, *end*; *name* tells it from others of its budget."""

    name: str
    start: datetime
    end: datetime


@dataclass(frozen=True, slots=True)
class ActiveBudget:
    """A budget as its row has it; *amount* in tokens or nanodollars.

    *agent_type_id* is the type that it was given with, if it was.
    """

    id: UUID
    org_id: UUID
    name: str
    scope: BudgetScope
    is_in_dollars: bool
    amount: int
    period: BudgetPeriod
    time_zone: str
    mode: BudgetMode
    warn_at_percent: int
    version: int
    created_at: datetime
    updated_at: datetime
    agent_type_id: UUID | None = None

    def counts(self, *, agent_id: UUID, agent_type_id: UUID, provider_id: UUID) -> bool:
        """Say whether a call of these is in its scope."""
        match self.scope.kind:
            case ScopeKind.ORGANIZATION:
                return True
            case ScopeKind.AGENT_TYPE:
                return self.scope.id == agent_type_id
            case ScopeKind.AGENT:
                return self.scope.id == agent_id
            case ScopeKind.PROVIDER:
                return self.scope.id == provider_id

    def period_at(self, wall: datetime) -> PeriodOfTime:
        return period_at(self.period, self.time_zone, wall)

    def limit_at(self, wall: datetime) -> Limit:
        """Return what limits calls at *wall*; one that only warns refuses none."""
        period = self.period_at(wall)
        return Limit(
            key=self.key_of(period),
            org_id=self.org_id,
            kind=LimitKind.BUDGET,
            amount=self.amount if self.mode is BudgetMode.HARD else None,
            version=self.version,
            of=f'budget "{self.name}"',
            of_id=self.id,
            ends_at=period.end,
            is_in_dollars=self.is_in_dollars,
        )

    def key_of(self, period: PeriodOfTime) -> str:
        return f"budget:{self.id}:{period.name}"


def new_budget(
    terms: BudgetTerms,
    *,
    budget_id: UUID,
    org_id: UUID,
    name: str,
    scope: BudgetScope,
    at: datetime,
    agent_type_id: UUID | None = None,
) -> ActiveBudget:
    """Make the first version of a budget that allows what *terms* say."""
    return ActiveBudget(
        id=budget_id,
        org_id=org_id,
        name=name,
        scope=scope,
        is_in_dollars=terms.usd is not None,
        amount=units_of(terms.tokens, terms.usd),
        period=terms.period,
        time_zone=terms.time_zone,
        mode=terms.mode,
        warn_at_percent=terms.warn_at_percent,
        version=1,
        created_at=at,
        updated_at=at,
        agent_type_id=agent_type_id,
    )


def units_of(tokens: int | None, usd: Decimal | None) -> int:
    """Give tokens or dollars, whichever there are, as units of a budget."""
    return int(usd * _NANODOLLARS) if usd is not None else tokens or 0


def in_measure(units: int, *, is_in_dollars: bool) -> float:
    """Give units of a budget as tokens or dollars."""
    return units / _NANODOLLARS if is_in_dollars else units


def period_at(period: BudgetPeriod, time_zone: str, wall: datetime) -> PeriodOfTime:
    """Find the day or month of *time_zone* that *wall* is in."""
    zone = _zone(time_zone)
    day = wall.astimezone(zone).date()
    if period is BudgetPeriod.DAY:
        first, after = day, day + timedelta(days=1)
    else:
        first = day.replace(day=1)
        after = (first + timedelta(days=32)).replace(day=1)
    return PeriodOfTime(
        name=f"{period}:{first.isoformat()}",
        start=_midnight(first, zone),
        end=_midnight(after, zone),
    )


def _midnight(day: date, zone: ZoneInfo) -> datetime:
    return datetime.combine(day, time(), zone).astimezone(UTC)


@lru_cache(64)
def _zone(name: str) -> ZoneInfo:
    return ZoneInfo(name)
