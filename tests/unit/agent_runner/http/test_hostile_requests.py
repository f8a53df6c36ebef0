"""Requests that two servers could read differently, that are no requests, or too much.

The shapes are those of the published work on request smuggling (James Kettle, "HTTP
Desync Attacks", 2019, and its successors) and of RFC 9112, section 11.
"""

import asyncio
import tracemalloc
from contextlib import suppress
from datetime import timedelta

import pytest

from agent_runner.http.exchange import Exchange
from agent_runner.http.limits import Limits

from .talking import echo, post, talking

HEAD = b"POST /x HTTP/1.1\r\nHost: a\r\n"
CHUNKED = HEAD + b"Transfer-Encoding: chunked\r\n\r\n"
SMUGGLED = b"GET /smuggled HTTP/1.1\r\nHost: a\r\n\r\n"
DAY = timedelta(days=1)

UNCLEAR = {
    "two lengths": HEAD + b"Content-Length: 1\r\nContent-Length: 2\r\n\r\nxx",
    "the same length twice": HEAD + b"Content-Length: 1\r\nContent-Length: 1\r\n\r\nx",
    "a list of lengths": HEAD + b"Content-Length: 1, 1\r\n\r\nx",
    "a signed length": HEAD + b"Content-Length: +1\r\n\r\nx",
    "a negative length": HEAD + b"Content-Length: -1\r\n\r\n",
    "a length in hexadecimals": HEAD + b"Content-Length: 0x1\r\n\r\nx",
    "a length of two words": HEAD + b"Content-Length: 1 1\r\n\r\nx",
    "no length": HEAD + b"Content-Length: \r\n\r\n",
    "a length beyond numbers": HEAD + b"Content-Length: 99999999999999999999\r\n\r\n",
    "length, then chunked": HEAD
    + b"Content-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    "chunked, then length": HEAD
    + b"Transfer-Encoding: chunked\r\nContent-Length: 4\r\n\r\n0\r\n\r\n",
    "chunked twice": HEAD
    + b"Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    "chunked, chunked": HEAD + b"Transfer-Encoding: chunked, chunked\r\n\r\n0\r\n\r\n",
    "gzip, chunked": HEAD + b"Transfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n",
    "chunked, identity": HEAD
    + b"Transfer-Encoding: chunked, identity\r\n\r\n0\r\n\r\n",
    "identity": HEAD + b"Transfer-Encoding: identity\r\n\r\n",
    "xchunked": HEAD + b"Transfer-Encoding: xchunked\r\n\r\n0\r\n\r\n",
    "chunked with a vertical tab": HEAD
    + b"Transfer-Encoding: \x0bchunked\r\n\r\n0\r\n\r\n",
    "chunked behind a space": HEAD + b"Transfer-Encoding : chunked\r\n\r\n0\r\n\r\n",
    "chunked on a folded line": HEAD
    + b"Transfer-Encoding:\r\n chunked\r\n\r\n0\r\n\r\n",
    "chunked in HTTP/1.0": CHUNKED.replace(b"/1.1", b"/1.0") + b"0\r\n\r\n",
    "a folded field": HEAD + b"X: a\r\n b\r\n\r\n",
    "a folded length": HEAD + b"Content-Length:\r\n 1\r\n\r\nx",
    "a bare LF behind a field": HEAD + b"X: a\nContent-Length: 1\r\n\r\nx",
    "bare LFs": b"POST /x HTTP/1.1\nHost: a\n\n",
    "a bare LF at the end": HEAD + b"X: a\r\n\n",
    "a bare CR in a field": HEAD + b"X: a\rContent-Length: 1\r\n\r\nx",
    "NUL in a field": HEAD + b"X: a\0b\r\n\r\n",
    "a control character in a field": HEAD + b"Authorization: Bearer x\x01\r\n\r\n",
    "a space in a name": HEAD + b"X Y: a\r\n\r\n",
    "a control character in a name": HEAD + b"X\x01: a\r\n\r\n",
    "a field without a name": HEAD + b": a\r\n\r\n",
    "a field without a colon": HEAD + b"Xa\r\n\r\n",
    "a space before the first field": b"POST /x HTTP/1.1\r\n Host: a\r\n\r\n",
    "a chunk size with a sign": CHUNKED + b"+1\r\nx\r\n0\r\n\r\n",
    "a chunk size with a prefix": CHUNKED + b"0x1\r\nx\r\n0\r\n\r\n",
    "a chunk size with a space": CHUNKED + b"1 \r\nx\r\n0\r\n\r\n",
    "a chunk size beyond numbers": CHUNKED + b"fffffffffffffffff\r\nx\r\n0\r\n\r\n",
    "a chunk longer than its size": CHUNKED + b"1\r\nxx\r\n0\r\n\r\n",
    "a chunk ended by a bare LF": CHUNKED + b"1\nx\n0\n\n",
    "a chunk extension with a bare LF": CHUNKED + b"1;a\nb\r\nx\r\n0\r\n\r\n",
    "a length among the trailers": CHUNKED + b"0\r\nContent-Length: 3\r\n\r\nabc",
    "no host": b"POST /x HTTP/1.1\r\n\r\n",
    "two hosts": b"POST /x HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n",
    "an unknown expectation": HEAD + b"Expect: 200-ok\r\n\r\n",
}
NO_REQUESTS = {
    "TLS": b"\x16\x03\x01\x02\x00\x01\x00",
    "HTTP/2": b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
    "HTTP/2.0": b"GET /x HTTP/2.0\r\nHost: a\r\n\r\n",
    "HTTP/1.2": b"GET /x HTTP/1.2\r\nHost: a\r\n\r\n",
    "HTTP in lower case": b"GET /x http/1.1\r\nHost: a\r\n\r\n",
    "a method in lower case": b"get /x HTTP/1.1\r\nHost: a\r\n\r\n",
    "an unknown method": b"FROBNICATE /x HTTP/1.1\r\nHost: a\r\n\r\n",
    "a tab behind the method": b"GET\t/x HTTP/1.1\r\nHost: a\r\n\r\n",
    "a space in the target": b"GET /x y HTTP/1.1\r\nHost: a\r\n\r\n",
    "a control character in the target": b"GET /x\x01 HTTP/1.1\r\nHost: a\r\n\r\n",
    "a target that is no ASCII": b"GET /x\xff HTTP/1.1\r\nHost: a\r\n\r\n",
    "text": b"Hello, is there anybody?\r\n\r\n",
}
LIMITS = Limits(
    longest_target_bytes=100,
    longest_head_bytes=2000,
    most_fields=10,
    longest_body_bytes=10_000,
    idle=DAY,
    head=DAY,
    patience=DAY,
)
TOO_LARGE = {
    "a long target": (b"GET /" + b"x" * 200 + b" HTTP/1.1\r\nHost: a\r\n\r\n", 431),
    "a long field": (HEAD + b"X: " + b"x" * 3000 + b"\r\n\r\n", 431),
    "a long name": (HEAD + b"x" * 3000 + b": x\r\n\r\n", 431),
    "many fields": (HEAD + b"".join(b"X-%d: x\r\n" % n for n in range(20)), 431),
    "many long trailers": (
        CHUNKED + b"0\r\n" + b"".join(b"X-%d: x\r\n" % n for n in range(900)),
        431,
    ),
    "a long body": (HEAD + b"Content-Length: 10001\r\n\r\n", 413),
    "long chunks": (CHUNKED + b"2711\r\n" + b"x" * 10_001 + b"\r\n", 413),
    "many chunks": (CHUNKED + b"400\r\n%b\r\n" % (b"x" * 1024) * 11, 413),
}

