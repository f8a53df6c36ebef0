"""Rolling up: from calls and messages to sums by time and by dimension.

A call adds to one rollup of each grain for the organization and for each of its
dimensions. Dimensions are summed up one beside the other, never crossed: their rollups
grow with the sum of what they tell apart, not with the product.
"""

from collections import Counter, defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from enum import StrEnum
from functools import lru_cache
from typing import NamedTuple
from uuid import UUID

from metrics.prices.pricing import PricedCall
from shared.contracts.conversations import MessageStatus
from shared.contracts.metrics import CallRecord, CallStatus, MessageRecord

from .sketch import Sketch, bin_of

__all__ = [
    "LABEL",
    "ORGANIZATION",
    "UNEXPLAINED",
    "Figures",
    "Grain",
    "Minute",
    "Rollup",
    "code_of",
    "dimensions_of",
    "repriced",
    "rolled_up",
]

ORGANIZATION = "organization"
"""The dimension that holds all of an organization under the empty key."""

LABEL = "label"
"""The dimension of labels, each under `name=value`."""

UNEXPLAINED = "UNEXPLAINED"
"""The code of a failed call without an explanation."""

_LONGEST_KEY = 500  # characters; what is longer shares the place of its beginning
_MIDNIGHT = datetime(1970, 1, 1, tzinfo=UTC)
_IDS_REMEMBERED = 4096

# A UUID is written in Python; those of agents and providers come again and again.
_key_of = lru_cache(_IDS_REMEMBERED)(str)


class Grain(StrEnum):
    """How long a rollup lasts, in UTC.

    Every time zone of today is a multiple of a quarter of an hour away from UTC, so
    that its hours and days are made of whole quarters.
    """

    MINUTE = "minute"
    QUARTER = "quarter"
    HOUR = "hour"
    DAY = "day"

    @property
    def length(self) -> timedelta:
        return _LENGTHS[self]

    def floor(self, time: datetime) -> datetime:
        """Return when the rollup that *time* falls into begins."""
        return time - (time - _MIDNIGHT) % self.length

    def ceil(self, time: datetime) -> datetime:
        return time + (_MIDNIGHT - time) % self.length


_LENGTHS = {
    Grain.MINUTE: timedelta(minutes=1),
    Grain.QUARTER: timedelta(minutes=15),
    Grain.HOUR: timedelta(hours=1),
    Grain.DAY: timedelta(days=1),
}


class Figures(NamedTuple):
    """What is summed up; the means are made from a sum and how many are in it."""

    calls: int = 0
    failed_calls: int = 0
    cancelled_calls: int = 0
    interrupted_calls: int = 0
    unpriced_calls: int = 0
    cost: Decimal = Decimal(0)
    input_tokens: int = 0
    cached_input_tokens: int = 0
    cache_write_5m_tokens: int = 0
    cache_write_1h_tokens: int = 0
    output_tokens: int = 0
    reasoning_tokens: int = 0
    timed_calls: int = 0
    duration_ms: int = 0
    timed_first_tokens: int = 0
    time_to_first_token_ms: int = 0
    messages_processed: int = 0
    timed_messages: int = 0
    message_duration_ms: int = 0


class Minute(NamedTuple):
    """One minute of what has *key* in *dimension*; *starts_at* in UTC."""

    org_id: UUID
    dimension: str
    key: str
    starts_at: datetime


@dataclass(frozen=True, slots=True)
class Rollup:
    figures: Figures
    response_times: Sketch


def rolled_up(
    calls: Iterable[tuple[CallRecord, PricedCall]], messages: Iterable[MessageRecord]
) -> dict[Minute, Rollup]:
    """Sum up *calls* and *messages* by the minute."""
    gathered = _Gathered()
    for call, priced in calls:
        gathered.add(
            call.org_id,
            dimensions_of(call),
            call.started_at,
            _figures_of(call, priced),
            duration_ms=call.duration_ms,
        )
    for message in messages:
        if message.status is MessageStatus.COMPLETED:
            gathered.add(
                message.org_id,
                _dimensions_of_message(message),
                message.finished_at,
                _figures_of_message(message),
            )
    return gathered.summed_up()


def repriced(
    changes: Iterable[tuple[CallRecord, PricedCall, PricedCall]],
) -> dict[Minute, Rollup]:
    """Sum up what prices before and after differ by: what to add to the rollups."""
    gathered = _Gathered()
    for call, before, after in changes:
        difference = Figures(
            unpriced_calls=(after.cost is None) - (before.cost is None),
            cost=(after.cost or Decimal(0)) - (before.cost or Decimal(0)),
        )
        gathered.add(call.org_id, dimensions_of(call), call.started_at, difference)
    return gathered.summed_up()


