from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest

from metrics.reading.usage import Usage
from metrics.repositories.usage import Sums
from metrics.rollups.rollups import Figures, Grain
from metrics.rollups.sketch import Sketch
from metrics.rollups.spans import BEGINNING, END, Reading, Span
from shared.contracts.base import Actor
from shared.contracts.usage import (
    AgentStatsQuestion,
    Dimension,
    Interval,
    UsageByQuestion,
    UsageQuestion,
    UsageTimelineQuestion,
)
from shared.errors import InvalidError
from shared.testing import FakeClock

from .fakes import FakeUsage
from .records import AGENT, NOON, ORGANIZATION

WHO: dict[str, Any] = {
    "org_id": ORGANIZATION,
    "actor": Actor(kind="api_key", id="key-1"),
}
DAY = timedelta(days=1)
ONE_MIB = 2**20


def usage_of(repository: FakeUsage) -> Usage:
    return Usage(
        repository,
        now=FakeClock(NOON),
        minutes_kept=7 * DAY,
        calls_kept=99 * DAY,
    )


def summed(bucket: int = 0, key: str = "", **figures: Any) -> Sums:
    return Sums(bucket, key, Figures(**figures), b"")


def period_read(repository: FakeUsage) -> tuple[datetime, datetime]:
    reading: Reading = repository.asked[-1]["reading"]
    pieces = [*(piece for _, piece in reading.rollups), *reading.calls]
    return min(each.since for each in pieces), max(each.until for each in pieces)


async def test_figures_are_made_of_sums() -> None:
    sums = Sums(
        0,
        "",
        Figures(
            calls=10,
            failed_calls=4,
            cancelled_calls=2,
            interrupted_calls=1,
            unpriced_calls=3,
            cost=Decimal("1.5"),
            input_tokens=1,
            cached_input_tokens=2,
            cache_write_5m_tokens=4,
            cache_write_1h_tokens=8,
            output_tokens=16,
            reasoning_tokens=5,
            timed_calls=8,
            duration_ms=20,
            timed_first_tokens=2,
            time_to_first_token_ms=7,
            messages_processed=6,
            timed_messages=4,
            message_duration_ms=10,
        ),
        Sketch.of([10] * 90 + [1000] * 10).to_bytes(),
    )

    stats = await usage_of(FakeUsage([sums])).agent_stats(
        AgentStatsQuestion(**WHO, agent_id=AGENT)
    )

    assert stats.model_dump() == {
        "agent_id": AGENT,
        "since": None,
        "until": None,
        "as_of": NOON,
        "calls": 10,
        "errors": 4,
        "error_rate": 0.4,
        "cancelled_calls": 2,
        "interrupted_calls": 1,
        "total_tokens": 31,
        "input_tokens": 1,
        "cached_input_tokens": 2,
        "cache_write_5m_tokens": 4,
        "cache_write_1h_tokens": 8,
        "output_tokens": 16,
        "reasoning_tokens": 5,
        "average_response_time_ms": 2.5,
        "p50_response_time_ms": pytest.approx(10, rel=0.02),
        "p95_response_time_ms": pytest.approx(1000, rel=0.02),
        "average_time_to_first_token_ms": 3.5,
        "cost_usd": Decimal("1.5"),
        "unpriced_calls": 3,
        "messages_processed": 6,
        "message_duration_ms": 2.5,
    }


@pytest.mark.parametrize(
    ("figures", "cost"),
    [
        ({}, None),
        ({"calls": 2, "unpriced_calls": 2}, None),
        ({"calls": 2, "unpriced_calls": 1}, 0),
        ({"calls": 2, "unpriced_calls": 1, "cost": Decimal(3)}, 3),
    ],
)
async def test_a_cost_is_null_only_if_no_call_has_a_price(
    figures: dict[str, Any], cost: int | None
) -> None:
    summary = await usage_of(FakeUsage([summed(**figures)])).summary(
        UsageQuestion(**WHO)
    )

    assert summary.cost_usd == cost


async def test_nothing_is_told_as_nothing() -> None:
    summary = await usage_of(FakeUsage()).summary(UsageQuestion(**WHO))

    told = summary.model_dump(exclude={"since", "until", "as_of"})
    assert set(told.values()) == {0, None}
    assert summary.error_rate is None
    assert summary.average_response_time_ms is None


async def test_an_agent_is_read_from_its_creation_unless_a_period_is_given() -> None:
    repository = FakeUsage()
    usage = usage_of(repository)

    await usage.agent_stats(AgentStatsQuestion(**WHO, agent_id=AGENT))
    always = period_read(repository)
    stats = await usage.agent_stats(
        AgentStatsQuestion(**WHO, agent_id=AGENT, since=NOON - DAY, until=NOON)
    )

    assert always == (BEGINNING, END)
    assert period_read(repository) == (NOON - DAY, NOON)
    assert (stats.since, stats.until) == (NOON - DAY, NOON)
    asked = repository.asked[-1]
    assert (asked["dimension"], asked["key"]) == ("agent", str(AGENT))


async def test_what_lies_before_the_calls_is_told_in_whole_quarters() -> None:
    repository = FakeUsage()
    since, until = (NOON - days * DAY + timedelta(minutes=20) for days in (200, 50))

    summary = await usage_of(repository).summary(
        UsageQuestion(**WHO, since=since, until=until)
    )

    assert summary.since == NOON - 200 * DAY + timedelta(minutes=15)
    assert summary.until == until
    assert period_read(repository) == (summary.since, summary.until)


