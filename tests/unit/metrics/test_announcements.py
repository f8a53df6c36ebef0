from dataclasses import dataclass, field

import pytest

from metrics.counting.announcements import Announcer
from metrics.counting.just_counted import JustCounted
from shared.contracts.base import Event, EventT, Topic
from shared.contracts.metrics import (
    CallFinished,
    MessageFinishedEvent,
    ToolCallFinished,
)
from shared.errors import UnavailableError
from shared.testing import FakeBus

from .fakes import FakeAnnouncements
from .records import ORGANIZATION, SPOOL, call, message, tool_call


@dataclass
class FaultyBus(FakeBus):
    """Publishes all but the event in the given place, the first time it comes."""

    refused: set[int] = field(default_factory=set)
    tried: int = 0

    async def publish(self, topic: Topic[EventT], event: EventT) -> None:
        self.tried += 1
        if self.tried in self.refused:
            raise UnavailableError("The event stream cannot be reached.")
        await super().publish(topic, event)


async def test_every_record_is_told_under_its_own_id() -> None:
    bus = FakeBus()
    a_call, a_message, a_tool_call = call(), message(), tool_call()

    await Announcer(
        FakeAnnouncements(SPOOL, [a_call, a_message, a_tool_call]), bus, JustCounted()
    ).announce()

    told: list[tuple[str, Event]] = [
        (
            f"ag2trust.v1.events.{ORGANIZATION}.call.finished",
            CallFinished(id=a_call.call_id, org_id=ORGANIZATION, call=a_call),
        ),
        (
            f"ag2trust.v1.events.{ORGANIZATION}.message.finished",
            MessageFinishedEvent(
                id=a_message.message_id, org_id=ORGANIZATION, message=a_message
            ),
        ),
        (
            f"ag2trust.v1.events.{ORGANIZATION}.tool_call.finished",
            ToolCallFinished(
                id=a_tool_call.tool_call_id,
                org_id=ORGANIZATION,
                tool_call=a_tool_call,
            ),
        ),
    ]
    assert bus.published == told


async def test_a_long_backlog_is_told_to_its_end() -> None:
    bus = FakeBus()
    calls = [call() for _ in range(5)]

    announcements = FakeAnnouncements(SPOOL, [*calls])

    await Announcer(announcements, bus, JustCounted()).announce()

    assert [event.id for _, event in bus.published] == [c.call_id for c in calls]


async def test_what_was_told_is_not_told_again() -> None:
    bus = FakeBus()
    announcer = Announcer(FakeAnnouncements(SPOOL, [call()]), bus, JustCounted())
    await announcer.announce()

    await announcer.announce()

    assert len(bus.published) == 1


async def test_what_could_not_be_told_is_told_later() -> None:
    bus = FaultyBus(refused={3})
    calls = [call() for _ in range(4)]
    announcements = FakeAnnouncements(SPOOL, [*calls])
    announcer = Announcer(announcements, bus, JustCounted())

    with pytest.raises(UnavailableError):
        await announcer.announce()
    noted_after_the_fault = announcements.announced_through
    await announcer.announce()

    assert noted_after_the_fault == 2
    assert {event.id for _, event in bus.published} == {c.call_id for c in calls}


async def test_what_was_just_counted_is_told_without_being_read_back() -> None:
    bus, just_counted = FakeBus(), JustCounted()
    calls = [call() for _ in range(4)]
    announcements = FakeAnnouncements(SPOOL, [*calls])
    just_counted.add(SPOOL, after=0, through=1, records=calls[:1])
    just_counted.add(SPOOL, after=1, through=3, records=calls[1:3])

    await Announcer(announcements, bus, just_counted).announce()

    assert [event.id for _, event in bus.published] == [c.call_id for c in calls]
    assert announcements.read == [4]
