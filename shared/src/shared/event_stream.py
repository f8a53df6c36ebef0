"""Reading the public events of one organization from JetStream, as they are taken.

Each reader has a consumer of its own that nothing is pushed to: it asks for a few
events more when it has taken those before. So a slow reader costs no memory, only the
time for which the stream keeps what it has not read. A consumer that has nothing gives
signs of life (NATS ADR-37), so that one that went with its server is soon missed.
"""

import asyncio
import json
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Protocol
from uuid import UUID

import nats.errors
import nats.js.errors
import structlog
from nats.aio.client import Client
from nats.aio.msg import Msg
from nats.aio.subscription import Subscription
from nats.js import JetStreamContext
from nats.js.api import AckPolicy, ConsumerConfig, ConsumerInfo, DeliverPolicy

from .contracts.base import Topic
from .errors import UnavailableError
from .ids import new_id

__all__ = ["EVENTS", "EventSource", "Position", "PublicEvent", "reading_events"]

log = structlog.get_logger(__name__)

EVENTS = "EVENTS"

_AT_ONCE = 64
_REQUEST_SECONDS = 30.0
_SIGN_OF_LIFE_SECONDS = 2.0
_SILENCE_SECONDS = 2 * _SIGN_OF_LIFE_SECONDS + 1  # one of them may be lost
_FORGOTTEN_AFTER_SECONDS = 60.0
_QUESTIONS = 3
_ANSWER_SECONDS = 2.0
_NANOSECONDS = 1_000_000_000
_POSITION = re.compile(r"([1-9][0-9]{17,18})-([A-Za-z0-9-]{1,64})")


