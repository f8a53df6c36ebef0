"""Processes of the benchmark: started on one core, measured, and ended with it."""

import os
import re
import signal
import socket
import subprocess
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path

__all__ = ["Started", "started"]

_TICKS = os.sysconf("SC_CLK_TCK")
_STARTS_WITHIN_SECONDS = 90.0


class Started:
    """A program and all its children."""

    def __init__(self, group: int, *, port: int) -> None:
        self._group = group
        self.port = port

    def cpu_seconds(self) -> float:
        return sum(
            sum(map(int, fields[11:13])) / _TICKS  # utime and stime, proc(5)
            for fields in map(_stat, self._members())
            if fields
        )

    def resident_megabytes(self, name: str = "VmRSS") -> float:
        return sum(_memory(pid, name) for pid in self._members()) / 1024

    def peak_megabytes(self) -> float:
        return self.resident_megabytes("VmHWM")

    def _members(self) -> list[int]:
        pids = [
            int(each.name) for each in Path("/proc").iterdir() if each.name.isdigit()
        ]
        return [pid for pid in pids if _group_of(pid) == self._group]


@contextmanager
def started(
    command: Sequence[str],
    *,
    core: int,
    port: int,
    log: Path,
    environment: Mapping[str, str],
    port_in: "re.Pattern[str] | None" = None,
) -> Iterator[Started]:
    """Run *command* pinned to *core* while the block runs, once it listens.

    That is on *port*, or on the one that *port_in* finds in its log. Raises
    `RuntimeError` where that takes too long.
    """
    with log.open("wb") as output:
        child = subprocess.Popen(  # noqa: S603 - commands of our own
            ["/usr/bin/env", "taskset", "--cpu-list", str(core), *command],
            stdout=output,
            stderr=output,
            env={**os.environ, **environment},
            start_new_session=True,
        )
    try:
        yield Started(child.pid, port=_port_of(child, log, port, port_in))
    finally:
        with suppress(ProcessLookupError):
            os.killpg(child.pid, signal.SIGKILL)
        child.wait()


def _port_of(
    child: "subprocess.Popen[bytes]",
    log: Path,
    port: int,
    port_in: "re.Pattern[str] | None",
) -> int:
    """Wait until a port is listened on, and return it."""
    until = time.monotonic() + _STARTS_WITHIN_SECONDS
    while time.monotonic() < until and child.poll() is None:
        said = port_in.search(log.read_text(errors="replace")) if port_in else None
        try:
            if port_in is None or said is not None:
                found = int(said[1]) if said else port
                socket.create_connection(("127.0.0.1", found), timeout=1).close()
                return found
        except OSError:
            pass
        time.sleep(0.1)
    last_words = log.read_text(errors="replace")[-600:]
    raise RuntimeError(f"It does not listen. Its log ends: {last_words}")


def _stat(pid: int) -> list[str]:
    """Read what follows the name in /proc/<pid>/stat."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return []


def _group_of(pid: int) -> int:
    fields = _stat(pid)
    return int(fields[2]) if fields else 0


def _memory(pid: int, name: str) -> int:
    try:
        lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    except OSError:
        return 0
    return next((int(each.split()[1]) for each in lines if each.startswith(name)), 0)
