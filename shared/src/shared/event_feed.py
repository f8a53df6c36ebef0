"""Taking over the public events of all organizations, each until it is acknowledged.

All processes of a service share one consumer that the stream remembers: an event that
was taken and not acknowledged, whoever died over it, is given out again. The consumer
asks for named events alone, so others cost nothing.
"""

from collections.abc import AsyncIterator, Collection, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

import nats.errors
import nats.js.errors
from nats.aio.client import Client
from nats.aio.msg import Msg
from nats.js import JetStreamContext
from nats.js.api import AckPolicy, ConsumerConfig, DeliverPolicy

from .errors import UnavailableError
from .event_stream import EVENTS

__all__ = ["EventFeed", "TakenEvent", "taking_events"]

_AT_ONCE = 256
_AGAIN_AFTER_SECONDS = 30


@dataclass(frozen=True, slots=True)
class TakenEvent:
    """As it stands in the stream, not judged yet: *payload* should be JSON.

    *name* is `noun.past_participle`, *organization* the id in the subject. *kept_at* is
    when the stream took it, to the microsecond; *receipt* acknowledges it.
    """

    organization: str
    id: str
    name: str
    kept_at: datetime
    payload: bytes
    receipt: str


class EventFeed(Protocol):
    async def follow(self, names: Collection[str]) -> None:
        """Ask for the events of these names, and no others, from now on."""

    async def take(self, *, patience: float) -> list[TakenEvent]:
        """Take what there is; nothing, if nothing comes within *patience* seconds."""

    async def acknowledge(self, events: Sequence[TakenEvent]) -> None:
        """Say that these need not come again."""


@asynccontextmanager
async def taking_events(
    client: Client, jetstream: JetStreamContext, consumer: str
) -> AsyncIterator[EventFeed]:
    """Share *consumer*; every method raises `UnavailableError` without a stream."""
    subscription = await jetstream.pull_subscribe_bind(consumer=consumer, stream=EVENTS)
    try:
        yield _Feed(client, jetstream, subscription, consumer)
    finally:
        with suppress(nats.errors.Error, OSError):
            await subscription.unsubscribe()


class _Feed:
    def __init__(
        self,
        client: Client,
        jetstream: JetStreamContext,
        subscription: JetStreamContext.PullSubscription,
        consumer: str,
    ) -> None:
        self._client = client
        self._jetstream = jetstream
        self._subscription = subscription
        self._consumer = consumer

    async def follow(self, names: Collection[str]) -> None:
        """Make the consumer, or change what it asks for.

        A new one begins with what the stream still holds, so that nothing is missed
        where both were lost.
        """
        config = ConsumerConfig(
            name=self._consumer,
            durable_name=self._consumer,
            filter_subjects=[_subject(name) for name in sorted(names)],
            ack_policy=AckPolicy.EXPLICIT,
            ack_wait=_AGAIN_AFTER_SECONDS,
            deliver_policy=DeliverPolicy.ALL,
        )
        try:
            await self._jetstream.add_consumer(EVENTS, config)
        except (TimeoutError, nats.errors.Error, OSError) as error:
            raise _unavailable() from error

    async def take(self, *, patience: float) -> list[TakenEvent]:
        try:
            messages = await self._subscription.fetch(_AT_ONCE, timeout=patience)
        except TimeoutError:
            return []
        except (nats.errors.Error, OSError) as error:
            raise _unavailable() from error
        return [_taken(message) for message in messages]

    async def acknowledge(self, events: Sequence[TakenEvent]) -> None:
        """One that gets lost costs a repeat."""
        try:
            for event in events:
                await self._client.publish(event.receipt, b"+ACK")
        except (nats.errors.Error, OSError) as error:
            raise _unavailable() from error


def _subject(name: str) -> str:
    noun, _, participle = name.partition(".")
    return f"ag2trust.v1.events.*.{noun}.{participle}"


def _taken(message: Msg) -> TakenEvent:
    *_, organization, noun, participle = message.subject.split(".")
    return TakenEvent(
        organization=organization,
        id=(message.headers or {}).get("Nats-Msg-Id", ""),
        name=f"{noun}.{participle}",
        kept_at=message.metadata.timestamp,
        payload=message.data,
        receipt=message.reply,
    )


def _unavailable() -> UnavailableError:
    return UnavailableError("The event stream cannot be reached.")
