import asyncio
from datetime import timedelta
from typing import cast

import pytest

from agent_runner.http.exchange import Exchange
from agent_runner.http.limits import Limits
from agent_runner.http.messages import Reply
from agent_runner.http.server_connection import ServerConnection

from .talking import SmallApplication, Talk, echo, post, talking
from .wire import Wire, wired

OK = b"HTTP/1.1 200 OK\r\n"


async def test_a_request_is_answered() -> None:
    async with talking() as server:
        talk = await server.connect(post(b"hello"))

        await talk.until(b"hello")

    assert talk.arrived.startswith(OK)
    assert b"\r\ncontent-length: 5\r\n" in talk.arrived
    assert b"\r\ndate: " in talk.arrived
    (asked,) = server.application.asked
    assert (asked.method, asked.target) == (b"POST", b"/x")
    assert asked.fields == [(b"host", b"a")]
    assert asked.reached_at == "127.0.0.1"


async def test_a_connection_serves_one_request_after_another() -> None:
    async with talking() as server:
        talk = await server.connect(post(b"one"))
        await talk.until(b"one")

        talk.say(post(b"two"))

        await talk.until(b"two")
        assert server.server.connections == 1


async def test_requests_that_come_together_are_answered_in_their_order() -> None:
    may_answer = asyncio.Event()

    async def first_waits(exchange: Exchange) -> None:
        if exchange.head.target == b"/first":
            await may_answer.wait()
        await echo(exchange)

    async with talking(first_waits) as server:
        first = post(b"1" * 50, target=b"/first")
        talk = await server.connect(first, post(b"2" * 50), post(b"3" * 50))
        await server.until_asked()
        may_answer.set()

        await talk.until(b"3" * 50)

    order = [talk.arrived.index(each * 50) for each in (b"1", b"2", b"3")]
    assert order == sorted(order)


async def test_one_request_is_in_hand_at_a_time_on_a_connection() -> None:
    in_hand = most = 0

    async def counted(exchange: Exchange) -> None:
        nonlocal in_hand, most
        in_hand += 1
        most = max(most, in_hand)
        await asyncio.sleep(0)
        await echo(exchange)
        in_hand -= 1

    async with talking(counted) as server:
        talk = await server.connect(*[post(b"%d!" % n) for n in range(8)])

        await talk.until(b"7!")

    assert most == 1


@pytest.mark.parametrize(
    "request_",
    [
        post(b"x", b"Connection: close"),
        post(b"x", b"Connection: Close, x-y"),
        post(b"x", version=b"1.0"),
        post(b"x", b"Connection: keep-alive", version=b"1.0"),
    ],
)
async def test_the_last_request_ends_the_connection(request_: bytes) -> None:
    async with talking() as server:
        arrived = await server.exchange(request_)

    assert arrived.startswith(OK)
    assert b"\r\nconnection: close\r\n" in arrived
    assert arrived.endswith(b"\r\n\r\nx")


async def test_what_follows_the_last_request_is_not_read() -> None:
    async with talking() as server:
        arrived = await server.exchange(post(b"x", b"Connection: close"), post(b"y"))

    assert arrived.count(b"HTTP/1.1") == 1
    assert len(server.application.asked) == 1


ANOTHER_PROTOCOL = (b"Connection: Upgrade, HTTP2-Settings", b"Upgrade: h2c")
CHUNKED_FOR_ANOTHER = (
    b"POST /x HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n%b\r\n%b\r\n\r\n"
    % ANOTHER_PROTOCOL
)


@pytest.mark.parametrize("then", [b"PRI * HTTP/2.0\r\n\r\n", post(b"y"), b"\0nonsense"])
async def test_a_change_of_protocol_is_not_made(then: bytes) -> None:
    async with talking() as server:
        arrived = await server.exchange(post(b"x", *ANOTHER_PROTOCOL), then)

    assert arrived.startswith(OK)
    assert arrived.endswith(b"\r\n\r\nx")
    assert len(server.application.asked) == 1


async def test_a_thousand_changes_of_protocol_in_one_packet_are_one_request() -> None:
    async with wired(SmallApplication(echo)) as client:
        client.say(post(b"x", *ANOTHER_PROTOCOL) * 1000)

        await client.until(b"\r\n\r\nx")

    assert client.wire.written.count(b"HTTP/1.1") == 1


@pytest.mark.parametrize(
    "request_",
    [
        post(b"hello", *ANOTHER_PROTOCOL),
        CHUNKED_FOR_ANOTHER + b"2\r\nhe\r\n3\r\nllo\r\n0\r\nX-Trailer: 1\r\n\r\n",
    ],
    ids=["sized", "chunked"],
)
@pytest.mark.parametrize("piece_bytes", [1, 7, 1000])
async def test_a_body_is_read_though_another_protocol_is_asked_for(
    request_: bytes, piece_bytes: int
) -> None:
    async with talking() as server:
        talk = await server.connect()
        for at in range(0, len(request_), piece_bytes):
            talk.say(request_[at : at + piece_bytes])
            await talk.writer.drain()
            await asyncio.sleep(0)
        await talk.until_closed()

    assert talk.arrived.startswith(OK)
    assert talk.arrived.endswith(b"\r\n\r\nhello")
    assert len(server.application.asked) == 1


