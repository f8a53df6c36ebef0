"""What each step of a call costs the processor: `python -m benchmarks.proxy.steps`.

Every step runs alone and warm, without a socket; the best of several repeats is shown,
which a busy machine disturbs least. The last figures are of plain calls, which have no
task, with both parsers; the rest of a call is the event loop and the kernel: compare
with the figures of `make bench-proxy`.
"""

import asyncio
import tempfile
from collections.abc import Callable, Coroutine
from datetime import UTC, datetime
from pathlib import Path
from timeit import repeat
from typing import Any, cast

from agent_runner.hosted_agents import HostedAgent, HostedAgents
from agent_runner.http.answer import Answer, Source
from agent_runner.http.client import Client
from agent_runner.http.exchange import Exchange, Serve, Way
from agent_runner.http.limits import Capacity, Limits
from agent_runner.http.messages import Fields, RequestHead, encode_fields
from agent_runner.http.urls import parted
from agent_runner.proxy.admission import Unlimited
from agent_runner.proxy.application import ProxyApplication
from agent_runner.proxy.calls import CallBook, interrupted
from agent_runner.proxy.forwarding import Forwarding
from agent_runner.proxy.headers import response_fields
from agent_runner.proxy.large_bodies import LargeBodies
from agent_runner.proxy.openai.wire_format import OPENAI
from agent_runner.proxy.paths import place_of
from agent_runner.proxy.wire_format import Asked, Reply
from agent_runner.spool.spool import Spool
from agent_runner.tenure import Tenure, boot_time
from shared.contracts.metrics import CallStatus

from .asking import ANSWER, EVENTS, KEY, MODEL, PLAIN, chat, token_of
from .bytes_to_bytes import bytes_to_bytes
from .ours import HOST, agent

_TIMES = 20
_REPEATS = 500
_PATH = f"/a/{token_of(PLAIN)}/openai/v1/chat/completions"
_REQUEST_FIELDS: Fields = [
    (b"host", b"127.0.0.1:8090"),
    (b"accept", b"application/json"),
    (b"content-type", b"application/json"),
    (b"user-agent", b"AsyncOpenAI/Python 3.54.0"),
    (b"x-stainless-lang", b"python"),
    (b"x-stainless-package-version", b"3.54.0"),
    (b"x-stainless-os", b"Linux"),
    (b"x-stainless-async", b"async:asyncio"),
    (b"authorization", b"Bearer " + KEY.encode()),
    (b"content-length", b"300"),
]
_ANSWER_FIELDS: Fields = [
    (b"server", b"nginx"),
    (b"date", b"Sat, 28 Nov 2026 12:00:00 GMT"),
    (b"content-type", b"application/json"),
    (b"content-length", b"700"),
    (b"x-request-id", b"req_0123456789abcdef"),
    (b"openai-processing-ms", b"250"),
]


class NoWay:
    """Takes what is sent, and sends nothing."""

    def send(self, _: bytes) -> None: ...

    def send_whole(self, _: bytes) -> None: ...

    async def until_read(self) -> None: ...

    def once_read(self, _: Callable[[], None]) -> bool:
        return True

    def serve(self, _: Exchange, __: Serve | None) -> None: ...

    def finish(self, _: Exchange) -> None: ...

    def date(self) -> bytes:
        return b"now"

    def pause(self) -> None: ...

    def resume(self) -> None: ...


class Answering:
    """In a client's place: every request is answered at once."""

    def __init__(self, body: bytes, fields: Fields) -> None:
        self._body = body
        self._fields = fields

    def asking(self, *_: object, **__: object) -> "Answering":
        return self

    async def __aenter__(self) -> Answer:
        answer = Answer(cast(Source, NoWay()))
        answer.begin(200, self._fields)
        answer.take(self._body)
        answer.receive()
        return answer

    async def __aexit__(self, *_: object) -> None: ...


async def main() -> None:
    with (
        tempfile.TemporaryDirectory(dir=".") as folder,
        Spool.open(Path(folder), interrupted=interrupted) as spool,
    ):
        show_steps(spool)
        show_whole(spool)
        async with asyncio.TaskGroup() as tasks:
            with bytes_to_bytes(spool, tasks) as between:
                show("from bytes to bytes, in callbacks", between.whole)
                show("the same, 64 chunks in a burst", between.streamed)


