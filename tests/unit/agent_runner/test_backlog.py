"""What is said to wait for metrics: in the spool, and in the outbox."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from tests.integration.metrics.records import call

from agent_runner.backlog import Backlog, Uncounted
from agent_runner.spool.spool import Spool

NOW = datetime(2026, 11, 29, 12, tzinfo=UTC)


class Outbox:
    def __init__(self) -> None:
        self.left_at: datetime | None = None

    async def oldest_left_at(self) -> datetime | None:
        return self.left_at


@pytest.fixture
def spool(tmp_path: Path) -> Iterator[Spool]:
    folder = tmp_path / "spool"
    with Spool.open(folder, interrupted=lambda _, opened: opened) as spool:
        yield spool


@pytest.fixture
def outbox() -> Outbox:
    return Outbox()


@pytest.fixture
def backlog(spool: Spool, outbox: Outbox) -> Backlog:
    return Backlog(spool, outbox, now=lambda: NOW)


def settle(spool: Spool, *, ended_ago: timedelta) -> None:
    lasted = timedelta(seconds=3)
    record = call(
        started_at=NOW - ended_ago - lasted,
        duration_ms=round(lasted / timedelta(milliseconds=1)),
    )
    spool.open_call(record.call_id.bytes, b"{}")
    spool.settle(record.call_id.bytes, record.model_dump_json().encode())


async def test_the_oldest_call_that_is_not_counted_tells_the_age(
    spool: Spool, backlog: Backlog
) -> None:
    for minutes in (9, 5, 2):
        settle(spool, ended_ago=timedelta(minutes=minutes))
    backlog.counted(1)

    uncounted = await backlog.uncounted()

    assert uncounted == Uncounted(calls=2, seconds=300)


async def test_nothing_is_behind_once_all_is_counted(
    spool: Spool, backlog: Backlog
) -> None:
    settle(spool, ended_ago=timedelta(minutes=9))
    backlog.counted(1)

    assert await backlog.uncounted() == Uncounted(calls=0, seconds=0)


async def test_a_record_in_the_outbox_may_be_the_oldest(
    spool: Spool, outbox: Outbox, backlog: Backlog
) -> None:
    settle(spool, ended_ago=timedelta(seconds=1))
    backlog.counted(0)
    outbox.left_at = NOW - timedelta(hours=1)

    assert await backlog.uncounted() == Uncounted(calls=1, seconds=3600)


async def test_a_clock_that_went_back_makes_no_age_below_nothing(
    spool: Spool, backlog: Backlog
) -> None:
    settle(spool, ended_ago=-timedelta(minutes=1))
    backlog.counted(0)

    assert await backlog.uncounted() == Uncounted(calls=1, seconds=0)


async def test_before_metrics_has_answered_nothing_is_said(
    spool: Spool, backlog: Backlog
) -> None:
    settle(spool, ended_ago=timedelta(minutes=1))

    assert await backlog.uncounted() is None
