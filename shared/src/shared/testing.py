"""Stand-ins that keep the promises of the real thing."""

from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

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

    async def publish(self, topic: Topic[EventT], event: EventT) -> None:
        self.published.append((topic.subject(event.org_id), event))

    async def publish_all(self, topic: Topic[EventT], events: Sequence[EventT]) -> None:
        for event in events:
            await self.publish(topic, event)


@dataclass
class FakeClock:
    """A clock that stands still until it is told to move."""

    time: datetime = datetime(2026, 1, 1, 12, tzinfo=UTC)

    def __call__(self) -> datetime:
        return self.time

    def advance(self, by: timedelta) -> None:
        self.time += by
