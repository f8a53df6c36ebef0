import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from uuid import UUID

import pytest

from agent_runner.runtimes.process.ledger import (
    Entry,
    ProcessLedger,
    _started_by_proc,
    _started_by_ps,
    started_at,
)

AGENT = UUID(int=1)
ENTRY = Entry(
    agent_id=AGENT, org_id=UUID(int=2), epoch=3, pid=4, started_at="boot 1234"
)


@pytest.fixture
def ledger(tmp_path: Path) -> ProcessLedger:
    return ProcessLedger(tmp_path)


@pytest.fixture
def child() -> Iterator[subprocess.Popen[bytes]]:
    """Start a process that lives until its input ends."""
    waiting = "import sys; print(flush=True); sys.stdin.read()"
    with subprocess.Popen(  # noqa: S603 our own interpreter
        [sys.executable, "-I", "-c", waiting],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    ) as process:
        assert process.stdout
        process.stdout.readline()
        yield process


def entry_of(pid: int) -> Entry:
    return replace(ENTRY, pid=pid, started_at=started_at(pid) or "")


def test_what_was_written_is_read_again(ledger: ProcessLedger) -> None:
    ledger.write(ENTRY)

    assert ledger.read(AGENT) == ENTRY
    assert ledger.entries() == [ENTRY]


def test_a_later_entry_takes_the_place_of_an_earlier_one(
    ledger: ProcessLedger,
) -> None:
    ledger.write(ENTRY)
    ledger.write(replace(ENTRY, epoch=4))

    assert [entry.epoch for entry in ledger.entries()] == [4]


def test_an_entry_that_was_never_finished_is_none(
    ledger: ProcessLedger, tmp_path: Path
) -> None:
    (tmp_path / f"{AGENT}.new").write_text('{"agent_id"')

    assert ledger.entries() == []


def test_what_was_removed_is_gone_and_may_be_removed_again(
    ledger: ProcessLedger,
) -> None:
    ledger.write(ENTRY)

    ledger.remove(AGENT)
    ledger.remove(AGENT)

    assert ledger.read(AGENT) is None


def test_a_process_that_runs_is_known(child: subprocess.Popen[bytes]) -> None:
    entry = entry_of(child.pid)

    assert entry.is_running
    assert not entry.number_is_reused


def test_a_process_that_ended_is_not_running(child: subprocess.Popen[bytes]) -> None:
    entry = entry_of(child.pid)

    child.communicate()

    assert not entry.is_running
    assert not entry.number_is_reused


def test_a_process_that_waits_to_be_reaped_is_not_running(
    child: subprocess.Popen[bytes],
) -> None:
    entry = entry_of(child.pid)
    assert child.stdin

    child.stdin.close()
    os.waitid(os.P_PID, child.pid, os.WEXITED | os.WNOWAIT)

    assert not entry.is_running


def test_another_process_with_the_same_number_is_told_apart(
    child: subprocess.Popen[bytes],
) -> None:
    entry = replace(entry_of(child.pid), started_at="boot 1")

    assert not entry.is_running
    assert entry.number_is_reused


@pytest.mark.parametrize("ask", [_started_by_proc, _started_by_ps])
def test_a_process_has_one_start(
    ask: Callable[[int], str | None], child: subprocess.Popen[bytes]
) -> None:
    assert ask(child.pid) == ask(child.pid) != ask(os.getppid())


@pytest.mark.parametrize("ask", [_started_by_proc, _started_by_ps])
def test_nobody_has_no_start(
    ask: Callable[[int], str | None], child: subprocess.Popen[bytes]
) -> None:
    child.communicate()

    assert ask(child.pid) is None
