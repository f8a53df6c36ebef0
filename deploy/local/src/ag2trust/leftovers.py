"""Processes that an earlier launcher of the home left behind, ended before a start.

On Linux a launcher's children end with it (`leash`), but not in the same moment, and
one that hangs not at all. A process is known by its id and the moment it started, so
that another one with the same id is never touched.
"""

import asyncio
import json
import os
import signal
from contextlib import suppress
from dataclasses import asdict, dataclass, field
from pathlib import Path

from shared.timeouts import timeout

from .errors import HomeUnusableError
from .private_files import write_private

__all__ = ["Children", "end_leftovers"]

_POLL_SECONDS = 0.05
_PATIENCE_SECONDS = 8.0
_START_TIME_FIELD = 22  # of /proc/<pid>/stat (proc_pid_stat(5)), counted from 1


@dataclass(frozen=True, slots=True)
class _Note:
    """A process of ours: who it is, and how it is asked to end."""

    name: str
    pid: int
    birth: str | None
    stop_signal: int

    @property
    def is_running(self) -> bool:
        return self.birth is not None and _birth_of(self.pid) == self.birth

    def ask_to_end(self) -> None:
        with suppress(ProcessLookupError):
            os.kill(self.pid, self.stop_signal)

    def end(self) -> None:
        """Children lead groups of their own, so this reaches what they started, too."""
        with suppress(ProcessLookupError):
            os.killpg(self.pid, signal.SIGKILL)


@dataclass
class Children:
    """The file in which a launcher notes whom it has started."""

    file: Path
    _notes: dict[int, _Note] = field(default_factory=dict)

    def note(self, name: str, pid: int, stop_signal: signal.Signals) -> None:
        self._notes[pid] = _Note(name, pid, _birth_of(pid), int(stop_signal))
        self._write()

    def forget(self, pid: int) -> None:
        self._notes.pop(pid, None)
        self._write()

    def _write(self) -> None:
        notes = [asdict(note) for note in self._notes.values()]
        write_private(self.file, json.dumps(notes))


async def end_leftovers(file: Path) -> list[str]:
    """End what *file* names and still runs; return the names.

    Raises `HomeUnusableError` for a file that no launcher wrote.
    """
    leftovers = [note for note in _notes_in(file) if note.is_running]
    for note in leftovers:
        note.ask_to_end()
    with suppress(TimeoutError):
        async with timeout(_PATIENCE_SECONDS):
            await _gone(leftovers)
    for note in leftovers:
        if note.is_running:
            note.end()
    await _gone(leftovers)
    return [note.name for note in leftovers]


def _notes_in(file: Path) -> list[_Note]:
    if not file.exists():
        return []
    try:
        return [_Note(**each) for each in json.loads(file.read_text())]
    except (TypeError, ValueError):
        raise HomeUnusableError(
            f"{file} is damaged, which names the processes of the start before. See "
            "that none of them runs, and delete it."
        ) from None


async def _gone(notes: list[_Note]) -> None:
    while True:
        if not any(note.is_running for note in notes):
            return
        await asyncio.sleep(_POLL_SECONDS)


def _birth_of(pid: int) -> str | None:
    """Return boot and clock tick in which *pid* started; None if it is not there.

    A zombie is not there: it holds nothing. Other systems than Linux have no /proc,
    and there nothing is ever taken for a leftover.
    """
    try:
        stat = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8", errors="replace")
        boot = Path("/proc/sys/kernel/random/boot_id").read_text().strip()
    except OSError:
        return None
    state, *others = stat.rpartition(")")[2].split()
    return None if state == "Z" else f"{boot}/{others[_START_TIME_FIELD - 4]}"
