"""Processes of the service beside one another: none waits for one that waits for it.

A lock of ours holds both up in the middle, so that each has what the other wants next
if they take it in other orders.
"""

import asyncio
from collections.abc import AsyncIterator
from datetime import timedelta
from uuid import UUID

import pytest
import pytest_asyncio
from tests.integration.lock_waits import until_blocked

from metrics.counting.just_counted import JustCounted
from metrics.counting.ledger import Ledger
from metrics.repositories.alerts import Condition, PostgresAlerts
from metrics.repositories.ledger import PostgresLedger
from metrics.repositories.rollups import Turns
from metrics.settings import Settings
from shared.clock import utc_now
from shared.contracts.alerts import (
    AlertEvidence,
    AlertRuleName,
    AlertSubject,
    AlertSubjectKind,
)
from shared.database import Database, connect_database
from shared.ids import new_id

from .conftest import Superuser
from .records import batch, call
from .watching import fold

pytestmark = pytest.mark.integration

NOW = utc_now()


@pytest_asyncio.fixture
async def database(settings: Settings, schema: None) -> AsyncIterator[Database]:  # noqa: ARG001 - the tables
    async with connect_database(settings) as database:
        yield database


async def test_batches_of_the_same_organizations_in_any_order(
    database: Database, superuser: Superuser, settings: Settings
) -> None:
    calls = [call(org_id=new_id()) for _ in range(2)]
    processes = [
        Ledger(PostgresLedger(database, Turns()), JustCounted()) for _ in range(2)
    ]
    await processes[0].ingest(batch(new_id(), calls))
    again, more = (
        [each.model_copy(update={"call_id": new_id()}) for each in calls]
        for _ in range(2)
    )

    async with asyncio.TaskGroup() as group, superuser.transaction():
        await superuser.execute(
            "SELECT FROM fresh_rollup WHERE dimension = 'status' FOR UPDATE"
        )
        group.create_task(processes[0].ingest(batch(new_id(), again)))
        group.create_task(processes[1].ingest(batch(new_id(), more[::-1])))
        await until_blocked(superuser, "metrics_sweep", connections=2)

    await fold(settings)
    counts = await superuser.fetch(
        "SELECT calls FROM rollup WHERE dimension = 'status' AND grain = 'day'"
    )
    assert [row["calls"] for row in counts] == [3, 3]


async def test_alerts_that_are_seen_and_told_in_any_order(
    database: Database, superuser: Superuser
) -> None:
    alerts, org_id = PostgresAlerts(database), new_id()
    seen = [failing(UUID(int=agent)) for agent in range(3)]
    await alerts.note_conditions(org_id, seen, now=NOW)
    untold = await alerts.untold(now=NOW)

    async with asyncio.TaskGroup() as group, superuser.transaction():
        await superuser.execute(
            "SELECT FROM alert WHERE subject_key = $1 FOR UPDATE", seen[1].subject.key
        )
        for conditions in (seen, seen[::-1]):
            group.create_task(alerts.note_conditions(org_id, conditions, now=NOW))
        for told in (untold, untold[::-1]):
            group.create_task(alerts.note_told(told))
        await until_blocked(superuser, "metrics", connections=2)
        await until_blocked(superuser, "metrics_sweep", connections=2)

    assert await alerts.untold(now=NOW) == []


async def test_an_alert_that_somebody_changes_is_resolved_the_next_time(
    database: Database, superuser: Superuser
) -> None:
    alerts, org_id = PostgresAlerts(database), new_id()
    seen = [failing(UUID(int=agent)) for agent in range(3)]
    await alerts.note_conditions(org_id, seen, now=NOW)

    async with superuser.transaction():
        await superuser.execute(
            "SELECT FROM alert WHERE subject_key = $1 FOR UPDATE", seen[1].subject.key
        )
        await resolve(alerts, org_id)
    left = await superuser.fetchval(OPEN)
    await resolve(alerts, org_id)

    assert left == 1
    assert await superuser.fetchval(OPEN) == 0


OPEN = "SELECT count(*) FROM alert WHERE resolved_at IS NULL"


async def resolve(alerts: PostgresAlerts, org_id: UUID) -> None:
    await alerts.resolve(
        org_id,
        {AlertRuleName.ERROR_RATE},
        now=NOW + timedelta(hours=1),
        unseen_for=timedelta(minutes=5),
    )


def failing(agent: UUID) -> Condition:
    return Condition(
        rule=AlertRuleName.ERROR_RATE,
        subject=AlertSubject(kind=AlertSubjectKind.AGENT, key=str(agent)),
        message="20 of 20 calls failed.",
        evidence=AlertEvidence(
            figure=1,
            threshold=0.2,
            unit="failed of all calls",
            since=NOW,
            until=NOW,
            calls="/api/calls",
        ),
    )
