"""Which failures move a call on, when to ask again, and in which order."""

from datetime import UTC, datetime
from uuid import UUID

import pytest

from agent_runner.http.errors import (
    BrokenAnswerError,
    ConnectingFailedError,
    ConnectingTimedOutError,
    SilentError,
)
from agent_runner.proxy.candidates import in_order
from agent_runner.proxy.moving_on import (
    MOVES_ON,
    is_providers,
    moves_on,
    never_left,
    retry_after,
)
from agent_runner.proxy.patience import Patience
from shared.contracts.base import Explanation
from shared.contracts.credentials import ProviderType
from shared.provider_errors.explaining import ERROR_TABLE
from shared.provider_errors.on_the_way import CUT_SHORT, TIMED_OUT
from shared.provider_errors.rows import ErrorSource

NOON = datetime(2026, 11, 29, 12, tzinfo=UTC)
PATIENCE = Patience(deadline_seconds=10, pause_seconds=1, rounds=2)
OF_THE_REQUEST = {
    "CONFLICT",
    "CONTENT_FILTERED",
    "CONTEXT_TOO_LONG",
    "INVALID_REQUEST",
    "REQUEST_TOO_LARGE",
}


def explained(code: str) -> Explanation:
    return Explanation(code=code, message="", cause="", fix="", retryable=False)


def test_every_code_of_the_table_is_somebodys() -> None:
    sources = [ErrorSource(each.value) for each in ProviderType]
    codes = {row.meaning.code for each in sources for row in ERROR_TABLE[each]}

    unplaced = {
        code for code in codes - OF_THE_REQUEST if not is_providers(explained(code))
    }

    assert not unplaced
    assert not OF_THE_REQUEST & MOVES_ON


def test_a_call_that_may_have_been_carried_out_does_not_move_on() -> None:
    assert not moves_on(TIMED_OUT)
    assert not moves_on(CUT_SHORT)
    assert not never_left(SilentError())
    assert not never_left(BrokenAnswerError())


def test_one_that_found_no_connection_does() -> None:
    assert never_left(ConnectingFailedError())
    assert never_left(ConnectingTimedOutError())


@pytest.mark.parametrize(
    ("name", "value", "seconds"),
    [
        (b"retry-after", b"7", 7.0),
        (b"retry-after", b"Sun, 29 Nov 2026 12:00:30 GMT", 30.0),
        (b"retry-after", b"Sun, 29 Nov 2026 11:00:00 GMT", 0.0),
        (b"retry-after-ms", b"250", 0.25),
        (b"retry-after", b"-1", None),
        (b"retry-after", b"soon", None),
        (b"retry-after", b"", None),
        (b"retry-after", b"9" * 400, None),
        (b"retry-after", b"Sun, 29 Nov 2026 11:00:00 +%b" % (b"9" * 20), None),
        (b"retry-after", b"Sun, %b Nov 2026 11:00:00 GMT" % (b"9" * 20), None),
    ],
)
def test_a_provider_says_when_to_ask_again(
    name: bytes, value: bytes, seconds: float | None
) -> None:
    assert retry_after([(name, value)], NOON) == seconds


@pytest.mark.parametrize(
    ("waits", "rounds_done", "elapsed", "pause"),
    [
        ([3.0, 2.0], 1, 0, 2.0),
        ([None, 3.0], 1, 0, 1.0),
        ([0.0], 1, 0, 1.0),
        ([2.0], 2, 0, None),
        ([2.0], 1, 8.5, None),
        ([30.0], 1, 0, None),
        ([], 1, 0, None),
    ],
)
def test_candidates_are_asked_again_when_they_may_be_and_within_the_deadline(
    waits: list[float | None], rounds_done: int, elapsed: float, pause: float | None
) -> None:
    assert pause == PATIENCE.wait(
        waits, rounds_done=rounds_done, elapsed_seconds=elapsed, jitter=0
    )


def test_who_is_left_alone_is_asked_after_all_others() -> None:
    first, second, third = ((UUID(int=n), "m") for n in range(3))

    order = [*in_order((first, second, third), admits=lambda each: each != first)]

    assert order == [second, third, first]