@pytest.mark.parametrize(
    "time", [datetime(1, 1, 1, tzinfo=UTC), datetime(9999, 12, 31, 23, tzinfo=UTC)]
)
async def test_times_that_no_clock_shows_can_be_asked_for(time: datetime) -> None:
    question = UsageQuestion(**WHO, since=time, until=time)

    assert (await usage_of(FakeUsage()).summary(question)).calls == 0


async def test_pages_of_keys_follow_one_another_to_the_end() -> None:
    usage = usage_of(FakeUsage([summed(key=key) for key in "abcde"]))
    pages, cursor = [], None

    for _ in range(3):
        page = await usage.by(
            UsageByQuestion(**WHO, dimension=Dimension.MODEL, limit=2, cursor=cursor)
        )
        pages.append([row.key for row in page.data])
        cursor = page.next_cursor

    assert pages == [["a", "b"], ["c", "d"], ["e"]]
    assert cursor is None


async def test_a_page_holds_as_many_keys_as_one_answer_can_carry() -> None:
    keys = [f"{number:0>500}" for number in range(1000)]
    usage = usage_of(FakeUsage([summed(key=key) for key in keys]))
    question = UsageByQuestion(**WHO, dimension=Dimension.LABEL, limit=1000)

    first = await usage.by(question)
    rest = await usage.by(question.model_copy(update={"cursor": first.next_cursor}))

    assert [row.key for row in first.data + rest.data] == keys
    assert len(first.model_dump_json()) < ONE_MIB


@pytest.mark.parametrize("cursor", ["", "-1", "1.5", "٣", "page-2", "9" * 10])
async def test_a_foreign_cursor_is_refused(cursor: str) -> None:
    question = UsageByQuestion(**WHO, dimension=Dimension.MODEL, cursor=cursor)

    with pytest.raises(InvalidError):
        await usage_of(FakeUsage()).by(question)


def timeline(zone: str = "UTC", **changes: Any) -> UsageTimelineQuestion:
    fields = {"since": NOON - DAY, "until": NOON, "interval": Interval.HOUR}
    return UsageTimelineQuestion(**WHO, zone=zone, **(fields | changes))


async def test_a_timeline_has_a_bucket_for_every_hour_also_without_calls() -> None:
    usage = usage_of(FakeUsage([summed(2, calls=7)]))

    told = await usage.timeline(timeline(since=NOON - timedelta(hours=4)))

    assert [each.calls for each in told.data] == [0, 0, 7, 0]
    assert [each.starts_at.hour for each in told.data] == [8, 9, 10, 11]
    assert told.data[-1].ends_at == NOON
    assert told.resumes_at is None


async def test_time_can_be_cut_up_to_its_end_in_any_zone() -> None:
    last = datetime(9999, 12, 31, tzinfo=UTC)
    question = timeline(
        zone="Pacific/Kiritimati", interval=Interval.DAY, since=last - DAY / 2
    ).model_copy(update={"until": last})

    assert (await usage_of(FakeUsage()).timeline(question)).resumes_at is None


async def test_a_timeline_without_an_end_ends_now() -> None:
    told = await usage_of(FakeUsage()).timeline(timeline(until=None))

    assert told.until == told.as_of == NOON
    assert len(told.data) == 24


async def test_a_timeline_without_a_moment_has_no_buckets() -> None:
    assert (await usage_of(FakeUsage()).timeline(timeline(since=NOON))).data == []


@pytest.mark.parametrize(
    ("zone", "grain"),
    [
        ("UTC", Grain.HOUR),
        ("America/New_York", Grain.HOUR),
        ("Asia/Kolkata", Grain.QUARTER),
    ],
)
async def test_a_timeline_is_read_in_rollups_that_no_bucket_cuts(
    zone: str, grain: Grain
) -> None:
    repository = FakeUsage()

    await usage_of(repository).timeline(timeline(zone, since=NOON - 30 * DAY))

    assert grain in {each for each, _ in repository.asked[0]["reading"].rollups}
    assert all(
        each.length <= grain.length
        for each, _ in repository.asked[0]["reading"].rollups
    )


async def test_a_long_timeline_is_told_in_parts_that_touch() -> None:
    usage = usage_of(FakeUsage())
    since, buckets = NOON - 90 * DAY, 0

    while True:
        part = await usage.timeline(timeline("Europe/Berlin", since=since))
        buckets += len(part.data)
        assert part.data[0].starts_at == since
        assert len(part.data) <= 1000
        if part.resumes_at is None:
            break
        since = part.resumes_at

    assert part.data[-1].ends_at == NOON
    assert buckets == 90 * 24


@pytest.mark.parametrize(
    "zone", ["", "Mars/Olympus", "../../etc/passwd", "Europe", "\0", "x" * 5000]
)
async def test_a_zone_that_is_none_is_refused(zone: str) -> None:
    with pytest.raises(InvalidError) as caught:
        await usage_of(FakeUsage()).timeline(timeline(zone))

    assert "'field': 'tz'" in str(caught.value.details["fields"])


async def test_usage_can_be_of_one_key() -> None:
    repository = FakeUsage()
    of_a_label = {"dimension": Dimension.LABEL, "key": "team=red"}

    await usage_of(repository).summary(UsageQuestion(**WHO, **of_a_label))
    await usage_of(repository).timeline(timeline(**of_a_label))
    await usage_of(repository).summary(UsageQuestion(**WHO))

    asked = [(each["dimension"], each["key"]) for each in repository.asked]
    assert asked == [("label", "team=red")] * 2 + [("organization", "")]


def test_a_span_is_empty_where_it_ends_before_it_begins() -> None:
    assert Span(NOON, NOON).is_empty
    assert Span(NOON, NOON - DAY).is_empty
    assert not Span(NOON - DAY, NOON).is_empty
