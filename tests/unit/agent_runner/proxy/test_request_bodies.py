"""What the proxy reads in a body is what any strict reader reads there, or nothing.

The second reader is another parser, jiter, which keeps the last of repeated names.
"""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic_core import from_json

from agent_runner.proxy.anthropic.wire_format import ANTHROPIC
from agent_runner.proxy.bedrock.wire_format import BEDROCK
from agent_runner.proxy.openai.wire_format import OPENAI
from agent_runner.proxy.wire_format import ModelRequest, Route, WireFormat
from shared.errors import AppError, MalformedError, MalformedJsonError, TooLargeError

MEBIBYTE = 1024 * 1024
PLACES: list[tuple[WireFormat, Route]] = [
    (OPENAI, OPENAI.route_of("POST", "chat/completions", "")),
    (OPENAI, OPENAI.route_of("POST", "responses", "")),
    (OPENAI, OPENAI.route_of("POST", "embeddings", "")),
    (ANTHROPIC, ANTHROPIC.route_of("POST", "messages", "")),
    (ANTHROPIC, ANTHROPIC.route_of("POST", "messages/count_tokens", "")),
    (BEDROCK, BEDROCK.route_of("POST", "model/m/invoke", "")),
    (BEDROCK, BEDROCK.route_of("POST", "model/m/converse-stream", "")),
]
LARGE_PLACES = [PLACES[0], PLACES[3], PLACES[5]]
STREAMING = {"chat.completions", "responses", "messages"}
places = st.sampled_from(PLACES)
NAMES = [
    "model",
    "stream",
    "messages",
    "tools",
    "type",
    "stream_options",
    "include_usage",
    "file_id",
    "content",
    "MODEL",
    "a",
    "",
    "ä",
]
names = st.sampled_from(NAMES) | st.text(max_size=5)
values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**70), 2**70)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(max_size=10)
    | st.sampled_from(["file", "mcp", "function", "web_search", "custom"]),
    lambda inner: (
        st.lists(inner, max_size=4) | st.dictionaries(names, inner, max_size=4)
    ),
    max_leaves=20,
)
bodies = st.dictionaries(names, values, max_size=6).map(
    lambda fields: {**fields, "model": "m"}
)


def read(place: tuple[WireFormat, Route], raw: bytes) -> ModelRequest | None:
    """Read a body; None where it is refused, as only some errors may refuse it."""
    wire_format, route = place
    try:
        return wire_format.read_request(route, raw)
    except (MalformedError, TooLargeError):
        return None


def has_half_pair(raw: bytes) -> bool:
    r"""Say whether some text has half a surrogate pair, such as `\ud83d` alone.

    The grammar allows it, and readers differ (RFC 8259, section 8.2): it passes, for
    clients cut texts there, and no governed name can be written so.
    """
    text = json.dumps(json.loads(raw), ensure_ascii=False)
    return any("\ud800" <= each <= "\udfff" for each in text)


def agrees(place: tuple[WireFormat, Route], raw: bytes, request: ModelRequest) -> None:
    """Check that another reader sees the same model and stream in what goes out."""
    if has_half_pair(raw):
        return
    wire_format, route = place
    asked, sent = from_json(raw), from_json(request.body)
    if wire_format is not BEDROCK:
        is_streamed = asked.get("stream") is True and route.endpoint in STREAMING
        assert asked["model"] == sent["model"] == request.model
        assert request.is_streamed is is_streamed
    if not request.withholds_usage:
        assert request.body == raw
        return
    options = {**(asked.get("stream_options") or {}), "include_usage": True}
    assert sent == {**asked, "stream_options": options}


@given(
    place=places,
    body=bodies,
    indent=st.sampled_from([None, 0, 2]),
    ascii_=st.booleans(),
)
def test_what_is_taken_is_taken_as_another_reader_takes_it(
    *, place: tuple[WireFormat, Route], body: Any, indent: int | None, ascii_: bool
) -> None:
    raw = json.dumps(body, indent=indent, ensure_ascii=ascii_).encode(
        errors="surrogatepass"
    )

    request = read(place, raw)

    if request is not None:
        agrees(place, raw, request)


