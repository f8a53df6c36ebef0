"""What is taken without the parser is what the parser would have made of it."""

from dataclasses import dataclass, field

import pytest
from httptools import HttpParserError, HttpRequestParser
from hypothesis import example, given
from hypothesis import strategies as st

from agent_runner.http.known_head import KnownHead
from agent_runner.http.messages import RequestHead

from .talking import post, talking

FIRST = post(b"hello", b"X-Field: 1")
CHUNKED = b"POST /x HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n"
HEAD = RequestHead(b"POST", b"/x", [], "127.0.0.1")


def known_of(data: bytes = FIRST) -> KnownHead:
    known = KnownHead.read_in(data, HEAD)
    assert known is not None
    return known


@dataclass
class Reading:
    """All that the parser says of some bytes."""

    target: bytes = b""
    fields: list[tuple[bytes, bytes]] = field(default_factory=list)
    bodies: list[bytes] = field(default_factory=list)
    ended: int = 0

    def on_url(self, url: bytes) -> None:
        self.target += url

    def on_header(self, name: bytes, value: bytes) -> None:
        self.fields.append((name.lower(), value.strip()))

    def on_body(self, body: bytes) -> None:
        self.bodies.append(body)

    def on_message_complete(self) -> None:
        self.ended += 1


def read(data: bytes) -> Reading | None:
    reading = Reading()
    try:
        HttpRequestParser(reading).feed_data(data)
    except HttpParserError:
        return None
    return reading


def without_length(reading: Reading) -> list[tuple[bytes, bytes]]:
    return [each for each in reading.fields if each[0] != b"content-length"]


def test_the_next_request_that_begins_so_is_known_whatever_its_length() -> None:
    known = known_of()

    assert known.body_in(post(b"a longer body", b"X-Field: 1")) == b"a longer body"
    assert known.body_in(post(b"", b"X-Field: 1")) == b""


@pytest.mark.parametrize(
    "data",
    [
        pytest.param(post(b"hello", b"X-Field: 2"), id="another field"),
        pytest.param(post(b"hello", b"X-Field: 1", target=b"/y"), id="another target"),
        pytest.param(FIRST[:-1], id="not whole"),
        pytest.param(FIRST + b"P", id="more behind it"),
        pytest.param(FIRST + FIRST, id="two"),
        pytest.param(FIRST.replace(b": 5", b": +5"), id="a sign"),
        pytest.param(FIRST.replace(b": 5", b": 5 "), id="a space"),
        pytest.param(FIRST.replace(b": 5", b": 5,5"), id="two lengths"),
        pytest.param(FIRST.replace(b": 5", b": "), id="no length"),
        pytest.param(FIRST.replace(b": 5", b": 5\r\nX: y"), id="a field behind it"),
        pytest.param(FIRST.replace(b": 5", b": " + b"0" * 9 + b"5"), id="too long"),
    ],
)
def test_any_other_is_the_parsers_to_read(data: bytes) -> None:
    assert known_of().body_in(data) is None


@pytest.mark.parametrize(
    "data",
    [
        pytest.param(FIRST[:-1], id="half a body"),
        pytest.param(FIRST + b"P", id="the next request"),
        pytest.param(FIRST.partition(b"\r\n\r\n")[0], id="half a head"),
        pytest.param(b"GET /x HTTP/1.1\r\nHost: a\r\n\r\n", id="no length"),
        pytest.param(b"\r\n\r\n" + FIRST, id="empty lines first"),
    ],
)
def test_nothing_is_learnt_of_what_is_not_one_request(data: bytes) -> None:
    assert KnownHead.read_in(data, HEAD) is None


@given(
    at=st.integers(0, len(FIRST)),
    cut=st.integers(0, 6),
    put=st.sampled_from([b"", b"0", b"5", b" ", b"\r\n", b":", b"a", b"\x00"])
    | st.binary(max_size=4),
)
@example(at=len(FIRST) - 10, cut=1, put=b"4")
def test_what_is_known_is_what_the_parser_reads(at: int, cut: int, put: bytes) -> None:
    data = FIRST[:at] + put + FIRST[at + cut :]
    body = known_of().body_in(data)

    if body is not None:
        first, reading = read(FIRST), read(data)
        assert first is not None
        assert reading is not None
        assert reading.ended == 1
        assert b"".join(reading.bodies) == body
        assert reading.target == first.target
        assert without_length(reading) == without_length(first)


async def test_known_and_other_requests_follow_one_another_on_a_connection() -> None:
    said = [
        post(b"first"),
        post(b"the second"),
        post(b"a third", b"X: 1"),
        post(b"the fourth", b"X: 1"),
        post(b"", b"X: 1"),
        CHUNKED + b"9\r\nthe sixth\r\n0\r\n\r\n",
        post(b"the last"),
    ]
    async with talking() as server:
        talk = await server.connect()
        for count, each in enumerate(said, start=1):
            talk.say(each)
            await talk.until(b"HTTP/1.1 200 OK", count=count)
        await talk.until(b"the last")

    bodies = [b"first", b"the second", b"a third", b"the fourth", b"the sixth"]
    places = [talk.arrived.index(b"\r\n\r\n" + each) for each in bodies]
    assert places == sorted(places)
    assert talk.arrived.count(b"content-length: 0\r\n") == 1


async def test_what_follows_a_known_head_in_pieces_is_read_by_the_parser() -> None:
    async with talking() as server:
        talk = await server.connect(post(b"first"))
        await talk.until(b"first")
        whole = post(b"in pieces")
        talk.say(whole[:-4])
        await server.until_asked(times=2)

        talk.say(whole[-4:])

        await talk.until(b"in pieces")
