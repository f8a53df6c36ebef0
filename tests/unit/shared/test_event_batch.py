"""A batch of events: how it is written, and when it counts as kept."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from datetime import UTC, datetime
from typing import cast
from uuid import UUID

import nats.errors
import nats.js.errors
import pytest
from nats.aio.client import Client
from nats.aio.msg import Msg

from shared.bus import NatsBus
from shared.contracts.conversations import MessageStatus
from shared.contracts.metrics import (
    MESSAGE_FINISHED,
    MessageFinishedEvent,
    MessageRecord,
)
from shared.errors import UnavailableError
from shared.event_batch import is_receipt
from shared.event_writing import headers_of, written
from shared.ids import new_id
from shared.nats_client import BusClient

PROGRESS = b'{"type":"ack","seq":2,"msgs":2}'
GAP = b'{"type":"gap","last_seq":2,"seq":4}'
END = b'{"stream":"EVENTS","seq":7,"batch":"B","count":4}'
CUT_SHORT = b'{"stream":"EVENTS","seq":7,"batch":"B","count":3}'
REFUSAL = (
    b'{"type":"err","seq":2,"error":'
    b'{"code":400,"err_code":10054,"description":"message size exceeds maximum"}}'
)


class Eavesdropped(Client):
    """Keeps what nats-py would send."""

    def __init__(self) -> None:
        super().__init__()
        self.sent = b""

    async def _send_command(self, cmd: bytes, priority: bool = False) -> None:  # noqa: FBT001, FBT002, ARG002 - nats-py's
        self.sent += cmd


class Stream:
    """A client of a stream that has each id already, on its way to other servers."""

    is_connected = True
    max_payload = 1_000_000

    def __init__(self, *, keeps_the_last: bool) -> None:
        self._keeps_the_last = keeps_the_last
        self.sent = b""
        self.published_alone = 0

    def new_inbox(self) -> str:
        return "inbox"

    def jetstream(self, **_: float) -> "Stream":
        return self

    async def subscribe(
        self, _subject: str, cb: Callable[[Msg], Awaitable[None]]
    ) -> "Stream":
        self._reply_to = cb
        return self

    async def unsubscribe(self) -> None: ...

    async def send(self, commands: bytes) -> None:
        self.sent += commands
        receipt = b'{"stream":"EVENTS","seq":0,"batch":"inbox","count":2}'
        await self._reply_to(Msg(cast("Client", self), data=receipt))

    async def publish(self, *_: object, **__: object) -> None:
        self.published_alone += 1
        if not self._keeps_the_last:
            raise nats.js.errors.APIError(description="duplicate message in process")


def event_of(org_id: UUID) -> MessageFinishedEvent:
    record = MessageRecord(
        message_id=new_id(),
        org_id=org_id,
        agent_id=new_id(),
        agent_type_id=new_id(),
        status=MessageStatus.COMPLETED,
        finished_at=datetime(2026, 11, 30, tzinfo=UTC),
    )
    return MessageFinishedEvent(id=record.message_id, org_id=org_id, message=record)


async def written_by_nats_py(
    events: Sequence[MessageFinishedEvent], payloads: Sequence[bytes]
) -> bytes:
    client = Eavesdropped()
    for place, (event, payload) in enumerate(zip(events, payloads, strict=True)):
        await client._send_publish(
            MESSAGE_FINISHED.subject(event.org_id),
            f"inbox.{place}",
            payload,
            len(payload),
            headers_of(MESSAGE_FINISHED, event.id, event.org_id),
        )
    return client.sent


async def test_events_are_written_as_nats_py_writes_them() -> None:
    events = [event_of(org_id) for org_id in [new_id(), new_id()] * 2]
    payloads = [b"{}", "ä".encode(), b"", b"x" * 1_000]
    replies = [f"inbox.{place}" for place in range(4)]

    ours = b"".join(written(MESSAGE_FINISHED, events, payloads, replies))

    assert ours == await written_by_nats_py(events, payloads)


def test_the_last_reply_is_the_receipt_of_all() -> None:
    assert is_receipt(END, events=4)


@pytest.mark.parametrize("reply", [PROGRESS, GAP])
def test_no_other_reply_is_a_receipt(reply: bytes) -> None:
    assert not is_receipt(reply, events=4)


async def test_a_batch_is_kept_when_the_event_behind_it_is() -> None:
    stream = Stream(keeps_the_last=True)
    bus = NatsBus(cast("BusClient", stream), closed=asyncio.Future())

    await bus.publish_all(MESSAGE_FINISHED, [event_of(new_id()) for _ in range(3)])

    assert stream.sent.count(b"HPUB") == 2
    assert stream.published_alone == 1


async def test_a_batch_of_what_is_still_on_its_way_is_not_kept() -> None:
    bus = NatsBus(
        cast("BusClient", Stream(keeps_the_last=False)), closed=asyncio.Future()
    )

    with pytest.raises(UnavailableError):
        await bus.publish_all(MESSAGE_FINISHED, [event_of(new_id()) for _ in range(3)])


@pytest.mark.parametrize("reply", [CUT_SHORT, REFUSAL, b""])
def test_what_was_not_kept_is_an_error(reply: bytes) -> None:
    with pytest.raises(nats.errors.Error):
        is_receipt(reply, events=4)
