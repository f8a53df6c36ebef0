"""Stand-ins that keep the promises of the real thing."""

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from uuid import UUID

from .bus import Answer
from .bus_wire import error_in, failure_of
from .contracts.base import (
    Endpoint,
    Event,
    EventT,
    Message,
    MessageT,
    ReplyT,
    RequestT,
    Signal,
    Topic,
)
from .errors import AppError, UnavailableError
from .event_stream import EventSource, Position, PublicEvent
from .timeouts import timeout

__all__ = ["FakeBus", "FakeClock"]


@dataclass
class FakeBus:
    """An in-process bus: same encoding, same errors, no network.

    What is no `AppError` comes through as it is: in a test, a bug is worth seeing.
    """

    published: list[tuple[str, Event]] = field(default_factory=list)
    signalled: list[tuple[str, Message]] = field(default_factory=list)
    answers: dict[str, Answer] = field(default_factory=dict)
    hearers: list[tuple[str, Callable[[bytes], None]]] = field(default_factory=list)
    happened: asyncio.Event = field(default_factory=asyncio.Event)
    is_connected: bool = True

    def serve(self, *answers: Answer) -> None:
        self.answers |= {each.endpoint.subject: each for each in answers}

    async def ask(
        self, endpoint: Endpoint[RequestT, ReplyT], request: RequestT
    ) -> ReplyT:
        try:
            each = self.answers[endpoint.subject]
        except KeyError:
            raise UnavailableError(f"No answer on {endpoint.subject}.") from None
        try:
            reply = await each.to(request.model_dump_json().encode())
        except AppError as error:
            raise error_in(failure_of(error)) from error
        return endpoint.reply.model_validate_json(reply)

    async def signal(
        self, signal: Signal[MessageT], message: MessageT, *, key: object = ""
    ) -> None:
        self.signalled.append((signal.of(key), message))
        payload = message.model_dump_json().encode()
        for subject, receive in list(self.hearers):
            if subject in {signal.of(key), signal.of("*")}:
                receive(payload)

    @asynccontextmanager
    async def hearing(
        self,
        signal: Signal[MessageT],
        heard: Callable[[MessageT], None],
        *,
        key: object = "*",
    ) -> AsyncIterator[None]:
        def receive(payload: bytes) -> None:
            heard(signal.message.model_validate_json(payload))

        hearer = (signal.of(key), receive)
        self.hearers.append(hearer)
        try:
            yield
        finally:
            self.hearers.remove(hearer)

    @asynccontextmanager
    async def reading_events(
        self, org_id: UUID, after: Position | None
    ) -> AsyncIterator[EventSource]:
        """Read what was published; a position tells how many came up to it."""
        if not self.is_connected:
            raise UnavailableError("The event stream cannot be reached.")
        begin = len(self.published) if after is None else after.kept_at - 10**17
        yield _FakeReader(self, org_id, begin)

    async def publish(self, topic: Topic[EventT], event: EventT) -> None:
        self.published.append((topic.subject(event.org_id), event))
        self.happened.set()

    async def publish_all(self, topic: Topic[EventT], events: Sequence[EventT]) -> None:
        for event in events:
            await self.publish(topic, event)


@dataclass
class _FakeReader:
    """Takes one event after another, those of its organization."""

    bus: FakeBus
    org_id: UUID
    taken: int

    async def next(self, *, patience: float) -> PublicEvent | None:
        with suppress(TimeoutError):
            async with timeout(patience):
                while True:
                    for subject, event in self.bus.published[self.taken :]:
                        self.taken += 1
                        if event.org_id == self.org_id:
                            return self._read(subject, event)
                    self.bus.happened.clear()
                    await self.bus.happened.wait()
        return None

    def _read(self, subject: str, event: Event) -> PublicEvent:
        return PublicEvent(
            position=Position(10**17 + self.taken, str(event.id)),
            name=".".join(subject.split(".")[-2:]),
            payload=event.model_dump_json().encode(),
        )


@dataclass
class FakeClock:
    """A clock that stands still until it is told to move."""

    time: datetime = datetime(2026, 1, 1, 12, tzinfo=UTC)

    def __call__(self) -> datetime:
        return self.time

    def advance(self, by: timedelta) -> None:
        self.time += by
