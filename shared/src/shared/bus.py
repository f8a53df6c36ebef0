"""A typed view of NATS: contracts in, contracts out.

A question carries its own id, the id of the request it belongs to, and the time that is
left for it. It is retried once with the same id; the answerer keeps recent answers by
that id, so a retry does not repeat the act. Answers that failed come back as the error
they were raised as.
"""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import (
    AbstractAsyncContextManager,
    AsyncExitStack,
    asynccontextmanager,
)
from dataclasses import dataclass, field
from typing import Any, Protocol

import nats
import nats.errors
import nats.js.errors
import structlog
from nats.aio.client import Client
from nats.aio.msg import Msg
from nats.aio.subscription import Subscription
from nats.js.api import StreamConfig
from pydantic import ValidationError
from structlog.contextvars import bound_contextvars, get_contextvars

from .contracts.base import (
    Empty,
    Endpoint,
    EventT,
    Failure,
    Message,
    MessageT,
    ReplyT,
    RequestT,
    Service,
    Signal,
    Topic,
)
from .contracts.permissions import inbox_prefix
from .errors import AppError, InvalidError, UnavailableError, error_from
from .http import fields_of
from .identity import Identity
from .ids import new_id

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

_ASK_ID = "Ag2trust-Ask-Id"
_REQUEST_ID = "Ag2trust-Request-Id"
_SECONDS_LEFT = "Ag2trust-Seconds-Left"
_FAILED = "Ag2trust-Failed"

_IN_FLIGHT_PER_ENDPOINT = 200
_ANSWERS_KEPT = 256
_RETRY_AFTER_SECONDS = 2.0
_PAUSE_BEFORE_RETRY_SECONDS = 0.2
_PING_SECONDS = 2
_CONNECT_SECONDS = 30
_EVENTS = "EVENTS"
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

    def hearing(
        self,
        signal: Signal[MessageT],
        heard: Callable[[MessageT], None],
        *,
        key: object = "*",
    ) -> AbstractAsyncContextManager[None]: ...


@dataclass(frozen=True, slots=True)
class Answer:
    """An endpoint with the function that answers it."""

    endpoint: Endpoint[Any, Any]
    handler: Callable[[Any], Awaitable[Message]]

    async def to(self, payload: bytes) -> bytes:
        try:
            request = self.endpoint.request.model_validate_json(payload)
        except ValidationError as error:
            raise InvalidError(
                "The question has invalid fields.", details={"fields": fields_of(error)}
            ) from None
        reply = await self.handler(request)
        return reply.model_dump_json().encode()


def answer(
    endpoint: Endpoint[RequestT, ReplyT],
    handler: Callable[[RequestT], Awaitable[ReplyT]],
) -> Answer:
    """Pair *endpoint* with *handler*; the type checker sees that they fit."""
    return Answer(endpoint, handler)


