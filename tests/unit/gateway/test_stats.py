import asyncio
import csv
import io
from contextlib import closing
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from aiohttp import ClientPayloadError, ClientSession, web
from aiohttp.test_utils import TestServer
from structlog.typing import EventDict

from ag2trust.waiting import until
from gateway.usage_export import stream_usage
from shared.contracts.agent_runner import GET_AGENT
from shared.contracts.base import Actor
from shared.contracts.metrics import (
    AGENT_STATS,
    USAGE_BY,
    USAGE_SUMMARY,
    USAGE_TIMELINE,
)
from shared.contracts.usage import (
    Dimension,
    Interval,
    UsageBucket,
    UsageByQuestion,
    UsageRow,
    UsageSummary,
    UsageTable,
    UsageTimeline,
    UsageTimelineQuestion,
)
from shared.errors import AgentNotFoundError, UnavailableError
from shared.http_server import listening
from shared.testing import FakeBus

from .conftest import OWNER_KEY
from .fakes import Neighbours
from .objects import AGENT, NOON, ORGANIZATION, SOME_ID, STATS

ONE = f"/api/agents/{SOME_ID}/stats"
DAY = timedelta(days=1)


async def test_the_statistics_of_an_agent_are_since_its_creation(
    client: ClientSession, neighbours: Neighbours
) -> None:
    neighbours.answer(GET_AGENT, AGENT)
    neighbours.answer(AGENT_STATS, STATS)

    async with client.get(ONE) as response:
        body = await response.json()

    assert response.status == 200
    assert body["total_tokens"] == 30
    assert body["average_response_time_ms"] == 120.5
    assert body["messages_processed"] == 1
    assert body["errors"] == 0
    assert body["from"] == "2026-01-01T12:00:00Z"
    assert body["to"] is None
    assert body["as_of"] == "2026-01-01T12:00:00Z"
    question = neighbours.question(AGENT_STATS)
    assert question.org_id == ORGANIZATION
    assert question.agent_id == SOME_ID
    assert (question.since, question.until) == (None, None)


async def test_a_period_ends_now(client: ClientSession, neighbours: Neighbours) -> None:
    neighbours.answer(GET_AGENT, AGENT)
    neighbours.answer(AGENT_STATS, STATS)

    async with client.get(f"{ONE}?period=24h") as response:
        assert response.status == 200

    question = neighbours.question(AGENT_STATS)
    assert question.since == NOON - timedelta(hours=24)
    assert question.until == NOON


async def test_times_of_any_zone_are_asked_for_in_utc(
    client: ClientSession, neighbours: Neighbours
) -> None:
    neighbours.answer(GET_AGENT, AGENT)
    neighbours.answer(AGENT_STATS, STATS)
    times = {"from": "2026-01-01T02:00:00+02:00", "to": "2026-01-02T00:00:00.5Z"}

    async with client.get(ONE, params=times) as response:
        assert response.status == 200

    question = neighbours.question(AGENT_STATS)
    assert question.since == datetime(2026, 1, 1, tzinfo=UTC)
    assert question.until == datetime(2026, 1, 2, microsecond=500_000, tzinfo=UTC)


async def test_an_agent_that_nobody_has_is_not_found_though_metrics_would_answer(
    client: ClientSession, neighbours: Neighbours
) -> None:
    neighbours.answer(GET_AGENT, AgentNotFoundError("There is no such agent."))
    neighbours.answer(AGENT_STATS, STATS)

    async with client.get(ONE) as response:
        assert response.status == 404
        assert (await response.json())["error_code"] == "AGENT_NOT_FOUND"


def figures(**changes: Any) -> dict[str, Any]:
    """Make the figures of one call of 30 tokens that cost a cent and a half."""
    fields: dict[str, Any] = {
        "calls": 1,
        "errors": 0,
        "error_rate": 0.0,
        "total_tokens": 30,
        "input_tokens": 10,
        "cached_input_tokens": 0,
        "output_tokens": 20,
        "average_response_time_ms": 120.5,
        "p50_response_time_ms": 120.0,
        "p95_response_time_ms": 150.0,
        "average_time_to_first_token_ms": None,
        "cost_usd": Decimal("0.015"),
    }
    return fields | changes


def summary(**changes: Any) -> UsageSummary:
    period = {"since": NOON - DAY, "until": NOON, "as_of": NOON}
    return UsageSummary(**figures(**changes), **period)