@given(place=places, body=bodies, data=st.data())
def test_bytes_that_were_changed_are_refused_or_read_alike(
    place: tuple[WireFormat, Route], body: Any, data: st.DataObject
) -> None:
    raw = bytearray(json.dumps(body).encode())
    for _ in range(data.draw(st.integers(1, 4))):
        at = data.draw(st.integers(0, len(raw)))
        piece = data.draw(
            st.binary(max_size=3)
            | st.sampled_from(
                [b'"', b"\\", b"{", b"}", b"[", b",", b":", b"\\u0061", b'"model":"x",']
            )
        )
        raw[at : at + data.draw(st.integers(0, 3))] = piece

    request = read(place, bytes(raw))

    if request is not None:
        agrees(place, bytes(raw), request)


@given(place=places, raw=st.binary(max_size=100))
def test_any_bytes_are_read_or_refused(
    place: tuple[WireFormat, Route], raw: bytes
) -> None:
    request = read(place, raw)

    if request is not None:
        agrees(place, raw, request)


@given(place=places, body=bodies, data=st.data())
def test_a_name_that_is_repeated_anywhere_is_refused(
    place: tuple[WireFormat, Route], body: Any, data: st.DataObject
) -> None:
    depth = data.draw(st.integers(0, 5))
    name = data.draw(names)
    again = "".join(f"\\u{ord(each):04x}" for each in name if ord(each) < 0xD800)
    if again.count("\\u") != len(name):
        again = json.dumps(name)[1:-1]
    inner = f'{{{json.dumps(name)}:1,"{again}":2}}'
    for _ in range(depth):
        inner = f'{{"x":[{inner}]}}'
    text = json.dumps(body)

    raw = f'{text[:-1]},"repeated, surely":{inner}}}'.encode()

    wire_format, route = place
    with pytest.raises(MalformedJsonError):
        wire_format.read_request(route, raw)


def test_a_governed_name_is_governed_at_the_top_alone() -> None:
    chat = PLACES[0]
    inner = b'{"model":"other","stream":true,"Model":1,"stream_options":7}'

    request = read(chat, b'{"x":' + inner + b',"model":"m","y":[' + inner + b"]}")

    assert request is not None
    assert request.model == "m"
    assert not request.is_streamed


@pytest.mark.parametrize("place", LARGE_PLACES)
@pytest.mark.parametrize("filler", [b"x", b"[{,:", b"\\n", b"\\u00e9", "é".encode()])
def test_a_body_of_20_mebibytes_of_text_is_read(
    place: tuple[WireFormat, Route], filler: bytes
) -> None:
    text = filler * (20 * MEBIBYTE // len(filler))

    request = read(place, b'{"model":"m","messages":[{"content":"%b"}]}' % text)

    assert request is not None
    assert request.model == "m"


@pytest.mark.parametrize("place", LARGE_PLACES)
@pytest.mark.parametrize(
    "piece", [b"[],", b"{},", b"1,", b'"",', b'{"a":1},', b'{"a":[', b"[", b'{"":']
)
def test_more_values_than_can_be_read_at_once_are_refused(
    place: tuple[WireFormat, Route], piece: bytes
) -> None:
    wire_format, route = place
    many = piece * (20 * MEBIBYTE // len(piece))

    with pytest.raises(TooLargeError):
        wire_format.read_request(route, b'{"model":"m","x":[' + many)


@pytest.mark.parametrize("place", PLACES)
@pytest.mark.parametrize("opening", [b"[", b'{"a":', b'[{"a":'])
def test_what_is_nested_without_end_is_refused(
    place: tuple[WireFormat, Route], opening: bytes
) -> None:
    wire_format, route = place

    with pytest.raises(MalformedJsonError):
        wire_format.read_request(route, b'{"model":"m","x":' + opening * 20_000)


@pytest.mark.parametrize("place", PLACES)
def test_what_is_no_utf_8_is_refused_wherever_it_is(
    place: tuple[WireFormat, Route],
) -> None:
    wire_format, route = place

    for odd in (b"\xff", b"\xc0\xaf", b"\xed\xa0\x80", b"\xf4\x90\x80\x80", b"\xe9"):
        for raw in (
            b'{"model":"m","x":"%b"}' % odd,
            b'{"model":"m","%b":1}' % odd,
            b'{"model":"m"}%b' % odd,
        ):
            with pytest.raises(AppError):
                wire_format.read_request(route, raw)
