from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.reply_pieces import Delta, Earshot, Piece, ReplyReader, Restart
from shared.contracts.conversations import MessageChunk

from .objects import SOME_ID


def chunk(attempt: int, index: int, text: str) -> MessageChunk:
    return MessageChunk(message_id=SOME_ID, attempt=attempt, index=index, text=text)


def heard(*chunks: MessageChunk) -> list[Piece]:
    reader = ReplyReader()
    return [piece for each in chunks for piece in reader.hear(each)]


def test_chunks_in_order_are_told_as_they_come() -> None:
    assert heard(chunk(1, 0, "Hell"), chunk(1, 1, "o")) == [Delta("Hell"), Delta("o")]


def test_a_gap_takes_back_what_was_told_and_ends_the_telling() -> None:
    told = heard(chunk(1, 0, "a"), chunk(1, 2, "c"), chunk(1, 3, "d"))

    assert told == [Delta("a"), Restart()]


def test_a_new_attempt_takes_back_what_the_last_one_said() -> None:
    told = heard(chunk(1, 0, "a"), chunk(2, 0, "x"), chunk(2, 1, "y"))

    assert told == [Delta("a"), Restart(), Delta("x"), Delta("y")]


def test_after_a_gap_a_new_attempt_is_told_again() -> None:
    told = heard(chunk(1, 0, "a"), chunk(1, 2, "c"), chunk(2, 0, "x"))

    assert told == [Delta("a"), Restart(), Delta("x")]


def test_a_late_chunk_of_an_earlier_attempt_is_not_told() -> None:
    told = heard(chunk(2, 0, "x"), chunk(1, 1, "b"), chunk(2, 1, "y"))

    assert told == [Delta("x"), Delta("y")]


def test_a_chunk_that_comes_twice_is_told_once() -> None:
    told = heard(chunk(1, 0, "a"), chunk(1, 0, "a"), chunk(1, 1, "b"))

    assert told == [Delta("a"), Delta("b")]


def test_who_missed_the_beginning_is_told_nothing() -> None:
    assert heard(chunk(1, 1, "b"), chunk(1, 2, "c")) == []


REPLIES = [[f"{attempt}.{index} " for index in range(5)] for attempt in (1, 2, 3)]
CHUNKS = [
    chunk(attempt, index, text)
    for attempt, reply in enumerate(REPLIES, start=1)
    for index, text in enumerate(reply)
]


@given(st.lists(st.integers(0, 2), min_size=len(CHUNKS), max_size=len(CHUNKS)))
def test_what_was_told_since_a_restart_is_a_beginning_of_one_attempt(
    times: list[int],
) -> None:
    """Whatever is lost, and whatever comes twice."""
    reader, told = ReplyReader(), ""

    for each, count in zip(CHUNKS, times, strict=True):
        for piece in [piece for _ in range(count) for piece in reader.hear(each)]:
            told = told + piece.content if isinstance(piece, Delta) else ""
        assert any("".join(reply).startswith(told) for reply in REPLIES)


def earshot(**options: Any) -> Earshot:
    return Earshot(lambda: None, **options)


def test_what_is_not_read_in_time_is_lost_and_told_as_a_gap() -> None:
    ears = earshot(most_characters=4)
    ears.hear(chunk(1, 0, "ab"))
    assert ears.pieces() == [Delta("ab")]

    for index, text in enumerate(["cd", "ef", "gh"], start=1):
        ears.hear(chunk(1, index, text))
    first = ears.pieces()
    ears.hear(chunk(1, 4, "ij"))

    assert first == [Delta("cd"), Delta("ef")]
    assert ears.pieces() == [Restart()]


def test_what_was_read_makes_room() -> None:
    ears = earshot(most_characters=4)

    for index in range(100):
        ears.hear(chunk(1, index, "abcd"))
        assert ears.pieces() == [Delta("abcd")]


@pytest.mark.parametrize("texts", [[], ["a"], ["a", "b"]])
def test_whoever_waits_is_woken_for_every_chunk(texts: list[str]) -> None:
    woken: list[None] = []
    ears = Earshot(lambda: woken.append(None))

    for index, text in enumerate(texts):
        ears.hear(chunk(1, index, text))

    assert len(woken) == len(texts)