def table(*rows: UsageRow, next_cursor: str | None = None) -> UsageTable:
    return UsageTable(
        data=list(rows),
        next_cursor=next_cursor,
        since=NOON - DAY,
        until=NOON,
        as_of=NOON,
    )


def timeline(
    *buckets: UsageBucket, resumes_at: datetime | None = None
) -> UsageTimeline:
    return UsageTimeline(
        interval=Interval.HOUR,
        zone="UTC",
        data=list(buckets),
        resumes_at=resumes_at,
        since=NOON - DAY,
        until=NOON,
        as_of=NOON,
    )


def bucket(hours_ago: int, **changes: Any) -> UsageBucket:
    starts_at = NOON - timedelta(hours=hours_ago)
    ends_at = starts_at + timedelta(hours=1)
    return UsageBucket(**figures(**changes), starts_at=starts_at, ends_at=ends_at)


LONG_PAGE = table(
    *[UsageRow(key="m" * 500, **figures())] * 100, next_cursor="of another"
)


async def test_usage_is_summed_up_over_the_last_day_unless_a_period_is_given(
    client: ClientSession, neighbours: Neighbours
) -> None:
    neighbours.answer(USAGE_SUMMARY, summary())

    async with client.get("/api/stats/usage/summary") as response:
        body = await response.json()

    assert response.status == 200
    assert body["cost_usd"] == 0.015
    assert (body["from"], body["to"]) == (
        "2025-12-31T12:00:00Z",
        "2026-01-01T12:00:00Z",
    )
    assert body["as_of"] == "2026-01-01T12:00:00Z"
    question = neighbours.question(USAGE_SUMMARY)
    assert question.org_id == ORGANIZATION
    assert (question.since, question.until) == (NOON - DAY, NOON)
    assert (question.dimension, question.key) == (None, None)


@pytest.mark.parametrize(
    ("query", "dimension", "key"),
    [
        (f"agent_id={str(SOME_ID).upper()}", "agent", str(SOME_ID)),
        (f"agent_type_id={SOME_ID}", "agent_type", str(SOME_ID)),
        (f"provider_id={SOME_ID}", "provider", str(SOME_ID)),
        ("provider_type=bedrock", "provider_type", "bedrock"),
        ("model=gpt-5", "model", "gpt-5"),
        ("use_case=", "use_case", ""),
        ("label=team%3Dred", "label", "team=red"),
    ],
)
async def test_usage_can_be_of_one_thing(
    client: ClientSession,
    neighbours: Neighbours,
    query: str,
    dimension: str,
    key: str,
) -> None:
    neighbours.answer(USAGE_SUMMARY, summary())

    async with client.get(f"/api/stats/usage/summary?{query}") as response:
        assert response.status == 200

    question = neighbours.question(USAGE_SUMMARY)
    assert (question.dimension, question.key) == (dimension, key)


@pytest.mark.parametrize(
    ("path", "names"),
    [
        ("by-agent", ("agent_id", str(SOME_ID), str(SOME_ID))),
        ("by-agent-type", ("agent_type_id", str(SOME_ID), str(SOME_ID))),
        ("by-provider", ("provider_id", str(SOME_ID), str(SOME_ID))),
        ("by-provider-type", ("provider_type", "openai", "openai")),
        ("by-model", ("model", "gpt-5", "gpt-5")),
        ("by-use-case", ("use_case", "support", "support")),
        ("by-use-case", ("use_case", "", None)),
        ("by-label", ("label", "team=red", "team=red")),
        ("by-status", ("status", "failed", "failed")),
    ],
)
async def test_usage_is_told_apart_by_what_the_key_is_called(
    client: ClientSession,
    neighbours: Neighbours,
    path: str,
    names: tuple[str, str, str | None],
) -> None:
    name, key, told = names
    neighbours.answer(USAGE_BY, table(UsageRow(key=key, **figures()), next_cursor="2"))

    url = f"/api/v1/stats/usage/{path}?days=7&limit=2&cursor=0"
    async with client.get(url) as response:
        body = await response.json()

    assert body["data"][0][name] == told
    assert body["data"][0]["total_tokens"] == 30
    assert "key" not in body["data"][0]
    assert body["next_cursor"] == "2"
    assert body["from"] == "2025-12-31T12:00:00Z"
    question = neighbours.question(USAGE_BY)
    assert question.dimension == path.removeprefix("by-").replace("-", "_")
    assert (question.limit, question.cursor) == (2, "0")
    assert question.since == NOON - 7 * DAY


