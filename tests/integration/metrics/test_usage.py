"""Sums as they are told, against sums made the long way of the same calls."""

from collections import defaultdict
from collections.abc import AsyncIterator, Callable
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from functools import partial
from itertools import product
from zoneinfo import ZoneInfo

import pytest
import pytest_asyncio

from ag2trust.testing import Stack
from metrics.app import serving
from metrics.prices.price_book import VERSION
from metrics.prices.pricing import price
from metrics.settings import Settings
from shared.bus import NatsBus
from shared.contracts.base import Actor, Service
from shared.contracts.metrics import (
    AGENT_STATS,
    INGEST,
    USAGE_BY,
    USAGE_SUMMARY,
    USAGE_TIMELINE,
    CallRecord,
    CallStatus,
    MessageRecord,
)
from shared.contracts.usage import (
    AgentStatsQuestion,
    Dimension,
    Interval,
    UsageByQuestion,
    UsageQuestion,
    UsageTimelineQuestion,
)
from shared.ids import new_id

from .conftest import Superuser
from .long_way import assert_figures
from .records import NOON, batch, call, message, seeded
from .watching import fold
from .world import World

pytestmark = pytest.mark.integration

ACTOR = Actor(kind="api_key", id="key-1")
DAY = timedelta(days=1)


@pytest.fixture(params=[2, 36_500], ids=["minutes_dropped", "minutes_kept"])
def settings(stack: Stack, request: pytest.FixtureRequest) -> Settings:
    """Keep calls for long, for theirs are old; minutes for long, or not at all."""
    return stack.settings(
        Settings,
        Service.METRICS,
        calls_kept_days=36_500,
        minutes_kept_days=request.param,
    )


@pytest_asyncio.fixture(autouse=True)
async def metrics(settings: Settings) -> AsyncIterator[None]:
    async with serving(settings):
        yield


@pytest_asyncio.fixture(params=[0, pytest.param(1, marks=pytest.mark.torture)])
async def world(
    request: pytest.FixtureRequest, runner: NatsBus, settings: Settings
) -> World:
    world = World(seeded(request.param))
    await world.ship(runner, in_between=partial(fold, settings))
    return world


async def test_an_agent_is_told_what_its_calls_and_messages_sum_up_to(
    world: World, gateway: NatsBus
) -> None:
    for agent_id in {each.agent_id for each in world.calls}:
        for since, until in [(None, None), *(world.period() for _ in range(5))]:
            stats = await gateway.ask(
                AGENT_STATS,
                AgentStatsQuestion(
                    org_id=world.org_id,
                    actor=ACTOR,
                    agent_id=agent_id,
                    since=since,
                    until=until,
                ),
            )

            within = since or NOON - 9 * DAY, until or NOON + 9 * DAY
            assert (stats.agent_id, stats.since, stats.until) == (
                agent_id,
                since,
                until,
            )
            assert_figures(
                stats,
                [c for c in world.calls_within(*within) if c.agent_id == agent_id],
                [m for m in world.messages_within(*within) if m.agent_id == agent_id],
            )


async def test_an_organization_is_told_what_all_its_calls_sum_up_to(
    world: World, gateway: NatsBus
) -> None:
    for _ in range(25):
        since, until = world.period()

        summary = await gateway.ask(
            USAGE_SUMMARY,
            UsageQuestion(org_id=world.org_id, actor=ACTOR, since=since, until=until),
        )

        assert (summary.since, summary.until) == (since, until)
        assert_figures(
            summary,
            world.calls_within(since, until),
            world.messages_within(since, until),
        )


KEYS: dict[Dimension, Callable[[CallRecord], list[str]]] = {
    Dimension.AGENT: lambda each: [str(each.agent_id)],
    Dimension.AGENT_TYPE: lambda each: [str(each.agent_type_id)],
    Dimension.PROVIDER: lambda each: [str(each.provider_id)],
    Dimension.PROVIDER_TYPE: lambda each: [str(each.provider_type)],
    Dimension.MODEL: lambda each: [each.model],
    Dimension.USE_CASE: lambda each: [each.use_case or ""],
    Dimension.LABEL: lambda each: [f"{a}={b}" for a, b in each.labels.items()],
    Dimension.STATUS: lambda each: [str(each.status)],
    Dimension.CODE: lambda each: (
        [each.explanation.code if each.explanation else "UNEXPLAINED"]
        if each.status is CallStatus.FAILED
        else []
    ),
}


