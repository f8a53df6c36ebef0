"""The use cases of reading usage: of an organization, by dimension, over time.

Everything is summed up from rollups, and from calls where a period begins or ends
inside a minute; so every sum is that of the calls, to the microsecond.
"""

import re
from collections.abc import Sequence
from datetime import datetime, timedelta
from itertools import islice
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from metrics.repositories.usage import Sums, UsageRepository
from metrics.rollups.buckets import buckets, longest_grain
from metrics.rollups.rollups import ORGANIZATION, Figures, Grain
from metrics.rollups.spans import BEGINNING, END, Reading, Span, reading
from shared.clock import Clock
from shared.contracts.usage import (
    AgentStats,
    AgentStatsQuestion,
    Dimension,
    UsageBucket,
    UsageByQuestion,
    UsageQuestion,
    UsageRow,
    UsageSummary,
    UsageTable,
    UsageTimeline,
    UsageTimelineQuestion,
)
from shared.errors import InvalidError
from shared.pages import fitting

from .recent_percentiles import RecentPercentiles

__all__ = ["Usage"]

_BUCKETS_AT_ONCE = 1_000  # an answer on the bus is 1 MiB at most
_OFFSET = re.compile(r"[0-9]{1,9}")
_NONE = Sums(0, "", Figures(), b"")


