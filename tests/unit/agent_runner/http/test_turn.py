"""What one turn has to send goes out once for each connection, in order."""

import asyncio
from dataclasses import dataclass, field
from typing import cast

import pytest

from agent_runner.http.turn import Outgoing, Turn

LARGE = b"x" * (64 * 1024)
END = b""


@dataclass
class Wire:
    """Stands in for a transport: keeps what is written, and its end."""

    written: list[bytes] = field(default_factory=list)
    has_ended: bool = False
    high: int | None = None

    def write(self, data: bytes) -> None:
        assert not self.has_ended
        self.written.append(data)

    def write_eof(self) -> None:
        self.written.append(END)

    def close(self) -> None:
        self.has_ended = True

    def is_closing(self) -> bool:
        return self.has_ended

    def get_write_buffer_size(self) -> int:
        return 0

    def set_write_buffer_limits(self, high: int) -> None:
        self.high = high


def outgoing(turn: Turn) -> tuple[Outgoing, Wire]:
    wire = Wire()
    return Outgoing(cast(asyncio.Transport, wire), turn), wire


@pytest.fixture
def turn() -> Turn:
    return Turn()


@pytest.fixture
def busy() -> Turn:
    turn = Turn()
    turn.calls_in_hand = 100
    return turn


async def test_what_the_only_call_has_to_send_goes_out_when_the_callback_ends(
    turn: Turn,
) -> None:
    out, wire = outgoing(turn)
    turn.begin()
    out.write(b"head ")
    out.write(b"body")
    before_the_end = [*wire.written]

    turn.end()

    assert (before_the_end, wire.written) == ([], [b"head body"])


async def test_a_whole_answer_of_the_only_call_goes_out_before_its_callback_ends(
    turn: Turn,
) -> None:
    out, wire = outgoing(turn)
    turn.begin()

    out.write_last(b"answer")

    assert wire.written == [b"answer"]
    turn.end()
    assert wire.written == [b"answer"]


async def test_whole_answers_of_many_calls_go_out_together(busy: Turn) -> None:
    out, wire = outgoing(busy)
    busy.begin()
    out.write_last(b"one ")
    out.write_last(b"other")
    busy.end()
    before_the_end = [*wire.written]

    await asyncio.sleep(0)

    assert (before_the_end, wire.written) == ([], [b"one other"])


async def test_what_is_written_is_not_kept_until_the_callback_ends(turn: Turn) -> None:
    _, wire = outgoing(turn)

    assert wire.high == 0


async def test_what_many_calls_have_to_send_goes_out_after_all_their_callbacks(
    busy: Turn,
) -> None:
    (one, to_one), (other, to_other) = outgoing(busy), outgoing(busy)
    for out, data in ((one, b"a"), (other, b"b"), (one, b"c")):
        busy.begin()
        out.write(data)
        busy.end()
    before_the_end = [*to_one.written, *to_other.written]

    await asyncio.sleep(0)

    assert before_the_end == []
    assert (to_one.written, to_other.written) == ([b"ac"], [b"b"])


async def test_what_a_task_writes_goes_out_at_once(busy: Turn) -> None:
    out, wire = outgoing(busy)

    out.write(b"now")

    assert wire.written == [b"now"]


async def test_what_a_task_writes_stays_behind_what_was_gathered(busy: Turn) -> None:
    out, wire = outgoing(busy)
    busy.begin()
    out.write(b"first ")
    busy.end()

    out.write(b"second")

    await asyncio.sleep(0)
    assert wire.written == [b"first second"]


async def test_what_is_large_is_not_copied_and_waits_for_nothing(busy: Turn) -> None:
    out, wire = outgoing(busy)
    busy.begin()
    out.write(b"head")

    out.write(LARGE)

    assert wire.written[0] == b"head"
    assert wire.written[1] is LARGE


async def test_a_connection_ends_behind_what_was_gathered(busy: Turn) -> None:
    (closed, wire), (half_closed, other_wire) = outgoing(busy), outgoing(busy)
    busy.begin()
    closed.write(b"last")
    half_closed.write(b"last")

    closed.close()
    half_closed.write_eof()

    assert wire.written == [b"last"]
    assert other_wire.written == [b"last", END]


async def test_nothing_is_written_to_a_connection_that_has_ended(busy: Turn) -> None:
    (gone, ended), (alive, wire) = outgoing(busy), outgoing(busy)
    busy.begin()
    gone.write(b"to nobody")
    alive.write(b"here")
    ended.close()

    busy.end()
    gone.write(b"from a task")
    await asyncio.sleep(0)
    gone.write(b"from a task, later")

    assert (ended.written, wire.written) == ([], [b"here"])


async def test_steps_are_taken_once_all_callbacks_of_a_turn_have_run(
    busy: Turn,
) -> None:
    out, wire = outgoing(busy)
    taken: list[list[bytes]] = []

    def second() -> None:
        out.write(b"second ")
        busy.at_end(lambda: out.write(b"third"))
        taken.append([*wire.written])

    busy.begin()
    busy.at_end(second)
    busy.end()
    busy.begin()
    out.write(b"first ")
    busy.end()
    before_the_end = [*taken]

    await asyncio.sleep(0)

    assert before_the_end == []
    assert taken == [[]]
    assert wire.written == [b"first second third"]


async def test_the_only_call_takes_its_steps_when_the_callback_ends(
    turn: Turn,
) -> None:
    out, wire = outgoing(turn)
    turn.begin()
    turn.at_end(lambda: out.write(b"now"))

    turn.end()

    assert wire.written == [b"now"]


def test_outside_of_a_turn_a_step_is_taken_at_once(busy: Turn) -> None:
    taken: list[str] = []

    busy.at_end(lambda: taken.append("now"))

    assert taken == ["now"]


async def test_what_waits_is_not_yet_sent(busy: Turn) -> None:
    out, _ = outgoing(busy)
    busy.begin()

    out.write(b"waits")

    waited = not out.is_empty
    busy.end()
    await asyncio.sleep(0)
    assert (waited, out.is_empty) == (True, True)