def keys_of_message(dimension: Dimension, each: MessageRecord) -> list[str]:
    if each.status != "completed":
        return []
    match dimension:
        case Dimension.AGENT:
            return [str(each.agent_id)]
        case Dimension.AGENT_TYPE:
            return [str(each.agent_type_id)]
        case _:
            return []


async def test_every_dimension_is_told_apart_by_its_keys(
    world: World, gateway: NatsBus
) -> None:
    periods = [(NOON - DAY, NOON + DAY), *(world.period() for _ in range(4))]
    for dimension, (since, until) in product(Dimension, periods):
        calls: dict[str, list[CallRecord]] = defaultdict(list)
        messages: dict[str, list[MessageRecord]] = defaultdict(list)
        for each in world.calls_within(since, until):
            for key in KEYS[dimension](each):
                calls[key].append(each)
        for words in world.messages_within(since, until):
            for key in keys_of_message(dimension, words):
                messages[key].append(words)

        table = await gateway.ask(
            USAGE_BY,
            UsageByQuestion(
                org_id=world.org_id,
                actor=ACTOR,
                dimension=dimension,
                since=since,
                until=until,
            ),
        )

        assert {row.key for row in table.data} == calls.keys() | messages.keys()
        for row in table.data:
            assert_figures(row, calls[row.key], messages[row.key])
        ranked = sorted(table.data, key=lambda row: (-row.total_tokens, row.key))
        assert table.data == ranked


async def test_a_timeline_is_told_by_the_clock_of_the_zone(
    world: World, gateway: NatsBus
) -> None:
    zones = ("UTC", "Europe/Berlin", "Asia/Kathmandu", "America/St_Johns")
    for zone, interval, _ in product(zones, Interval, range(3)):
        since, until = world.period()

        timeline = await gateway.ask(
            USAGE_TIMELINE,
            UsageTimelineQuestion(
                org_id=world.org_id,
                actor=ACTOR,
                since=since,
                until=until,
                interval=interval,
                zone=zone,
            ),
        )

        assert (timeline.data[0].starts_at, timeline.data[-1].ends_at) == (since, until)
        for each in timeline.data:
            assert_figures(
                each,
                world.calls_within(each.starts_at, each.ends_at),
                world.messages_within(each.starts_at, each.ends_at),
            )
            first = each.starts_at.astimezone(ZoneInfo(zone))
            last = (each.ends_at - timedelta.resolution).astimezone(ZoneInfo(zone))
            assert first.date() == last.date()
            if interval is Interval.HOUR:
                assert first.hour == last.hour


async def test_a_key_is_told_alone(world: World, gateway: NatsBus) -> None:
    since, until = NOON - DAY, NOON + DAY
    of_model = {
        "org_id": world.org_id,
        "actor": ACTOR,
        "since": since,
        "until": until,
        "dimension": Dimension.MODEL,
        "key": "gpt-5",
    }
    mine = [each for each in world.calls if each.model == "gpt-5"]

    summary = await gateway.ask(USAGE_SUMMARY, UsageQuestion(**of_model))
    timeline = await gateway.ask(
        USAGE_TIMELINE,
        UsageTimelineQuestion(**of_model, interval=Interval.DAY, zone="UTC"),
    )

    assert_figures(summary, [c for c in mine if since <= c.started_at < until])
    assert sum(each.calls for each in timeline.data) == summary.calls


async def test_a_period_within_a_minute_is_told(world: World, gateway: NatsBus) -> None:
    since = world.calls[0].started_at
    until = since + timedelta(milliseconds=1)

    for ends in (until, since):
        summary = await gateway.ask(
            USAGE_SUMMARY,
            UsageQuestion(org_id=world.org_id, actor=ACTOR, since=since, until=ends),
        )

        assert_figures(
            summary,
            world.calls_within(since, ends),
            world.messages_within(since, ends),
        )


