"""Days come before they are needed and go when they are old, and nothing else does."""

import asyncio
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta

import asyncpg
import pytest
from tests.integration.lock_waits import until_blocked

from ag2trust.testing import Stack
from ag2trust.waiting import until
from metrics.counting.retention import Retention
from metrics.repositories.retention import PostgresRetention
from metrics.settings import Settings
from shared.bus import NatsBus
from shared.contracts.base import Actor
from shared.contracts.metrics import (
    GET_CALL,
    INGEST,
    USAGE_SUMMARY,
    CallQuestion,
    Ingested,
    Record,
)
from shared.contracts.usage import UsageQuestion
from shared.database import connect_database
from shared.errors import CallNotFoundError, UnavailableError
from shared.ids import new_id

from .conftest import Superuser
from .records import batch, call, message, tool_call
from .watching import fold

pytestmark = pytest.mark.integration

ACTOR = Actor(kind="api_key", id="key-1")
DAY = timedelta(days=1)


def today() -> date:
    return datetime.now(UTC).date()


async def keep(settings: Settings) -> None:
    """Keep ten days of calls and two of minutes; again while something is in use."""
    await until(
        "days kept",
        lambda: keep_once(settings),
        lambda _: True,
        not_yet=UnavailableError,
    )


async def keep_once(settings: Settings) -> None:
    async with connect_database(settings) as database:
        retention = Retention(
            PostgresRetention(database), calls_kept=10 * DAY, minutes_kept=2 * DAY
        )
        await retention.keep()


async def make_days(superuser: Superuser, first: int, last: int) -> None:
    """Make partitions from *first* to *last* days from now."""
    await superuser.execute(
        "SELECT make_days(current_date + $1::integer, current_date + $2::integer)",
        first,
        last,
    )


async def days_of(superuser: Superuser) -> list[date]:
    rows = await superuser.fetch(
        """
        SELECT to_date(right(relname, 8), 'YYYYMMDD') AS day
        FROM pg_inherits
        JOIN pg_class ON pg_class.oid = inhrelid
        WHERE inhparent = 'call_by_day'::regclass
            AND relname ~ '[0-9]{8}$'
        ORDER BY 1
        """
    )
    return [row["day"] for row in rows]


async def parts_of(superuser: Superuser) -> list[str]:
    """Return the partition of each call, oldest first."""
    rows = await superuser.fetch(
        "SELECT tableoid::regclass::text AS part FROM call ORDER BY started_at"
    )
    return [row["part"] for row in rows]


async def count(superuser: Superuser, table: str) -> int:
    number: int = await superuser.fetchval(f"SELECT count(*) FROM {table}")  # noqa: S608 - our own words
    return number


async def ingest(runner: NatsBus, *times: datetime) -> None:
    """Count one call for each of *times*."""
    question = batch(new_id(), [call(started_at=time) for time in times])
    answer = await runner.ask(INGEST, question)
    assert answer == Ingested(applied_through=len(times))


@pytest.mark.usefixtures("metrics")
async def test_the_days_from_yesterday_to_a_week_ahead_are_there_from_the_start(
    superuser: Superuser,
) -> None:
    week = [today() + each * DAY for each in range(-1, 8)]

    assert await days_of(superuser) == week


@pytest.mark.usefixtures("metrics")
async def test_calls_lie_in_their_days(
    settings: Settings, runner: NatsBus, superuser: Superuser
) -> None:
    await keep(settings)
    now = datetime.now(UTC)

    await ingest(runner, now, now - DAY, now - 400 * DAY, now + 400 * DAY)

    assert await parts_of(superuser) == [
        "call_of_other_days",
        f"call_{now - DAY:%Y%m%d}",
        f"call_{now:%Y%m%d}",
        "call_of_other_days",
    ]


@pytest.mark.usefixtures("metrics")
async def test_what_came_before_its_day_was_made_stays_apart_and_is_found(
    runner: NatsBus, gateway: NatsBus, superuser: Superuser
) -> None:
    early = datetime.now(UTC) + 20 * DAY
    record = call(started_at=early)
    await runner.ask(INGEST, batch(new_id(), [record]))

    await make_days(superuser, 20, 20)

    assert await parts_of(superuser) == ["call_of_other_days"]
    found = await gateway.ask(
        GET_CALL,
        CallQuestion(org_id=record.org_id, actor=ACTOR, call_id=record.call_id),
    )
    assert found.attempts == record.attempts


