"""Sessions that end: warned of in public events, refused once ended, back on update."""

import json
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio

from ag2trust.testing import BusAs
from credentials.providers.expiry import ExpiryWatch
from credentials.settings import Settings
from shared.contracts.base import EventT, Service, Topic
from shared.contracts.credential_events import CREDENTIAL_EXPIRED, CREDENTIAL_EXPIRING
from shared.contracts.credentials import (
    Provider,
    ProviderChanged,
    ProviderStatus,
)
from shared.database import Database, connect_database
from shared.errors import CredentialsExpiredError, UnavailableError
from shared.testing import FakeBus, FakeClock

from ..metrics.events_server import EventsServer  # noqa: TID252 - no package
from .conftest import Superuser
from .speaking import SESSION, Agent, Operator, Runner

pytestmark = [pytest.mark.integration, pytest.mark.usefixtures("service")]

END = datetime.now(UTC).replace(microsecond=0) + timedelta(hours=8)


@pytest_asyncio.fixture
async def database(settings: Settings) -> AsyncIterator[Database]:
    async with connect_database(settings) as connected:
        yield connected


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock(END - timedelta(hours=2))


@pytest_asyncio.fixture
async def provider(operator: Operator) -> Provider:
    return await operator.create(**SESSION, aws_session_expires_at=END)


def _told(bus: FakeBus) -> list[tuple[str, Any]]:
    return [
        (subject.rpartition(".")[2], getattr(event, "warned_at_minutes", None))
        for subject, event in bus.published
    ]


async def test_each_step_is_told_once_whoever_looks_however_often(
    database: Database, provider: Provider, clock: FakeClock
) -> None:
    bus = FakeBus()

    while clock() < END + timedelta(minutes=2):
        # A new watch each time is what a restart leaves.
        await ExpiryWatch(database, bus, now=clock).look()
        clock.advance(timedelta(seconds=50))

    assert _told(bus) == [
        ("credential_expiring", 60),
        ("credential_expiring", 15),
        ("credential_expiring", 5),
        ("credential_expired", None),
    ]
    changed = ProviderChanged(
        org_id=bus.published[0][1].org_id, provider_id=provider.id
    )
    assert [each for _, each in bus.signalled] == [changed] * 4
    assert bus.published[0][0] == CREDENTIAL_EXPIRING.subject(changed.org_id)
    assert bus.published[-1][0] == CREDENTIAL_EXPIRED.subject(changed.org_id)


async def test_a_step_told_again_after_a_crash_has_the_same_id(
    database: Database, provider: Provider, clock: FakeClock, superuser: Superuser
) -> None:
    del provider
    bus = FakeBus()
    clock.time = END - timedelta(minutes=10)

    await ExpiryWatch(database, bus, now=clock).look()
    await superuser.execute("UPDATE provider SET expiry_warned_minutes = NULL")
    await ExpiryWatch(database, bus, now=clock).look()

    first, second = (event.id for _, event in bus.published)
    assert first == second


async def test_fresh_credentials_begin_anew(
    database: Database, operator: Operator, provider: Provider, clock: FakeClock
) -> None:
    bus = FakeBus()
    watch = ExpiryWatch(database, bus, now=clock)
    clock.time = END - timedelta(minutes=4)
    await watch.look()

    later = END + timedelta(hours=1)
    await operator.update(
        provider.id, aws_session_token="fresh", aws_session_expires_at=later
    )
    await watch.look()
    clock.time = later - timedelta(minutes=59)
    await watch.look()

    assert [step for _, step in _told(bus)] == [5, 60]


async def test_another_change_does_not_repeat_a_warning(
    database: Database, operator: Operator, provider: Provider, clock: FakeClock
) -> None:
    bus = FakeBus()
    watch = ExpiryWatch(database, bus, now=clock)
    clock.time = END - timedelta(minutes=4)
    await watch.look()

    await operator.update(provider.id, name="Second")
    await watch.look()

    assert len(bus.published) == 1


async def test_credentials_without_an_end_are_never_told(
    database: Database, operator: Operator, clock: FakeClock
) -> None:
    await operator.create("Endless", **SESSION)
    bus = FakeBus()
    clock.time = END + timedelta(days=365)

    await ExpiryWatch(database, bus, now=clock).look()

    assert bus.published == []


async def test_a_warning_is_in_the_public_stream_and_once(
    tmp_path: Path,
    database: Database,
    provider: Provider,
    clock: FakeClock,
    superuser: Superuser,
) -> None:
    events = EventsServer(tmp_path)
    clock.time = END - timedelta(minutes=59)
    async with events.running(with_jetstream=True):
        await _declare_events(events)
        for _ in range(2):
            async with BusAs(events.url)(Service.CREDENTIALS) as bus:
                await ExpiryWatch(database, bus, now=clock).look()
            await superuser.execute("UPDATE provider SET expiry_warned_minutes = NULL")
        [(subject, payload)] = await events.events()

    told = json.loads(payload)
    assert subject.endswith("provider.credential_expiring")
    assert told["provider_id"] == str(provider.id)
    assert (told["provider_name"], told["warned_at_minutes"]) == ("Main", 60)


async def _declare_events(events: EventsServer) -> None:
    async with BusAs(events.url)(Service.METRICS) as bus:
        await bus.declare_events()


async def test_what_the_stream_cannot_take_is_told_later(
    database: Database, provider: Provider, clock: FakeClock, superuser: Superuser
) -> None:
    del provider
    clock.time = END - timedelta(minutes=59)

    with pytest.raises(UnavailableError):
        await ExpiryWatch(database, DeafBus(), now=clock).look()

    told = "SELECT expiry_warned_minutes FROM provider"
    assert await superuser.fetchval(told) is None


class DeafBus(FakeBus):
    async def publish(self, topic: Topic[EventT], event: EventT) -> None:
        del topic, event
        raise UnavailableError("The event stream cannot be reached.")


async def test_an_expired_session_is_refused_and_fresh_ones_are_leased(
    operator: Operator, runner: Runner, provider: Provider, superuser: Superuser
) -> None:
    agent = Agent(runner, provider.id)
    await agent.claim()
    leased = await agent.lease()
    await superuser.execute(
        "UPDATE provider SET aws_session_expires_at = now() - interval '1 second'"
    )

    with pytest.raises(CredentialsExpiredError) as raised:
        await agent.lease()
    expired = await operator.get(provider.id)
    await operator.update(provider.id, aws_session_token="fresh")
    fresh = await agent.lease()

    assert leased.expires_at == END
    assert expired.status is ProviderStatus.EXPIRED
    explanation = raised.value.details["explanation"]
    assert isinstance(explanation, dict)
    assert explanation["code"] == "CREDENTIALS_EXPIRED"
    assert fresh.fields["aws_session_token"].get_secret_value() == "fresh"
    assert fresh.expires_at is None


async def test_a_lease_ends_with_the_session(
    operator: Operator, runner: Runner
) -> None:
    ends = datetime.now(UTC) + timedelta(minutes=2)
    provider = await operator.create(**SESSION, aws_session_expires_at=ends)
    agent = Agent(runner, provider.id)
    await agent.claim()

    lease = await runner.ask(agent.signed())

    assert lease.expires_at == ends
