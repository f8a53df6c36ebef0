from collections.abc import Iterable

import pytest
from hypothesis import given
from hypothesis import strategies as st
from openai._streaming import SSEDecoder

from agent_runner.server_sent_events import (
    EventSplitter,
    EventTooLongError,
    data_of,
)

from .proxy.cutting import pieces_of

STREAMS = st.lists(
    st.sampled_from(
        [b"data: {}", b"data:x", b": comment", b"event: y", b"\n", b"\r\n", b"\r"]
    ),
    max_size=20,
).map(b"".join)


def split(pieces: Iterable[bytes]) -> tuple[list[bytes], bytes]:
    splitter = EventSplitter()
    events = [event for piece in pieces for event in splitter.feed(piece)]
    return events, splitter.rest()


@given(stream=STREAMS, data=st.data())
def test_how_a_stream_is_cut_makes_no_difference(
    stream: bytes, data: st.DataObject
) -> None:
    assert split(data.draw(pieces_of(stream))) == split([stream])


@given(stream=STREAMS, data=st.data())
def test_no_byte_is_lost_or_moved(stream: bytes, data: st.DataObject) -> None:
    events, rest = split(data.draw(pieces_of(stream)))

    assert b"".join(events) + rest == stream


@given(stream=STREAMS)
def test_the_data_are_those_that_the_sdk_reads(stream: bytes) -> None:
    events, _ = split([stream + b"\n\n"])
    ours = [data for event in events if (data := data_of(event))]

    theirs = [each.data for each in SSEDecoder().iter_bytes(iter([stream + b"\n\n"]))]

    assert [each.decode() for each in ours] == [each for each in theirs if each]


@pytest.mark.parametrize("end", ["\n\n", "\r\n\r\n", "\n\r\n", "\r\n\n"])
def test_an_event_is_whole_with_its_last_byte(end: str) -> None:
    splitter = EventSplitter()

    assert splitter.feed(f"data: x{end}".encode()) == [f"data: x{end}".encode()]


def test_a_line_end_of_cr_waits_for_what_may_belong_to_it() -> None:
    splitter = EventSplitter()

    assert splitter.feed(b"data: x\r\r") == []
    assert splitter.feed(b"\n") == [b"data: x\r\r\n"]


def test_several_data_lines_are_one_text() -> None:
    assert data_of(b"event: e\ndata: a\ndata:b\r\ndata:  c\n\n") == b"a\nb\n c"


def test_an_event_without_end_is_not_held_for_ever() -> None:
    splitter = EventSplitter()
    splitter.feed(bytes(16 * 1024 * 1024 + 1))

    with pytest.raises(EventTooLongError):
        splitter.feed(b"and more")