async def test_a_timeline_is_of_the_zone_that_was_asked_for(
    client: ClientSession, neighbours: Neighbours
) -> None:
    neighbours.answer(USAGE_TIMELINE, timeline(bucket(2), bucket(1, calls=0)))

    url = "/api/stats/usage/timeline?period=30d&interval=day&tz=Asia/Kolkata"
    async with client.get(url) as response:
        body = await response.json()

    assert [each["starts_at"] for each in body["data"]] == [
        "2026-01-01T10:00:00Z",
        "2026-01-01T11:00:00Z",
    ]
    assert [each["calls"] for each in body["data"]] == [1, 0]
    assert (body["interval"], body["tz"]) == ("hour", "UTC")
    question = neighbours.question(USAGE_TIMELINE)
    assert (question.interval, question.zone) == ("day", "Asia/Kolkata")
    assert question.since == NOON - 30 * DAY


async def test_the_parts_of_a_long_timeline_are_put_together(
    client: ClientSession, neighbours: Neighbours
) -> None:
    resumes_at = NOON - timedelta(hours=2)
    neighbours.answer(
        USAGE_TIMELINE,
        timeline(bucket(3), resumes_at=resumes_at),
        timeline(bucket(2), bucket(1)),
    )

    async with client.get("/api/stats/usage/timeline") as response:
        body = await response.json()

    assert len(body["data"]) == 3
    assert body["resumes_at"] is None
    assert [
        (question.since, question.until)
        for _, question in neighbours.asked
        if isinstance(question, UsageTimelineQuestion)
    ] == [(NOON - DAY, NOON), (resumes_at, NOON)]


async def test_errors_are_told_by_code(
    client: ClientSession, neighbours: Neighbours
) -> None:
    neighbours.answer(USAGE_SUMMARY, summary(calls=10, errors=4, error_rate=0.4))
    rows = [
        UsageRow(key="TIMEOUT", **figures(calls=1, errors=1)),
        UsageRow(key="RATE_LIMITED", **figures(calls=3, errors=3)),
    ]
    neighbours.answer(USAGE_BY, table(*rows))

    async with client.get("/api/stats/usage/errors?period=7d") as response:
        body = await response.json()

    assert body["data"] == [
        {"code": "RATE_LIMITED", "errors": 3, "share_of_errors": 0.75},
        {"code": "TIMEOUT", "errors": 1, "share_of_errors": 0.25},
    ]
    assert (body["calls"], body["errors"], body["error_rate"]) == (10, 4, 0.4)
    assert body["as_of"] == "2026-01-01T12:00:00Z"


async def test_an_export_is_a_table_of_what_was_used_when(
    client: ClientSession, neighbours: Neighbours
) -> None:
    neighbours.answer(
        USAGE_TIMELINE, timeline(bucket(3), bucket(2, calls=0), bucket(1))
    )
    neighbours.answer(
        USAGE_BY,
        table(UsageRow(key="gpt-5", **figures()), next_cursor="1"),
        table(UsageRow(key='=cmd|"A1"', **figures(cost_usd=None))),
        table(UsageRow(key="gpt-4o, mini", **figures(calls=7))),
    )

    url = "/api/stats/export.csv?by=model&interval=hour&tz=Europe/Paris"
    async with client.get(url) as response:
        text = await response.text()

    assert response.headers["Content-Type"] == "text/csv; charset=utf-8"
    assert "attachment" in response.headers["Content-Disposition"]
    rows = list(csv.DictReader(io.StringIO(text, newline="")))
    assert [(row["starts_at"], row["model"], row["calls"]) for row in rows] == [
        ("2026-01-01T09:00:00Z", "gpt-5", "1"),
        ("2026-01-01T09:00:00Z", '\'=cmd|"A1"', "1"),
        ("2026-01-01T11:00:00Z", "gpt-4o, mini", "7"),
    ]
    assert [row["cost_usd"] for row in rows] == ["0.015", "", "0.015"]
    asked = [
        (question.since, question.until, question.cursor)
        for _, question in neighbours.asked
        if isinstance(question, UsageByQuestion)
    ]
    three, one = NOON - timedelta(hours=3), NOON - timedelta(hours=1)
    assert asked == [
        (three, three + timedelta(hours=1), None),
        (three, three + timedelta(hours=1), "1"),
        (one, NOON, None),
    ]


