"""Frames as botocore reads them, and bytes that are none."""

import struct
import zlib

import pytest
from botocore.eventstream import EventStreamBuffer
from hypothesis import given
from hypothesis import strategies as st

from ag2trust_sandbox.bedrock.event_stream import encode_frame
from agent_runner.proxy.bedrock.event_stream import (
    BrokenFrameError,
    Frame,
    FrameSplitter,
    read_frame,
)

MESSAGE_START = bytes.fromhex(
    "000000760000005296d5fade0b3a6576656e742d7479706507000c6d6573736167655374617274"
    "0d3a636f6e74656e742d747970650700106170706c69636174696f6e2f6a736f6e0d3a6d65737361"
    "67652d747970650700056576656e747b22726f6c65223a22617373697374616e74227d6fa8c599"
)
THROTTLED = bytes.fromhex(
    "0000008300000061a9d144e50f3a657863657074696f6e2d747970650700137468726f74746c696e"
    "67457863657074696f6e0d3a636f6e74656e742d747970650700106170706c69636174696f6e2f6a"
    "736f6e0d3a6d6573736167652d74797065070009657863657074696f6e7b226d657373616765223a"
    "22736c6f77227d9350311c"
)

names = st.text(st.characters(codec="utf-8"), min_size=1, max_size=60)
frames = st.builds(
    encode_frame, st.dictionaries(names, st.text(max_size=200)), st.binary()
)


def split(data: bytes, *cuts: int) -> list[bytes]:
    splitter, found, start = FrameSplitter(), [], 0
    for cut in (*sorted(cuts), len(data)):
        found += splitter.feed(data[start:cut])
        start = cut
    assert b"".join(found) + splitter.rest() == data
    return found


def framed(headers: bytes, payload: bytes = b"") -> bytes:
    """Frame a block of headers that no encoder makes."""
    lengths = struct.pack(">II", 16 + len(headers) + len(payload), len(headers))
    prelude = lengths + struct.pack(">I", zlib.crc32(lengths))
    whole = prelude + headers + payload
    return whole + struct.pack(">I", zlib.crc32(whole))


def prelude(length: int, header_length: int) -> bytes:
    lengths = struct.pack(">II", length, header_length)
    return lengths + struct.pack(">I", zlib.crc32(lengths))


def test_an_event_that_was_recorded_is_read() -> None:
    assert read_frame(MESSAGE_START) == Frame(
        {
            ":event-type": "messageStart",
            ":content-type": "application/json",
            ":message-type": "event",
        },
        b'{"role":"assistant"}',
    )


def test_an_exception_that_was_recorded_is_read() -> None:
    frame = read_frame(THROTTLED)

    assert frame.headers[":message-type"] == "exception"
    assert frame.headers[":exception-type"] == "throttlingException"
    assert frame.payload == b'{"message":"slow"}'


@given(st.lists(frames, max_size=5), st.data())
def test_however_a_stream_is_cut_its_frames_are_those_botocore_reads(
    sent: list[bytes], data: st.DataObject
) -> None:
    stream = b"".join(sent)
    cuts = data.draw(st.lists(st.integers(0, len(stream))))
    oracle = EventStreamBuffer()
    oracle.add_data(stream)

    found = split(stream, *cuts)

    assert found == sent
    theirs = [(each.headers, each.payload) for each in oracle]
    ours = [(each.headers, each.payload) for each in map(read_frame, found)]
    assert ours == theirs


@pytest.mark.parametrize("missing", [1, 4, 5, 100, len(MESSAGE_START) - 1])
def test_half_a_frame_is_none(missing: int) -> None:
    assert split(THROTTLED + MESSAGE_START[:-missing]) == [THROTTLED]


def test_headers_of_every_type_are_stepped_over() -> None:
    block = b"".join(
        b"\x01" + name + bytes([kind]) + value
        for name, kind, value in (
            (b"a", 0, b""),
            (b"b", 1, b""),
            (b"c", 2, b"x"),
            (b"d", 3, b"xx"),
            (b"e", 4, b"x" * 4),
            (b"f", 5, b"x" * 8),
            (b"g", 6, b"\x00\x02\xff\xff"),
            (b"h", 8, b"x" * 8),
            (b"i", 9, b"x" * 16),
            (b"j", 7, b"\x00\x01t"),
        )
    )

    assert read_frame(framed(block, b"{}")).headers["j"] == "t"


@pytest.mark.parametrize(
    "block",
    [
        b"\x01a",
        b"\x05ab",
        b"\x01a\x0a",
        b"\x01a\x07\x00\x05x",
        b"\x01a\x07\x00\x01\xff",
        b"\x01a\x05xx",
        b"\x01a\x00\x01a\x00",
    ],
)
def test_headers_that_cannot_be_read_are_refused(block: bytes) -> None:
    (frame,) = split(framed(block))

    with pytest.raises(BrokenFrameError):
        read_frame(frame)


@pytest.mark.parametrize("at", [*range(12, 118, 7), 117])
def test_a_frame_with_a_bit_wrong_is_refused(at: int) -> None:
    broken = bytearray(MESSAGE_START)
    broken[at] ^= 1

    with pytest.raises(BrokenFrameError):
        read_frame(bytes(broken))


@pytest.mark.parametrize(
    "start",
    [
        b"data: {}\n\ndata: {}\n\n",
        prelude(15, 0),
        prelude(16, 1),
        prelude(0, 0),
        prelude(128 * 1024 + 17, 128 * 1024 + 1),
        prelude(24 * 1024 * 1024 + 17, 0),
        prelude(0xFFFFFFFF, 0),
        bytes(12),
    ],
)
def test_what_begins_no_frame_is_refused_and_kept(start: bytes) -> None:
    splitter = FrameSplitter()

    assert splitter.feed(THROTTLED + start) == [THROTTLED]
    with pytest.raises(BrokenFrameError):
        splitter.feed(b"more")
    assert splitter.rest() == start + b"more"


@given(st.binary())
def test_any_bytes_are_frames_or_refused(data: bytes) -> None:
    splitter = FrameSplitter()

    try:
        found = splitter.feed(data)
    except BrokenFrameError:
        found = []

    assert b"".join(found) + splitter.rest() == data