async def test_a_wrong_body_is_refused_though_another_protocol_is_asked_for() -> None:
    async with talking() as server:
        arrived = await server.exchange(CHUNKED_FOR_ANOTHER, b"no chunk\r\n")

    assert arrived.startswith(b"HTTP/1.1 400")
    assert arrived.count(b"HTTP/1.1") == 1


@pytest.mark.parametrize(
    "chunked",
    [
        b"5\r\nhello\r\n0\r\n\r\n",
        b"1\r\nh\r\n4\r\nello\r\n0\r\n\r\n",
        b"05\r\nhello\r\n000\r\n\r\n",
        b"5;name=value\r\nhello\r\n0\r\n\r\n",
        b"5\r\nhello\r\n0\r\nX-Trailer: 1\r\n\r\n",
    ],
)
async def test_a_chunked_body_is_put_together(chunked: bytes) -> None:
    head = b"POST /x HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n"
    async with talking() as server:
        talk = await server.connect(head, chunked, post(b"next"))

        await talk.until(b"next")

    assert b"content-length: 5\r\n" in talk.arrived
    assert b"\r\n\r\nhelloHTTP/1.1 200" in talk.arrived
    assert not any(
        name == b"x-trailer" for name, _ in server.application.asked[0].fields
    )


async def test_a_request_may_come_byte_by_byte() -> None:
    async with talking() as server:
        talk = await server.connect()
        for byte in post(b"hello"):
            talk.say(bytes([byte]))
            await talk.writer.drain()
            await asyncio.sleep(0)

        await talk.until(b"hello")

    assert len(server.application.asked) == 1


async def test_an_answer_in_pieces_comes_in_chunks() -> None:
    async def pieces(exchange: Exchange) -> None:
        exchange.begin(200, [(b"content-type", b"text/event-stream")])
        for piece in (b"one", b"", b"twenty-three bytes long"):
            await exchange.write(piece)
        exchange.end()

    async with talking(pieces) as server:
        talk = await server.connect(post())

        await talk.until(b"\r\n0\r\n\r\n")

    assert b"\r\ntransfer-encoding: chunked\r\n" in talk.arrived
    assert talk.arrived.endswith(
        b"3\r\none\r\n17\r\ntwenty-three bytes long\r\n0\r\n\r\n"
    )


async def test_an_old_client_gets_the_pieces_and_the_end_of_the_connection() -> None:
    async def pieces(exchange: Exchange) -> None:
        exchange.begin(200, [])
        await exchange.write(b"one")
        await exchange.write(b"two")
        exchange.end()

    async with talking(pieces) as server:
        arrived = await server.exchange(post(version=b"1.0"))

    assert arrived.endswith(b"\r\n\r\nonetwo")
    assert b"transfer-encoding" not in arrived


@pytest.mark.parametrize("has_begun", [False, True])
async def test_an_answer_that_is_not_ended_is_cut(*, has_begun: bool) -> None:
    async def cut(exchange: Exchange) -> None:
        exchange.begin(200, [])
        if has_begun:
            await exchange.write(b"half")

    async with talking(cut) as server:
        arrived = await server.exchange(post(), post())

    assert arrived.startswith(OK)
    assert not arrived.endswith(b"0\r\n\r\n")
    assert arrived.count(b"HTTP/1.1") == 1


async def test_a_body_is_not_sent_to_who_asked_for_the_head_alone() -> None:
    async def answer(exchange: Exchange) -> None:
        await exchange.reply(Reply(200, [], b"body"))

    async with talking(answer) as server:
        talk = await server.connect(b"HEAD /x HTTP/1.1\r\nHost: a\r\n\r\n")
        await talk.until(b"\r\n\r\n")
        talk.say(post())
        await talk.until(b"body")

    assert b"content-length: 4\r\n" in talk.arrived
    assert talk.arrived.count(b"body") == 1


async def test_who_waits_for_a_go_ahead_gets_it_when_the_body_is_wanted() -> None:
    async with talking() as server:
        talk = await server.connect(post(b"x" * 9, b"Expect: 100-continue")[:-9])
        await talk.until(b"HTTP/1.1 100 Continue\r\n\r\n")

        talk.say(b"x" * 9)

        await talk.until(b"x" * 9)
    assert b"Continue\r\n\r\nHTTP/1.1 200 OK" in talk.arrived


async def test_who_waits_for_a_go_ahead_and_is_refused_sends_no_body() -> None:
    async def refuse(exchange: Exchange) -> None:
        await exchange.reply(Reply(401, [], b"no"))

    async with talking(refuse) as server:
        talk = await server.connect(post(b"x" * 9, b"Expect: 100-continue")[:-9])
        await talk.until(b"no")

    assert talk.arrived.startswith(b"HTTP/1.1 401")
    assert b"connection: close\r\n" in talk.arrived


async def test_a_go_ahead_that_nobody_waits_for_any_more_is_not_given() -> None:
    async with talking() as server:
        talk = await server.connect(post(b"hello", b"Expect: 100-continue"))
        await talk.until(b"hello")

    assert b"100 Continue" not in talk.arrived


