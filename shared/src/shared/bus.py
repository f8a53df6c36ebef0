"""A typed view of NATS: contracts in, contracts out.

Questions are put (`asking`) and answered (`answering`); signals are hints that may be
lost; events are kept in a stream.
"""

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import (
    AbstractAsyncContextManager,
    AsyncExitStack,
    asynccontextmanager,
)
from datetime import timedelta
from typing import Protocol
from uuid import UUID

import nats.errors
import nats.js.errors
import structlog
from nats.aio.msg import Msg
from nats.aio.subscription import Subscription
from nats.js.api import StreamConfig
from pydantic import ValidationError

from .answering import Answer, Desk, answer, answer_ping
from .asking import put
from .bus_wire import payload_limit
from .contracts.base import (
    Endpoint,
    EventT,
    Message,
    MessageT,
    ReplyT,
    RequestT,
    Service,
    Signal,
    Topic,
)
from .errors import AppError, TooLargeError, UnavailableError
from .event_batch import keep_all
from .event_feed import EventFeed, taking_events
from .event_stream import EVENTS, EventSource, Position, reading_events
from .event_writing import headers_of
from .identity import Identity
from .nats_client import (
    PING_SECONDS,
    BusClient,
    connected_client,
    require_connection,
)
from .tally import Tally
from .timeouts import timeout

__all__ = [
    "Answer",
    "Bus",
    "BusClosedError",
    "NatsBus",
    "answer",
    "answer_ping",
    "connect_bus",
]

log = structlog.get_logger(__name__)

_CONNECT_WITHIN = timedelta(seconds=30)
_KEPT_WITHIN_SECONDS = 5
_EVENTS_KEPT_SECONDS = 7 * 24 * 3600


class BusClosedError(AppError):
    """The NATS client gave up for good; only a new process helps."""


class Bus(Protocol):
    """What a service needs of the bus; `shared.testing.FakeBus` is the other one."""

    @property
    def is_connected(self) -> bool: ...

    async def ask(
        self, endpoint: Endpoint[RequestT, ReplyT], request: RequestT
    ) -> ReplyT: ...

    async def signal(
        self, signal: Signal[MessageT], message: MessageT, *, key: object = ""
    ) -> None: ...

    async def publish(self, topic: Topic[EventT], event: EventT) -> None: ...

    async def publish_all(
        self, topic: Topic[EventT], events: Sequence[EventT]
    ) -> None: ...

    def hearing(
        self,
        signal: Signal[MessageT],
        heard: Callable[[MessageT], None],
        *,
        key: object = "*",
    ) -> AbstractAsyncContextManager[None]: ...

    def reading_events(
        self, org_id: UUID, after: Position | None
    ) -> AbstractAsyncContextManager[EventSource]: ...


