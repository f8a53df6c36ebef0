"""Rolling up: from calls and messages to sums by time and by dimension.

A call adds to one rollup of each grain for the organization and for each of its
dimensions. Dimensions are summed up one beside the other, never crossed: their rollups
grow with the sum of what they tell apart, not with the product.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from enum import StrEnum
from operator import add
from typing import NamedTuple
from uuid import UUID

from shared.contracts.agent_runner import MessageStatus
from shared.contracts.metrics import CallRecord, CallStatus, MessageRecord
from shared.contracts.usage import Dimension

from .pricing import PricedCall
from .sketch import Sketch

__all__ = [
    "ORGANIZATION",
    "UNEXPLAINED",
    "Figures",
    "Grain",
    "Place",
    "Rollup",
    "Scope",
    "dimensions_of",
    "repriced",
    "rolled_up",
]

ORGANIZATION = "organization"
"""The dimension that holds all of an organization under the empty key."""

UNEXPLAINED = "UNEXPLAINED"
"""The code of a failed call without an explanation."""

_LONGEST_KEY = 500  # characters; what is longer shares the place of its beginning
_MIDNIGHT = datetime(1970, 1, 1, tzinfo=UTC)


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

    def plus(self, other: "Figures") -> "Figures":
        return Figures._make(map(add, self, other))


class Scope(NamedTuple):
    """Whose figures they are: of what has *key* in *dimension*."""

    org_id: UUID
    dimension: str
    key: str


class Place(NamedTuple):
    """Where a rollup stands; there is one in each place."""

    grain: Grain
    scope: Scope
    starts_at: datetime


@dataclass(frozen=True, slots=True)
class Rollup:
    figures: Figures
    response_times: Sketch

    def plus(self, other: "Rollup") -> "Rollup":
        return Rollup(
            self.figures.plus(other.figures), self.response_times + other.response_times
        )


def rolled_up(
    calls: Iterable[tuple[CallRecord, PricedCall]], messages: Iterable[MessageRecord]
) -> dict[Place, Rollup]:
    """Sum up *calls* and *messages* in every grain."""
    spread = _Spread()
    for call, priced in calls:
        spread.add(
            _scopes_of(call),
            call.started_at,
            _figures_of(call, priced),
            duration_ms=call.duration_ms,
        )
    for message in messages:
        if message.status is MessageStatus.COMPLETED:
            spread.add(
                _scopes_of_message(message),
                message.finished_at,
                _figures_of_message(message),
            )
    return spread.in_every_grain()


def repriced(
    changes: Iterable[tuple[CallRecord, PricedCall, PricedCall]],
) -> dict[Place, Rollup]:
    """Sum up what prices before and after differ by: what to add to the rollups."""
    spread = _Spread()
    for call, before, after in changes:
        difference = Figures(
            unpriced_calls=(after.cost is None) - (before.cost is None),
            cost=(after.cost or Decimal(0)) - (before.cost or Decimal(0)),
        )
        spread.add(_scopes_of(call), call.started_at, difference)
    return spread.in_every_grain()


def dimensions_of(call: CallRecord) -> list[tuple[str, str]]:
    """List dimension and key of everything that *call* counts under."""
    dimensions = [
        (ORGANIZATION, ""),
        (Dimension.AGENT.value, str(call.agent_id)),
        (Dimension.AGENT_TYPE.value, str(call.agent_type_id)),
        (Dimension.PROVIDER.value, str(call.provider_id)),
        (Dimension.PROVIDER_TYPE.value, call.provider_type.value),
        (Dimension.MODEL.value, call.model[:_LONGEST_KEY]),
        (Dimension.USE_CASE.value, (call.use_case or "")[:_LONGEST_KEY]),
        (Dimension.STATUS.value, call.status.value),
    ]
    if call.status is CallStatus.FAILED:
        code = call.explanation.code if call.explanation else UNEXPLAINED
        dimensions.append((Dimension.CODE.value, code[:_LONGEST_KEY]))
    labels = {f"{name}={value}"[:_LONGEST_KEY] for name, value in call.labels.items()}
    dimensions += ((Dimension.LABEL.value, label) for label in labels)
    return dimensions


def _scopes_of(call: CallRecord) -> list[Scope]:
    return [Scope(call.org_id, *each) for each in dimensions_of(call)]


def _scopes_of_message(message: MessageRecord) -> list[Scope]:
    return [
        Scope(message.org_id, ORGANIZATION, ""),
        Scope(message.org_id, Dimension.AGENT.value, str(message.agent_id)),
        Scope(message.org_id, Dimension.AGENT_TYPE.value, str(message.agent_type_id)),
    ]


def _figures_of(call: CallRecord, priced: PricedCall) -> Figures:
    usage = call.usage
    return Figures(
        calls=1,
        failed_calls=int(call.status is CallStatus.FAILED),
        cancelled_calls=int(call.status is CallStatus.CANCELLED),
        interrupted_calls=int(call.status is CallStatus.INTERRUPTED),
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


class _Spread:
    """Gathers by minute and scope, sums each up once, then makes the longer grains."""

    def __init__(self) -> None:
        self._figures: dict[tuple[Scope, datetime], list[Figures]] = defaultdict(list)
        self._durations: dict[tuple[Scope, datetime], list[int]] = defaultdict(list)

    def add(
        self,
        scopes: Sequence[Scope],
        at: datetime,
        figures: Figures,
        *,
        duration_ms: int | None = None,
    ) -> None:
        minute = Grain.MINUTE.floor(at.astimezone(UTC))
        for scope in scopes:
            self._figures[scope, minute].append(figures)
            if duration_ms is not None:
                self._durations[scope, minute].append(duration_ms)

    def in_every_grain(self) -> dict[Place, Rollup]:
        minutes = {
            Place(Grain.MINUTE, scope, minute): Rollup(
                Figures._make(map(sum, zip(*figures, strict=True))),
                Sketch.of(self._durations.get((scope, minute), ())),
            )
            for (scope, minute), figures in self._figures.items()
        }
        return dict(_with_longer_grains(minutes))


def _with_longer_grains(
    minutes: dict[Place, Rollup],
) -> Iterator[tuple[Place, Rollup]]:
    yield from minutes.items()
    for grain in (Grain.QUARTER, Grain.HOUR, Grain.DAY):
        longer: dict[Place, Rollup] = {}
        for (_, scope, minute), rollup in minutes.items():
            place = Place(grain, scope, grain.floor(minute))
            longer[place] = longer[place].plus(rollup) if place in longer else rollup
        yield from longer.items()
