"""Processes, as Linux shows them below /proc (proc(5))."""

from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

__all__ = ["Process", "children_of", "descendants_of", "every_process"]

_PROC = Path("/proc")
_ENDED = ("Z", "X")
_STATE, _PARENT, _BIRTH = 0, 1, 19  # counted from the end of the program's name
_GONE = (FileNotFoundError, ProcessLookupError)


@dataclass(frozen=True, slots=True)
class Process:
    """A process, told from a later one of the same number by when it was born."""

    pid: int
    parent: int
    birth: str

    @property
    def is_alive(self) -> bool:
        found = _process(self.pid)
        return found is not None and found.birth == self.birth

    @property
    def told(self) -> bytes:
        """Its environment and its command line; what we may not read is empty."""
        return b"\n".join(map(self._read, ("environ", "cmdline")))

    @property
    def command(self) -> str:
        """Its command line, for a person who reads a failure."""
        return self._read("cmdline").replace(b"\0", b" ").decode(errors="replace")

    def _read(self, name: str) -> bytes:
        with suppress(PermissionError, *_GONE):
            return (_PROC / str(self.pid) / name).read_bytes()
        return b""


def every_process() -> Iterator[Process]:
    for folder in _PROC.iterdir():
        if folder.name.isdecimal() and (process := _process(int(folder.name))):
            yield process


def children_of(pid: int) -> list[Process]:
    return [each for each in every_process() if each.parent == pid]


def descendants_of(pid: int) -> list[Process]:
    """Its children, theirs, and so on, wherever their sessions and groups are."""
    children = children_of(pid)
    return [*children, *(it for each in children for it in descendants_of(each.pid))]


def _process(pid: int) -> Process | None:
    """None if it is not there, or has ended and only waits to be reaped."""
    try:
        stat = (_PROC / str(pid) / "stat").read_text(errors="replace")
    except _GONE:
        return None
    facts = stat.rpartition(")")[2].split()
    if facts[_STATE] in _ENDED:
        return None
    return Process(pid, int(facts[_PARENT]), facts[_BIRTH])
