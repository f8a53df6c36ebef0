"""Public events on a real JetStream: kept once, under a configuration of ours."""

from dataclasses import replace
from uuid import UUID

import nats.js.errors
import pytest
from nats.js.api import StreamConfig, StreamInfo

from shared.bus import NatsBus
from shared.clock import utc_now
from shared.contracts import metrics as contract
from shared.contracts.conversations import MessageStatus
from shared.contracts.metrics import MessageFinishedEvent, MessageRecord
from shared.errors import TooLargeError, UnavailableError
from shared.ids import new_id

pytestmark = pytest.mark.integration

ORG = UUID(int=7)


def _event(event_id: UUID | None = None) -> MessageFinishedEvent:
    return MessageFinishedEvent(
        id=event_id or new_id(),
        org_id=ORG,
        message=MessageRecord(
            message_id=new_id(),
            org_id=ORG,
            agent_id=new_id(),
            agent_type_id=new_id(),
            status=MessageStatus.COMPLETED,
            finished_at=utc_now(),
        ),
    )


async def _stream(bus: NatsBus) -> StreamInfo:
    return await bus._jetstream.stream_info("EVENTS")


async def _kept(bus: NatsBus) -> int:
    return (await _stream(bus)).state.messages


async def test_an_event_is_kept_once_however_often_it_is_published(
    metrics: NatsBus,
) -> None:
    await metrics.declare_events()
    before = await _kept(metrics)
    event = _event()

    for _ in range(3):
        await metrics.publish(contract.MESSAGE_FINISHED, event)

    assert await _kept(metrics) == before + 1


async def test_events_with_ids_of_their_own_are_all_kept(metrics: NatsBus) -> None:
    await metrics.declare_events()
    before = await _kept(metrics)

    for _ in range(5):
        await metrics.publish(contract.MESSAGE_FINISHED, _event())

    assert await _kept(metrics) == before + 5


async def test_many_events_are_kept_at_once_each_once(metrics: NatsBus) -> None:
    await metrics.declare_events()
    before = await _kept(metrics)
    events = [_event() for _ in range(1_500)]

    await metrics.publish_all(contract.MESSAGE_FINISHED, events)
    await metrics.publish_all(contract.MESSAGE_FINISHED, events[:3])
    await metrics.publish_all(contract.MESSAGE_FINISHED, [])

    assert await _kept(metrics) == before + 1_500


async def test_many_events_that_are_refused_are_told_as_unavailable(
    metrics: NatsBus,
) -> None:
    await metrics.declare_events()
    ours = await _stream(metrics)
    await metrics._jetstream.update_stream(replace(ours.config, max_msg_size=10))

    with pytest.raises(UnavailableError):
        await metrics.publish_all(
            contract.MESSAGE_FINISHED, [_event() for _ in range(20)]
        )

    await metrics._jetstream.update_stream(ours.config)


async def test_declaring_again_changes_nothing(metrics: NatsBus) -> None:
    await metrics.declare_events()
    before = await _stream(metrics)

    await metrics.declare_events()

    after = await _stream(metrics)
    assert (after.config, after.created) == (before.config, before.created)


async def test_declaring_brings_back_our_configuration_and_keeps_the_events(
    metrics: NatsBus,
) -> None:
    await metrics.declare_events()
    await metrics.publish(contract.MESSAGE_FINISHED, _event())
    ours = await _stream(metrics)
    await metrics._jetstream.update_stream(
        replace(ours.config, max_age=24 * 3600.0, duplicate_window=10.0)
    )

    await metrics.declare_events()

    after = await _stream(metrics)
    assert after.config == ours.config
    assert after.state.messages == ours.state.messages


async def test_the_stream_is_what_the_readers_were_promised(metrics: NatsBus) -> None:
    await metrics.declare_events()

    config: StreamConfig = (await _stream(metrics)).config

    assert config.subjects == ["ag2trust.v1.events.>"]
    assert config.max_age == 7 * 24 * 3600
    assert config.duplicate_window == 120


async def test_an_event_that_may_not_be_published_is_told_as_unavailable(
    metrics: NatsBus, gateway: NatsBus
) -> None:
    await metrics.declare_events()
    gateway._jetstream._timeout = 0.2
    before = await _kept(metrics)

    with pytest.raises(UnavailableError):
        await gateway.publish(contract.MESSAGE_FINISHED, _event())

    assert await _kept(metrics) == before


async def test_an_event_that_is_too_large_is_refused_at_once(metrics: NatsBus) -> None:
    class Large(MessageFinishedEvent):
        padding: str

    await metrics.declare_events()
    limit = metrics._client.max_payload
    for size in (limit - 600, limit, 2 * limit):
        large = Large(**_event().model_dump(), padding="x" * size)

        with pytest.raises(TooLargeError):
            await metrics.publish(contract.MESSAGE_FINISHED, large)

    await metrics.publish(contract.MESSAGE_FINISHED, _event())


async def test_nobody_but_metrics_can_look_at_the_stream(gateway: NatsBus) -> None:
    gateway._jetstream._timeout = 0.2

    with pytest.raises((TimeoutError, nats.js.errors.Error)):
        await _stream(gateway)