@dataclass(frozen=True, slots=True)
class Position:
    """A place in the stream: when it kept an event, in Unix nanoseconds, and its id.

    Not the stream's own number, which counts the events of all organizations.
    """

    kept_at: int
    event_id: str

    @classmethod
    def at(cls, time: datetime) -> "Position":
        """Return the place between what was kept up to *time* and what was after."""
        return cls(round(time.timestamp() * 1_000_000) * 1000, "")

    def __str__(self) -> str:
        return f"{self.kept_at}-{self.event_id}"

    @classmethod
    def parse(cls, text: str) -> "Position | None":
        found = _POSITION.fullmatch(text)
        return cls(int(found[1]), found[2]) if found else None

    @property
    def time(self) -> datetime:
        """The same, to the microsecond before."""
        seconds, rest = divmod(self.kept_at, _NANOSECONDS)
        return datetime.fromtimestamp(seconds, UTC).replace(microsecond=rest // 1000)


@dataclass(frozen=True, slots=True)
class PublicEvent:
    """*name* is `noun.past_participle`, *payload* the event in JSON."""

    position: Position
    name: str
    payload: bytes


class EventSource(Protocol):
    """Where events come from, one after another."""

    async def next(self, *, patience: float) -> PublicEvent | None: ...


@asynccontextmanager
async def reading_events(
    client: Client, jetstream: JetStreamContext, org_id: UUID, after: Position | None
) -> AsyncIterator[EventSource]:
    """Read what follows *after*, or what happens from now on.

    Raises `UnavailableError` if there is no stream.
    """
    inbox = client.new_inbox()
    try:
        subscription = await client.subscribe(inbox)
    except (nats.errors.Error, OSError) as error:
        raise _unavailable() from error
    reader = _Reader(client, jetstream, subscription, org_id, after)
    try:
        await reader.begin()
        yield reader
    finally:
        await reader.end()


class _Reader:
    def __init__(
        self,
        client: Client,
        jetstream: JetStreamContext,
        subscription: Subscription,
        org_id: UUID,
        after: Position | None,
    ) -> None:
        self._client = client
        self._jetstream = jetstream
        self._subscription = subscription
        self._subjects = Topic.subjects(org_id)
        self._after = after
        self._skips_to = after
        self._consumer = ""
        self._expected = 0
        self._silent_at = 0.0

    async def begin(self) -> None:
        """Make a consumer that begins where this reader is."""
        self._consumer = f"reader-{new_id().hex}"
        self._expected = 0
        self._skips_to = self._after
        config = ConsumerConfig(
            name=self._consumer,
            filter_subject=self._subjects,
            ack_policy=AckPolicy.NONE,
            inactive_threshold=_FORGOTTEN_AFTER_SECONDS,
            mem_storage=True,
            deliver_policy=(
                DeliverPolicy.BY_START_TIME if self._after else DeliverPolicy.NEW
            ),
            opt_start_time=self._after.time if self._after else None,
        )
        try:
            made = await self._make(config)
        except (TimeoutError, nats.errors.Error, OSError) as error:
            raise _unavailable() from error
        if self._after is None:  # the next consumer begins where this one did
            self._after = Position.at(made.created)

    async def _make(self, config: ConsumerConfig) -> ConsumerInfo:
        """Ask again while nobody answers: where no server leads, a question is lost."""
        for _ in range(_QUESTIONS - 1):
            with suppress(TimeoutError):
                return await self._asked_to_make(config)
        return await self._asked_to_make(config)

    async def _asked_to_make(self, config: ConsumerConfig) -> ConsumerInfo:
        return await self._jetstream.add_consumer(
            EVENTS, config, timeout=_ANSWER_SECONDS
        )

    async def next(self, *, patience: float) -> PublicEvent | None:
        """Return the next event; None if there is none within *patience* seconds.

        Raises `UnavailableError`.
        """
        deadline = _time() + patience
        try:
            while _time() < deadline:
                await self._ask_for_more()
                event = await self._heard_before(min(deadline, self._silent_at))
                if event is not None:
                    self._after = event.position
                    return event
        except (nats.errors.Error, OSError) as error:
            raise _unavailable() from error
        return None

    async def end(self) -> None:
        """Give the consumer up; one that cannot be told is forgotten by itself."""
        with suppress(TimeoutError, nats.errors.Error, OSError):
            await self._subscription.unsubscribe()
        with suppress(TimeoutError, nats.errors.Error, OSError):
            await self._jetstream.delete_consumer(EVENTS, self._consumer)

    async def _ask_for_more(self) -> None:
        """Ask again too if nobody has given a sign: whoever was asked may be gone."""
        if self._expected and _time() < self._silent_at:
            return
        wanted = {
            "batch": _AT_ONCE,
            "expires": int(_REQUEST_SECONDS * _NANOSECONDS),
            "idle_heartbeat": int(_SIGN_OF_LIFE_SECONDS * _NANOSECONDS),
        }
        await self._client.publish(
            f"$JS.API.CONSUMER.MSG.NEXT.{EVENTS}.{self._consumer}",
            json.dumps(wanted).encode(),
            reply=self._subscription.subject,
        )
        self._expected = _AT_ONCE
        self._silent_at = _time() + _SILENCE_SECONDS

    async def _heard_before(self, deadline: float) -> PublicEvent | None:
        """Take an event, or what the server says instead of one, if anything."""
        try:
            message = await self._subscription.next_msg(max(deadline - _time(), 0.001))
        except TimeoutError:
            return None
        self._silent_at = _time() + _SILENCE_SECONDS
        status = (message.headers or {}).get("Status")
        if status == _SIGN_OF_LIFE:
            return None
        if status is not None:
            self._expected = 0
            if status in {"409", "503"}:  # the consumer is gone, with its server
                await self.begin()
            return None
        self._expected -= 1
        event = _event(message)
        return event if self._is_new(event.position) else None

    def _is_new(self, position: Position) -> bool:
        """Skip what was kept in the microsecond of the place to go on from.

        What is of an earlier one came later all the same: a clock was put back.
        """
        place = self._skips_to
        if place is None:
            return True
        is_up_to_it = position.time == place.time and position.kept_at <= place.kept_at
        if position == place or not is_up_to_it:
            self._skips_to = None
        return not is_up_to_it


def _event(message: Msg) -> PublicEvent:
    headers = message.headers or {}
    noun, participle = message.subject.split(".")[-2:]
    return PublicEvent(
        position=Position(_kept_at(message), headers.get("Nats-Msg-Id", "")),
        name=f"{noun}.{participle}",
        payload=message.data,
    )


def _kept_at(message: Msg) -> int:
    """Read the time in nanoseconds: before the last token, or before two in v2.

    `$JS.ACK.<stream>.<consumer>.<delivered>.<stream seq>.<seq>.<time>.<pending>`, and
    with `<domain>.<account>` before and a random token behind (NATS ADR-15).
    """
    tokens = message.reply.split(".")
    return int(tokens[7] if len(tokens) == _TOKENS_OF_V1 else tokens[9])


def _unavailable() -> UnavailableError:
    return UnavailableError("The event stream cannot be reached.")


def _time() -> float:
    return asyncio.get_running_loop().time()


_SIGN_OF_LIFE = "100"
_TOKENS_OF_V1 = 9