class Usage:
    """Answers within one organization.

    *minutes_kept* and *calls_kept* are how long rollups of minutes and calls are there
    for certain. What lies before the calls is read in whole quarters of an hour.
    """

    def __init__(
        self,
        repository: UsageRepository,
        *,
        now: Clock,
        minutes_kept: timedelta,
        calls_kept: timedelta,
    ) -> None:
        self._repository = repository
        self._now = now
        self._minutes_kept = minutes_kept
        self._calls_kept = calls_kept
        self._percentiles = RecentPercentiles()

    async def agent_stats(self, question: AgentStatsQuestion) -> AgentStats:
        """Sum up an agent's calls and messages; zeros for one that is not known."""
        period = self._period(question.since, question.until)
        sums = await self._repository.of_key(
            question.org_id,
            self._reading(period),
            dimension=Dimension.AGENT,
            key=str(question.agent_id),
            buckets=[],
        )
        return AgentStats(
            agent_id=question.agent_id,
            **self._figures(sums),
            **_told(question.since, question.until, period),
            as_of=self._now(),
        )

    async def summary(self, question: UsageQuestion) -> UsageSummary:
        """Sum up an organization, or what of it has one key."""
        period = self._period(question.since, question.until)
        dimension, key = _scope(question)
        sums = await self._repository.of_key(
            question.org_id,
            self._reading(period),
            dimension=dimension,
            key=key,
            buckets=[],
        )
        return UsageSummary(
            **self._figures(sums),
            **_told(question.since, question.until, period),
            as_of=self._now(),
        )

    async def by(self, question: UsageByQuestion) -> UsageTable:
        """List the keys of a dimension, as many as one answer can carry.

        Raises `InvalidError` for a foreign cursor.
        """
        period = self._period(question.since, question.until)
        offset = _offset(question.cursor)
        found = await self._repository.by_key(
            question.org_id,
            self._reading(period),
            dimension=question.dimension,
            limit=question.limit + 1,
            offset=offset,
        )
        rows = [UsageRow(key=each.key, **self._figures([each])) for each in found]
        data = rows[: fitting(rows, limit=question.limit)]
        return UsageTable(
            data=data,
            next_cursor=str(offset + len(data)) if len(rows) > len(data) else None,
            **_told(question.since, question.until, period),
            as_of=self._now(),
        )

    async def timeline(self, question: UsageTimelineQuestion) -> UsageTimeline:
        """Sum up by hour or day. Raises `InvalidError` for a zone that is none.

        Without an end it ends now, and begins where the calls or rollups do at most.
        """
        as_of = self._now()
        period = self._period(question.since, question.until or as_of)
        zone = _zone(question.zone)
        cut = list(
            islice(buckets(period, question.interval, zone), _BUCKETS_AT_ONCE + 1)
        )
        shown, more = cut[:_BUCKETS_AT_ONCE], cut[_BUCKETS_AT_ONCE:]
        dimension, key = _scope(question)
        found = await self._repository.of_key(
            question.org_id,
            self._reading(
                Span(shown[0].since, shown[-1].until),
                longest=longest_grain([each.since for each in shown[1:]]),
            )
            if shown
            else Reading((), ()),
            dimension=dimension,
            key=key,
            buckets=[each.since for each in shown],
        )
        sums = {each.bucket: each for each in found}
        return UsageTimeline(
            interval=question.interval,
            zone=question.zone,
            data=[
                UsageBucket(
                    starts_at=each.since,
                    ends_at=each.until,
                    **self._figures([sums.get(number, _NONE)]),
                )
                for number, each in enumerate(shown)
            ],
            resumes_at=more[0].since if more else None,
            since=period.since,
            until=period.until,
            as_of=as_of,
        )

    def _period(self, since: datetime | None, until: datetime | None) -> Span:
        """Return what is read: nothing is finer than what is kept of its time."""
        return Span(
            BEGINNING if since is None else self._readable(since),
            END if until is None else self._readable(until),
        )

    def _readable(self, time: datetime) -> datetime:
        within = min(max(time, BEGINNING), END)
        if within < self._now() - self._calls_kept:
            return Grain.QUARTER.floor(within)
        return within

    def _reading(self, period: Span, *, longest: Grain = Grain.DAY) -> Reading:
        return reading(
            period,
            minutes_since=self._now() - self._minutes_kept,
            longest=longest,
        )

    def _figures(self, found: Sequence[Sums]) -> dict[str, Any]:
        """Make what is told of what was summed up, of one key and bucket or none."""
        sums = found[0] if found else _NONE
        figures = sums.figures
        p50, p95 = self._percentiles.p50_and_p95(
            sums.response_times, count=figures.timed_calls
        )
        return {
            "calls": figures.calls,
            "errors": figures.failed_calls,
            "error_rate": _mean(figures.failed_calls, figures.calls),
            "cancelled_calls": figures.cancelled_calls,
            "interrupted_calls": figures.interrupted_calls,
            "total_tokens": figures.input_tokens
            + figures.cached_input_tokens
            + figures.cache_write_5m_tokens
            + figures.cache_write_1h_tokens
            + figures.output_tokens,
            "input_tokens": figures.input_tokens,
            "cached_input_tokens": figures.cached_input_tokens,
            "cache_write_5m_tokens": figures.cache_write_5m_tokens,
            "cache_write_1h_tokens": figures.cache_write_1h_tokens,
            "output_tokens": figures.output_tokens,
            "reasoning_tokens": figures.reasoning_tokens,
            "average_response_time_ms": _mean(figures.duration_ms, figures.timed_calls),
            "p50_response_time_ms": _whole_tenths(p50),
            "p95_response_time_ms": _whole_tenths(p95),
            "average_time_to_first_token_ms": _mean(
                figures.time_to_first_token_ms, figures.timed_first_tokens
            ),
            "cost_usd": (
                figures.cost if figures.calls > figures.unpriced_calls else None
            ),
            "unpriced_calls": figures.unpriced_calls,
            "messages_processed": figures.messages_processed,
            "message_duration_ms": _mean(
                figures.message_duration_ms, figures.timed_messages
            ),
        }


def _scope(question: UsageQuestion) -> tuple[str, str]:
    if question.dimension is None:
        return ORGANIZATION, ""
    return question.dimension, question.key or ""


def _told(
    since: datetime | None, until: datetime | None, period: Span
) -> dict[str, datetime | None]:
    """Tell the period that was read; what was open stays open."""
    return {
        "since": None if since is None else period.since,
        "until": None if until is None else period.until,
    }


def _offset(cursor: str | None) -> int:
    if cursor is None:
        return 0
    if not _OFFSET.fullmatch(cursor):
        raise _invalid("cursor", "unknown cursor")
    return int(cursor)


def _zone(name: str) -> ZoneInfo:
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise _invalid("tz", "must be an IANA time zone, as Europe/Paris") from None


def _invalid(field: str, message: str) -> InvalidError:
    return InvalidError.of_fields("The question cannot be answered.", {field: message})


def _mean(total: int, count: int) -> float | None:
    return total / count if count else None


def _whole_tenths(milliseconds: float | None) -> float | None:
    """Round what is known to within 2 % only."""
    return None if milliseconds is None else round(milliseconds, 1)