ENDLESS = {
    "a target": b"GET /" + b"x" * 500,
    "a name": HEAD + b"x" * 5000,
    "a field": HEAD + b"X: " + b"x" * 5000,
    "a chunk extension": CHUNKED + b"1;" + b"x" * 5000,
    "a trailer": CHUNKED + b"0\r\nX: " + b"x" * 5000,
}


@pytest.mark.parametrize("name", [*UNCLEAR, *NO_REQUESTS])
async def test_what_is_no_clear_request_is_refused_and_ends_the_connection(
    name: str,
) -> None:
    sent = (UNCLEAR | NO_REQUESTS)[name]
    async with talking() as server:
        arrived = await server.exchange(sent, SMUGGLED)

    assert arrived.startswith(b"HTTP/1.1 400 Bad Request\r\n")
    assert b'"code": "MALFORMED_REQUEST"' in arrived
    assert b"\r\nconnection: close\r\n" in arrived
    assert arrived.count(b"\r\ncontent-length: ") == 1
    assert not any(each.target == b"/smuggled" for each in server.application.asked)


async def test_what_is_clear_is_no_refused_request() -> None:
    async with talking() as server:
        talk = await server.connect(
            post(b"x"), CHUNKED, b"1\r\nx\r\n0\r\n\r\n", SMUGGLED
        )
        await talk.until(b"HTTP/1.1 200", count=3)

    targets = [each.target for each in server.application.asked]
    assert targets == [b"/x", b"/x", b"/smuggled"]


