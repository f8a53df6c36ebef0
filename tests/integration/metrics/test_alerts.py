"""Alerts on real tables, looked for when a test says so; at last by the service."""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest
import pytest_asyncio

from metrics.administration.alerts import Alerts
from metrics.alerting.watch import Watch
from metrics.app import serving
from metrics.counting.just_counted import JustCounted
from metrics.counting.ledger import Ledger
from metrics.detection.traffic import Amount
from metrics.repositories.alerts import PostgresAlerts
from metrics.repositories.fresh_rollups import PostgresFolding
from metrics.repositories.ledger import PostgresLedger
from metrics.repositories.rollups import Turns
from metrics.repositories.watched_traffic import PostgresWatchedTraffic
from metrics.settings import Settings
from shared.bus import NatsBus
from shared.contracts.alerts import (
    LIST_ALERTS,
    Alert,
    AlertQuestion,
    AlertRuleName,
    AlertRulesQuestion,
    AlertsQuestion,
    AlertStatus,
    SilenceAlert,
    UpdateAlertRule,
)
from shared.contracts.base import Actor
from shared.contracts.metrics import INGEST, CallRecord, Usage
from shared.database import connect_database
from shared.errors import AlertNotFoundError, InvalidError
from shared.event_stream import Position
from shared.ids import new_id
from shared.testing import FakeClock

from .conftest import Superuser
from .records import batch, call, failed_call

pytestmark = pytest.mark.integration

ACTOR = Actor(kind="api_key", id="key-1")
NOW = datetime.now(UTC).replace(second=30, microsecond=0)
AGENT = UUID(int=7)
OFTEN = timedelta(milliseconds=200)
LATER = timedelta(minutes=25)  # than the longest window, and more


@dataclass
class Watched:
    """The use cases around alerts on one clock, and what makes them look."""

    ledger: Ledger
    folding: PostgresFolding
    traffic: PostgresWatchedTraffic
    watch: Watch
    alerts: Alerts
    repository: PostgresAlerts
    clock: FakeClock

    async def fail_calls(self, org_id: UUID) -> None:
        records = failed_calls(org_id, at=self.clock())
        await self.count(records)

    async def count(self, records: list[CallRecord]) -> None:
        await self.ledger.ingest(batch(new_id(), records))
        await self.folding.fold()

    async def look(self) -> None:
        await self.watch.look()

    async def told(self) -> list[UUID]:
        """Return the alerts that there is something to tell of, and tell it."""
        untold = await self.repository.untold(now=self.clock())
        await self.repository.note_told(untold)
        return [each.alert.id for each in untold]

    async def newest(self, org_id: UUID) -> list[Alert]:
        question = AlertsQuestion(org_id=org_id, actor=ACTOR)
        return (await self.alerts.list_alerts(question)).data


@pytest_asyncio.fixture
async def watched(settings: Settings, schema: None) -> AsyncIterator[Watched]:  # noqa: ARG001 - the tables
    clock = FakeClock(NOW)
    async with connect_database(settings) as database:
        turns = Turns()
        repository = PostgresAlerts(database)
        traffic = PostgresWatchedTraffic(database)
        yield Watched(
            ledger=Ledger(PostgresLedger(database, turns), JustCounted()),
            folding=PostgresFolding(database, turns),
            traffic=traffic,
            watch=Watch(traffic, repository, now=clock),
            alerts=Alerts(repository, now=clock),
            repository=repository,
            clock=clock,
        )


def failed_calls(org_id: UUID, *, at: datetime) -> list[CallRecord]:
    return [
        failed_call(org_id=org_id, agent_id=AGENT, started_at=at) for _ in range(20)
    ]


def spent(
    org_id: UUID, tokens: int, *, ago: timedelta, agent_id: UUID = AGENT
) -> CallRecord:
    usage = Usage(input_tokens=tokens - 1, output_tokens=1)
    return call(org_id=org_id, agent_id=agent_id, started_at=NOW - ago, usage=usage)


def rules(alerts: list[Alert]) -> set[AlertRuleName]:
    return {each.rule for each in alerts}