async def test_an_answer_before_the_body_reaches_who_still_sends() -> None:
    async def refuse(exchange: Exchange) -> None:
        await exchange.reply(Reply(401, [], b"no"))

    async def send_all(talk: Talk) -> None:
        for _ in range(400):
            talk.say(b"x" * 65536)
            await talk.writer.drain()

    async with talking(refuse) as server:
        body_bytes = 400 * 65536
        head = post(b"", b"X: y").replace(b"h: 0", b"h: %d" % body_bytes)
        talk = await server.connect(head)
        await send_all(talk)

        arrived = await talk.until_closed()

    assert arrived.startswith(b"HTTP/1.1 401")
    assert arrived.endswith(b"no")


async def test_a_fault_of_the_application_is_an_error_and_not_a_silence() -> None:
    async def fail(_: Exchange) -> None:
        raise ZeroDivisionError

    async with talking(fail) as server:
        talk = await server.connect(post())
        await talk.until(b"INTERNAL_ERROR")

    assert talk.arrived.startswith(b"HTTP/1.1 500")


@pytest.mark.parametrize("value", [b"a\r\nX-Injected: 1", b"a\nb", b"a\rb"])
async def test_a_field_that_would_be_two_is_not_sent(value: bytes) -> None:
    async def inject(exchange: Exchange) -> None:
        await exchange.reply(Reply(200, [(b"x-id", value)], b""))

    async with talking(inject) as server:
        talk = await server.connect(post())
        await talk.until(b"INTERNAL_ERROR")

    assert b"Injected" not in talk.arrived


async def test_a_client_that_leaves_cancels_what_it_asked() -> None:
    async def wait(_: Exchange) -> None:
        await asyncio.Event().wait()

    async with talking(wait) as server:
        talk = await server.connect(post())
        await server.until_asked()

        talk.leave()

        await server.until_cancelled()
        await server.until_connected(0)


async def test_a_client_that_leaves_before_it_has_asked_is_forgotten() -> None:
    async with talking() as server:
        talk = await server.connect(post(b"x" * 100)[:-1])
        await server.until_asked()

        talk.leave()

        await server.until_cancelled()
        await server.until_connected(0)


async def test_a_client_that_does_not_read_slows_the_answer_down() -> None:
    written = 0

    async def endless(exchange: Exchange) -> None:
        nonlocal written
        exchange.begin(200, [])
        while True:
            await exchange.write(b"x" * 65536)
            written += 65536

    async with talking(endless) as server:
        await server.connect(post(), has_small_buffers=True)
        await server.until_asked()
        for _ in range(1000):
            await asyncio.sleep(0)

        # The kernel's buffers and one of ours; without a limit it would have no end.
        assert written < 32 * 1024 * 1024


async def test_what_goes_elsewhere_goes_with_all_that_came() -> None:
    got = bytearray()

    class Other(asyncio.Protocol):
        def connection_made(self, transport: asyncio.BaseTransport) -> None:
            self.transport = cast(asyncio.Transport, transport)

        def data_received(self, data: bytes) -> None:
            got.extend(data)
            if got.endswith(b"!"):
                self.transport.write(b"taken")
                self.transport.close()

    async with talking(
        elsewhere=lambda data: Other() if b" /other" in data[:16] else None
    ) as server:
        talk = await server.connect(post(b"ours"))
        await talk.until(b"ours")
        sent = post(b"theirs!", target=b"/other")
        talk.say(sent[:3])
        await asyncio.sleep(0)
        talk.say(sent[3:])

        arrived = await talk.until_closed()

    assert arrived.endswith(b"taken")
    assert got == sent
    assert len(server.application.asked) == 1


async def test_what_is_in_hand_ends_before_the_server_does() -> None:
    may_answer = asyncio.Event()

    async def wait(exchange: Exchange) -> None:
        await may_answer.wait()
        await echo(exchange)

    async with talking(wait) as server:
        busy = await server.connect(post(b"hello"))
        idle = await server.connect()
        await server.until_asked()
        await server.until_connected(2)
        finishing = asyncio.ensure_future(server.server.finish())
        await idle.until_closed()

        may_answer.set()

        assert (await busy.until_closed()).endswith(b"hello")
        await finishing
        assert b"connection: close\r\n" in busy.arrived


async def test_a_server_that_ends_waits_for_nobody_for_long() -> None:
    async def wait(_: Exchange) -> None:
        await asyncio.Event().wait()

    limits = Limits(finish=timedelta(seconds=0.1))
    async with talking(wait, limits=limits) as server:
        await server.connect(post())
        await server.until_asked()

    assert server.application.was_cancelled.is_set()


async def test_a_connection_that_is_told_of_after_the_end_is_closed() -> None:
    """As where the last look at the sockets of a server accepted it."""
    async with wired(SmallApplication(echo)) as client:
        client.context.is_finished = True
        late = Wire()

        ServerConnection(client.context).connection_made(late)

    assert late.is_closed
    assert not client.wire.is_closed