@pytest.mark.parametrize("name", UNCLEAR)
async def test_what_was_asked_before_the_unclear_is_answered_before(name: str) -> None:
    async with talking() as server:
        arrived = await server.exchange(post(b"first"), UNCLEAR[name])

    assert arrived.startswith(b"HTTP/1.1 200 OK\r\n")
    assert b"firstHTTP/1.1 400" in arrived


@pytest.mark.parametrize("name", TOO_LARGE)
async def test_what_is_too_large_is_refused(name: str) -> None:
    sent, status = TOO_LARGE[name]
    async with talking(limits=LIMITS) as server:
        arrived = await server.exchange(sent)

    assert arrived.startswith(b"HTTP/1.1 %d " % status)
    assert arrived.count(b"HTTP/1.1") == 1


@pytest.mark.parametrize("name", ENDLESS)
@pytest.mark.parametrize("step", [50, 1000])
async def test_what_does_not_end_is_refused(name: str, step: int) -> None:
    sent = ENDLESS[name]
    async with talking(limits=LIMITS) as server:
        talk = await server.connect()
        for start in range(0, len(sent), step):
            talk.say(sent[start : start + step])
            await talk.writer.drain()
            await asyncio.sleep(0)

        assert (await talk.until_closed()).startswith(b"HTTP/1.1 431 ")


async def test_the_largest_is_taken() -> None:
    fields = [b"X-%d: x" % n for n in range(8)]
    async with talking(limits=LIMITS) as server:
        talk = await server.connect(
            post(b"x" * 10_000, *fields, target=b"/" + b"x" * 99)
        )
        await talk.until(b"x" * 10_000)

    assert talk.arrived.startswith(b"HTTP/1.1 200")


async def test_a_long_body_is_refused_before_it_comes() -> None:
    async with talking(limits=LIMITS) as server:
        talk = await server.connect(
            post(b"", b"Expect: 100-continue").replace(b"h: 0", b"h: 10001")
        )
        await talk.until(b"REQUEST_TOO_LARGE")

    assert b"100 Continue" not in talk.arrived


@pytest.mark.parametrize(
    "half", [b"", b"POST /", b"POST /x HTTP/1.1\r\nHost: x\r\n", HEAD + b"X-Slow: lor"]
)
async def test_a_head_that_does_not_come_is_not_waited_for(half: bytes) -> None:
    limits = Limits(idle=timedelta(seconds=0.2), head=DAY, patience=DAY)
    async with talking(limits=limits) as server:
        assert await server.exchange(half) == b""


async def test_a_head_that_drips_is_not_waited_for_either() -> None:
    limits = Limits(idle=DAY, head=timedelta(seconds=0.2), patience=DAY)
    async with talking(limits=limits) as server:
        talk = await server.connect(HEAD)
        closing = asyncio.ensure_future(talk.until_closed())
        while not closing.done():
            talk.say(b"X: y\r\n"[:1])
            await asyncio.sleep(0.02)

        with suppress(ConnectionResetError):  # of what dripped in after the end
            await closing
        assert talk.arrived == b""


async def test_a_body_that_does_not_come_is_not_waited_for() -> None:
    limits = Limits(idle=DAY, head=DAY, patience=timedelta(seconds=0.2))
    async with talking(limits=limits) as server:
        arrived = await server.exchange(post(b"hello")[:-1])

    assert arrived.startswith(b"HTTP/1.1 400")
    assert b"in time" in arrived


