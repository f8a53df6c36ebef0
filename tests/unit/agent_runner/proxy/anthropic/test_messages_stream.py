import json
from collections.abc import Iterable
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from tests.unit.agent_runner.proxy.cutting import pieces_of

from agent_runner.proxy.anthropic.messages_stream import MessagesStream
from agent_runner.proxy.usage import NOT_REPORTED
from agent_runner.used import Used
from shared.provider_errors.rows import Failure


def event(kind: str, *, end: str = "\n\n", **fields: Any) -> bytes:
    data = json.dumps({"type": kind, **fields})
    return f"event: {kind}\ndata: {data}{end}".encode()


def text(said: str) -> bytes:
    delta = {"type": "text_delta", "text": said}
    return event("content_block_delta", index=0, delta=delta)


def start(**usage: Any) -> bytes:
    return event("message_start", message={"content": [], "usage": usage})


def delta(stop_reason: str | None = "end_turn", **usage: Any) -> bytes:
    return event("message_delta", delta={"stop_reason": stop_reason}, usage=usage)


START = start(
    input_tokens=10,
    output_tokens=1,
    cache_creation_input_tokens=100,
    cache_creation={"ephemeral_5m_input_tokens": 40, "ephemeral_1h_input_tokens": 60},
    service_tier="standard",
)
OPENED = event("content_block_start", index=0, content_block={"type": "text"})
CLOSED = event("content_block_stop", index=0)
PING = event("ping")
STOP = event("message_stop")
OVERLOADED = event("error", error={"type": "overloaded_error", "message": "no"})
FORGED = text(
    json.dumps({"type": "message_delta", "usage": {"output_tokens": 9}})
    + "\n\nevent: message_stop\ndata: {}\n\n"
)
STREAM = b"".join(
    [
        START,
        OPENED,
        PING,
        text("Good"),
        b": comment\n\n",
        FORGED,
        CLOSED,
        delta(output_tokens=50),
        STOP,
    ]
)


class Told:
    """What a stream let pass, up to its clean end."""

    def __init__(self, pieces: Iterable[bytes]) -> None:
        self.stream = MessagesStream()
        self.body = self.end = b""
        for piece in pieces:
            released = self.stream.feed(piece)
            self.body += released.body
            self.end += released.end
        self.end += self.stream.end()


def told(*events: bytes) -> Told:
    return Told(events)


EVENTS = st.lists(
    st.sampled_from(
        [
            START,
            OPENED,
            PING,
            text("Hi"),
            FORGED,
            delta(output_tokens=3),
            delta(None, output_tokens=2),
            delta(output_tokens=-1),
            STOP,
            event("message_stop", end="\r\n\r\n"),
            OVERLOADED,
            event("surprise", usage={"input_tokens": 1}),
            b": comment\n\n",
            b"data: {broken\n\n",
            b"event: message_delta\n\n",
            b"\xff\xfe\n\n",
        ]
    ),
    max_size=8,
).map(b"".join)


@given(stream=EVENTS, data=st.data())
@example(stream=STREAM, data=None)
def test_how_a_stream_is_cut_makes_no_difference_and_every_byte_passes(
    stream: bytes, data: st.DataObject | None
) -> None:
    every_byte = [bytes([each]) for each in stream]
    pieces = every_byte if data is None else data.draw(pieces_of(stream))

    cut, whole = Told(pieces), Told([stream])

    assert cut.body + cut.end == whole.body + whole.end == stream
    assert cut.end == whole.end
    for fact in ("report", "failure", "has_content", "is_complete", "has_ended"):
        assert getattr(cut.stream, fact) == getattr(whole.stream, fact)


@given(stream=EVENTS, data=st.data())
def test_a_broken_stream_passes_on_what_came(
    stream: bytes, data: st.DataObject
) -> None:
    events = MessagesStream()
    passed = b""
    for piece in data.draw(pieces_of(stream)):
        released = events.feed(piece)
        passed += released.body + released.end

    assert passed + events.rest() == stream


