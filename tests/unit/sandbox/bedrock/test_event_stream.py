"""The encoder against golden frames, and against botocore's parser."""

import json
from binascii import unhexlify

import pytest
from botocore.eventstream import ChecksumMismatch, EventStreamBuffer, EventStreamMessage
from hypothesis import given
from hypothesis import strategies as st

from ag2trust_sandbox.bedrock.event_stream import (
    MALFORMED_FRAME,
    encode_event,
    encode_exception,
    encode_frame,
)

MESSAGE_START = unhexlify(
    "000000760000005296d5fade0b3a6576656e742d7479706507000c6d6573736167655374617274"
    "0d3a636f6e74656e742d747970650700106170706c69636174696f6e2f6a736f6e0d3a6d657373"
    "6167652d747970650700056576656e747b22726f6c65223a22617373697374616e74227d6fa8c599"
)
THROTTLING = unhexlify(
    "0000008300000061a9d144e50f3a657863657074696f6e2d747970650700137468726f74746c69"
    "6e67457863657074696f6e0d3a636f6e74656e742d747970650700106170706c69636174696f6e"
    "2f6a736f6e0d3a6d6573736167652d74797065070009657863657074696f6e7b226d6573736167"
    "65223a22736c6f77227d9350311c"
)

TEXTS = st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=60)


def parsed(stream: bytes) -> list[EventStreamMessage]:
    buffer = EventStreamBuffer()
    buffer.add_data(stream)
    return list(buffer)


def test_an_event_is_the_golden_frame() -> None:
    assert encode_event("messageStart", {"role": "assistant"}) == MESSAGE_START


def test_an_exception_is_the_golden_frame() -> None:
    assert encode_exception("throttlingException", {"message": "slow"}) == THROTTLING


def test_botocore_reads_an_event() -> None:
    [message] = parsed(encode_event("chunk", {"bytes": "e30="}))

    assert message.headers == {
        ":event-type": "chunk",
        ":content-type": "application/json",
        ":message-type": "event",
    }
    assert json.loads(message.payload) == {"bytes": "e30="}
    assert message.to_response_dict()["status_code"] == 200


def test_botocore_reads_an_exception_as_an_error() -> None:
    [message] = parsed(encode_exception("validationException", {"message": "no"}))

    assert message.to_response_dict()["status_code"] == 400


def test_frames_follow_one_another() -> None:
    frames = [encode_event("chunk", {"number": number}) for number in range(3)]

    messages = parsed(b"".join(frames))

    assert [json.loads(each.payload)["number"] for each in messages] == [0, 1, 2]


def test_botocore_refuses_a_malformed_frame() -> None:
    with pytest.raises(ChecksumMismatch):
        parsed(MALFORMED_FRAME)


@given(st.dictionaries(TEXTS, TEXTS, max_size=5), st.binary(max_size=300))
def test_botocore_reads_back_whatever_was_encoded(
    headers: dict[str, str], payload: bytes
) -> None:
    [message] = parsed(encode_frame(headers, payload))

    assert message.headers == headers
    assert message.payload == payload
