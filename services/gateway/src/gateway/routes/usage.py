"""`/stats`: what an organization used, and how its calls fared."""

from datetime import timedelta
from typing import Any, Literal, TypeVar
from uuid import UUID

from aiohttp import web

from gateway.access.permissions import Permission
from gateway.periods import PeriodQuery, last_day_unless_given
from gateway.routing.asked import Asked
from gateway.routing.operations import operation
from gateway.routing.reading import PageQuery, invalid_query
from gateway.usage_export import stream_usage
from gateway.usage_pages import (
    NAMES,
    UsageErrors,
    UsageOfAgent,
    UsageOfAgentType,
    UsageOfLabel,
    UsageOfModel,
    UsageOfProvider,
    UsageOfProviderType,
    UsageOfStatus,
    UsageOfUseCase,
    UsagePage,
)
from shared.bus import Bus
from shared.clock import Clock
from shared.contracts.credentials import ProviderType
from shared.contracts.metrics import USAGE_BY, USAGE_SUMMARY, USAGE_TIMELINE
from shared.contracts.usage import (
    Dimension,
    Interval,
    Key,
    UsageByQuestion,
    UsageQuestion,
    UsageSummary,
    UsageTimeline,
    UsageTimelineQuestion,
)

__all__ = ["UsageRoutes"]

_ALL_CODES = 1000
_MOST_STRETCHES = 10_000  # of a timeline: hours of more than a year, days of 27
_LENGTHS = {Interval.HOUR: timedelta(hours=1), Interval.DAY: timedelta(days=1)}

# Not by codes, which only calls that failed have.
ExportedBy = Literal[
    Dimension.AGENT,
    Dimension.AGENT_TYPE,
    Dimension.PROVIDER,
    Dimension.PROVIDER_TYPE,
    Dimension.MODEL,
    Dimension.USE_CASE,
    Dimension.LABEL,
    Dimension.STATUS,
]

PageT = TypeVar("PageT", bound=UsagePage[Any])


class ScopedQuery(PeriodQuery):
    """A period, and of the organization what has one value, if that is wanted."""

    agent_id: UUID | None = None
    agent_type_id: UUID | None = None
    provider_id: UUID | None = None
    provider_type: ProviderType | None = None
    model: Key | None = None
    use_case: Key | None = None
    label: Key | None = None


class TimelineQuery(ScopedQuery):
    interval: Interval = Interval.HOUR


class TableQuery(PeriodQuery, PageQuery):
    """A period, and which page of its keys is wanted."""


class ExportQuery(PeriodQuery):
    by: ExportedBy = Dimension.AGENT
    interval: Interval = Interval.DAY