async def test_a_client_that_stops_reading_is_given_up() -> None:
    async def endless(exchange: Exchange) -> None:
        exchange.begin(200, [])
        while True:
            await exchange.write(b"x" * 65536)

    limits = Limits(idle=DAY, head=DAY, patience=timedelta(seconds=0.3))
    async with talking(endless, limits=limits) as server:
        await server.connect(post(), has_small_buffers=True)

        await server.until_cancelled()
        # What lies unread does not keep the connection: it is not even flushed.
        await server.until_connected(0)


async def test_past_capacity_a_request_is_refused_at_once_and_not_queued() -> None:
    may_answer = asyncio.Event()

    async def wait(exchange: Exchange) -> None:
        await may_answer.wait()
        await echo(exchange)

    limits = Limits(most_exchanges=2, idle=DAY, head=DAY, patience=DAY)
    async with talking(wait, limits=limits) as server:
        busy = [await server.connect(post(b"busy")) for _ in range(2)]
        await server.until_connected(2)
        await server.until_asked(times=2)
        late = await server.connect(post(b"late"))

        await late.until(b"SERVICE_UNAVAILABLE")

        assert late.arrived.startswith(b"HTTP/1.1 503")
        assert b"\r\nretry-after: 1\r\n" in late.arrived
        may_answer.set()
        for each in busy:
            await each.until(b"busy")
        late.say(post(b"again"))
        await late.until(b"again")


async def test_past_capacity_a_connection_is_told_so() -> None:
    limits = Limits(most_connections=1, idle=DAY, head=DAY, patience=DAY)
    async with talking(limits=limits) as server:
        first = await server.connect()
        await server.until_connected(1)

        assert (await server.exchange(post())).startswith(b"HTTP/1.1 503")

        first.say(post(b"hello"))
        await first.until(b"hello")


async def test_bodies_past_what_all_may_hold_are_refused_and_room_comes_back() -> None:
    has_body, may_answer = asyncio.Event(), asyncio.Event()

    async def wait(exchange: Exchange) -> None:
        if exchange.head.target == b"/half":
            await exchange.body()
            has_body.set()
            await may_answer.wait()
        await echo(exchange)

    limits = Limits(buffered_bytes=10_000, idle=DAY, head=DAY, patience=DAY)
    async with talking(wait, limits=limits) as server:
        half = await server.connect(post(b"x" * 9000, target=b"/half"))
        await has_body.wait()

        late = await server.connect(post(b"y" * 2000))
        await late.until(b"SERVICE_UNAVAILABLE")

        assert late.arrived.startswith(b"HTTP/1.1 503")
        assert b"\r\nretry-after: 1\r\n" in late.arrived
        may_answer.set()
        await half.until(b"x" * 9000)
        again = await server.connect(post(b"z" * 9999))
        await again.until(b"z" * 9999)


async def test_more_requests_at_once_than_may_wait_end_the_connection() -> None:
    may_answer = asyncio.Event()

    async def wait(exchange: Exchange) -> None:
        await may_answer.wait()
        await echo(exchange)

    limits = Limits(pipelined=2, idle=DAY, head=DAY, patience=DAY)
    async with talking(wait, limits=limits) as server:
        talk = await server.connect(*[post(b"x")] * 1000)
        await server.until_asked()
        may_answer.set()

        arrived = await talk.until_closed()

    assert arrived.count(b"HTTP/1.1 200") == 3
    assert arrived.count(b"HTTP/1.1 503") == 1
    assert len(server.application.asked) == 3


async def test_a_head_that_never_ends_takes_no_more_memory_than_it_may() -> None:
    async with talking(limits=LIMITS) as server:
        talk = await server.connect(HEAD, b"X: ")
        tracemalloc.start()
        for _ in range(200):
            talk.say(b"x" * 65536)
            try:
                await talk.writer.drain()
            except ConnectionError:
                break
        _, peak = tracemalloc.get_traced_memory()
        tracemalloc.stop()

    assert peak < 4 * 1024 * 1024