def show_steps(spool: Spool) -> None:
    caller = agent("http://127.0.0.1:1/v1", token=token_of(PLAIN))
    hosted = HostedAgents(Tenure(runner="r", epoch=1, asked_at=boot_time()))
    hosted.add(caller)
    body = chat(MODEL)
    place = place_of(_PATH)
    route = place.format.route_of("POST", place.path, "")
    asked = Asked(route, place.format.read_request(route, body), _REQUEST_FIELDS)
    credential = caller.lease.credential
    outgoing = OPENAI.outgoing(asked, credential, datetime.now(UTC))
    reply = Reply(200, _ANSWER_FIELDS, ANSWER.encode())
    book = CallBook(spool, runner="runner-1")

    def account() -> None:
        call = book.open(
            caller, credential, asked, request_id="0" * 36, admission=Unlimited()
        )
        call.settle(CallStatus.COMPLETED)

    show("find path and format", lambda: place_of(_PATH))
    show("identify: token and key", lambda: identify(hosted, caller))
    show("read the body strictly", lambda: place.format.read_request(route, body))
    show(
        "head for the provider",
        lambda: (
            OPENAI.outgoing(asked, credential, datetime.now(UTC)),
            parted(outgoing.url),
            encode_fields(outgoing.fields),
        ),
    )
    show("account: opened and settled in the spool", account)
    show("read the usage of an answer", lambda: OPENAI.outcome_of(asked, reply))
    show("fields for the agent", lambda: response_fields(_ANSWER_FIELDS))
    show("watch a stream of 64 events", lambda: watch(asked))


def show_whole(spool: Spool) -> None:
    plain = Answering(ANSWER.encode(), _ANSWER_FIELDS)
    show(
        "a whole call in a task, all of the above",
        whole_call(spool, plain, chat(MODEL)),
    )
    burst = Answering(
        "".join(EVENTS).encode(), [(b"content-type", b"text/event-stream")]
    )
    show(
        "the same, streamed in a burst",
        whole_call(spool, burst, chat(MODEL, is_streamed=True)),
    )


def whole_call(spool: Spool, client: Answering, body: bytes) -> Callable[[], None]:
    caller = agent("http://127.0.0.1:1/v1", token=token_of(PLAIN))
    hosted = HostedAgents(Tenure(runner="r", epoch=1, asked_at=boot_time()))
    hosted.add(caller)
    book = CallBook(spool, runner="runner-1")
    large_bodies = LargeBodies()
    application = ProxyApplication(
        hosted,
        Forwarding(client=cast(Client, client), book=book, large_bodies=large_bodies),
        large_bodies,
    )
    return lambda: run(application.serve(exchange(body)))


def identify(hosted: HostedAgents, caller: HostedAgent) -> None:
    found = hosted.identify(caller.token, reached_at=HOST)
    assert found.was_given(OPENAI.key_of(_REQUEST_FIELDS))  # noqa: S101


def watch(asked: Asked) -> None:
    stream = OPENAI.stream_of(asked, "text/event-stream")
    if stream is not None:
        stream.feed("".join(EVENTS).encode())
        stream.end()


def exchange(body: bytes) -> Exchange:
    limits = Limits()
    made = Exchange(
        RequestHead(b"POST", _PATH.encode(), _REQUEST_FIELDS, HOST),
        way=cast(Way, NoWay()),
        capacity=Capacity(limits),
        longest_body_bytes=limits.longest_body_bytes,
        content_length=len(body),
        expects_continue=False,
        is_chunked=True,
        is_last=False,
    )
    made.take(body)
    made.receive()
    return made


def run(call: Coroutine[Any, Any, None]) -> None:
    """Run what never waits."""
    try:
        call.send(None)
    except StopIteration:
        return
    raise RuntimeError("it waits")


def show(what: str, step: Callable[[], object]) -> None:
    best = min(repeat(step, number=_TIMES, repeat=_REPEATS)) / _TIMES * 1e6
    print(f"{what:<44}{best:>10.1f} µs")


if __name__ == "__main__":
    asyncio.run(main())  # agents want an event loop; nothing waits for it