@pytest.mark.usefixtures("schema")
async def test_days_that_passed_while_nobody_was_there_are_made_later(
    settings: Settings, superuser: Superuser
) -> None:
    await keep(settings)
    for day in await days_of(superuser):
        await superuser.execute(f"DROP TABLE call_{day:%Y%m%d}")
    await superuser.execute("TRUNCATE kept_day")
    await make_days(superuser, -6, -6)

    await keep(settings)

    assert await days_of(superuser) == [today() + each * DAY for each in range(-6, 8)]


@pytest.mark.usefixtures("metrics")
async def test_days_that_are_made_while_calls_come_refuse_none(
    runner: NatsBus, superuser: Superuser
) -> None:
    now, source = datetime.now(UTC), new_id()

    async def send() -> None:
        for sequence in range(1, 201):
            record = call(started_at=now + (30 + sequence // 10) * DAY)
            await runner.ask(INGEST, batch(source, [record], start=sequence))

    async def make() -> None:
        for day in range(30, 51):
            await make_days(superuser, day, day)

    await asyncio.gather(send(), make())

    assert await count(superuser, "dead_letter") == 0
    assert await count(superuser, "call") == 200


@pytest.mark.usefixtures("metrics")
async def test_old_days_go_and_what_they_sum_up_to_stays(
    settings: Settings, runner: NatsBus, gateway: NatsBus, superuser: Superuser
) -> None:
    await make_days(superuser, -20, 0)
    org_id, now = new_id(), datetime.now(UTC)
    ages = (0, 9, 10, 19)
    calls = [call(org_id=org_id, started_at=now - age * DAY) for age in ages]
    await runner.ask(INGEST, batch(new_id(), calls))

    await keep(settings)

    assert (await days_of(superuser))[0] == today() - 9 * DAY
    assert await count(superuser, "call") == 2
    with pytest.raises(CallNotFoundError):
        await gateway.ask(
            GET_CALL,
            CallQuestion(org_id=org_id, actor=ACTOR, call_id=calls[-1].call_id),
        )
    summary = await gateway.ask(
        USAGE_SUMMARY, UsageQuestion(org_id=org_id, actor=ACTOR)
    )
    assert summary.calls == 4


@pytest.mark.usefixtures("metrics")
async def test_a_clock_put_forward_drops_nothing(
    settings: Settings, runner: NatsBus, superuser: Superuser
) -> None:
    """Today is long past the last call, as for a clock that was put forward."""
    await make_days(superuser, -60, -40)
    await ingest(runner, datetime.now(UTC) - 45 * DAY)
    await fold(settings)
    minutes = await count(superuser, "rollup_minute")

    await keep(settings)

    assert await count(superuser, "call") == 1
    assert await count(superuser, "rollup_minute") == minutes > 0
    assert (await days_of(superuser))[0] == today() - 54 * DAY


@pytest.mark.usefixtures("metrics")
async def test_calls_dated_far_ahead_drop_nothing_either(
    settings: Settings, runner: NatsBus, superuser: Superuser
) -> None:
    await make_days(superuser, -5, 40)
    now = datetime.now(UTC)
    await ingest(runner, now - 5 * DAY, now + 40 * DAY)

    await keep(settings)

    assert await count(superuser, "call") == 2


@pytest.mark.usefixtures("schema")
async def test_without_any_call_no_day_goes(
    settings: Settings, superuser: Superuser
) -> None:
    await make_days(superuser, -60, 0)

    await keep(settings)

    assert (await days_of(superuser))[0] == today() - 60 * DAY


@pytest.mark.usefixtures("metrics")
async def test_calls_of_other_days_go_by_when_they_were_counted(
    settings: Settings, runner: NatsBus, superuser: Superuser
) -> None:
    await keep(settings)
    await ingest(runner, datetime.now(UTC), datetime(1970, 1, 2, tzinfo=UTC))

    await keep(settings)
    left_at_once = await count(superuser, "call")
    await superuser.execute(
        "UPDATE call_of_other_days SET recorded_at = now() - interval '11 days'"
    )
    await keep(settings)

    assert left_at_once == 2
    assert await count(superuser, "call") == 1


@pytest.mark.usefixtures("metrics")
async def test_old_minutes_go_and_longer_sums_stay(
    settings: Settings, runner: NatsBus, superuser: Superuser
) -> None:
    now = datetime.now(UTC)
    await ingest(runner, now, now - 3 * DAY)
    await fold(settings)

    await keep(settings)

    rows = await superuser.fetch(
        """
        SELECT
            grain,
            sum(calls)::integer AS calls
        FROM rollup
        WHERE dimension = 'organization'
        GROUP BY grain
        """
    )
    assert {row["grain"]: row["calls"] for row in rows} == {
        "minute": 1,
        "quarter": 2,
        "hour": 2,
        "day": 2,
    }


@pytest.mark.usefixtures("metrics")
async def test_days_in_use_are_left_for_later(
    settings: Settings, stack: Stack, runner: NatsBus, superuser: Superuser
) -> None:
    await keep(settings)
    await make_days(superuser, -20, -20)
    await ingest(runner, datetime.now(UTC))
    reader = await stack.connect("metrics")
    await reader.execute("BEGIN; SELECT FROM call")

    with pytest.raises(UnavailableError):
        await keep_once(settings)
    left = await days_of(superuser)
    await reader.close()
    await keep(settings)

    assert left[0] == today() - 20 * DAY
    assert (await days_of(superuser))[0] == today() - DAY


@pytest.mark.usefixtures("schema")
async def test_a_day_at_least_is_kept(stack: Stack) -> None:
    sweep = await stack.connect("metrics_sweep")

    with pytest.raises(asyncpg.RaiseError):
        await sweep.execute("SELECT retire_days(0)")

    await sweep.close()


RECORDS: dict[str, Callable[[], Record]] = {"message": message, "tool_call": tool_call}


async def records_of_ages(
    superuser: Superuser, runner: NatsBus, table: str, *days: int
) -> None:
    """Count one record of *table* so many *days* ago, for each."""
    records = [RECORDS[table]() for _ in days]
    await runner.ask(INGEST, batch(new_id(), records))
    for sequence, age in enumerate(days, start=1):
        await superuser.execute(
            f"""
            UPDATE {table}
            SET recorded_at = now() - make_interval(days => $2)
            WHERE sequence = $1
            """,  # noqa: S608 - our own words
            sequence,
            age,
        )


@pytest.mark.parametrize("table", RECORDS)
@pytest.mark.usefixtures("metrics")
async def test_messages_and_tool_calls_are_kept_as_long_as_calls(
    settings: Settings, runner: NatsBus, superuser: Superuser, table: str
) -> None:
    await records_of_ages(superuser, runner, table, 0, 9, 11, 400)

    await keep(settings)

    assert await count(superuser, table) == 2


@pytest.mark.parametrize("table", RECORDS)
@pytest.mark.usefixtures("metrics")
async def test_a_clock_put_forward_drops_no_message_and_no_tool_call(
    settings: Settings, runner: NatsBus, superuser: Superuser, table: str
) -> None:
    """Today is long past the last one, as for a clock that was put forward."""
    await records_of_ages(superuser, runner, table, 45, 46)

    await keep(settings)

    assert await count(superuser, table) == 2


@pytest.mark.usefixtures("schema")
async def test_who_drops_while_another_does_holds_nothing_that_it_could_wait_for(
    settings: Settings, superuser: Superuser
) -> None:
    """Two that each held some rows, and wanted the others', would wait for good."""
    droppers = "SELECT count(DISTINCT pid) FROM pg_locks WHERE relation = $1::regclass"

    async with connect_database(settings) as database, asyncio.TaskGroup() as group:
        retention = PostgresRetention(database)
        async with superuser.transaction():
            await superuser.execute("LOCK TABLE message IN SHARE MODE")
            for _ in range(2):
                group.create_task(retention.drop_messages(kept=DAY))
            await until_blocked(superuser, "metrics_sweep", connections=2)
            waiting = await superuser.fetchval(droppers, "message")

    assert waiting == 2  # this test is the other