async def test_an_export_that_fails_on_its_way_does_not_look_whole(
    client: ClientSession, neighbours: Neighbours
) -> None:
    neighbours.answer(USAGE_TIMELINE, timeline(bucket(2), bucket(1)))
    neighbours.answer(
        USAGE_BY,
        table(UsageRow(key=str(SOME_ID), **figures())),
        UnavailableError("metrics does not answer right now."),
    )

    with pytest.raises(ClientPayloadError):
        async with client.get("/api/stats/export.csv") as response:
            await response.text()

    assert response.status == 200


async def test_an_export_whose_reader_leaves_is_no_failure(
    app: web.Application, neighbours: Neighbours, logged: list[EventDict]
) -> None:
    neighbours.answer(USAGE_TIMELINE, timeline(bucket(1)))
    neighbours.answer(USAGE_BY, LONG_PAGE)

    async with listening(app, host="127.0.0.1", port=0) as port, ClientSession() as a:
        url = f"http://127.0.0.1:{port}/api/stats/export.csv"
        async with a.get(url, headers={"X-API-Key": OWNER_KEY}) as response:
            await response.content.readany()
            response.close()
        await until("the end of the export", lambda: len(logged) > 1)

    assert [each["event"] for each in logged] == ["request.answered", "export.left"]


async def test_an_export_that_nobody_takes_is_given_up(
    bus: FakeBus, neighbours: Neighbours
) -> None:
    neighbours.answer(USAGE_BY, LONG_PAGE)
    is_over = asyncio.Event()
    question = UsageTimelineQuestion(
        org_id=ORGANIZATION,
        actor=Actor(kind="api_key", id=str(SOME_ID)),
        since=NOON - DAY,
        interval=Interval.HOUR,
        zone="UTC",
    )

    async def export(request: web.Request) -> web.StreamResponse:
        response = await stream_usage(
            request,
            bus,
            timeline(bucket(1)),
            question,
            by=Dimension.MODEL,
            name="model",
            read_within=timedelta(milliseconds=100),
        )
        is_over.set()
        return response

    app = web.Application()
    app.router.add_get("/", export)
    async with asyncio.timeout(20), TestServer(app) as server:
        _, writer = await asyncio.open_connection(server.host, server.port, limit=1024)
        with closing(writer):
            writer.write(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n")
            await is_over.wait()


async def test_an_export_of_nothing_is_a_line_of_names(
    client: ClientSession, neighbours: Neighbours
) -> None:
    neighbours.answer(USAGE_TIMELINE, timeline(bucket(1, calls=0)))

    async with client.get("/api/stats/export.csv") as response:
        [line] = (await response.text()).splitlines()

    assert line.startswith("starts_at,ends_at,agent_id,calls,errors,error_rate,")


@pytest.mark.parametrize(
    ("path", "field"),
    [
        ("usage/summary?agent_id=7", "agent_id"),
        (f"usage/summary?agent_id={SOME_ID}&model=gpt-5", "model"),
        ("usage/summary?model=%00", "model"),
        ("usage/summary?tz=../etc", "tz"),
        ("usage/summary?tz=Mars/Base", "tz"),
        ("usage/timeline?interval=week", "interval"),
        ("usage/timeline?to=2026-01-01T00:00:00Z", "from"),
        ("usage/timeline?from=1970-01-01T00:00:00Z", "interval"),
        (
            "usage/timeline?interval=day&from=1970-01-01T00:00:00Z&to=9999-01-01T00:00:00Z",
            "interval",
        ),
        ("export.csv?interval=hour&from=1970-01-01T00:00:00Z", "interval"),
        ("usage/by-agent?limit=201", "limit"),
        ("usage/by-agent?agent_id=7", "agent_id"),
        ("usage/errors?limit=1", "limit"),
        ("export.csv?by=code", "by"),
        ("export.csv?to=2026-01-01T00:00:00Z", "from"),
    ],
)
async def test_what_cannot_be_asked_is_named(
    client: ClientSession, path: str, field: str
) -> None:
    async with client.get(f"/api/stats/{path}") as response:
        body = await response.json()

    assert response.status == 422
    assert [each["field"] for each in body["details"]["fields"]] == [field]


async def test_an_export_offers_nothing_that_it_refuses(client: ClientSession) -> None:
    async with client.get("/api/stats/export.csv?by=colour") as response:
        [field] = (await response.json())["details"]["fields"]

    assert "'status'" in field["message"]
    assert "'code'" not in field["message"]
