"""`/agents/{id}/stats` and `/stats`: what was used, and how calls fared."""

from collections.abc import Awaitable, Callable
from typing import Any
from uuid import UUID

from aiohttp import web
from pydantic import Field, JsonValue

from gateway.authentication import principal_of
from gateway.periods import Period, PeriodQuery, last_day_unless_given, period_of
from gateway.reading import id_in_path, invalid_query, query_of
from gateway.usage_export import stream_usage
from shared.bus import Bus
from shared.clock import Clock
from shared.contracts.agent_runner import GET_AGENT, AgentQuestion
from shared.contracts.credentials import ProviderType
from shared.contracts.metrics import (
    AGENT_STATS,
    USAGE_BY,
    USAGE_SUMMARY,
    USAGE_TIMELINE,
)
from shared.contracts.usage import (
    AgentStatsQuestion,
    Dimension,
    Interval,
    Key,
    UsageByQuestion,
    UsageQuestion,
    UsageRow,
    UsageTable,
    UsageTimeline,
    UsageTimelineQuestion,
)
from shared.errors import AgentNotFoundError
from shared.http import reply_json

__all__ = ["StatsRoutes"]

_NAMES = {
    Dimension.AGENT: "agent_id",
    Dimension.AGENT_TYPE: "agent_type_id",
    Dimension.PROVIDER: "provider_id",
    Dimension.PROVIDER_TYPE: "provider_type",
    Dimension.MODEL: "model",
    Dimension.USE_CASE: "use_case",
    Dimension.LABEL: "label",
    Dimension.STATUS: "status",
}
_ALL_CODES = 1000

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


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


class TableQuery(PeriodQuery):
    """A period, and which page of its keys is wanted."""

    limit: int = Field(default=50, ge=1, le=200)
    cursor: str | None = Field(default=None, min_length=1, max_length=200)


class ExportQuery(PeriodQuery):
    by: Dimension = Dimension.AGENT
    interval: Interval = Interval.DAY


class StatsRoutes:
    def __init__(self, bus: Bus, *, now: Clock) -> None:
        self._bus = bus
        self._now = now

    def routes(self) -> list[web.RouteDef]:
        return [
            web.get("/agents/{id}/stats", self._show_of_agent),
            web.get("/stats/usage/summary", self._summarize),
            web.get("/stats/usage/timeline", self._show_timeline),
            web.get("/stats/usage/errors", self._show_errors),
            *(
                web.get(f"/stats/usage/by-{_dashed(dimension)}", self._by(dimension))
                for dimension in _NAMES
            ),
            web.get("/stats/export.csv", self._export, allow_head=False),
        ]

    async def _show_of_agent(self, request: web.Request) -> web.Response:
        """Ask the runner first: metrics counts, and does not know who exists."""
        who = principal_of(request)
        agent_id = id_in_path(request, AgentNotFoundError)
        period = period_of(query_of(request, PeriodQuery), now=self._now())
        agent = AgentQuestion(org_id=who.org_id, actor=who.actor, agent_id=agent_id)
        await self._bus.ask(GET_AGENT, agent)
        question = AgentStatsQuestion(
            org_id=who.org_id,
            actor=who.actor,
            agent_id=agent_id,
            since=period.since,
            until=period.until,
        )
        return reply_json(await self._bus.ask(AGENT_STATS, question))

    async def _summarize(self, request: web.Request) -> web.Response:
        query = query_of(request, ScopedQuery)
        question = UsageQuestion(**self._asked(request, query), **_scope(query))
        return reply_json(await self._bus.ask(USAGE_SUMMARY, question))

    async def _show_timeline(self, request: web.Request) -> web.Response:
        query = query_of(request, TimelineQuery)
        asked = self._asked(request, query)
        if asked["since"] is None:
            raise invalid_query({"from": "A timeline needs a beginning"})
        question = UsageTimelineQuestion(
            **asked, **_scope(query), interval=query.interval, zone=query.tz
        )
        return reply_json(await self._whole(question))

    async def _show_errors(self, request: web.Request) -> web.Response:
        """Tell how many calls failed, and by which codes."""
        asked = self._asked(request, query_of(request, PeriodQuery))
        summary = await self._bus.ask(USAGE_SUMMARY, UsageQuestion(**asked))
        table = await self._bus.ask(
            USAGE_BY,
            UsageByQuestion(**asked, dimension=Dimension.CODE, limit=_ALL_CODES),
        )
        rows = sorted(table.data, key=lambda row: (-row.errors, row.key))
        return web.json_response(
            {
                "data": [
                    {
                        "code": row.key,
                        "errors": row.errors,
                        "share_of_errors": (
                            row.errors / summary.errors if summary.errors else None
                        ),
                    }
                    for row in rows
                ],
                "calls": summary.calls,
                "errors": summary.errors,
                "error_rate": summary.error_rate,
                **_period_of(table),
            }
        )

    def _by(self, dimension: Dimension) -> Handler:
        async def show(request: web.Request) -> web.StreamResponse:
            query = query_of(request, TableQuery)
            question = UsageByQuestion(
                **self._asked(request, query),
                dimension=dimension,
                limit=query.limit,
                cursor=query.cursor,
            )
            table = await self._bus.ask(USAGE_BY, question)
            return web.json_response(
                {
                    "data": [_named(_NAMES[dimension], row) for row in table.data],
                    "next_cursor": table.next_cursor,
                    **_period_of(table),
                }
            )

        return show

    async def _export(self, request: web.Request) -> web.StreamResponse:
        query = query_of(request, ExportQuery)
        if query.by not in _NAMES:
            raise invalid_query({"by": f"Should be one of {', '.join(_NAMES)}"})
        asked = self._asked(request, query)
        if asked["since"] is None:
            raise invalid_query({"from": "An export needs a beginning"})
        question = UsageTimelineQuestion(
            **asked, interval=query.interval, zone=query.tz
        )
        return await stream_usage(
            request,
            self._bus,
            await self._whole(question),
            question,
            by=query.by,
            name=_NAMES[query.by],
        )

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

    def _asked(self, request: web.Request, query: PeriodQuery) -> dict[str, Any]:
        """Say who asks, and about which period."""
        who = principal_of(request)
        period: Period = last_day_unless_given(query, now=self._now())
        return {
            "org_id": who.org_id,
            "actor": who.actor,
            "since": period.since,
            "until": period.until,
        }


def _dashed(dimension: Dimension) -> str:
    return dimension.replace("_", "-")


def _scope(query: ScopedQuery) -> dict[str, Any]:
    """Read which one value is wanted; raise `InvalidError` for several."""
    given = {
        name: (dimension, value)
        for dimension, name in _NAMES.items()
        if (value := getattr(query, name, None)) is not None
    }
    if len(given) > 1:
        first, *others = given
        raise invalid_query(dict.fromkeys(others, f"Cannot stand beside {first}"))
    for dimension, key in given.values():
        return {"dimension": dimension, "key": str(key)}
    return {}


def _named(name: str, row: UsageRow) -> dict[str, JsonValue]:
    """Call the key what it is; the empty use case is none."""
    return {name: row.key or None, **row.model_dump(mode="json", exclude={"key"})}


def _period_of(table: UsageTable) -> dict[str, JsonValue]:
    period = table.model_dump(
        mode="json", by_alias=True, include={"since", "until", "as_of"}
    )
    return dict(period)
