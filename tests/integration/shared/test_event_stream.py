"""Reading public events from a real JetStream: all, once, in order, one's own."""

import os
import signal
from contextlib import AsyncExitStack
from datetime import timedelta
from pathlib import Path
from uuid import UUID

import pytest

from ag2trust.nats_server import NatsServer, running_nats
from ag2trust.ports import free_port
from ag2trust.testing import BusAs, identity_of
from shared.bus import NatsBus
from shared.clock import utc_now
from shared.contracts import metrics as contract
from shared.contracts.base import Service
from shared.contracts.conversations import MessageStatus
from shared.contracts.metrics import MessageFinishedEvent, MessageRecord
from shared.event_stream import EventSource, Position
from shared.ids import new_id

pytestmark = pytest.mark.integration

PATIENCE = 20.0


def event(org_id: UUID) -> MessageFinishedEvent:
    return MessageFinishedEvent(
        id=new_id(),
        org_id=org_id,
        message=MessageRecord(
            message_id=new_id(),
            org_id=org_id,
            agent_id=new_id(),
            agent_type_id=new_id(),
            status=MessageStatus.COMPLETED,
            finished_at=utc_now(),
        ),
    )


async def published(metrics: NatsBus, org_id: UUID, count: int) -> list[str]:
    events = [event(org_id) for _ in range(count)]
    for each in events:
        await metrics.publish(contract.MESSAGE_FINISHED, each)
    return [str(each.id) for each in events]


async def taken(source: EventSource, count: int) -> tuple[list[str], Position]:
    """Take so many events; return their ids, and the place of the last."""
    places: list[Position] = []
    while len(places) < count:
        read = await source.next(patience=PATIENCE)
        assert read is not None, places
        assert read.name == "message.finished"
        payload = MessageFinishedEvent.model_validate_json(read.payload)
        assert read.position.event_id == str(payload.id)
        places.append(read.position)
    return [each.event_id for each in places], places[-1]


async def test_what_happens_from_now_on_comes_once_and_in_order(
    metrics: NatsBus, bus_as: BusAs
) -> None:
    await metrics.declare_events()
    org_id = new_id()
    await published(metrics, org_id, 3)

    async with (
        bus_as(Service.GATEWAY) as gateway,
        gateway.reading_events(org_id, None) as source,
    ):
        await published(metrics, new_id(), 3)
        mine = await published(metrics, org_id, 150)
        ids, _ = await taken(source, 150)
        nothing = await source.next(patience=0.2)

    assert ids == mine
    assert nothing is None


async def test_who_comes_back_misses_nothing_and_sees_nothing_twice(
    metrics: NatsBus, bus_as: BusAs
) -> None:
    await metrics.declare_events()
    org_id = new_id()
    async with bus_as(Service.GATEWAY) as gateway:
        async with gateway.reading_events(org_id, None) as source:
            mine = await published(metrics, org_id, 20)
            first, place = await taken(source, 7)
        async with gateway.reading_events(org_id, Position.parse(str(place))) as source:
            second, _ = await taken(source, 13)
            nothing = await source.next(patience=0.2)

    assert first + second == mine
    assert nothing is None


async def test_who_comes_back_after_a_clock_was_put_back_is_told_what_happens(
    metrics: NatsBus, bus_as: BusAs
) -> None:
    await metrics.declare_events()
    org_id = new_id()
    before_it_was = Position.at(utc_now() + timedelta(hours=1))

    async with (
        bus_as(Service.GATEWAY) as gateway,
        gateway.reading_events(org_id, before_it_was) as source,
    ):
        mine = await published(metrics, org_id, 2)
        ids, _ = await taken(source, 2)

    assert ids == mine


async def test_a_consumer_that_is_gone_is_made_anew_where_it_was(
    metrics: NatsBus, bus_as: BusAs
) -> None:
    await metrics.declare_events()
    org_id = new_id()
    async with (
        bus_as(Service.GATEWAY) as gateway,
        gateway.reading_events(org_id, None) as source,
    ):
        mine = await published(metrics, org_id, 2)
        first, _ = await taken(source, 2)
        await gateway._jetstream.delete_consumer("EVENTS", source._consumer)  # type: ignore[attr-defined]
        mine += await published(metrics, org_id, 3)
        second, _ = await taken(source, 3)

    assert first + second == mine


async def test_a_consumer_that_went_with_its_server_is_missed_soon(
    tmp_path: Path,
) -> None:
    """It had been asked for events, and nobody says that it never will answer."""
    server = NatsServer(
        tmp_path / "nats",
        log=tmp_path / "nats.log",
        port=free_port(),
        logins={identity_of(each).public.nkey: each for each in Service},
    )
    org_id = new_id()
    async with AsyncExitStack() as stack:
        first_life = await stack.enter_async_context(running_nats(server))
        bus_as = BusAs(server.url)
        async with bus_as(Service.METRICS) as metrics:
            await metrics.declare_events()
        gateway = await stack.enter_async_context(bus_as(Service.GATEWAY))
        source = await stack.enter_async_context(gateway.reading_events(org_id, None))
        assert await source.next(patience=0.2) is None

        os.kill(first_life.pid, signal.SIGKILL)
        await first_life.ended()
        await stack.enter_async_context(running_nats(server))
        async with bus_as(Service.METRICS) as metrics:
            mine = await published(metrics, org_id, 3)
        ids, _ = await taken(source, 3)

    assert ids == mine


async def test_another_organization_is_not_told_how_much_happened(
    metrics: NatsBus, bus_as: BusAs
) -> None:
    await metrics.declare_events()
    org_id = new_id()
    async with (
        bus_as(Service.GATEWAY) as gateway,
        gateway.reading_events(org_id, None) as source,
    ):
        await published(metrics, new_id(), 5)
        [mine] = await published(metrics, org_id, 1)
        _, place = await taken(source, 1)
        stream = await metrics._jetstream.stream_info("EVENTS")

    assert place.event_id == mine
    assert str(stream.state.last_seq) not in str(place).split("-")


@pytest.mark.parametrize(
    "text", ["", "1", "x-y", "1" * 18, "1" * 18 + "-", "-" + "1" * 18, "1" * 18 + "-é"]
)
def test_what_is_no_place_is_none(text: str) -> None:
    assert Position.parse(text) is None


def test_a_place_is_read_as_it_is_written() -> None:
    place = Position(1_795_904_871_987_654_321, str(new_id()))

    assert Position.parse(str(place)) == place
    assert place.time.microsecond == 987_654
