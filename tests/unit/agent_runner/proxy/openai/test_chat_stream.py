import json
from collections.abc import Iterable
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from tests.unit.agent_runner.proxy.cutting import pieces_of

from agent_runner.proxy.openai.chat_stream import ChatStream
from agent_runner.used import Used
from shared.provider_errors.rows import Failure

DONE = b"data: [DONE]\n\n"
BILL = {"choices": [], "usage": {"prompt_tokens": 7, "completion_tokens": 3}}
BILLED = Used(input_tokens=7, output_tokens=3)


def event(chunk: object, *, end: str = "\n\n") -> bytes:
    return f"data: {json.dumps(chunk)}{end}".encode()


def said(text: str | None = None, *, finish: str | None = None, **more: Any) -> Any:
    delta = {} if text is None else {"content": text}
    choice = {"index": 0, "delta": delta, "finish_reason": finish}
    return {"id": "c", "choices": [choice], **more}


ROLE = {"choices": [{"delta": {"role": "assistant", "content": "", "refusal": None}}]}
STREAM = b"".join(
    [
        event(ROLE),
        event(said("Good", usage=None)),
        b": keep-alive\n\n",
        event(said(' "usage": {"prompt_tokens": 9}, [DONE], "error": 1')),
        event(said("day"), end="\r\n\r\n"),
        event(said(finish="stop")),
        event(BILL),
        DONE,
    ]
)


class Told:
    """What a stream let pass, up to its clean end."""

    def __init__(self, pieces: Iterable[bytes], *, withholds_usage: bool) -> None:
        self.stream = ChatStream(withholds_usage=withholds_usage)
        self.body = b""
        self.end = b""
        for piece in pieces:
            released = self.stream.feed(piece)
            self.body += released.body
            self.end += released.end
        self.end += self.stream.end()

    @property
    def passed(self) -> bytes:
        return self.body + self.end


def told(*events: bytes, withholds_usage: bool = False) -> Told:
    return Told(events, withholds_usage=withholds_usage)


EVENTS = st.lists(
    st.sampled_from(
        [
            event(ROLE),
            event(said("Hi")),
            event(said("Hi", usage={"prompt_tokens": 1, "completion_tokens": 1})),
            event(said(finish="stop", usage={"prompt_tokens": 2})),
            event(BILL),
            event(BILL, end="\r\n\r\n"),
            event(BILL, end="\r\r"),
            event({**BILL, "moderation": {"flagged": False}}),
            event({"error": {"message": "no"}}),
            b": comment\n\n",
            b"data: {broken\n\n",
            b"\xff\xfe\n\n",
            DONE,
        ]
    ),
    max_size=8,
).map(b"".join)


@given(stream=EVENTS, withholds_usage=st.booleans(), data=st.data())
@example(stream=STREAM, withholds_usage=True, data=None)
def test_how_a_stream_is_cut_makes_no_difference(
    stream: bytes, *, withholds_usage: bool, data: st.DataObject | None
) -> None:
    every_byte = [bytes([each]) for each in stream]
    pieces = every_byte if data is None else data.draw(pieces_of(stream))

    cut = Told(pieces, withholds_usage=withholds_usage)
    whole = Told([stream], withholds_usage=withholds_usage)

    assert cut.passed == whole.passed
    assert cut.end == whole.end
    for fact in ("report", "failure", "has_content", "is_complete", "has_ended"):
        assert getattr(cut.stream, fact) == getattr(whole.stream, fact)


@given(stream=EVENTS, data=st.data())
def test_a_client_that_asked_for_usage_gets_every_byte(
    stream: bytes, data: st.DataObject
) -> None:
    pieces = data.draw(pieces_of(stream))

    assert Told(pieces, withholds_usage=False).passed == stream


@given(stream=EVENTS, data=st.data())
def test_a_broken_stream_passes_on_what_came(
    stream: bytes, data: st.DataObject
) -> None:
    events = ChatStream(withholds_usage=False)
    passed = b""
    for piece in data.draw(pieces_of(stream)):
        released = events.feed(piece)
        passed += released.body + released.end

    assert passed + events.rest() == stream


def test_only_the_chunk_that_we_asked_for_is_withheld() -> None:
    answer = told(STREAM, withholds_usage=True)

    assert answer.passed == STREAM.replace(event(BILL), b"")
    assert answer.stream.report.usage == BILLED


@pytest.mark.parametrize(
    "chunk",
    [
        said("Hi", usage=BILL["usage"]),
        said(finish="stop", usage=BILL["usage"]),
        {**BILL, "usage": None},
        {"usage": BILL["usage"]},
        {**BILL, "moderation": {"flagged": False}},
        {**BILL, "prompt_filter_results": [{"index": 0}]},
    ],
)
def test_a_chunk_with_something_else_to_say_is_never_withheld(chunk: Any) -> None:
    stream = event(chunk) + DONE

    assert told(stream, withholds_usage=True).passed == stream


@pytest.mark.parametrize(
    "usage", [{}, {"prompt_tokens": -1}, {"prompt_tokens": 2**70, "x": {}}]
)
def test_a_bill_that_cannot_be_read_is_withheld_too(usage: dict[str, Any]) -> None:
    answer = told(event({**BILL, "usage": usage}), DONE, withholds_usage=True)

    assert answer.passed == DONE
    assert answer.stream.report.usage is None