class NatsBus:
    """One connection to NATS, under one identity."""

    def __init__(self, client: Client, *, closed: "asyncio.Future[None]") -> None:
        self._client = client
        self._jetstream = client.jetstream(timeout=5)
        self._closed = closed

    @property
    def is_connected(self) -> bool:
        return self._client.is_connected

    async def until_closed(self) -> None:
        """Wait for the client to give up, then raise: run it beside the service."""
        await asyncio.shield(self._closed)
        raise BusClosedError("The connection to NATS closed for good.")

    async def ask(
        self, endpoint: Endpoint[RequestT, ReplyT], request: RequestT
    ) -> ReplyT:
        """Put a question; raises what the answerer raised, or `UnavailableError`."""
        payload = request.model_dump_json().encode()
        ask_id = str(new_id())
        try:
            async with asyncio.timeout(endpoint.deadline.total_seconds()):
                message = await self._asked_twice(endpoint, payload, ask_id)
        except (TimeoutError, nats.errors.Error, OSError) as error:
            raise UnavailableError(
                f"{_answerer(endpoint.subject)} does not answer right now.",
                retry_after_seconds=_RETRY_AFTER_SECONDS,
            ) from error
        if message.headers and _FAILED in message.headers:
            raise _error_in(message.data)
        return endpoint.reply.model_validate_json(message.data)

    async def _asked_twice(
        self, endpoint: Endpoint[Any, Any], payload: bytes, ask_id: str
    ) -> Msg:
        try:
            return await self._asked(endpoint, payload, ask_id)
        except (TimeoutError, nats.errors.Error):
            await asyncio.sleep(_PAUSE_BEFORE_RETRY_SECONDS)
        return await self._asked(endpoint, payload, ask_id)

    async def _asked(
        self, endpoint: Endpoint[Any, Any], payload: bytes, ask_id: str
    ) -> Msg:
        seconds = endpoint.deadline.total_seconds()
        headers = {_ASK_ID: ask_id, _SECONDS_LEFT: f"{seconds:.3f}"}
        if request_id := get_contextvars().get("request_id"):
            headers[_REQUEST_ID] = str(request_id)
        return await self._client.request(
            endpoint.subject, payload, timeout=seconds / 2, headers=headers
        )

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
        """Keep a public event; its id drops repeats. Raises `UnavailableError`."""
        try:
            await self._jetstream.publish(
                topic.subject(event.org_id),
                event.model_dump_json().encode(),
                headers={"Nats-Msg-Id": str(event.id)},
            )
        except (TimeoutError, nats.errors.Error, OSError) as error:
            raise UnavailableError("The event stream cannot be reached.") from error

    async def declare_events(self) -> None:
        """Create the stream of public events, or bring it to its configuration."""
        wanted = StreamConfig(
            name=_EVENTS,
            subjects=["ag2trust.v1.events.>"],
            max_age=_EVENTS_KEPT_SECONDS,
            duplicate_window=120,
        )
        try:
            await self._created_or_updated(wanted)
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
                heard(signal.message.model_validate_json(message.data))
            except ValidationError:
                log.warning("signal.refused", subject=message.subject)

        subscription = await self._client.subscribe(signal.of(key), cb=receive)
        try:
            await self._settled()
            yield
        finally:
            await _unsubscribed(subscription)

    @asynccontextmanager
    async def serving(self, service: Service, *answers: Answer) -> AsyncIterator[None]:
        """Answer while the block runs; stop hearing, then finish, before leaving it."""
        async with asyncio.TaskGroup() as in_flight, AsyncExitStack() as stack:
            for each in answers:
                desk = _Desk(self._client, each, in_flight)
                subscription = await self._client.subscribe(
                    each.endpoint.subject, queue=service, cb=desk.accept
                )
                stack.push_async_callback(_unsubscribed, subscription)
            await self._settled()
            yield

    async def _settled(self) -> None:
        """Return once the server has all our subscriptions.

        `Client.flush` is no barrier: its PING overtakes queued SUBs. The second one
        is written after the first one's PONG, hence after them.
        """
        try:
            await self._client.flush(timeout=_PING_SECONDS)
            await self._client.flush(timeout=_PING_SECONDS)
        except (TimeoutError, nats.errors.Error, OSError) as error:
            raise UnavailableError("NATS cannot be reached.") from error


@asynccontextmanager
async def connect_bus(
    url: str, *, service: Service, identity: Identity
) -> AsyncIterator[NatsBus]:
    """Log in to NATS as *service*; replies come back under its own inbox prefix."""
    closed: asyncio.Future[None] = asyncio.get_running_loop().create_future()
    client = await _connected(url, service, identity, closed)
    try:
        yield NatsBus(client, closed=closed)
    finally:
        await client.close()


async def _connected(
    url: str, service: Service, identity: Identity, closed: "asyncio.Future[None]"
) -> Client:
    async def tell_error(error: Exception) -> None:
        log.warning("nats.troubled", error=type(error).__name__, reason=_reason(error))

    async def tell_closed() -> None:
        if not closed.done():
            closed.set_result(None)

    try:
        async with asyncio.timeout(_CONNECT_SECONDS):
            return await nats.connect(
                url,
                name=service,
                nkeys_seed_str=identity.nkey_seed,
                inbox_prefix=inbox_prefix(service),
                connect_timeout=2,
                reconnect_time_wait=0.25,
                max_reconnect_attempts=-1,
                ping_interval=_PING_SECONDS,
                max_outstanding_pings=2,
                pending_size=-1,  # fail at once while disconnected, never send late
                error_cb=tell_error,
                closed_cb=tell_closed,
            )
    except (TimeoutError, nats.errors.Error, OSError) as error:
        raise UnavailableError(f"NATS cannot be reached at {url}.") from error