def dimensions_of(call: CallRecord) -> list[tuple[str, str]]:
    """List dimension and key of everything that *call* counts under."""
    dimensions = [
        (ORGANIZATION, ""),
        ("agent", _key_of(call.agent_id)),
        ("agent_type", _key_of(call.agent_type_id)),
        ("provider", _key_of(call.provider_id)),
        ("provider_type", str(call.provider_type)),
        ("model", call.model[:_LONGEST_KEY]),
        ("use_case", (call.use_case or "")[:_LONGEST_KEY]),
        ("status", str(call.status)),
    ]
    code = code_of(call)
    if code is not None and call.status is CallStatus.FAILED:
        dimensions.append(("code", code))
    labels = {f"{name}={value}"[:_LONGEST_KEY] for name, value in call.labels.items()}
    dimensions += ((LABEL, label) for label in labels)
    return dimensions


def code_of(call: CallRecord) -> str | None:
    """Return the code that *call* is found by; a failed one has one for certain."""
    if call.status is CallStatus.COMPLETED:
        return None
    if call.explanation:
        return call.explanation.code[:_LONGEST_KEY]
    return UNEXPLAINED if call.status is CallStatus.FAILED else None


def _dimensions_of_message(message: MessageRecord) -> list[tuple[str, str]]:
    return [
        (ORGANIZATION, ""),
        ("agent", str(message.agent_id)),
        ("agent_type", str(message.agent_type_id)),
    ]


def _figures_of(call: CallRecord, priced: PricedCall) -> Figures:
    status, usage = call.status, call.usage
    return Figures(
        calls=1,
        failed_calls=int(status is CallStatus.FAILED),
        cancelled_calls=int(status is CallStatus.CANCELLED),
        interrupted_calls=int(status is CallStatus.INTERRUPTED),
        unpriced_calls=int(priced.cost is None),
        cost=priced.cost or Decimal(0),
        input_tokens=usage.input_tokens or 0,
        cached_input_tokens=usage.cached_input_tokens or 0,
        cache_write_5m_tokens=usage.cache_write_5m_tokens or 0,
        cache_write_1h_tokens=usage.cache_write_1h_tokens or 0,
        output_tokens=usage.output_tokens or 0,
        reasoning_tokens=usage.reasoning_tokens or 0,
        timed_calls=int(call.duration_ms is not None),
        duration_ms=call.duration_ms or 0,
        timed_first_tokens=int(call.time_to_first_token_ms is not None),
        time_to_first_token_ms=call.time_to_first_token_ms or 0,
    )


def _figures_of_message(message: MessageRecord) -> Figures:
    return Figures(
        messages_processed=1,
        timed_messages=int(message.duration_ms is not None),
        message_duration_ms=message.duration_ms or 0,
    )


class _Gathered:
    """Figures and durations by minute, summed up once all are there."""

    def __init__(self) -> None:
        self._by_minute: dict[tuple[UUID, datetime], dict[tuple[str, str], _Part]] = (
            defaultdict(lambda: defaultdict(_Part))
        )

    def add(
        self,
        org_id: UUID,
        dimensions: Iterable[tuple[str, str]],
        at: datetime,
        figures: Figures,
        *,
        duration_ms: int | None = None,
    ) -> None:
        parts = self._by_minute[org_id, _minute_of(at)]
        bin_of_sketch = None if duration_ms is None else bin_of(duration_ms)
        for dimension in dimensions:
            part = parts[dimension]
            part.figures.append(figures)
            if bin_of_sketch is not None:
                part.bins.append(bin_of_sketch)

    def summed_up(self) -> dict[Minute, Rollup]:
        return {
            Minute(org_id, dimension, key, starts_at): part.summed_up()
            for (org_id, starts_at), parts in self._by_minute.items()
            for (dimension, key), part in parts.items()
        }


@dataclass(slots=True)
class _Part:
    figures: list[Figures] = field(default_factory=list)
    bins: list[int] = field(default_factory=list)

    def summed_up(self) -> Rollup:
        return Rollup(_sum(self.figures), Sketch(Counter(self.bins)))


def _sum(figures: Iterable[Figures]) -> Figures:
    return Figures._make(map(sum, zip(*figures, strict=True)))


def _minute_of(time: datetime) -> datetime:
    return time.astimezone(UTC).replace(second=0, microsecond=0)
