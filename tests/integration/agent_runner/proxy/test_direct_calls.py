"""Calls that need no task, on new connections and on kept ones.

Of what a provider without request ids answers, a call that had none is known by its own
id.
"""

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import cast

import pytest
from tests.unit.agent_runner.http.wire import wired

from agent_runner.callers import ModelCaller
from agent_runner.http.client import Client, Origin
from agent_runner.http.client_connection import ClientConnection
from agent_runner.http.errors import ConnectingFailedError
from agent_runner.proxy.admission import Unlimited
from shared.contracts.credentials import LeasedCredential
from shared.contracts.metrics import CallRecord, CallStatus
from shared.tracing import Attributes, Kind, Span, TraceContext, tracing_with

from .proxying import KEY, MODEL, Proxy, break_down, lease_of, open_proxy
from .raw_agent import RawAgent, chat, raw_agent, request
from .raw_provider import (
    CHUNKS,
    DONE,
    EVENT_STREAM,
    Conversation,
    RawProvider,
    chunk,
    raw_provider,
    whole,
)

ANSWER = json.dumps(
    {"choices": [], "usage": {"prompt_tokens": 7, "completion_tokens": 3}}
).encode()
ERROR = b'{"error":{"message":"Slow down.","code":"rate_limit_exceeded"}}'
LAST_CHUNK = b"0\r\n\r\n"
# What the kernel holds on both sides of the proxy, and more.
MUCH_BYTES = 32 * 1024 * 1024
PLAIN = chat(stream=False)

Answer = Callable[[Conversation], Awaitable[None]]


async def fine(asked: Conversation) -> None:
    asked.say(whole(ANSWER))


def saying(*pieces: bytes) -> Answer:
    async def answer(asked: Conversation) -> None:
        asked.say(*pieces)

    return answer


async def hanging(asked: Conversation) -> None:
    asked.say(b"HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\nhalf")
    await asked.until_left()


async def streaming_and_hanging(asked: Conversation) -> None:
    asked.say(EVENT_STREAM, chunk(CHUNKS[0]))
    await asked.until_left()


@asynccontextmanager
async def kept(
    spool_folder: Path, *answers: Answer, other_calls: int = 0
) -> AsyncIterator[tuple[Proxy, RawProvider, RawAgent]]:
    """Open all connections with a call that is over; *answers* are to the next ones."""

    async def on_one_connection(asked: Conversation) -> None:
        await fine(asked)
        for answer in answers:
            head = await asked.reader.readuntil(b"\r\n\r\n")
            length = int(head.lower().partition(b"content-length:")[2].split()[0])
            body = await asked.reader.readexactly(length)
            following = Conversation(head, body, asked.reader, asked.writer)
            provider.asked.append(following)
            provider.was_asked.set()
            await answer(following)

    async with (
        raw_provider(on_one_connection) as provider,
        open_proxy(spool_folder, provider.base_url, other_calls=other_calls) as proxy,
        raw_agent(proxy, request(proxy, PLAIN), has_small_buffers=True) as agent,
    ):
        await agent.until(ANSWER)
        agent.arrived.clear()
        yield proxy, provider, agent


async def second(proxy: Proxy) -> CallRecord:
    return (await proxy.settled(2))[1]


def had_a_task(record: CallRecord) -> bool:
    return record.request_id != str(record.call_id)


async def test_a_plain_call_has_no_task(spool_folder: Path) -> None:
    async with kept(spool_folder, fine) as (proxy, provider, agent):
        agent.say(request(proxy, PLAIN))

        await agent.until(ANSWER)

        first, following = await proxy.settled(2)
    assert not had_a_task(first)
    assert not had_a_task(following)
    assert f"x-request-id: {following.request_id}\r\n".encode() in agent.arrived
    assert following.status is CallStatus.COMPLETED
    assert (following.usage.input_tokens, following.usage.output_tokens) == (7, 3)
    assert provider.connections == 1
    assert f"authorization: Bearer {KEY}".encode() in provider.asked[1].head
    assert provider.asked[1].body == PLAIN


