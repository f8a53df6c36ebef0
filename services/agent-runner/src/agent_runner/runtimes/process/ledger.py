"""Remembers which processes are agents, through a restart of the runner.

One JSON file an agent. A process is known by its number and by when it started, so
that another process that got the same number later is not taken for an agent.
"""

import json
import subprocess
from dataclasses import asdict, dataclass
from pathlib import Path
from uuid import UUID

__all__ = ["Entry", "ProcessLedger", "started_at"]

_PROC = Path("/proc")
_DEAD = ("Z", "X")  # states of proc(5): ended, and only waiting to be reaped
_PS_WITHIN_SECONDS = 5


@dataclass(frozen=True, slots=True)
class Entry:
    """An agent's process; it leads the process group of the same number."""

    agent_id: UUID
    org_id: UUID
    epoch: int
    pid: int
    started_at: str

    @property
    def is_running(self) -> bool:
        return started_at(self.pid) == self.started_at

    @property
    def number_is_reused(self) -> bool:
        return started_at(self.pid) not in (None, self.started_at)


class ProcessLedger:
    def __init__(self, folder: Path) -> None:
        """Use *folder*, which must exist and be nobody else's."""
        self._folder = folder

    def write(self, entry: Entry) -> None:
        path = self._path(entry.agent_id)
        unfinished = path.with_suffix(".new")
        unfinished.write_text(json.dumps(asdict(entry), default=str))
        unfinished.replace(path)

    def read(self, agent_id: UUID) -> Entry | None:
        try:
            return _entry(self._path(agent_id).read_text())
        except FileNotFoundError:
            return None

    def entries(self) -> list[Entry]:
        return [_entry(path.read_text()) for path in self._folder.glob("*.json")]

    def remove(self, agent_id: UUID) -> None:
        self._path(agent_id).unlink(missing_ok=True)

    def _path(self, agent_id: UUID) -> Path:
        return self._folder / f"{agent_id}.json"


def started_at(pid: int) -> str | None:
    """Tell when the process with this number started, in words good for comparing.

    None if there is none, or if it has ended and only waits to be reaped.
    """
    if (_PROC / "self").exists():
        return _started_by_proc(pid)
    return _started_by_ps(pid)


def _started_by_proc(pid: int) -> str | None:
    """Read field 22 of /proc/<pid>/stat: clock ticks since the machine's start.

    The second field, the program's name in parentheses, may hold anything, so fields
    are counted from its end: state is the first then, start the twentieth.
    """
    try:
        stat = (_PROC / str(pid) / "stat").read_text(errors="replace")
    except (FileNotFoundError, ProcessLookupError):
        return None
    fields = stat.rpartition(")")[2].split()
    if fields[0] in _DEAD:
        return None
    boot = (_PROC / "sys/kernel/random/boot_id").read_text().strip()
    return f"{boot} {fields[19]}"


def _started_by_ps(pid: int) -> str | None:
    """Ask ps(1), which POSIX systems without /proc have; to the second."""
    shown = subprocess.run(  # noqa: S603 - a number is all that varies
        ["/bin/ps", "-o", "stat=", "-o", "lstart=", "-p", str(pid)],
        env={"LC_ALL": "C"},
        capture_output=True,
        text=True,
        timeout=_PS_WITHIN_SECONDS,
        check=False,
    )
    state, _, started = shown.stdout.strip().partition(" ")
    if not state or state.startswith(_DEAD):
        return None
    return started.strip()


def _entry(text: str) -> Entry:
    fields = json.loads(text)
    return Entry(
        agent_id=UUID(fields["agent_id"]),
        org_id=UUID(fields["org_id"]),
        epoch=fields["epoch"],
        pid=fields["pid"],
        started_at=fields["started_at"],
    )
