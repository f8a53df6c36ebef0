import json
from base64 import b64encode

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent_runner.proxy.counting import (
    OTHERWISE,
    SILENCE,
    Count,
    End,
    Spoken,
    counted,
    estimated_input,
    estimated_output,
)
from agent_runner.proxy.usage import NOT_REPORTED, REFUSED, Report
from agent_runner.used import Used
from shared.contracts.metrics import UsageSource

WORDS = Spoken(has_words=True, tokens=30)
WHOLE = Report(Used(input_tokens=7, cached_input_tokens=2, output_tokens=3))
BEGUN = Report(Used(input_tokens=7, output_tokens=1), is_final=False)
ZERO = Report(Used(input_tokens=0, output_tokens=0))


def count(end: End, report: Report = NOT_REPORTED, spoken: Spoken = WORDS) -> Count:
    return counted(end, report, spoken, estimate_input=lambda: 100)


def test_every_end_has_its_rule() -> None:
    assert set(OTHERWISE) == set(End)


@pytest.mark.parametrize("end", End)
@pytest.mark.parametrize("report", [WHOLE, ZERO])
def test_what_was_reported_counts_whatever_the_end(end: End, report: Report) -> None:
    assert count(end, report) == Count(report.usage or Used(), UsageSource.REPORTED)


@pytest.mark.parametrize("end", End)
def test_what_cannot_be_true_is_refused_whatever_the_end(end: End) -> None:
    assert count(end, REFUSED) == Count(Used(), UsageSource.REFUSED)


@pytest.mark.parametrize("end", [End.ANSWERED, End.REFUSED, End.UNANSWERED])
def test_what_nobody_counted_is_not_known(end: End) -> None:
    assert count(end) == Count(Used(), UsageSource.NONE)


def test_an_answer_that_is_whole_is_counted_by_its_last_word() -> None:
    assert count(End.ANSWERED, BEGUN) == Count(
        Used(input_tokens=7, output_tokens=1), UsageSource.REPORTED
    )


@pytest.mark.parametrize("end", [End.BROKEN, End.ABANDONED, End.FAILED])
def test_what_broke_off_is_estimated(end: End) -> None:
    assert count(end) == Count(
        Used(input_tokens=100, output_tokens=30), UsageSource.ESTIMATED
    )


@pytest.mark.parametrize("end", [End.BROKEN, End.ABANDONED, End.FAILED])
def test_what_was_told_before_the_break_is_not_estimated(end: End) -> None:
    assert count(end, BEGUN) == Count(
        Used(input_tokens=7, output_tokens=30), UsageSource.ESTIMATED
    )


def test_an_output_that_was_told_is_never_estimated_lower() -> None:
    told = Report(Used(input_tokens=7, output_tokens=50), is_final=False)

    assert count(End.BROKEN, told).usage.output_tokens == 50


def test_an_input_of_zero_that_was_told_is_zero() -> None:
    told = Report(Used(input_tokens=0), is_final=False)

    assert count(End.BROKEN, told).usage == Used(input_tokens=0, output_tokens=30)


def test_a_failure_before_the_first_word_is_not_billed() -> None:
    assert count(End.FAILED, spoken=SILENCE) == Count(Used(), UsageSource.NONE)


def test_of_an_answer_in_one_piece_that_nobody_waited_for_the_output_is_unknown() -> (
    None
):
    assert count(End.ABANDONED, spoken=SILENCE) == Count(
        Used(input_tokens=100), UsageSource.ESTIMATED
    )


def test_the_input_is_estimated_only_where_it_is_needed() -> None:
    def estimate() -> int:
        raise AssertionError("this takes time")

    for end in End:
        counted(end, WHOLE, WORDS, estimate_input=estimate)
        counted(end, BEGUN, WORDS, estimate_input=estimate)


def test_a_text_has_a_token_every_four_bytes() -> None:
    assert estimated_input(b"x" * 401) == 101
    assert estimated_output(events=3, text_bytes=41) == 11


def test_an_event_is_a_token_at_least() -> None:
    assert estimated_output(events=50, text_bytes=41) == 50


IMAGE = b64encode(bytes(3000)).decode()


@pytest.mark.parametrize(
    "part",
    [
        {"image_url": {"url": f"data:image/png;base64,{IMAGE}"}},
        {"source": {"type": "base64", "data": IMAGE}},
        {"image": {"format": "png", "source": {"bytes": IMAGE}}},
    ],
)
@pytest.mark.parametrize("separators", [(",", ":"), (", ", ": ")])
def test_a_file_counts_as_a_file_and_not_as_text(
    part: object, separators: tuple[str, str]
) -> None:
    body = json.dumps([part, part], separators=separators).encode()

    assert 2000 < estimated_input(body) < 2200


def test_what_only_looks_like_a_file_counts_as_text() -> None:
    body = json.dumps({"data": "x", "bytes": "y", "text": ";base64,"}).encode()

    assert estimated_input(body) == -(-len(body) // 4)


@pytest.mark.parametrize("end", [b"", b'"}'])
def test_20_mebibytes_of_beginnings_are_looked_through_once(end: bytes) -> None:
    body = b'{"x":"' + b";base64," * (20 * 1024 * 1024 // 8) + end

    assert estimated_input(body) > 0


@given(st.binary())
def test_whatever_was_sent_is_estimated(body: bytes) -> None:
    assert estimated_input(body) >= 0


@given(st.lists(st.sampled_from([b'"data":"', b";base64,", b'"', b"x" * 300])))
def test_broken_files_are_estimated_too(pieces: list[bytes]) -> None:
    assert estimated_input(b"".join(pieces)) >= 0
