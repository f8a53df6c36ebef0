import json
from base64 import b64encode
from collections.abc import Iterable
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from tests.unit.agent_runner.proxy.cutting import pieces_of

from ag2trust_sandbox.bedrock.event_stream import (
    MALFORMED_FRAME,
    encode_event,
    encode_exception,
    encode_frame,
)
from agent_runner.proxy.answer_stream import EventStream
from agent_runner.proxy.bedrock.event_stream import BrokenFrameError
from agent_runner.proxy.bedrock.streams import ConverseStream, InvokeStream
from agent_runner.proxy.usage import NOT_REPORTED, REFUSED
from agent_runner.used import Used
from shared.provider_errors.rows import Failure

METRICS = {
    "amazon-bedrock-invocationMetrics": {"inputTokenCount": 7, "outputTokenCount": 3}
}
COUNTED = Used(input_tokens=7, output_tokens=3)


def chunk(said: Any) -> bytes:
    encoded = b64encode(json.dumps(said).encode()).decode()
    return encode_event("chunk", {"bytes": encoded, "p": "abc"})


def delta(text: str) -> bytes:
    return encode_event("contentBlockDelta", {"delta": {"text": text}, "p": "ab"})


def metadata(**usage: Any) -> bytes:
    return encode_event("metadata", {"usage": usage, "metrics": {"latencyMs": 1}})


START = encode_event("messageStart", {"role": "assistant"})
STOP = encode_event("messageStop", {"stopReason": "end_turn"})
USED = metadata(inputTokens=7, outputTokens=3)
THROTTLED = encode_exception("throttlingException", {"message": "slow"})
ERROR = encode_frame(
    {
        ":message-type": "error",
        ":error-code": "InternalServerException",
        ":error-message": "no",
    },
    b"",
)
FORGED = delta(USED.hex() + json.dumps({"usage": {"inputTokens": 9}}))
CONVERSATION = START + delta("Good") + FORGED + STOP + USED
CLAUDE = [
    chunk(
        {
            "type": "message_start",
            "message": {"usage": {"input_tokens": 10, "output_tokens": 1}},
        }
    ),
    chunk({"type": "content_block_delta", "delta": {"text": "Hi"}}),
    chunk(
        {
            "type": "message_delta",
            "delta": {"stop_reason": "end_turn"},
            "usage": {"output_tokens": 50},
        }
    ),
    chunk({"type": "message_stop", **METRICS}),
]
LLAMA = [
    chunk({"generation": "a", "prompt_token_count": 7, "generation_token_count": 1}),
    chunk({"generation": "b", "prompt_token_count": None, "generation_token_count": 2}),
    chunk({"generation": "", "generation_token_count": 3, "stop_reason": "stop"}),
]


class Told:
    """What a stream let pass, up to its clean end."""

    def __init__(self, stream: EventStream, pieces: Iterable[bytes]) -> None:
        self.stream = stream
        self.body = self.end = b""
        for piece in pieces:
            released = self.stream.feed(piece)
            self.body += released.body
            self.end += released.end
        self.end += self.stream.end()


def conversation(*frames: bytes) -> Told:
    return Told(ConverseStream(), frames)


def invocation(*frames: bytes) -> Told:
    return Told(InvokeStream(), frames)


KINDS = st.sampled_from([ConverseStream, InvokeStream])
FRAMES = st.lists(
    st.sampled_from(
        [
            START,
            delta("Hi"),
            STOP,
            USED,
            metadata(inputTokens=-1),
            encode_event("surprise", {"usage": {"inputTokens": 1}}),
            encode_event("chunk", {"bytes": "no base64!"}),
            encode_event("chunk", {}),
            chunk([1]),
            chunk({"type": ["message_stop"]}),
            chunk(METRICS),
            *CLAUDE,
            *LLAMA,
            THROTTLED,
            ERROR,
            MALFORMED_FRAME,
            encode_frame({}, b""),
        ]
    ),
    max_size=8,
).map(b"".join)


@given(kind=KINDS, data=st.data(), sent=FRAMES)
@example(kind=ConverseStream, data=None, sent=CONVERSATION)
@example(kind=InvokeStream, data=None, sent=b"".join(CLAUDE))
def test_how_a_stream_is_cut_makes_no_difference_and_every_byte_passes(
    kind: type[ConverseStream | InvokeStream], data: st.DataObject | None, sent: bytes
) -> None:
    every_byte = [bytes([each]) for each in sent]
    pieces = every_byte if data is None else data.draw(pieces_of(sent))

    cut, whole = Told(kind(), pieces), Told(kind(), [sent])

    assert cut.body + cut.end == whole.body + whole.end == sent
    assert cut.end == whole.end
    for fact in ("report", "failure", "has_content", "is_complete", "has_ended"):
        assert getattr(cut.stream, fact) == getattr(whole.stream, fact)


@given(data=st.data(), sent=FRAMES, missing=st.integers(0, 200))
def test_a_broken_stream_passes_on_what_came(
    data: st.DataObject, sent: bytes, missing: int
) -> None:
    came = sent[: max(0, len(sent) - missing)]
    stream = ConverseStream()
    passed = b""
    for piece in data.draw(pieces_of(came)):
        released = stream.feed(piece)
        passed += released.body + released.end

    assert passed + stream.rest() == came


