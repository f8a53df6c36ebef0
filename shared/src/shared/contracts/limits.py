"""Limits as they stand, budgets, and what is told when one of them is reached."""

from decimal import Decimal
from enum import StrEnum
from functools import cache
from typing import Annotated, Literal
from uuid import UUID
from zoneinfo import available_timezones

from pydantic import (
    AfterValidator,
    AwareDatetime,
    Field,
    PlainSerializer,
    ValidationInfo,
    field_validator,
)
from pydantic_core import PydanticCustomError

from .base import (
    Empty,
    Endpoint,
    Event,
    Message,
    Name,
    Page,
    PageQuestion,
    Patch,
    Question,
    Service,
    Signal,
    Topic,
)

__all__ = [
    "BUDGETS_CHANGED",
    "BUDGET_REACHED",
    "CREATE_BUDGET",
    "DELETE_BUDGET",
    "GET_BUDGET",
    "LIMIT_REACHED",
    "LIST_BUDGETS",
    "LIST_LIMITS",
    "UPDATE_BUDGET",
    "AgentTypeBudget",
    "AgentTypeBudgetSubmission",
    "Budget",
    "BudgetMode",
    "BudgetPatch",
    "BudgetPeriod",
    "BudgetQuestion",
    "BudgetReached",
    "BudgetScope",
    "BudgetSubmission",
    "BudgetTerms",
    "BudgetsChanged",
    "CreateBudget",
    "LimitReached",
    "LimitStanding",
    "Limits",
    "LimitsQuestion",
    "ScopeKind",
    "UpdateBudget",
]


class ScopeKind(StrEnum):
    """Whose calls a budget counts."""

    ORGANIZATION = "organization"
    AGENT_TYPE = "agent_type"
    AGENT = "agent"
    PROVIDER = "provider"


class BudgetPeriod(StrEnum):
    """A day or month as the budget's time zone has them."""

    DAY = "day"
    MONTH = "month"


class BudgetMode(StrEnum):
    """What happens when a budget is spent: calls are refused, or only told of."""

    HARD = "hard"
    WARN = "warn"


class BudgetScope(Message):
    """All calls of the organization, or those of one thing, which *id* names."""

    kind: ScopeKind
    id: UUID | None = Field(default=None, validate_default=True)

    @field_validator("id")
    @classmethod
    def _names_one_thing(cls, value: UUID | None, field: ValidationInfo) -> UUID | None:
        kind = field.data.get("kind")
        if kind and (value is None) is not (kind is ScopeKind.ORGANIZATION):
            raise PydanticCustomError(
                "scope", "must name one thing, or none for the organization"
            )
        return value


_known_zones = cache(available_timezones)  # it looks into each file of a zone


def _zone(name: str) -> str:
    if name not in _known_zones():
        raise PydanticCustomError(
            "time_zone", "must be an IANA time zone, as Europe/Paris"
        )
    return name


TimeZone = Annotated[str, AfterValidator(_zone)]
BudgetTokens = Annotated[int, Field(ge=0, le=10**15)]
BudgetDollars = Annotated[
    Decimal,
    Field(ge=0, le=1_000_000_000, decimal_places=6),
    PlainSerializer(float, when_used="json"),
]
Percent = Annotated[int, Field(ge=1, le=100)]


class BudgetTerms(Message):
    """At most so many *tokens* or *usd* a period, one of the two.

    At *warn_at_percent* of it, and when it is spent, an event tells.
    """

    tokens: BudgetTokens | None = None
    usd: BudgetDollars | None = Field(default=None, validate_default=True)
    period: BudgetPeriod
    time_zone: TimeZone = "UTC"
    mode: BudgetMode = BudgetMode.HARD
    warn_at_percent: Percent = 80

    @field_validator("usd")
    @classmethod
    def _measures_one_thing(
        cls, value: Decimal | None, field: ValidationInfo
    ) -> Decimal | None:
        if "tokens" in field.data and (value is None) is (field.data["tokens"] is None):
            raise PydanticCustomError("measure", "or tokens must be given, not both")
        return value


class BudgetSubmission(BudgetTerms):
    """A budget of the calls in its *scope*: at most so many *tokens* or *usd* a period.

    One of the two. At *warn_at_percent* of it, and when it is spent, an event tells.
    """

    name: Name
    scope: BudgetScope