async def test_a_condition_opens_one_alert_however_often_it_is_seen(
    watched: Watched,
) -> None:
    org_id = new_id()
    await watched.fail_calls(org_id)

    await watched.look()
    await watched.look()

    [alert] = await watched.newest(org_id)
    assert (alert.rule, alert.status) == (AlertRuleName.ERROR_RATE, AlertStatus.OPEN)
    assert alert.subject.key == str(AGENT)
    assert alert.evidence.figure == 1.0
    assert alert.evidence.calls.startswith(f"/api/calls?agent_id={AGENT}&from=")
    assert await watched.told() == [alert.id]
    assert await watched.told() == []


async def test_an_alert_is_resolved_by_itself_and_may_come_again(
    watched: Watched,
) -> None:
    org_id = new_id()
    await watched.fail_calls(org_id)
    await watched.look()

    watched.clock.advance(LATER)
    await watched.look()
    [resolved] = await watched.newest(org_id)
    await watched.fail_calls(org_id)
    await watched.look()

    assert resolved.status is AlertStatus.RESOLVED
    newest, older = await watched.newest(org_id)
    assert newest.status is AlertStatus.OPEN
    assert older == resolved
    assert await watched.told() == [older.id, newest.id]


async def test_what_nobody_knows_a_price_of_is_told_until_it_is_a_day_old(
    watched: Watched,
) -> None:
    org_id = new_id()
    record = call(org_id=org_id, model="gpt-unheard-of", started_at=NOW)
    await watched.count([record])

    await watched.look()
    [opened] = await watched.newest(org_id)
    watched.clock.advance(timedelta(days=2))
    await watched.look()

    assert opened.rule is AlertRuleName.UNPRICED_MODEL
    assert opened.subject.key == "gpt-unheard-of"
    [resolved] = await watched.newest(org_id)
    assert resolved.status is AlertStatus.RESOLVED


async def test_what_a_clock_ahead_dates_is_no_call_of_the_last_day(
    watched: Watched,
) -> None:
    org_id = new_id()
    ahead = NOW + timedelta(days=400)
    record = call(org_id=org_id, model="gpt-unheard-of", started_at=ahead)
    await watched.count([record])

    await watched.look()

    assert await watched.newest(org_id) == []


async def test_an_alert_that_was_seen_by_a_clock_ahead_is_resolved(
    watched: Watched,
) -> None:
    org_id, ahead = new_id(), timedelta(days=1)
    await watched.fail_calls(org_id)
    await watched.look()
    watched.clock.advance(ahead)
    await watched.fail_calls(org_id)
    await watched.look()

    watched.clock.advance(LATER - ahead)
    await watched.look()

    [alert] = await watched.newest(org_id)
    assert alert.status is AlertStatus.RESOLVED


async def test_of_what_is_silenced_nobody_is_told_nor_of_its_return(
    watched: Watched, superuser: Superuser
) -> None:
    org_id = new_id()
    await watched.fail_calls(org_id)
    await watched.look()
    [alert] = await watched.newest(org_id)
    until_then = NOW + timedelta(hours=2)
    silence = SilenceAlert(
        org_id=org_id, actor=ACTOR, alert_id=alert.id, until=until_then
    )

    silenced = await watched.alerts.silence(silence)
    watched.clock.advance(LATER)
    await watched.look()
    await watched.fail_calls(org_id)
    await watched.look()

    assert silenced.silenced_until == until_then
    newest, _ = await watched.newest(org_id)
    assert newest.silenced_until == until_then
    assert await watched.told() == []
    watched.clock.advance(timedelta(hours=2))
    assert await watched.told() == [newest.id]
    acts = await superuser.fetch("SELECT act FROM audit WHERE org_id = $1", org_id)
    assert [row["act"] for row in acts] == ["alert.silenced"]


async def test_a_silence_that_is_over_is_refused(watched: Watched) -> None:
    question = SilenceAlert(
        org_id=new_id(), actor=ACTOR, alert_id=new_id(), until=NOW - timedelta(days=1)
    )

    with pytest.raises(InvalidError):
        await watched.alerts.silence(question)