class DecidedTracer:
    """Of every trace it is decided whether it is sampled; spans are known by number."""

    def __init__(self, *, is_sampled: bool) -> None:
        self._is_sampled = is_sampled
        self.begun: list[tuple[str, TraceContext | None]] = []

    def begin(
        self,
        name: str,
        _kind: Kind,
        *,
        parent: TraceContext | None,
        attributes: Attributes,  # noqa: ARG002 - a tracer is called by these names
    ) -> Span:
        self.begun.append((name, parent))
        return DecidedSpan(self.context_of(len(self.begun)))

    def context_of(self, number: int) -> TraceContext:
        return TraceContext("a" * 32, f"{number:016x}", is_sampled=self._is_sampled)


class DecidedSpan:
    def __init__(self, context: TraceContext) -> None:
        self.context: TraceContext | None = context

    def note(self, attributes: Attributes) -> None: ...

    def fail(self, error_type: str) -> None: ...

    def end(self) -> None: ...


@pytest.mark.parametrize("is_sampled", [True, False])
async def test_a_call_that_is_told_of_has_a_task_and_one_that_is_not_has_none(
    spool_folder: Path, *, is_sampled: bool
) -> None:
    tracer = DecidedTracer(is_sampled=is_sampled)
    async with kept(spool_folder, fine) as (proxy, _, agent):
        with tracing_with(tracer):
            agent.say(request(proxy, PLAIN))

            await agent.until(ANSWER)

            record = await second(proxy)
    assert had_a_task(record) is is_sampled
    assert [parent for name, parent in tracer.begun if name == "model_call"] == [None]


async def test_a_call_that_goes_on_in_a_task_stays_in_its_trace(
    spool_folder: Path,
) -> None:
    long = json.dumps({"choices": ["x" * 300_000]}).encode()
    tracer = DecidedTracer(is_sampled=False)
    async with kept(spool_folder, saying(whole(long))) as (proxy, _, agent):
        with tracing_with(tracer):
            agent.say(request(proxy, PLAIN))

            await agent.until(long)

            await second(proxy)
    assert tracer.begun == [
        ("model_call", None),
        (f"chat {MODEL}", tracer.context_of(1)),
    ]


async def test_a_stream_has_none_either(spool_folder: Path) -> None:
    events = (*CHUNKS, DONE)
    pieces = (EVENT_STREAM, *map(chunk, events), LAST_CHUNK)
    async with kept(spool_folder, saying(*pieces)) as (proxy, _, agent):
        agent.say(request(proxy, chat()))

        await agent.until(LAST_CHUNK)

        record = await second(proxy)
    assert not had_a_task(record)
    assert (record.status, record.is_streamed) == (CallStatus.COMPLETED, True)
    assert record.time_to_first_token_ms is not None
    assert all(each in agent.arrived for each in events)


@dataclass
class Endless:
    """Streams without an end, as far as it is read."""

    said_bytes: int = 0

    async def __call__(self, asked: Conversation) -> None:
        asked.say(EVENT_STREAM)
        events = chunk(CHUNKS[0] * 400)
        while not asked.writer.is_closing():
            asked.say(events)
            await asked.writer.drain()
            self.said_bytes += len(events)


@pytest.mark.parametrize("other_calls", [0, 100])
async def test_a_stream_waits_for_the_agent_that_does_not_read(
    spool_folder: Path, other_calls: int
) -> None:
    endless = Endless()
    async with kept(spool_folder, endless, other_calls=other_calls) as rig:
        proxy, _, agent = rig
        agent.say(request(proxy, chat()))
        await agent.until(CHUNKS[0])

        for _ in range(2000):
            await asyncio.sleep(0)

        said_to_nobody = endless.said_bytes
        # The control: the same provider says more to whoever reads.
        async with asyncio.timeout(30):
            while endless.said_bytes < MUCH_BYTES:
                assert await agent.reader.read(65536)
    assert said_to_nobody < MUCH_BYTES


async def test_a_credential_is_swapped_between_two_calls(spool_folder: Path) -> None:
    async with kept(spool_folder, fine) as (proxy, provider, agent):
        fields = lease_of("", fields={"api_key": "sk-newer"}).credential.fields
        proxy.change_credential(version=2, fields=fields)
        agent.say(request(proxy, PLAIN))

        await agent.until(ANSWER)

    assert b"authorization: Bearer sk-newer" in provider.asked[1].head