@dataclass
class _Desk:
    """Answers one endpoint: each question in a task of its own, repeats from memory.

    nats-py hands messages to a callback one after another, hence the tasks.
    """

    client: Client
    answer: Answer
    in_flight: asyncio.TaskGroup
    slots: asyncio.Semaphore = field(
        default_factory=lambda: asyncio.Semaphore(_IN_FLIGHT_PER_ENDPOINT)
    )
    answers: "dict[str, asyncio.Task[tuple[bytes, bool]]]" = field(default_factory=dict)

    async def accept(self, message: Msg) -> None:
        await self.slots.acquire()
        task = self.in_flight.create_task(self._respond(message))
        task.add_done_callback(lambda _: self.slots.release())

    async def _respond(self, message: Msg) -> None:
        headers = message.headers or {}
        payload, is_failure = await self._answered(message, headers)
        try:
            await self.client.publish(
                message.reply,
                payload,
                headers={_FAILED: "1"} if is_failure else None,
            )
        except (nats.errors.Error, OSError):
            log.warning("answer.lost", subject=message.subject)

    async def _answered(
        self, message: Msg, headers: dict[str, str]
    ) -> tuple[bytes, bool]:
        ask_id = headers.get(_ASK_ID, "")
        task = self.answers.get(ask_id)
        if task is None:
            task = self.in_flight.create_task(self._answer(message, headers))
            self._keep(ask_id, task)
        return await asyncio.shield(task)

    def _keep(self, ask_id: str, task: "asyncio.Task[tuple[bytes, bool]]") -> None:
        if not ask_id:
            return
        self.answers[ask_id] = task
        if len(self.answers) > _ANSWERS_KEPT:
            del self.answers[next(iter(self.answers))]

    async def _answer(
        self, message: Msg, headers: dict[str, str]
    ) -> tuple[bytes, bool]:
        context = {"subject": message.subject}
        if request_id := headers.get(_REQUEST_ID):
            context["request_id"] = request_id
        with bound_contextvars(**context):
            try:
                async with asyncio.timeout(_seconds_left(headers)):
                    return await self.answer.to(message.data), False
            except AppError as error:
                return _failure(error), True
            except TimeoutError:
                log.warning("question.expired")
                return _failure(UnavailableError("The answer took too long.")), True
            except Exception:
                log.exception("question.failed")
                return _failure(AppError()), True


async def _unsubscribed(subscription: Subscription) -> None:
    """Stop hearing; on a connection that is gone there is nothing to stop."""
    try:
        await subscription.unsubscribe()
    except (nats.errors.Error, OSError):
        log.debug("subscription.already_gone", subject=subscription.subject)


def _failure(error: AppError) -> bytes:
    failure = Failure(
        code=error.code,
        status=int(error.status),
        message=error.message,
        details=error.details,
        retry_after_seconds=error.retry_after_seconds,
    )
    return failure.model_dump_json().encode()


def _error_in(payload: bytes) -> AppError:
    failure = Failure.model_validate_json(payload)
    return error_from(
        code=failure.code,
        status=failure.status,
        message=failure.message,
        details=failure.details,
        retry_after_seconds=failure.retry_after_seconds,
    )


def _seconds_left(headers: dict[str, str]) -> float | None:
    try:
        return float(headers[_SECONDS_LEFT])
    except (KeyError, ValueError):
        return None


def _answerer(subject: str) -> str:
    return "The " + subject.partition(".")[0].replace("_", "-") + " service"


def _reason(error: Exception) -> str:
    """NATS's own words about permissions and the like; they hold subjects only."""
    return str(error) if isinstance(error, nats.errors.Error) else ""


async def answer_ping(_: Empty) -> Empty:
    """Answer `PING`: questions to this service are answered."""
    return Empty()
