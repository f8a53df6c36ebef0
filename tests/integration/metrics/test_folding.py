"""What is fresh is moved to the rollups: once, by whoever comes first, nothing lost."""

import asyncio
from collections.abc import AsyncIterator
from datetime import timedelta
from uuid import UUID

import pytest
import pytest_asyncio

from metrics.counting.just_counted import JustCounted
from metrics.counting.ledger import Ledger
from metrics.repositories.fresh_rollups import PostgresFolding
from metrics.repositories.ledger import PostgresLedger
from metrics.repositories.rollups import Turns
from metrics.settings import Settings
from shared.database import Database, connect_database
from shared.ids import new_id

from .conftest import Superuser
from .records import NOON, batch, call

pytestmark = [pytest.mark.integration, pytest.mark.usefixtures("schema")]

GRAINS = ("minute", "quarter", "hour", "day")
ONE_OF_EACH = {grain: [1] for grain in GRAINS}
TIMES = [
    NOON,
    NOON + timedelta(minutes=1),
    NOON + timedelta(minutes=15),
    NOON + timedelta(days=1),
]


@pytest_asyncio.fixture
async def database(settings: Settings, schema: None) -> AsyncIterator[Database]:  # noqa: ARG001 - the tables
    async with connect_database(settings) as database:
        yield database


def process(database: Database) -> tuple[Ledger, PostgresFolding]:
    """Make what a process of the service counts and folds with."""
    turns = Turns()
    ledger = Ledger(PostgresLedger(database, turns), JustCounted())
    return ledger, PostgresFolding(database, turns)


async def calls_by_grain(superuser: Superuser, org_id: UUID) -> dict[str, list[int]]:
    rows = await superuser.fetch(
        """
        SELECT grain, array_agg(calls ORDER BY starts_at) AS calls
        FROM rollup
        WHERE org_id = $1
            AND dimension = 'organization'
        GROUP BY grain
        """,
        org_id,
    )
    return {row["grain"]: row["calls"] for row in rows}


async def test_what_is_of_several_minutes_goes_to_the_grains_that_hold_them(
    database: Database, superuser: Superuser
) -> None:
    ledger, folding = process(database)
    org_id = new_id()
    await ledger.ingest(
        batch(new_id(), [call(org_id=org_id, started_at=each) for each in TIMES])
    )
    before = await calls_by_grain(superuser, org_id)

    await folding.fold()

    assert before == {}
    assert await calls_by_grain(superuser, org_id) == {
        "minute": [1, 1, 1, 1],
        "quarter": [2, 1, 1],
        "hour": [3, 1],
        "day": [3, 1],
    }
    assert await superuser.fetchval("SELECT count(*) FROM fresh_rollup") == 0


async def test_who_counts_and_who_folds_at_once_lose_nothing(
    database: Database, superuser: Superuser
) -> None:
    processes = [process(database) for _ in range(2)]
    org_ids = [new_id() for _ in range(3)]
    sources = [new_id() for _ in processes]

    async def count(ledger: Ledger, source: UUID) -> None:
        for each in range(20):
            records = [call(org_id=org_id) for org_id in org_ids]
            await ledger.ingest(batch(source, records, start=3 * each + 1))

    async def fold(folding: PostgresFolding) -> None:
        for _ in range(20):
            await folding.fold()

    async with asyncio.TaskGroup() as group:
        for (ledger, folding), source in zip(processes, sources, strict=True):
            group.create_task(count(ledger, source))
            group.create_task(fold(folding))
    await processes[0][1].fold()

    for org_id in org_ids:
        sums = await calls_by_grain(superuser, org_id)
        assert {grain: sum(each) for grain, each in sums.items()} == dict.fromkeys(
            GRAINS, 40
        )


async def test_what_no_rollup_can_hold_stays_and_keeps_nothing_else(
    database: Database, superuser: Superuser
) -> None:
    ledger, folding = process(database)
    source, absurd, other = new_id(), new_id(), new_id()
    await ledger.ingest(batch(source, [call(org_id=absurd)]))
    await superuser.execute(
        "UPDATE fresh_rollup SET input_tokens = 9223372036854775807"
    )
    await folding.fold()
    records = [call(org_id=absurd), call(org_id=other)]
    await ledger.ingest(batch(source, records, start=2))

    await folding.fold()

    assert await calls_by_grain(superuser, absurd) == ONE_OF_EACH
    assert await calls_by_grain(superuser, other) == ONE_OF_EACH
    left = await superuser.fetch("SELECT DISTINCT org_id, calls FROM fresh_rollup")
    assert [*map(tuple, left)] == [(absurd, 1)]


async def test_a_sketch_that_grew_long_is_packed(
    database: Database, superuser: Superuser
) -> None:
    ledger, folding = process(database)
    source, org_id, bins = new_id(), new_id(), 36
    for turn in range(8):  # LONG holds six of the seven before
        records = [call(org_id=org_id, duration_ms=2**power) for power in range(bins)]
        await ledger.ingest(batch(source, records, start=bins * turn + 1))
        await folding.fold()

    lengths = await superuser.fetch(
        """
        SELECT DISTINCT length(response_times)
        FROM rollup
        WHERE dimension = 'organization'
        """
    )

    assert [*map(tuple, lengths)] == [(2 * 6 * bins,)]