@pytest.mark.parametrize(
    ("change", "status"),
    [
        pytest.param(lambda proxy: proxy.hosted.remove(proxy.agent), 401, id="stopped"),
        pytest.param(
            lambda proxy: setattr(proxy.agent, "delivered", frozenset()), 401, id="key"
        ),
        pytest.param(lambda proxy: proxy.allow("another"), 403, id="model"),
        pytest.param(
            lambda proxy: proxy.change_credential(enabled=False), 503, id="provider"
        ),
    ],
)
async def test_what_is_forbidden_meanwhile_is_refused_at_once(
    spool_folder: Path, change: Callable[[Proxy], None], status: int
) -> None:
    async with kept(spool_folder, fine) as (proxy, provider, agent):
        change(proxy)
        agent.say(request(proxy, PLAIN))

        await agent.until(b"\r\n\r\n")

    assert agent.arrived.startswith(b"HTTP/1.1 %d " % status)
    assert len(provider.asked) == 1


async def test_a_providers_error_passes_and_is_explained(spool_folder: Path) -> None:
    failing = saying(whole(ERROR, status="429 Too Many Requests"))
    async with kept(spool_folder, failing) as (proxy, _, agent):
        agent.say(request(proxy, PLAIN))

        await agent.until(ERROR)

        record = await second(proxy)
    assert agent.arrived.startswith(b"HTTP/1.1 429 ")
    assert (record.status, record.http_status) == (CallStatus.FAILED, 429)
    assert record.explanation is not None


@pytest.mark.parametrize(
    "answer",
    [
        pytest.param(saying(), id="nothing"),
        pytest.param(saying(b"HTTP/1.1 200 OK\r\ncontent-le"), id="half a head"),
        pytest.param(
            saying(b"HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\nhalf"), id="half"
        ),
        pytest.param(saying(b"220 smtp\r\n"), id="another protocol"),
    ],
)
async def test_an_answer_that_breaks_off_is_explained(
    spool_folder: Path, answer: Answer
) -> None:
    async with kept(spool_folder, answer) as (proxy, _, agent):
        agent.say(request(proxy, PLAIN))

        await agent.until(b'"error"')

        record = await second(proxy)
    assert agent.arrived.startswith(b"HTTP/1.1 502 ")
    assert (record.status, len(record.attempts)) == (CallStatus.FAILED, 1)
    assert record.explanation is not None


async def test_a_stream_that_breaks_off_is_cut(spool_folder: Path) -> None:
    cut = saying(EVENT_STREAM, chunk(CHUNKS[0]))
    async with kept(spool_folder, cut) as (proxy, _, agent):
        agent.say(request(proxy, chat()))

        said = await agent.until_closed()

        record = await second(proxy)
    assert CHUNKS[0] in said
    assert not said.endswith(LAST_CHUNK)
    assert record.status is CallStatus.FAILED


@pytest.mark.parametrize(
    ("answer", "body", "mark"),
    [
        pytest.param(hanging, PLAIN, None, id="whole"),
        pytest.param(streaming_and_hanging, chat(), CHUNKS[0], id="streamed"),
    ],
)
async def test_an_agent_that_goes_away_ends_the_call_and_its_request(
    spool_folder: Path, answer: Answer, body: bytes, mark: bytes | None
) -> None:
    async with kept(spool_folder, answer) as (proxy, provider, agent):
        agent.say(request(proxy, body))
        if mark is not None:
            await agent.until(mark)
        await provider.until_asked(times=2)

        agent.leave()

        await provider.until_left(seconds=10)
        record = await second(proxy)
    assert record.status is CallStatus.CANCELLED


@pytest.mark.parametrize(
    ("body", "pieces", "end"),
    [
        pytest.param(PLAIN, [whole(ANSWER)], ANSWER, id="whole"),
        pytest.param(
            chat(),
            [EVENT_STREAM, chunk(CHUNKS[0]), chunk(DONE), LAST_CHUNK],
            LAST_CHUNK,
            id="streamed",
        ),
    ],
)
async def test_an_agent_that_leaves_an_answer_unread_breaks_no_later_call(
    spool_folder: Path, body: bytes, pieces: list[bytes], end: bytes
) -> None:
    has_left = asyncio.Event()

    async def answer_once_it_left(asked: Conversation) -> None:
        await has_left.wait()
        asked.say(whole(ANSWER))

    async with (
        kept(spool_folder, saying(*pieces), answer_once_it_left) as (
            proxy,
            provider,
            agent,
        ),
        wired(proxy.calls, in_callbacks=proxy.calls.directly) as slow,
    ):
        slow.read_nothing()
        slow.say(request(proxy, body))
        await slow.until(end)
        agent.say(request(proxy, PLAIN))
        await provider.until_asked(times=3)

        slow.leave()
        has_left.set()

        await agent.until(ANSWER)
    assert slow.has_let_go
    assert provider.connections == 1


