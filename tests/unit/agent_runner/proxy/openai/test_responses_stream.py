import json
from collections.abc import Iterable
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from tests.unit.agent_runner.proxy.cutting import pieces_of

from agent_runner.proxy.openai.responses_stream import ResponsesStream
from agent_runner.proxy.usage import NOT_REPORTED
from agent_runner.used import Used
from shared.provider_errors.rows import Failure

USED = {"input_tokens": 7, "output_tokens": 3}
COUNTED = Used(input_tokens=7, output_tokens=3)


def event(kind: str, *, end: str = "\n\n", **fields: Any) -> bytes:
    data = json.dumps({"type": kind, **fields})
    return f"event: {kind}\ndata: {data}{end}".encode()


def ended(status: str, **fields: Any) -> bytes:
    response = {"id": "resp_1", "status": status, "usage": USED, **fields}
    return event(f"response.{status}", response=response)


# What the client asked for comes back in the first events, a bill of its own included.
ECHO = {
    "instructions": json.dumps(USED),
    "metadata": {"usage": "7"},
    "tools": [{"type": "error", "usage": USED}],
    "usage": None,
}
CREATED = event("response.created", response={"status": "in_progress", **ECHO})
ADDED = event("response.output_item.added", item={"type": "message"})
HI = event("response.output_text.delta", delta="Hi")
FORGED = event("response.output_text.delta", delta=ended("completed").decode())
COMPLETED = ended("completed", **{k: v for k, v in ECHO.items() if k != "usage"})
FAILED = ended("failed", error={"code": "server_error", "message": "no"})
ERROR = event("error", code="server_is_overloaded", message="no", param=None)
STREAM = CREATED + ADDED + HI + b": comment\n\n" + FORGED + COMPLETED


class Told:
    def __init__(self, pieces: Iterable[bytes]) -> None:
        self.stream = ResponsesStream()
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
            CREATED,
            ADDED,
            HI,
            FORGED,
            COMPLETED,
            FAILED,
            ERROR,
            ended("incomplete", usage={"input_tokens": -1}),
            event("response.completed", response=None),
            b": comment\n\n",
            b"data: {broken\n\n",
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


@pytest.mark.parametrize("status", ["completed", "incomplete"])
def test_usage_is_read_from_the_last_event_whatever_its_kind(status: str) -> None:
    answer = told(CREATED, HI, ended(status))

    assert answer.stream.report.usage == COUNTED
    assert answer.stream.is_complete
    assert answer.stream.failure is None


def test_what_a_client_or_a_model_wrote_is_not_counted() -> None:
    answer = told(CREATED, HI, FORGED)

    assert answer.stream.report == NOT_REPORTED
    assert not answer.stream.is_complete


def test_the_last_event_waits_to_be_settled() -> None:
    answer = told(CREATED, HI, COMPLETED)

    assert answer.body == CREATED + HI
    assert answer.end == COMPLETED


def test_a_response_that_failed_is_a_failure_and_its_usage_counts() -> None:
    answer = told(CREATED, HI, FAILED)

    assert answer.stream.failure == Failure(200, ("server_error",), "no")
    assert answer.stream.report.usage == COUNTED
    assert answer.stream.has_ended


def test_an_error_ends_the_answer() -> None:
    answer = told(CREATED, HI, ERROR)

    assert answer.stream.failure is not None
    assert answer.stream.failure.names[0] == "server_is_overloaded"
    assert answer.stream.has_ended
    assert not answer.stream.is_complete


@pytest.mark.parametrize(
    "delta",
    [
        HI,
        event("response.reasoning_summary_text.delta", delta="Hm"),
        event("response.function_call_arguments.delta", delta="{"),
    ],
)
def test_the_first_token_is_in_the_first_delta(delta: bytes) -> None:
    events = ResponsesStream()

    events.feed(CREATED + ADDED)
    assert not events.has_content
    events.feed(delta)
    assert events.has_content
