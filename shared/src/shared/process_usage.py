"""What this process uses: its time on the processor, its memory, its open files."""

import os
import resource
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

__all__ = ["ProcessUsage", "process_usage"]

_PROC = Path("/proc/self")


@dataclass(frozen=True, slots=True)
class ProcessUsage:
    """None is what this system does not tell (proc(5) is Linux's)."""

    cpu_seconds: float
    resident_bytes: int | None
    open_files: int | None


def process_usage() -> ProcessUsage:
    used = resource.getrusage(resource.RUSAGE_SELF)
    return ProcessUsage(
        cpu_seconds=used.ru_utime + used.ru_stime,
        resident_bytes=_resident_bytes(),
        open_files=_open_files(),
    )


def _resident_bytes() -> int | None:
    with suppress(OSError):
        pages = (_PROC / "statm").read_text().split()[1]
        return int(pages) * os.sysconf("SC_PAGE_SIZE")
    return None


def _open_files() -> int | None:
    with suppress(OSError):
        return sum(1 for _ in (_PROC / "fd").iterdir())
    return None