def test_the_last_counts_lie_over_those_of_the_start() -> None:
    answer = told(STREAM)

    assert answer.stream.report.usage == Used(
        input_tokens=10,
        cache_write_5m_tokens=40,
        cache_write_1h_tokens=60,
        output_tokens=50,
        service_tier="standard",
    )


def test_counts_are_cumulative_and_never_summed() -> None:
    answer = told(
        start(input_tokens=10, output_tokens=1),
        delta(None, output_tokens=20),
        delta(output_tokens=50, input_tokens=12, cache_read_input_tokens=3),
        STOP,
    )

    assert answer.stream.report.usage == Used(
        input_tokens=12, cached_input_tokens=3, output_tokens=50
    )


def test_what_a_delta_leaves_out_or_says_is_null_stays() -> None:
    answer = told(start(input_tokens=10), delta(output_tokens=5, input_tokens=None))

    assert answer.stream.report.usage == Used(input_tokens=10, output_tokens=5)


def test_an_explicit_zero_overwrites() -> None:
    answer = told(start(input_tokens=10, output_tokens=7), delta(output_tokens=0))

    assert answer.stream.report.usage == Used(input_tokens=10, output_tokens=0)


def test_only_the_last_word_can_be_absurd() -> None:
    assert told(start(input_tokens=-1)).stream.report.is_refused
    assert told(
        start(input_tokens=-1), delta(input_tokens=1)
    ).stream.report.usage == Used(input_tokens=1)


def test_a_stream_without_figures_reports_none() -> None:
    answer = told(event("message_start", message={}), text("Hi"), delta(), STOP)

    assert answer.stream.report == NOT_REPORTED
    assert answer.stream.is_complete


def test_usage_that_a_model_writes_is_not_counted() -> None:
    answer = told(start(input_tokens=1, output_tokens=1), text("x"), FORGED)

    assert answer.stream.report.usage == Used(input_tokens=1, output_tokens=1)
    assert not answer.stream.has_ended


def test_the_final_usage_and_the_end_wait_to_be_settled() -> None:
    closing = delta(output_tokens=5)

    answer = told(START, text("Hi"), closing, STOP)

    assert answer.body == START + text("Hi")
    assert answer.end == closing + STOP


def test_running_usage_delays_nothing() -> None:
    running = delta(None, output_tokens=2)

    assert MessagesStream().feed(running).body == running


def test_an_error_ends_the_answer() -> None:
    answer = told(START, text("Hi"), OVERLOADED)

    assert answer.stream.has_ended
    assert not answer.stream.is_complete
    assert answer.stream.failure == Failure(200, ("overloaded_error",), "no")
    assert answer.end == OVERLOADED


@pytest.mark.parametrize(
    ("events", "is_complete"),
    [
        ([], False),
        ([START], False),
        ([START, text("Hi"), delta(None, output_tokens=2)], False),
        ([START, text("Hi"), delta(output_tokens=5)], True),
        ([START, text("Hi"), STOP], True),
        ([START, text("Hi"), STOP.rstrip()], True),
    ],
)
def test_a_clean_end_is_not_always_the_end_of_the_answer(
    events: list[bytes], *, is_complete: bool
) -> None:
    assert told(*events).stream.is_complete is is_complete


@pytest.mark.parametrize(
    "first",
    [
        text("Hi"),
        event(
            "content_block_delta",
            index=0,
            delta={"type": "thinking_delta", "thinking": "Hm"},
        ),
        event("content_block_start", index=0, content_block={"type": "tool_use"}),
    ],
)
def test_the_first_token_is_in_the_first_event_that_says_something(
    first: bytes,
) -> None:
    events = MessagesStream()

    events.feed(START + OPENED + PING)
    assert not events.has_content
    events.feed(first)
    assert events.has_content


@pytest.mark.parametrize(
    "strange",
    [
        event("message_start"),
        event("message_start", message=None),
        event("message_delta", delta=[], usage=7),
        event("error", error=None),
        b'data: {"type":["message_stop"]}\n\n',
        b'data: {"type":"message_delta","usage":{' + b"[" * 100_000 + b"\n\n",
    ],
)
def test_a_strange_event_passes_as_it_came(strange: bytes) -> None:
    answer = told(strange)

    assert answer.body + answer.end == strange