async def test_a_long_answer_goes_on_in_a_task_and_is_whole(spool_folder: Path) -> None:
    text = "x" * 300_000
    long = json.dumps({"choices": [text], "usage": {"prompt_tokens": 7}}).encode()
    async with kept(spool_folder, saying(whole(long))) as (proxy, _, agent):
        agent.say(request(proxy, PLAIN))

        await agent.until(long)

        record = await second(proxy)
    assert (record.status, record.usage.input_tokens) == (CallStatus.COMPLETED, 7)


class FaultyLimits(Unlimited):
    """Limits with a fault of ours, which a task does not meet."""

    def admit_at_once(
        self, agent: ModelCaller, credential: LeasedCredential
    ) -> Unlimited:
        raise LookupError(agent, credential)


async def test_a_fault_of_ours_in_callbacks_leaves_the_call_to_a_task(
    spool_folder: Path,
) -> None:
    async def on_each_connection(asked: Conversation) -> None:
        asked.say(whole(ANSWER))

    async with (
        raw_provider(on_each_connection) as provider,
        open_proxy(spool_folder, provider.base_url, limits=FaultyLimits()) as proxy,
        raw_agent(proxy, request(proxy, PLAIN)) as agent,
    ):
        await agent.until(ANSWER)


class FaultyConnection:
    """A connection with a fault of ours: nobody can be asked over it."""

    def ask(self, *_: object) -> None:
        raise LookupError(self)

    def abort(self) -> None: ...


class FaultyClient(Client):
    """Has one faulty connection at rest, which is the first that is used."""

    def __init__(self, client: Client) -> None:
        vars(self).update(vars(client))
        self.faulty = [FaultyConnection()]

    def take(self, origin: Origin) -> ClientConnection | None:
        if self.faulty:
            return cast(ClientConnection, self.faulty.pop())
        return super().take(origin)


async def test_a_fault_of_ours_in_a_call_that_was_opened_ends_it(
    spool_folder: Path,
) -> None:
    async with (
        raw_provider(fine) as provider,
        open_proxy(spool_folder, provider.base_url, client_of=FaultyClient) as proxy,
        raw_agent(proxy, request(proxy, PLAIN)) as agent,
    ):
        await agent.until(b"\r\n\r\n")

        record = await proxy.settled_one()
    assert agent.arrived.startswith(b"HTTP/1.1 500 ")
    assert record.status is CallStatus.FAILED
    assert provider.asked == []


@dataclass
class Connecting:
    """What happens to a client's connections while they are made."""

    has_begun: asyncio.Event = field(default_factory=asyncio.Event)
    may_end: asyncio.Event = field(default_factory=asyncio.Event)
    was_given_up: asyncio.Event = field(default_factory=asyncio.Event)
    at_end: Callable[[], object] = lambda: None
    """Called when a connection stands or failed, before its call hears of it."""
    made: list[ClientConnection] = field(default_factory=list)
    is_in_vain: bool = False

    def client_of(self, client: Client) -> Client:
        return SlowClient(client, self)


class SlowClient(Client):
    def __init__(self, client: Client, connecting: Connecting) -> None:
        vars(self).update(vars(client))
        self._connecting = connecting

    async def connect(self, origin: Origin) -> ClientConnection:
        connecting = self._connecting
        connecting.has_begun.set()
        try:
            await connecting.may_end.wait()
        except asyncio.CancelledError:
            connecting.was_given_up.set()
            raise
        try:
            if connecting.is_in_vain:
                raise ConnectingFailedError
            connection = await super().connect(origin)
        finally:
            asyncio.get_running_loop().call_soon(connecting.at_end)
        connecting.made.append(connection)
        return connection


async def test_an_agent_that_leaves_while_its_call_connects_ends_both(
    spool_folder: Path,
) -> None:
    connecting = Connecting()
    async with (
        raw_provider(fine) as provider,
        open_proxy(
            spool_folder, provider.base_url, client_of=connecting.client_of
        ) as proxy,
        raw_agent(proxy, request(proxy, PLAIN)) as agent,
    ):
        async with asyncio.timeout(30):
            await connecting.has_begun.wait()

            agent.leave()

            await connecting.was_given_up.wait()
        record = await proxy.settled_one()
    assert record.status is CallStatus.CANCELLED
    assert provider.connections == 0


