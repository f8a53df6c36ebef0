"""What was used, as the metrics service sums it up."""

from enum import StrEnum
from typing import Annotated
from uuid import UUID

from pydantic import AwareDatetime, Field, StringConstraints

from .base import Message, Question
from .prices import Dollars

__all__ = [
    "AgentStats",
    "AgentStatsQuestion",
    "Dimension",
    "Interval",
    "Key",
    "OfPeriod",
    "UsageBucket",
    "UsageByQuestion",
    "UsageFigures",
    "UsageQuestion",
    "UsageRow",
    "UsageSummary",
    "UsageTable",
    "UsageTimeline",
    "UsageTimelineQuestion",
]


class Dimension(StrEnum):
    """By what usage is told apart. A call without a use case has the empty one.

    A call counts under each of its labels, `name=value`, and under none without any;
    under a code only if it failed. Every other dimension holds each call once.
    """

    AGENT = "agent"
    AGENT_TYPE = "agent_type"
    PROVIDER = "provider"
    PROVIDER_TYPE = "provider_type"
    MODEL = "model"
    USE_CASE = "use_case"
    LABEL = "label"
    STATUS = "status"
    CODE = "code"


Key = Annotated[str, StringConstraints(max_length=500, pattern=r"^[^\x00]*$")]
"""What usage is told apart by: an id, a name; PostgreSQL has no text with U+0000."""


class Interval(StrEnum):
    HOUR = "hour"
    DAY = "day"


class UsageFigures(Message):
    """What calls used and how they fared.

    Times are milliseconds of model calls, percentiles within 2 % of a measured one.
    *errors* are the calls that failed, after failover; *error_rate* is their part of
    all. *cost_usd* is the sum of the calls that have a price, None if none has;
    *unpriced_calls* are the others. *messages_processed* are the completed messages,
    *message_duration_ms* their mean: of the organization, agents and agent types, for
    a message belongs to nothing else. None where nothing was measured.
    """

    calls: int
    errors: int
    error_rate: float | None
    cancelled_calls: int = 0
    interrupted_calls: int = 0
    total_tokens: int
    input_tokens: int
    cached_input_tokens: int
    cache_write_5m_tokens: int = 0
    cache_write_1h_tokens: int = 0
    output_tokens: int
    reasoning_tokens: int = 0
    average_response_time_ms: float | None
    p50_response_time_ms: float | None
    p95_response_time_ms: float | None
    average_time_to_first_token_ms: float | None
    cost_usd: Dollars | None = None
    unpriced_calls: int = 0
    messages_processed: int = 0
    message_duration_ms: float | None = None


class OfPeriod(Message):
    """From *since* up to, without, *until*, as they were reckoned with."""

    since: AwareDatetime | None = Field(default=None, serialization_alias="from")
    until: AwareDatetime | None = Field(default=None, serialization_alias="to")
    as_of: AwareDatetime


class AgentStatsQuestion(Question):
    """Since the agent's creation, unless a period is given."""

    agent_id: UUID
    since: AwareDatetime | None = None
    until: AwareDatetime | None = None


class AgentStats(UsageFigures, OfPeriod):
    """What an agent used and how it fared."""

    agent_id: UUID


class UsageQuestion(Question):
    """The organization's usage, or what of it has *key* in *dimension*."""

    since: AwareDatetime | None = None
    until: AwareDatetime | None = None
    dimension: Dimension | None = None
    key: Key | None = None


class UsageSummary(UsageFigures, OfPeriod):
    """What an organization used and how its calls fared."""


class UsageByQuestion(Question):
    """One row for each key of *dimension*, those with most tokens first."""

    dimension: Dimension
    since: AwareDatetime | None = None
    until: AwareDatetime | None = None
    limit: int = Field(default=50, ge=1, le=1000)
    cursor: str | None = None


class UsageRow(UsageFigures):
    key: str


class UsageTable(OfPeriod):
    data: list[UsageRow]
    next_cursor: str | None = None


class UsageTimelineQuestion(UsageQuestion):
    """Hours or days of *zone* (IANA). *since* is needed here."""

    since: AwareDatetime
    interval: Interval
    zone: str


class UsageBucket(UsageFigures):
    """One hour or day on the clock of the zone, cut where the period begins or ends.

    An hour that a change of the clock repeats is two; one that it skips is none.
    """

    starts_at: AwareDatetime
    ends_at: AwareDatetime


class UsageTimeline(OfPeriod):
    """Buckets without a gap, oldest first; *resumes_at*: ask for the rest from there.

    Each bucket is there, also one without calls.
    """

    interval: Interval
    zone: str = Field(serialization_alias="tz")
    data: list[UsageBucket]
    resumes_at: AwareDatetime | None = None