def test_bytes_that_are_no_frame_break_the_stream_and_are_kept() -> None:
    stream = ConverseStream()

    assert stream.feed(START).body == START
    with pytest.raises(BrokenFrameError):
        stream.feed(b"HTTP/1.1 200 OK\r\n")
    assert stream.rest() == b"HTTP/1.1 200 OK\r\n"


def test_a_conversations_usage_is_in_its_metadata_alone() -> None:
    answer = conversation(CONVERSATION)

    assert answer.stream.report.usage == COUNTED
    assert answer.stream.is_complete
    assert answer.stream.has_ended


def test_the_reason_to_stop_waits_for_the_usage_that_follows() -> None:
    answer = conversation(START, delta("Hi"), STOP, USED)

    assert answer.body == START + delta("Hi")
    assert answer.end == STOP + USED


def test_a_conversation_without_metadata_is_whole_and_reports_nothing() -> None:
    answer = conversation(START, delta("Hi"), STOP)

    assert answer.stream.is_complete
    assert answer.stream.report == NOT_REPORTED


@pytest.mark.parametrize("frames", [[], [START], [START, delta("Hi")], [USED[:-1]]])
def test_a_clean_end_is_not_always_the_end_of_a_conversation(
    frames: list[bytes],
) -> None:
    assert not conversation(*frames).stream.is_complete


@pytest.mark.parametrize(
    ("frame", "failure"),
    [
        (THROTTLED, Failure(200, ("ThrottlingException",), "slow")),
        (ERROR, Failure(200, ("InternalServerException",), "no")),
        (encode_frame({}, b"{}"), Failure(200)),
    ],
)
@pytest.mark.parametrize("told", [conversation, invocation])
def test_an_exception_ends_a_stream(told: Any, frame: bytes, failure: Failure) -> None:
    answer = told(START, frame)

    assert answer.stream.failure == failure
    assert answer.stream.has_ended
    assert not answer.stream.is_complete
    assert answer.end == frame


def test_a_frame_that_is_broken_passes_and_says_nothing() -> None:
    broken = USED[:-1] + b"\0"

    answer = conversation(START, broken, STOP, USED)

    assert answer.body == START + broken
    assert answer.stream.report.usage == COUNTED


def test_claudes_own_counts_come_before_the_metrics() -> None:
    answer = invocation(*CLAUDE)

    assert answer.stream.report.usage == Used(input_tokens=10, output_tokens=50)
    assert answer.end == CLAUDE[-1]


def test_a_family_without_counts_is_counted_by_the_metrics() -> None:
    answer = invocation(chunk({"text": "Hi"}), chunk({"is_finished": True, **METRICS}))

    assert answer.stream.report.usage == COUNTED
    assert answer.stream.is_complete


def test_llamas_counts_are_cumulative() -> None:
    answer = invocation(*LLAMA)

    assert answer.stream.report.usage == COUNTED
    assert answer.stream.is_complete


@pytest.mark.parametrize(
    ("frames", "usage"),
    [
        (
            [
                chunk({"outputText": "Hi", "inputTextTokenCount": 7}),
                chunk({"totalOutputTextTokenCount": 3, "completionReason": "FINISHED"}),
            ],
            COUNTED,
        ),
        (
            [
                chunk({"contentBlockDelta": {"delta": {"text": "Hi"}}}),
                chunk({"messageStop": {"stopReason": "end_turn"}}),
                chunk({"metadata": {"usage": {"inputTokens": 7, "outputTokens": 3}}}),
            ],
            COUNTED,
        ),
        ([chunk({"generation": "x", "prompt_token_count": None})], None),
    ],
)
def test_without_metrics_the_model_counts_itself(
    frames: list[bytes], usage: Used | None
) -> None:
    assert invocation(*frames).stream.report.usage == usage


def test_metrics_that_are_absurd_make_the_report_void() -> None:
    absurd = {"amazon-bedrock-invocationMetrics": {"inputTokenCount": -1}}

    assert invocation(chunk(absurd)).stream.report == REFUSED


def test_usage_that_a_model_writes_is_not_counted() -> None:
    answer = invocation(chunk({"outputText": json.dumps(METRICS)}))

    assert answer.stream.report == NOT_REPORTED
    assert not answer.stream.is_complete


@pytest.mark.parametrize(
    ("told", "silent", "first"),
    [
        (conversation, START, delta("Hi")),
        (
            conversation,
            START,
            encode_event("contentBlockStart", {"start": {"toolUse": {}}}),
        ),
        (invocation, CLAUDE[0], CLAUDE[1]),
        (invocation, chunk({"generation": ""}), LLAMA[0]),
    ],
)
def test_the_first_token_is_in_the_first_frame_that_says_something(
    told: Any, silent: bytes, first: bytes
) -> None:
    assert not told(silent).stream.has_content
    assert told(silent, first).stream.has_content