@pytest.mark.parametrize("is_in_vain", [False, True])
async def test_an_agent_that_leaves_as_its_call_has_connected_leaves_nothing(
    spool_folder: Path, *, is_in_vain: bool
) -> None:
    connecting = Connecting(is_in_vain=is_in_vain)
    async with (
        raw_provider(fine) as provider,
        open_proxy(
            spool_folder, provider.base_url, client_of=connecting.client_of
        ) as proxy,
        wired(proxy.calls, in_callbacks=proxy.calls.directly) as leaving,
    ):
        connecting.at_end = leaving.leave
        leaving.say(request(proxy, PLAIN))
        async with asyncio.timeout(30):
            await connecting.has_begun.wait()

        connecting.may_end.set()

        record = await proxy.settled_one()
        await asyncio.sleep(0)  # what waits for the connection hears of it
        assert all(not each.is_ready for each in connecting.made)
    assert record.status is CallStatus.CANCELLED
    assert leaving.has_let_go
    assert provider.asked == []


async def test_a_provider_that_takes_no_connection_is_explained(
    spool_folder: Path,
) -> None:
    async with raw_provider(fine) as gone:
        base_url = gone.base_url
    async with (
        open_proxy(spool_folder, base_url) as proxy,
        raw_agent(proxy, request(proxy, PLAIN)) as agent,
    ):
        await agent.until(b'"error"')

        record = await proxy.settled_one()
    assert agent.arrived.startswith(b"HTTP/1.1 502 ")
    assert not had_a_task(record)
    assert (record.status, record.http_status) == (CallStatus.FAILED, None)
    assert record.explanation is not None


class LosingClient(Client):
    """Loses each connection before its call hears of it."""

    def __init__(self, client: Client) -> None:
        vars(self).update(vars(client))

    async def connect(self, origin: Origin) -> ClientConnection:
        connection = await super().connect(origin)
        connection.abort()
        await asyncio.sleep(0)  # it hears of its end
        return connection


async def test_a_provider_that_hangs_up_as_soon_as_it_is_reached_is_explained(
    spool_folder: Path,
) -> None:
    async with (
        raw_provider(fine) as provider,
        open_proxy(spool_folder, provider.base_url, client_of=LosingClient) as proxy,
        raw_agent(proxy, request(proxy, PLAIN)) as agent,
    ):
        await agent.until(b'"error"')

        record = await proxy.settled_one()
    assert agent.arrived.startswith(b"HTTP/1.1 502 ")
    assert (record.status, record.http_status) == (CallStatus.FAILED, None)


async def test_an_agent_that_leaves_while_the_spool_is_broken_keeps_no_room(
    tmp_path: Path,
) -> None:
    async with (
        kept(tmp_path / "spool", hanging) as (proxy, provider, _),
        wired(proxy.calls, in_callbacks=proxy.calls.directly) as leaving,
    ):
        leaving.say(request(proxy, PLAIN))
        await provider.until_asked(times=2)
        proxy.spool.before_settling = break_down

        leaving.leave()
    assert leaving.has_let_go


@pytest.mark.parametrize("other_calls", [0, 100])
async def test_an_answer_that_cannot_be_settled_is_not_given(
    tmp_path: Path, other_calls: int
) -> None:
    async with kept(tmp_path / "spool", fine, other_calls=other_calls) as rig:
        proxy, _, agent = rig
        proxy.spool.before_settling = break_down

        agent.say(request(proxy, PLAIN))

        await agent.until(b"service_unavailable")
    assert agent.arrived.startswith(b"HTTP/1.1 503 ")
    assert ANSWER not in agent.arrived


async def test_a_model_outside_the_catalogue_of_the_type_is_refused(
    spool_folder: Path,
) -> None:
    async with kept(spool_folder, fine) as (proxy, provider, agent):
        agent.say(request(proxy, PLAIN.replace(MODEL.encode(), b"another")))

        await agent.until(b"\r\n\r\n")

    assert agent.arrived.startswith(b"HTTP/1.1 403 ")
    assert len(provider.asked) == 1
