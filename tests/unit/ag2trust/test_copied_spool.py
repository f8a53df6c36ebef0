"""A copy of a spool while calls go on is a spool of those that had ended by then."""

from pathlib import Path

from tests.unit.agent_runner.spool.spooling import call, opened, segments, sequences

from ag2trust.backup import copy_spool

BEFORE, MEANWHILE = 150, 250  # a segment has about 200, and its successor is made early


def test_a_copy_holds_every_call_that_had_ended_and_no_gap(tmp_path: Path) -> None:
    with opened(tmp_path / "spool") as spool:

        def read_while_calls_go_on(path: Path) -> bytes:
            found = path.read_bytes()
            for _ in range(MEANWHILE):
                call(spool)
            return found

        for _ in range(BEFORE):
            call(spool)
        copy_spool(tmp_path / "spool", tmp_path / "copy", read=read_while_calls_go_on)
        identity = spool.id

    assert len(segments(tmp_path / "copy")) > 1
    with opened(tmp_path / "copy") as copy:
        assert copy.id == identity
        assert copy.last_sequence >= BEFORE
        assert sequences(copy) == list(range(1, copy.last_sequence + 1))


def test_a_runner_that_never_ran_has_nothing_to_copy(tmp_path: Path) -> None:
    copy_spool(tmp_path / "none", tmp_path / "copy")

    assert list((tmp_path / "copy").iterdir()) == []