async def test_a_rule_that_is_off_opens_nothing(watched: Watched) -> None:
    org_id = new_id()
    off = UpdateAlertRule(
        org_id=org_id, actor=ACTOR, name=AlertRuleName.ERROR_RATE, enabled=False
    )
    await watched.alerts.update_rule(off)

    await watched.fail_calls(org_id)
    await watched.look()

    assert await watched.newest(org_id) == []
    rules = await watched.alerts.list_rules(
        AlertRulesQuestion(org_id=org_id, actor=ACTOR)
    )
    assert [each.name for each in rules.data if not each.enabled] == [off.name]
    assert {each.name for each in rules.data} == set(AlertRuleName)


async def test_a_nightly_job_is_no_spike_until_it_does_far_more_than_before(
    watched: Watched,
) -> None:
    org_id = new_id()
    job = [timedelta(minutes=minute) for minute in range(3)] * 40
    for days_ago in (1, 0):
        night = [
            spent(org_id, 10_000, ago=timedelta(days=days_ago) + each) for each in job
        ]
        await watched.count(night)

    await watched.look()
    like_before = await watched.newest(org_id)
    more = [spent(org_id, 20_000, ago=each) for each in job]
    await watched.count(more)
    await watched.look()

    assert rules(like_before) == set()
    assert AlertRuleName.TOKEN_SPIKE in rules(await watched.newest(org_id))


async def test_the_busiest_five_minutes_are_about_this_time_of_the_day_and_of_a_week(
    watched: Watched,
) -> None:
    org_id, day, minute = new_id(), timedelta(days=1), timedelta(minutes=1)
    records = [
        spent(org_id, 100, ago=day),
        spent(org_id, 200, ago=day + 2 * minute),
        spent(org_id, 400, ago=day + 5 * minute),
        spent(org_id, 300, ago=7 * day),
        spent(org_id, 9_000, ago=day + 90 * minute),
        spent(org_id, 9_000, ago=day - 90 * minute),
        spent(org_id, 9_000, ago=8 * day),
        spent(org_id, 9_000, ago=2 * minute),
        spent(org_id, 9_000, ago=day, agent_id=new_id()),
        spent(new_id(), 9_000, ago=day),
    ]
    await watched.count(records)

    busiest = await watched.traffic.busiest_five_minutes(
        org_id, [str(AGENT), str(new_id())], now=NOW
    )

    assert busiest == {str(AGENT): Amount(calls=2, tokens=600)}


async def test_an_alert_is_its_organizations_alone(watched: Watched) -> None:
    org_id, stranger = new_id(), new_id()
    await watched.fail_calls(org_id)
    await watched.look()
    [alert] = await watched.newest(org_id)

    assert await watched.newest(stranger) == []
    question = AlertQuestion(org_id=stranger, actor=ACTOR, alert_id=alert.id)
    with pytest.raises(AlertNotFoundError):
        await watched.alerts.get_alert(question)


@pytest_asyncio.fixture
async def watchful(settings: Settings) -> AsyncIterator[None]:
    """Run the service, which folds and looks for faults more often than usual."""
    async with serving(settings, watch_every=OFTEN, fold_every=OFTEN):
        yield


@pytest.mark.usefixtures("watchful")
async def test_the_service_finds_a_fault_by_itself_and_publishes_it_once(
    runner: NatsBus, gateway: NatsBus
) -> None:
    org_id = new_id()
    calls = failed_calls(org_id, at=datetime.now(UTC))
    beginning = Position(kept_at=10**18, event_id="none")

    await runner.ask(INGEST, batch(new_id(), calls))

    async with gateway.reading_events(org_id, beginning) as events:
        names: list[str] = []
        while "alert.opened" not in names:
            event = await events.next(patience=60)
            assert event is not None
            names.append(event.name)
    page = await gateway.ask(LIST_ALERTS, AlertsQuestion(org_id=org_id, actor=ACTOR))
    assert [each.rule for each in page.data] == [AlertRuleName.ERROR_RATE]
