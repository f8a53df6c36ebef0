"""Days are made and dropped beside those who read and count, and stop none of them."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta

import pytest
from tests.integration.lock_waits import until_blocked

from ag2trust.testing import Stack
from ag2trust.waiting import until
from shared.bus import NatsBus
from shared.contracts.base import Actor
from shared.contracts.metrics import GET_CALL, INGEST, CallQuestion, Ingested
from shared.ids import new_id

from .conftest import Superuser
from .records import batch, call

pytestmark = pytest.mark.integration

ACTOR = Actor(kind="api_key", id="key-1")

READ = "SELECT * FROM counted_call"
MAKE_A_DAY = "SELECT make_days(current_date + 30, current_date + 30)"
RETIRE_TODAY = "DELETE FROM kept_day WHERE day = current_date"


@asynccontextmanager
async def connected(
    stack: Stack, role: str | None = "metrics_sweep"
) -> AsyncIterator[Superuser]:
    connection = await stack.connect(role)
    try:
        yield connection
    finally:
        await connection.close()


async def until_waiting(superuser: Superuser, count: int) -> None:
    """Wait until so many sessions wait for a lock on a table."""
    await until(
        f"{count} sessions that wait",
        lambda: superuser.fetchval(
            "SELECT count(*) FROM pg_locks WHERE NOT granted AND locktype = 'relation'"
        ),
        lambda waiting: waiting == count,
    )


@pytest.mark.usefixtures("schema")
async def test_a_day_is_made_while_calls_are_being_read(stack: Stack) -> None:
    async with connected(stack) as reader, connected(stack) as maker:
        await reader.execute(f"BEGIN; {READ}")

        await maker.execute(f"SET lock_timeout = '5s'; {MAKE_A_DAY}")

        assert await maker.fetchval(
            "SELECT count(*) FROM kept_day WHERE day = current_date + 30"
        )


@pytest.mark.usefixtures("metrics")
async def test_calls_are_read_and_counted_while_a_day_is_made(
    stack: Stack, runner: NatsBus, gateway: NatsBus
) -> None:
    of_that_day = call(started_at=datetime.now(UTC) + timedelta(days=30))
    question = CallQuestion(
        org_id=of_that_day.org_id, actor=ACTOR, call_id=of_that_day.call_id
    )
    async with connected(stack) as maker:
        await maker.execute(f"BEGIN; {MAKE_A_DAY}")

        answer = await runner.ask(INGEST, batch(new_id(), [of_that_day]))
        found = await gateway.ask(GET_CALL, question)

    assert answer == Ingested(applied_through=1)
    assert found.call_id == of_that_day.call_id


@pytest.mark.usefixtures("metrics")
async def test_a_day_that_is_counted_into_right_now_is_not_dropped(
    stack: Stack, runner: NatsBus, superuser: Superuser
) -> None:
    old = datetime.now(UTC) - timedelta(days=30)
    await superuser.execute("SELECT make_days(current_date - 31, current_date)")
    await runner.ask(INGEST, batch(new_id(), [call(started_at=datetime.now(UTC))]))
    async with connected(stack, None) as holder, connected(stack) as dropper:
        await holder.execute("BEGIN; LOCK TABLE metrics.fresh_rollup IN SHARE MODE")
        counting = asyncio.create_task(
            runner.ask(INGEST, batch(new_id(), [call(started_at=old)]))
        )
        await until_blocked(superuser, "metrics_sweep")

        await dropper.execute("SELECT retire_days(10)")
        await holder.execute("COMMIT")
        await counting
        await dropper.execute("SELECT drop_days()")

    assert (
        await superuser.fetchval(
            "SELECT tableoid::regclass::text FROM call WHERE started_at = $1", old
        )
        == f"call_{old:%Y%m%d}"
    )
    assert await superuser.fetchval("SELECT count(*) FROM dead_letter") == 0


@pytest.mark.usefixtures("schema")
async def test_a_read_that_queues_behind_a_drop_is_answered(
    stack: Stack, superuser: Superuser
) -> None:
    await superuser.execute("SELECT make_days(current_date, current_date)")
    await superuser.execute(RETIRE_TODAY)
    async with (
        connected(stack) as dropper,
        connected(stack) as reader,
        connected(stack) as first,
    ):
        await first.execute("BEGIN; SELECT FROM call")
        dropping = asyncio.create_task(dropper.fetchval("SELECT drop_days()"))
        await until_waiting(superuser, 1)
        reading = asyncio.create_task(reader.fetch(READ))
        await until_waiting(superuser, 2)
        await first.execute("COMMIT")

        dropped, rows = await asyncio.gather(dropping, reading)

    assert dropped == 1
    assert rows == []