@pytest.mark.parametrize("end", ["\n\n", "\r\n\r\n", "\r\r", "\n\r\n"])
def test_a_withheld_chunk_leaves_nothing_behind(end: str) -> None:
    bill = event(BILL, end=end)

    assert told(event(said("Hi")), bill, DONE, withholds_usage=True).passed == (
        event(said("Hi")) + DONE
    )


@pytest.mark.parametrize(
    "closing", [event(BILL), event(said(finish="stop", usage=BILL["usage"]))]
)
def test_the_final_usage_and_the_end_mark_wait_to_be_settled(closing: bytes) -> None:
    answer = told(event(said("Hi")), closing, DONE)

    assert answer.body == event(said("Hi"))
    assert answer.end == closing + DONE


def test_a_bill_that_is_not_the_last_chunk_passes_with_its_successor() -> None:
    answer = told(event(BILL), event(said("Hi")), DONE)

    assert answer.body == event(BILL) + event(said("Hi"))


def test_running_usage_delays_no_chunk() -> None:
    events = ChatStream(withholds_usage=True)
    running = event(said("Hi", usage={"prompt_tokens": 7, "completion_tokens": 1}))

    assert events.feed(running).body == running


def test_of_running_usage_the_last_counts() -> None:
    counts = [event(said("Hi", usage={"completion_tokens": n})) for n in range(4)]

    assert told(*counts, DONE).stream.report.usage == Used(output_tokens=3)


def test_an_explicit_zero_overwrites_what_was_said_before() -> None:
    answer = told(
        event(said("Hi", usage={"completion_tokens": 9})),
        event({"choices": [], "usage": {"completion_tokens": 0}}),
        DONE,
    )

    assert answer.stream.report.usage == Used(output_tokens=0)


def test_usage_that_a_model_writes_is_not_counted() -> None:
    answer = told(event(said(json.dumps(BILL))), DONE, withholds_usage=True)

    assert answer.stream.report.usage is None
    assert answer.passed == event(said(json.dumps(BILL))) + DONE


@pytest.mark.parametrize("done", [b"[DONE]", b"[DONE] ", b"[DONE]\ndata: x"])
def test_what_sdks_take_for_the_end_is_the_end(done: bytes) -> None:
    answer = told(event(said("Hi")), b"data: " + done + b"\n\n")

    assert answer.stream.has_ended
    assert answer.end == b"data: " + done + b"\n\n"


@pytest.mark.parametrize("rest", [b"data: [DONE]\n", b"data: [DONE]"])
def test_the_last_event_may_lack_its_empty_line(rest: bytes) -> None:
    answer = told(event(said("Hi")), rest)

    assert answer.stream.is_complete
    assert answer.passed == event(said("Hi")) + rest


def test_a_last_bill_without_its_empty_line_is_read_and_withheld() -> None:
    answer = told(event(said("Hi")), event(BILL, end=""), withholds_usage=True)

    assert answer.stream.report.usage == BILLED
    assert answer.passed == event(said("Hi"))


@pytest.mark.parametrize(
    ("error", "noted"),
    [
        (
            {"message": "no", "code": "server_error"},
            Failure(200, ("server_error",), "no"),
        ),
        ("no", Failure(200, (), "no")),
        (["no"], Failure(200)),
    ],
)
def test_an_error_ends_the_answer(error: Any, noted: Failure) -> None:
    answer = told(event(said("Hi")), event({"error": error}))

    assert answer.stream.has_ended
    assert answer.stream.failure == noted
    assert answer.end == event({"error": error})


@pytest.mark.parametrize("error", [None, {}, ""])
def test_an_empty_error_is_none(error: object) -> None:
    answer = told(event(said("Hi", error=error)), DONE)

    assert answer.stream.failure is None


@pytest.mark.parametrize(
    ("events", "is_complete"),
    [
        ([], False),
        ([event(said("Hi"))], False),
        ([event(said("Hi")), event(said(finish="length"))], True),
        ([event(said("Hi")), event(BILL)], True),
        ([event(said("Hi")), DONE], True),
    ],
)
def test_a_clean_end_is_not_always_the_end_of_the_answer(
    events: list[bytes], *, is_complete: bool
) -> None:
    assert told(*events).stream.is_complete is is_complete


@pytest.mark.parametrize(
    "delta",
    [
        {"content": "Hi"},
        {"refusal": "No."},
        {"reasoning_content": "Hm."},
        {"tool_calls": [{"index": 0, "id": "call_1"}]},
        {"function_call": {"name": "f"}},
        {"role": "assistant", "content": "Hi"},
    ],
)
def test_the_first_token_is_in_the_first_delta_that_says_something(
    delta: dict[str, Any],
) -> None:
    events = ChatStream(withholds_usage=False)

    for silent in (b": comment\n\n", event({"choices": []}), event(ROLE)):
        events.feed(silent)
        assert not events.has_content
    events.feed(event({"choices": [{"delta": delta}]}))
    assert events.has_content


@pytest.mark.parametrize(
    "chunk",
    [
        [],
        None,
        {"choices": None},
        {"choices": {}},
        {"choices": [None]},
        {"choices": [{"delta": []}]},
        {"choices": [{"delta": None, "finish_reason": None}]},
        {"choices": [], "usage": [], "error": 0},
    ],
)
def test_a_strange_chunk_passes_as_it_came(chunk: object) -> None:
    answer = told(event(chunk), DONE, withholds_usage=True)

    assert answer.passed == event(chunk) + DONE


def test_a_chunk_nested_without_end_passes_as_it_came() -> None:
    deep = b'data: {"usage":{' + b"[" * 100_000 + b"\n\n"

    assert told(deep, DONE).passed == deep + DONE