class UsageRoutes:
    def __init__(self, bus: Bus, *, now: Clock) -> None:
        self._bus = bus
        self._now = now

    @operation("GET /stats/usage/summary", needs=Permission.USAGE_READ)
    async def get_usage(self, asked: Asked, query: ScopedQuery) -> UsageSummary:
        """Show what the organization used, or what of it has one value."""
        question = UsageQuestion(**self._period(asked, query), **_scope(query))
        return await self._bus.ask(USAGE_SUMMARY, question)

    @operation("GET /stats/usage/timeline", needs=Permission.USAGE_READ)
    async def get_usage_timeline(
        self, asked: Asked, query: TimelineQuery
    ) -> UsageTimeline:
        """Show usage by hour or day of a time zone, 10,000 at most, oldest first."""
        question = UsageTimelineQuestion(
            **self._period_to_cut(asked, query),
            **_scope(query),
            interval=query.interval,
            zone=query.tz,
        )
        return await self._whole(question)

    @operation("GET /stats/usage/errors", needs=Permission.USAGE_READ)
    async def get_usage_errors(self, asked: Asked, query: PeriodQuery) -> UsageErrors:
        """Show how many calls failed, and by which codes."""
        period = self._period(asked, query)
        summary = await self._bus.ask(USAGE_SUMMARY, UsageQuestion(**period))
        question = UsageByQuestion(**period, dimension=Dimension.CODE, limit=_ALL_CODES)
        return UsageErrors.of(summary, await self._bus.ask(USAGE_BY, question))

    @operation("GET /stats/usage/by-agent", needs=Permission.USAGE_READ)
    async def get_usage_by_agent(
        self, asked: Asked, query: TableQuery
    ) -> UsagePage[UsageOfAgent]:
        """Show usage by agent, those with most tokens first."""
        return await self._by(Dimension.AGENT, asked, query, UsagePage[UsageOfAgent])

    @operation("GET /stats/usage/by-agent-type", needs=Permission.USAGE_READ)
    async def get_usage_by_agent_type(
        self, asked: Asked, query: TableQuery
    ) -> UsagePage[UsageOfAgentType]:
        """Show usage by agent type, those with most tokens first."""
        return await self._by(
            Dimension.AGENT_TYPE, asked, query, UsagePage[UsageOfAgentType]
        )

    @operation("GET /stats/usage/by-provider", needs=Permission.USAGE_READ)
    async def get_usage_by_provider(
        self, asked: Asked, query: TableQuery
    ) -> UsagePage[UsageOfProvider]:
        """Show usage by provider, those with most tokens first."""
        return await self._by(
            Dimension.PROVIDER, asked, query, UsagePage[UsageOfProvider]
        )

    @operation("GET /stats/usage/by-provider-type", needs=Permission.USAGE_READ)
    async def get_usage_by_provider_type(
        self, asked: Asked, query: TableQuery
    ) -> UsagePage[UsageOfProviderType]:
        """Show usage by type of provider, those with most tokens first."""
        return await self._by(
            Dimension.PROVIDER_TYPE, asked, query, UsagePage[UsageOfProviderType]
        )

    @operation("GET /stats/usage/by-model", needs=Permission.USAGE_READ)
    async def get_usage_by_model(
        self, asked: Asked, query: TableQuery
    ) -> UsagePage[UsageOfModel]:
        """Show usage by model, those with most tokens first."""
        return await self._by(Dimension.MODEL, asked, query, UsagePage[UsageOfModel])

    @operation("GET /stats/usage/by-use-case", needs=Permission.USAGE_READ)
    async def get_usage_by_use_case(
        self, asked: Asked, query: TableQuery
    ) -> UsagePage[UsageOfUseCase]:
        """Show usage by use case, those with most tokens first."""
        return await self._by(
            Dimension.USE_CASE, asked, query, UsagePage[UsageOfUseCase]
        )

    @operation("GET /stats/usage/by-label", needs=Permission.USAGE_READ)
    async def get_usage_by_label(
        self, asked: Asked, query: TableQuery
    ) -> UsagePage[UsageOfLabel]:
        """Show usage by label, those with most tokens first.

        A call counts under each of its labels.
        """
        return await self._by(Dimension.LABEL, asked, query, UsagePage[UsageOfLabel])

    @operation("GET /stats/usage/by-status", needs=Permission.USAGE_READ)
    async def get_usage_by_status(
        self, asked: Asked, query: TableQuery
    ) -> UsagePage[UsageOfStatus]:
        """Show usage by how calls ended, those with most tokens first."""
        return await self._by(Dimension.STATUS, asked, query, UsagePage[UsageOfStatus])

    @operation("GET /stats/export.csv", needs=Permission.USAGE_READ, media="text/csv")
    async def export_usage(
        self, asked: Asked, query: ExportQuery
    ) -> web.StreamResponse:
        """Export usage as a table: a row for each hour or day and each value."""
        question = UsageTimelineQuestion(
            **self._period_to_cut(asked, query),
            interval=query.interval,
            zone=query.tz,
        )
        timeline = await self._whole(question)
        return await stream_usage(
            asked.http,
            self._bus,
            timeline,
            question,
            by=query.by,
            name=NAMES[query.by],
        )

    async def _by(
        self, dimension: Dimension, asked: Asked, query: TableQuery, page: type[PageT]
    ) -> PageT:
        question = UsageByQuestion(
            **self._period(asked, query),
            dimension=dimension,
            limit=query.limit,
            cursor=query.cursor,
        )
        return page.of(await self._bus.ask(USAGE_BY, question), dimension)

    async def _whole(self, question: UsageTimelineQuestion) -> UsageTimeline:
        """Ask for the parts that a timeline comes in, and put them together."""
        timeline = part = await self._bus.ask(USAGE_TIMELINE, question)
        data = [*part.data]
        while part.resumes_at is not None:
            rest = question.model_copy(
                update={"since": part.resumes_at, "until": timeline.until}
            )
            part = await self._bus.ask(USAGE_TIMELINE, rest)
            data += part.data
        return timeline.model_copy(update={"data": data, "resumes_at": None})

    def _period_to_cut(
        self, asked: Asked, query: TimelineQuery | ExportQuery
    ) -> dict[str, Any]:
        """Say who asks, and about which period; refuse one of too many intervals."""
        period = self._period(asked, query)
        if period["since"] is None:
            raise invalid_query({"from": "Time can only be cut up from a beginning"})
        length = (period["until"] or self._now()) - period["since"]
        if length > _MOST_STRETCHES * _LENGTHS[query.interval]:
            raise invalid_query(
                {
                    "interval": f"Too short for this period: {_MOST_STRETCHES:,} of an"
                    f" interval at most, and this is {length.days:,} days"
                }
            )
        return period

    def _period(self, asked: Asked, query: PeriodQuery) -> dict[str, Any]:
        """Say who asks, and about which period."""
        period = last_day_unless_given(query, now=self._now())
        return {
            "org_id": asked.org_id,
            "actor": asked.actor,
            "since": period.since,
            "until": period.until,
        }


def _scope(query: ScopedQuery) -> dict[str, Any]:
    """Read which one value is wanted; raise `InvalidError` for several."""
    given = {
        name: (dimension, value)
        for dimension, name in NAMES.items()
        if (value := getattr(query, name, None)) is not None
    }
    if len(given) > 1:
        first, *others = given
        raise invalid_query(dict.fromkeys(others, f"Cannot stand beside {first}"))
    for dimension, key in given.values():
        return {"dimension": dimension, "key": str(key)}
    return {}
