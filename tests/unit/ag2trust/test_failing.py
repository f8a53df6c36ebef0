"""A start that fails ends in a sentence, not in a traceback or a log."""

import errno
import os
from pathlib import Path

import pytest

from ag2trust.child import Child, Command
from ag2trust.failing import explained

STARTS = "2026-11-29 23:07:28 UTC [7] LOG:  starting PostgreSQL 18.4"
FULL = "2026-11-29 23:07:28 UTC [8] FATAL:  No space left on device"


class Ended:
    """A process of which nothing is asked here."""

    pid = 7


@pytest.mark.parametrize("code", [errno.ENOSPC, errno.EDQUOT])
def test_a_full_disk_is_told_in_a_sentence(
    capsys: pytest.CaptureFixture[str], code: int
) -> None:
    with pytest.raises(SystemExit) as ended, explained():
        raise ExceptionGroup("tasks", [OSError(code, os.strerror(code))])

    assert ended.value.code == os.EX_CANTCREAT
    assert capsys.readouterr().err == (
        "ag2trust: The disk is full. Make room on it, then try again.\n"
    )


def test_what_nobody_foresaw_stays_a_traceback() -> None:
    with pytest.raises(ExceptionGroup), explained():
        raise PermissionError(errno.EPERM, os.strerror(errno.EPERM))


@pytest.mark.parametrize(
    ("logged", "words"),
    [
        ([STARTS, FULL], ["No space left on device", "See {log}"]),
        ([STARTS, FULL, FULL], ["No space left on device", "See {log}"]),
        ([STARTS], [STARTS]),
        ([], []),
    ],
)
def test_last_words_are_complaints_if_there_are_any(
    tmp_path: Path, logged: list[str], words: list[str]
) -> None:
    log = tmp_path / "postgres.log"
    log.write_text("".join(f"{line}\n" for line in logged))
    child = Child(Command("postgres", (), {}, log), Ended(), log_start=0)  # type: ignore[arg-type]

    told = child.last_words()

    assert told == "".join(f"\n    {word.format(log=log)}" for word in words)
