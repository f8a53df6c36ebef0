"""A copy of a spool while calls go on is a spool of those that had ended by then."""

import threading
from pathlib import Path

from tests.unit.agent_runner.spool.spooling import call, opened, sequences

from ag2trust.backup import copy_spool

CALLS = 600
COPIES = 10


def test_a_copy_holds_every_call_that_had_ended_and_no_gap(tmp_path: Path) -> None:
    ended_before: list[int] = []
    with opened(tmp_path / "spool") as spool:
        runner = threading.Thread(target=lambda: [call(spool) for _ in range(CALLS)])
        runner.start()
        for number in range(COPIES):
            ended_before.append(spool.last_sequence)
            copy_spool(tmp_path / "spool", tmp_path / str(number))
        runner.join()
        identity = spool.id

    for number, ended in enumerate(ended_before):
        with opened(tmp_path / str(number)) as copy:
            assert copy.id == identity
            assert copy.last_sequence >= ended
            assert sequences(copy) == list(range(1, copy.last_sequence + 1))


def test_a_runner_that_never_ran_has_nothing_to_copy(tmp_path: Path) -> None:
    copy_spool(tmp_path / "none", tmp_path / "copy")

    assert list((tmp_path / "copy").iterdir()) == []