class AgentTypeBudgetSubmission(BudgetTerms):
    """What all agents of a type may use: at most so many *tokens* or *usd* a period.

    One of the two. A new one is called as its type is, unless it has a *name*.
    """

    name: Name | None = None


class AgentTypeBudget(Message):
    """The budget given with an agent type; it stands among the budgets with its use."""

    id: UUID
    name: str
    tokens: int | None
    usd: float | None
    period: BudgetPeriod
    time_zone: str
    mode: BudgetMode
    warn_at_percent: int


class BudgetPatch(Patch):
    """Changes to a budget, which goes on counting what it has counted.

    Its amount is changed in its own measure: *tokens* or *usd*.
    """

    name: Name | None = None
    tokens: BudgetTokens | None = None
    usd: BudgetDollars | None = None
    mode: BudgetMode | None = None
    warn_at_percent: Percent | None = None


class Budget(Message):
    """A budget, and how it stands in the period that runs now.

    *used* and *left* are in its own measure, calls under way included at the most they
    may take; *left* of one that is overspent is 0.
    """

    id: UUID
    name: str
    scope: BudgetScope
    tokens: int | None
    usd: float | None
    period: BudgetPeriod
    time_zone: str
    mode: BudgetMode
    warn_at_percent: int
    used: float
    left: float
    period_start: AwareDatetime
    period_end: AwareDatetime
    version: int
    created_at: AwareDatetime
    updated_at: AwareDatetime


class CreateBudget(Question):
    budget_id: UUID
    submission: BudgetSubmission


class UpdateBudget(Question):
    budget_id: UUID
    patch: BudgetPatch
    if_version: int | None = None


class BudgetQuestion(Question):
    budget_id: UUID


class BudgetsChanged(Message):
    org_id: UUID


class LimitsQuestion(Question):
    """Ask for limits of one provider or agent, or of all."""

    of_id: UUID | None = None


class LimitStanding(Message):
    """How a limit stands that was used lately: of a provider, or of an agent's tools.

    *used* counts the last 60 seconds, or for `concurrent` what is in use now; *of* says
    in words what it is of. *resets_at* is when all of it is free again, None if that
    cannot be told.
    """

    limit: str
    of: str
    of_id: UUID
    amount: int
    used: int
    left: int
    resets_at: AwareDatetime | None


class Limits(Message):
    data: list[LimitStanding]


class BudgetReached(Event):
    """A budget has come to *percent* of its amount; told once a period for each."""

    budget_id: UUID
    name: str
    scope: BudgetScope
    mode: BudgetMode
    percent: int
    measure: Literal["tokens", "usd"]
    amount: float
    used: float
    period_start: AwareDatetime
    period_end: AwareDatetime


class LimitReached(Event):
    """A limit has refused a call; told once a minute and limit."""

    limit: str
    of: str
    of_id: UUID
    amount: int
    at: AwareDatetime


_GATEWAY = frozenset({Service.GATEWAY})

CREATE_BUDGET = Endpoint(
    "agent_runner.v1.create_budget", CreateBudget, Budget, askers=_GATEWAY
)
UPDATE_BUDGET = Endpoint(
    "agent_runner.v1.update_budget", UpdateBudget, Budget, askers=_GATEWAY
)
DELETE_BUDGET = Endpoint(
    "agent_runner.v1.delete_budget", BudgetQuestion, Empty, askers=_GATEWAY
)
GET_BUDGET = Endpoint(
    "agent_runner.v1.get_budget", BudgetQuestion, Budget, askers=_GATEWAY
)
LIST_BUDGETS = Endpoint(
    "agent_runner.v1.list_budgets",
    PageQuestion,
    Page[Budget],
    askers=_GATEWAY | {Service.METRICS},
)
LIST_LIMITS = Endpoint(
    "agent_runner.v1.list_limits", LimitsQuestion, Limits, askers=_GATEWAY
)
BUDGETS_CHANGED = Signal(
    "agent_runner.v1.signals.budgets_changed",
    BudgetsChanged,
    sender=Service.AGENT_RUNNER,
    hearers=frozenset({Service.AGENT_RUNNER}),
)
BUDGET_REACHED = Topic(
    "budget", "reached", BudgetReached, publisher=Service.AGENT_RUNNER
)
LIMIT_REACHED = Topic("limit", "reached", LimitReached, publisher=Service.AGENT_RUNNER)