class NatsBus:
    """One connection to NATS, under one identity; *tally* counts what it answers."""

    def __init__(self, client: BusClient, *, closed: "asyncio.Future[None]") -> None:
        self._client = client
        self._jetstream = client.jetstream(timeout=5)
        self._closed = closed
        self.tally = Tally()

    @property
    def is_connected(self) -> bool:
        return self._client.is_connected

    async def is_reachable(self) -> bool:
        """Ask the server for a sign of life: a dead connection looks whole for long."""
        try:
            require_connection(self._client)
            await self._client.flush(timeout=PING_SECONDS)
        except (TimeoutError, nats.errors.Error, OSError):
            return False
        return True

    async def until_closed(self) -> None:
        """Wait for the client to give up, then raise: run it beside the service."""
        await asyncio.shield(self._closed)
        raise BusClosedError("The connection to NATS closed for good.")

    async def ask(
        self, endpoint: Endpoint[RequestT, ReplyT], request: RequestT
    ) -> ReplyT:
        """Put a question.

        Raises what the answerer raised; `UnavailableError` if nobody answers in time;
        `TooLargeError` if NATS would not carry the question.
        """
        return await put(self._client, endpoint, self._payload(request))

    async def signal(
        self, signal: Signal[MessageT], message: MessageT, *, key: object = ""
    ) -> None:
        """Send a hint; a lost one is found by the hearer's next look at the record."""
        try:
            await self._client.publish(
                signal.of(key), message.model_dump_json().encode()
            )
        except (nats.errors.Error, OSError):
            log.warning("signal.lost", subject=signal.of(key))

    async def publish(self, topic: Topic[EventT], event: EventT) -> None:
        """Keep a public event; its id drops repeats.

        Raises `UnavailableError`, and `TooLargeError` if NATS would not carry it.
        """
        payload = self._payload(event)
        try:
            require_connection(self._client)
            await self._jetstream.publish(
                topic.subject(event.org_id),
                payload,
                headers=headers_of(topic, event.id, event.org_id),
            )
        except (TimeoutError, nats.errors.Error, OSError) as error:
            raise UnavailableError("The event stream cannot be reached.") from error

    async def publish_all(self, topic: Topic[EventT], events: Sequence[EventT]) -> None:
        """Keep many events, as `publish` does, but wait for two receipts in all.

        The second, of the last event, vouches for the others (see `event_batch`). Where
        it raises, some may be kept and others not.
        """
        if not events:
            return
        *others, last = events
        if others:
            await self._keep_all(topic, others)
        await self.publish(topic, last)

    async def declare_events(self, *, replicas: int = 1) -> None:
        """Create the stream of public events, or bring it to its configuration.

        *replicas* is how many servers of a cluster keep it.
        """
        wanted = StreamConfig(
            name=EVENTS,
            subjects=["ag2trust.v1.events.>"],
            max_age=_EVENTS_KEPT_SECONDS,
            duplicate_window=120,
            num_replicas=replicas,
            allow_batched=True,
        )
        try:
            await self._created_or_updated(wanted)
        except (TimeoutError, nats.errors.Error, OSError) as error:
            raise UnavailableError("The event stream cannot be reached.") from error

    async def _keep_all(self, topic: Topic[EventT], events: Sequence[EventT]) -> None:
        payloads = [self._payload(event) for event in events]
        try:
            require_connection(self._client)
            async with timeout(_KEPT_WITHIN_SECONDS):
                await keep_all(self._client, topic, events, payloads)
        except (TimeoutError, nats.errors.Error, OSError) as error:
            raise UnavailableError("The event stream cannot be reached.") from error

    async def _created_or_updated(self, wanted: StreamConfig) -> None:
        try:
            await self._jetstream.add_stream(wanted)
        except nats.js.errors.BadRequestError:
            await self._jetstream.update_stream(wanted)

    @asynccontextmanager
    async def hearing(
        self,
        signal: Signal[MessageT],
        heard: Callable[[MessageT], None],
        *,
        key: object = "*",
    ) -> AsyncIterator[None]:
        """Call *heard* for every signal while the block runs; it must not wait."""

        async def receive(message: Msg) -> None:
            try:
                words = signal.message.model_validate_json(message.data)
            except ValidationError:
                log.warning("signal.refused", subject=message.subject)
                return
            heard(words)

        subscription = await self._client.subscribe(signal.of(key), cb=receive)
        try:
            await self._settled()
            yield
        finally:
            await _unsubscribed(subscription)

    def reading_events(
        self, org_id: UUID, after: Position | None
    ) -> AbstractAsyncContextManager[EventSource]:
        """Read public events of *org_id*: what follows *after*, or happens from now."""
        return reading_events(self._client, self._jetstream, org_id, after)

    def taking_events(self, consumer: str) -> AbstractAsyncContextManager[EventFeed]:
        """Take events of all organizations over, each until it is acknowledged."""
        return taking_events(self._client, self._jetstream, consumer)

    @asynccontextmanager
    async def serving(self, service: Service, *answers: Answer) -> AsyncIterator[None]:
        """Answer while the block runs; stop hearing, then finish, before leaving it."""
        async with asyncio.TaskGroup() as in_flight, AsyncExitStack() as stack:
            subscriptions: list[Subscription] = []
            for each in answers:
                desk = Desk(self._client, each, in_flight, self.tally)
                subscription = await self._client.subscribe(
                    each.endpoint.subject, queue=service, cb=desk.accept
                )
                stack.push_async_callback(_unsubscribed, subscription)
                subscriptions.append(subscription)
            await self._settled()
            yield
            await self._drain(subscriptions)

    async def _drain(self, subscriptions: Sequence[Subscription]) -> None:
        """Hear no more, but take in what has arrived; without NATS that cannot be."""
        try:
            await self._settled()
            await asyncio.gather(
                *(each.drain() for each in subscriptions)  # type: ignore[no-untyped-call]  # nats-py says nothing
            )
        except (UnavailableError, nats.errors.Error, OSError):
            log.warning("questions.dropped")

    async def _settled(self) -> None:
        """Return once the server has all our subscriptions.

        `Client.flush` is no barrier: its PING overtakes queued SUBs. The second one
        is written after the first one's PONG, hence after them.
        """
        try:
            await self._client.flush(timeout=PING_SECONDS)
            await self._client.flush(timeout=PING_SECONDS)
        except (TimeoutError, nats.errors.Error, OSError) as error:
            raise UnavailableError("NATS cannot be reached.") from error

    def _payload(self, message: Message) -> bytes:
        payload = message.model_dump_json().encode()
        if len(payload) > payload_limit(self._client):
            raise TooLargeError("This is too large for one message on the bus.")
        return payload


@asynccontextmanager
async def connect_bus(
    url: str,
    *,
    service: Service,
    identity: Identity,
    within: timedelta = _CONNECT_WITHIN,
) -> AsyncIterator[NatsBus]:
    """Log in to NATS as *service*; replies come back under its own inbox prefix.

    Raises `UnavailableError` if there is no connection *within* that time.
    """
    closed: asyncio.Future[None] = asyncio.get_running_loop().create_future()
    async with connected_client(
        url, service=service, identity=identity, closed=closed, within=within
    ) as client:
        yield NatsBus(client, closed=closed)


async def _unsubscribed(subscription: Subscription) -> None:
    """Stop hearing; on a connection that is gone there is nothing to stop."""
    try:
        await subscription.unsubscribe()
    except (nats.errors.Error, OSError):
        log.debug("subscription.already_gone", subject=subscription.subject)
