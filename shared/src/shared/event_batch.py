"""Keeping many events for one receipt: a fast-ingest batch of JetStream (NATS ADR-50).

The stream keeps each as if it had come alone, and drops it if its id was there before.
A receipt for each took longer to read than the event to send.

In a cluster an id is there before enough servers have the event, and what is dropped
for it counts as kept. All of a batch is, once an event that is published behind it is.
"""

import asyncio
import json
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager
from typing import Any

import nats.errors
import nats.js.errors
from nats.aio.msg import Msg

from .contracts.base import Event, Topic
from .event_writing import written
from .nats_client import BusClient

__all__ = ["is_receipt", "keep_all"]

_STARTS, _GOES_ON, _ENDS = 0, 1, 2
_SIGNS_OF_PROGRESS = 500  # one for so many events at most; none of them is needed


async def keep_all(
    client: BusClient,
    topic: Topic[Any],
    events: Sequence[Event],
    payloads: Sequence[bytes],
) -> None:
    """Send *events* at once, and return when the stream has each.

    Raises what nats-py does; then it may have some and others not.
    """
    async with _Receipt.heard_by(client, events=len(events)) as receipt:
        replies = receipt.subjects()
        await client.send(b"".join(written(topic, events, payloads, replies)))
        await receipt.came


class _Receipt:
    """What the stream says of a batch: signs of progress, a refusal, or its end.

    Replies to each event come under one inbox, whose last token names the batch.
    """

    def __init__(self, inbox: str, *, events: int) -> None:
        self._inbox = inbox
        self._events = events
        self.came: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    @classmethod
    @asynccontextmanager
    async def heard_by(
        cls, client: BusClient, *, events: int
    ) -> AsyncIterator["_Receipt"]:
        inbox = client.new_inbox()
        receipt = cls(inbox, events=events)
        subscription = await client.subscribe(f"{inbox}.>", cb=receipt._receive)
        try:
            yield receipt
        finally:
            await subscription.unsubscribe()

    def subjects(self) -> Iterator[str]:
        """Yield where the reply to each event goes, which says its place as well."""
        batch = f"{self._inbox}.{_SIGNS_OF_PROGRESS}.fail"
        for place in range(1, self._events + 1):
            yield f"{batch}.{place}.{self._step(place)}.$FI"

    def _step(self, place: int) -> int:
        if place == self._events:
            return _ENDS
        return _STARTS if place == 1 else _GOES_ON

    async def _receive(self, message: Msg) -> None:
        if self.came.done():
            return
        try:
            if is_receipt(message.data, events=self._events):
                self.came.set_result(None)
        except nats.errors.Error as refusal:
            self.came.set_exception(refusal)


def is_receipt(reply: bytes, *, events: int) -> bool:
    """Return whether the stream has all *events*, or only tells of its progress.

    Raises what was refused. A reply without a body is nobody's.
    """
    if not reply:
        raise nats.js.errors.NoStreamResponseError
    told = json.loads(reply)
    if "error" in told:
        raise nats.js.errors.APIError(**told["error"])
    if "batch" not in told:
        return False
    if told["count"] < events:
        raise nats.js.errors.APIError(description="The batch was cut short.")
    return True
