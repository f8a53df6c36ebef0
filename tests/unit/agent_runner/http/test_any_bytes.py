"""Whatever comes, in whatever pieces: the server reads it in one way only."""

import asyncio
from dataclasses import dataclass, field

import h11
from hypothesis import given
from hypothesis import strategies as st

from agent_runner.http.exchange import Exchange
from agent_runner.http.messages import Reply, RequestHead
from shared.errors import AppError

from .wire import wired

SPECIAL = [
    b"\r\n",
    b"\n",
    b"\r",
    b" ",
    b"\t",
    b"\0",
    b":",
    b";",
    b",",
    b"0",
    b"1",
    b"-",
    b"+",
    b"\r\n\r\n",
    b"0\r\n\r\n",
    b"chunked",
    b"Content-Length: 5\r\n",
    b"Transfer-Encoding: chunked\r\n",
    b"Connection: close\r\n",
    b"Host: b\r\n",
    b"HTTP/1.1",
    b"HTTP/1.0",
    b"GET /smuggled HTTP/1.1\r\nHost: a\r\n\r\n",
    b"\xff",
]
CHUNKED = b"POST /chunks HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n"
WELL_FORMED = [
    b"GET /get HTTP/1.1\r\nHost: a\r\n\r\n",
    b"POST /length HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nhello",
    CHUNKED + b"5\r\nhello\r\n1;x=y\r\n!\r\n0\r\nTrailer: x\r\n\r\n",
    b"POST /empty HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\n\r\n",
    b"POST /old HTTP/1.0\r\nContent-Length: 2\r\n\r\nhi",
]

Asked = tuple[bytes, bytes, bytes]


@dataclass
class Application:
    asked: list[Asked] = field(default_factory=list)

    async def serve(self, exchange: Exchange) -> None:
        try:
            body = await exchange.body()
        except AppError as error:
            await exchange.reply(self.refusal(error, None))
            return
        self.asked.append((exchange.head.method, exchange.head.target, body))
        await exchange.reply(Reply(200, [(b"date", b"today")], body))

    def refusal(self, error: AppError, _: RequestHead | None) -> Reply:
        return Reply(int(error.status), [(b"date", b"today")], error.code.encode())


@dataclass(frozen=True)
class Heard:
    asked: list[Asked]
    written: bytes
    is_closed: bool


def heard(pieces: list[bytes]) -> Heard:
    """Give *pieces* to a server one after another; return what became of them."""

    async def run() -> Heard:
        application = Application()
        async with wired(application) as client:
            for piece in pieces:
                if client.wire.is_closed:
                    break
                client.say(piece)
                for _ in range(24):
                    await asyncio.sleep(0)
            was_closed = client.wire.is_closed
            client.leave()
        assert client.has_let_go
        return Heard(application.asked, bytes(client.wire.written), was_closed)

    return asyncio.run(run())


def heard_by_another(data: bytes) -> list[Asked]:
    """Read *data* with h11, as far as it finds no fault."""
    asked: list[Asked] = []
    connection = h11.Connection(h11.SERVER)
    connection.receive_data(data)
    request: h11.Request | None = None
    body = bytearray()
    while True:
        try:
            event = connection.next_event()
        except h11.RemoteProtocolError:
            return asked
        match event:
            case h11.Request():
                request, body = event, bytearray()
            case h11.Data(data=piece):
                body += piece
            case h11.EndOfMessage() if request is not None:
                asked.append((request.method, request.target, bytes(body)))
                connection.send(h11.Response(status_code=200, headers=[]))
                connection.send(h11.EndOfMessage())
                if connection.our_state is not h11.DONE:
                    return asked
                try:
                    connection.start_next_cycle()
                except h11.LocalProtocolError:
                    return asked
            case _:
                return asked


@st.composite
def conversations(draw: st.DrawFn) -> bytes:
    """Draw requests, and put special bytes where they do not belong."""
    data = b"".join(
        draw(st.lists(st.sampled_from(WELL_FORMED), min_size=1, max_size=3))
    )
    for _ in range(draw(st.integers(min_value=0, max_value=4))):
        start = draw(st.integers(min_value=0, max_value=len(data)))
        end = start + draw(st.integers(min_value=0, max_value=3))
        data = data[:start] + draw(st.sampled_from(SPECIAL)) + data[end:]
    return data


@st.composite
def cut(draw: st.DrawFn, data: bytes) -> list[bytes]:
    places = st.integers(min_value=0, max_value=len(data))
    cuts = sorted(draw(st.lists(places, max_size=12)))
    bounds = zip([0, *cuts], [*cuts, len(data)], strict=True)
    return [data[start:end] for start, end in bounds if start < end]


@given(conversations(), st.data())
def test_how_the_bytes_are_cut_makes_no_difference(
    data: bytes, draws: st.DataObject
) -> None:
    in_one, in_pieces = heard([data]), heard(draws.draw(cut(data)))

    assert in_pieces.asked == in_one.asked


@given(conversations())
def test_what_another_server_reads_is_what_this_one_reads(data: bytes) -> None:
    ours, theirs = heard([data]).asked, heard_by_another(data)

    both = min(len(ours), len(theirs))
    assert ours[:both] == theirs[:both]


@given(st.lists(st.binary(min_size=1, max_size=200), min_size=1, max_size=5))
def test_bytes_that_are_no_request_ask_for_nothing_and_are_answered(
    pieces: list[bytes],
) -> None:
    came_of_it = heard(pieces)

    assert came_of_it.asked == []
    assert not came_of_it.written or came_of_it.written.startswith(b"HTTP/1.1 4")


def test_well_formed_requests_are_all_read_by_both() -> None:
    data = b"".join(WELL_FORMED)

    assert heard([data]).asked == heard_by_another(data)
    assert [target for _, target, _ in heard([data]).asked] == [
        b"/get",
        b"/length",
        b"/chunks",
        b"/empty",
        b"/old",
    ]
