"""What the children's logs complain about; told once, while the logs are kept short."""

import json
import re
import shutil
from dataclasses import dataclass, field
from pathlib import Path

from .screen import Screen

__all__ = ["Complaints", "complaint_in"]

_ROTATE_AT_BYTES = 8 * 2**20
_READ_AT_MOST_BYTES = 2**20
_SERVER_COMPLAINT = re.compile(r"(?:\[(?:ERR|FTL)\]|\b(?:FATAL|PANIC):)\s*(.+)")


@dataclass
class Complaints:
    """Follows the logs of a home from where they end now."""

    logs: Path
    screen: Screen
    _read: dict[Path, int] = field(init=False)
    _told: dict[Path, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self._read = {log: log.stat().st_size for log in self.logs.glob("*.log")}

    async def tell_new(self) -> None:
        """Say what is new since the last time, a line a log, none twice in a row."""
        for log in self.logs.glob("*.log"):
            complaints = [
                complaint
                for line in self._new_lines(log)
                if (complaint := complaint_in(line))
            ]
            if complaints and self._told.get(log) != complaints[-1]:
                self._told[log] = complaints[-1]
                self.screen.say(f"{log.stem} complains: {complaints[-1]}  ({log})")
            self._keep_short(log)

    def _new_lines(self, log: Path) -> list[str]:
        """Return whole lines; the rest waits, unless it is longer than any line."""
        start = self._read.get(log, 0)
        with log.open("rb") as file:
            file.seek(start)
            fresh = file.read(_READ_AT_MOST_BYTES)
        is_endless = b"\n" not in fresh and len(fresh) == _READ_AT_MOST_BYTES
        whole = fresh if is_endless else fresh[: fresh.rfind(b"\n") + 1]
        self._read[log] = start + len(whole)
        return whole.decode(errors="replace").splitlines()

    def _keep_short(self, log: Path) -> None:
        """Copy, then cut: the child holds the file open and goes on appending to it.

        What it writes between the two is lost; it is a log.
        """
        if log.stat().st_size > _ROTATE_AT_BYTES:
            shutil.copyfile(log, log.with_suffix(".log.1"))
            log.open("wb").close()
            self._read[log] = 0


def complaint_in(line: str) -> str | None:
    """Return what is wrong according to a log line; None if nothing is."""
    if not line.startswith("{"):
        found = _SERVER_COMPLAINT.search(line)
        return found[1] if found else None
    try:
        said = json.loads(line)
    except ValueError:
        return None
    if said.get("level") not in ("error", "critical"):
        return None
    if reasons := said.get("reasons"):  # whole sentences
        return " ".join(map(str, reasons))
    return f"{said.get('event')} {said.get('reason') or ''}".strip()