async def test_costs_are_summed_up_to_the_last_digit(
    world: World, superuser: Superuser, settings: Settings
) -> None:
    await fold(settings)
    exact = sum(
        (price(each, []).cost or Decimal(0) for each in world.calls), Decimal(0)
    )

    for grain in ("quarter", "hour", "day"):
        stored = await superuser.fetchval(
            """
            SELECT sum(cost)
            FROM rollup
            WHERE grain = $1
                AND org_id = $2
                AND dimension = 'organization'
            """,
            grain,
            world.org_id,
        )
        assert stored == exact
    versions = await superuser.fetch(
        "SELECT DISTINCT price_version FROM call WHERE org_id = $1", world.org_id
    )
    assert [row["price_version"] for row in versions] == [VERSION]


async def test_keys_come_in_pages(world: World, gateway: NatsBus) -> None:
    question = {
        "org_id": world.org_id,
        "actor": ACTOR,
        "dimension": Dimension.AGENT,
        "since": NOON - DAY,
    }
    whole = await gateway.ask(USAGE_BY, UsageByQuestion(**question))
    seen, cursor = [], None

    while True:
        page = await gateway.ask(
            USAGE_BY, UsageByQuestion(**question, limit=3, cursor=cursor)
        )
        seen += page.data
        cursor = page.next_cursor
        if cursor is None:
            break

    assert seen == whole.data


async def test_an_agent_that_never_called_has_zeros_and_no_times(
    gateway: NatsBus,
) -> None:
    question = AgentStatsQuestion(org_id=new_id(), actor=ACTOR, agent_id=new_id())

    stats = await gateway.ask(AGENT_STATS, question)

    assert_figures(stats, [])


async def test_one_organization_is_told_nothing_of_another(
    world: World, gateway: NatsBus
) -> None:
    stranger = {"org_id": new_id(), "actor": ACTOR, "since": NOON - DAY}

    stats = await gateway.ask(
        AGENT_STATS, AgentStatsQuestion(**stranger, agent_id=world.calls[0].agent_id)
    )
    summary = await gateway.ask(USAGE_SUMMARY, UsageQuestion(**stranger))
    tables = [
        await gateway.ask(USAGE_BY, UsageByQuestion(**stranger, dimension=dimension))
        for dimension in Dimension
    ]

    assert_figures(stats, [])
    assert_figures(summary, [])
    assert all(table.data == [] for table in tables)


async def test_what_is_counted_shows_at_once(runner: NatsBus, gateway: NatsBus) -> None:
    org_id, source, now = new_id(), new_id(), datetime.now(UTC)
    question = UsageQuestion(
        org_id=org_id, actor=ACTOR, since=now - DAY, until=now + timedelta(hours=1)
    )
    counts = []

    for sequence in range(1, 4):
        record = call(org_id=org_id, started_at=now - timedelta(seconds=sequence))
        await runner.ask(INGEST, batch(source, [record], start=sequence))
        counts.append((await gateway.ask(USAGE_SUMMARY, question)).calls)

    assert counts == [1, 2, 3]


async def test_messages_alone_make_a_row(runner: NatsBus, gateway: NatsBus) -> None:
    words = message()
    await runner.ask(INGEST, batch(new_id(), [words]))

    table = await gateway.ask(
        USAGE_BY,
        UsageByQuestion(
            org_id=words.org_id, actor=ACTOR, dimension=Dimension.AGENT, since=NOON
        ),
    )

    assert [row.key for row in table.data] == [str(words.agent_id)]
    assert_figures(table.data[0], [], [words])


async def test_long_histories_keep_their_percentiles(
    runner: NatsBus, gateway: NatsBus
) -> None:
    draw = seeded(1)
    org_id, source = new_id(), new_id()
    calls = [
        call(
            org_id=org_id,
            started_at=NOON + timedelta(seconds=each // 10),
            duration_ms=int(draw.lognormvariate(7, 1.5)),
        )
        for each in range(3_000)
    ]
    for start in range(0, len(calls), 100):
        piece = calls[start : start + 100]
        await runner.ask(INGEST, batch(source, piece, start=start + 1))

    summary = await gateway.ask(
        USAGE_SUMMARY, UsageQuestion(org_id=org_id, actor=ACTOR, since=NOON)
    )

    assert_figures(summary, calls)
