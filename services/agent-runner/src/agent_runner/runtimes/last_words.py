"""The end of what an agent printed: masked, bounded, safe to show."""

import re
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass

from agent_runner.masking import MASK, SecretMask, StreamMask

__all__ = ["Excerpt", "LastWords"]

_LIMIT_BYTES = 64 * 1024
_LONGEST_LINE_BYTES = 8 * 1024

# Everything that could move a terminal's cursor, colour it, or not be stored in
# PostgreSQL's text (NUL): C0 but tab and line feed, delete, C1.
_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f]")


@dataclass(frozen=True, slots=True)
class Excerpt:
    """Lines, and the offset behind them; *has_skipped* what was too old to be kept."""

    lines: tuple[str, ...]
    end: int
    has_skipped: bool


class LastWords:
    """Keeps the last *limit_bytes* of some streams that are shown as one.

    *secrets* are masked in each stream before anything is kept, so a secret that
    another stream's output splits is hidden too.
    """

    def __init__(
        self, secrets: Iterable[str], *, limit_bytes: int = _LIMIT_BYTES
    ) -> None:
        mask = SecretMask(secrets)
        self._streams: defaultdict[int, StreamMask] = defaultdict(
            lambda: StreamMask(mask)
        )
        self._limit_bytes = limit_bytes
        self._kept = bytearray()
        self._dropped_bytes = 0

    def hear(self, data: bytes, stream: int = 1) -> None:
        """Take what was printed to *stream*, in pieces of any size."""
        self._keep(self._streams[stream].feed(data))

    def note(self, line: str) -> None:
        """Add a line of our own, beginning a new one."""
        is_in_a_line = self._kept and not self._kept.endswith(b"\n")
        before = b"\n" if is_in_a_line else b""
        self._keep(before + line.encode() + b"\n")

    def _keep(self, said: bytes) -> None:
        self._kept += said
        excess = len(self._kept) - self._limit_bytes
        if excess > 0:
            del self._kept[:excess]
            self._dropped_bytes += excess

    def text(self) -> str:
        """Return whole lines as far as there are any.

        What may be the beginning of a secret is shown as one. Lines end in a line
        feed; other control characters, and what is not UTF-8, are U+FFFD.
        """
        kept = bytes(self._kept)
        if self._dropped_bytes:
            kept = _from_a_line(kept)
        if any(stream.holds_back for stream in self._streams.values()):
            kept += MASK.encode()
        return _shown(kept)

    def since(self, offset: int, *, is_over: bool) -> Excerpt:
        """Return the lines that were said behind *offset*, a byte's number.

        Without the one that is not ended yet, unless all is over or it is very long.
        """
        has_skipped = offset < self._dropped_bytes
        kept = bytes(self._kept[max(offset - self._dropped_bytes, 0) :])
        if has_skipped:
            kept = _from_a_line(kept)
        is_whole = is_over or len(kept) > _LONGEST_LINE_BYTES
        unended = 0 if is_whole else len(kept) - (kept.rfind(b"\n") + 1)
        said = kept[: len(kept) - unended]
        return Excerpt(
            lines=tuple(_shown(said).removesuffix("\n").split("\n")) if said else (),
            end=self._dropped_bytes + len(self._kept) - unended,
            has_skipped=has_skipped,
        )


def _from_a_line(kept: bytes) -> bytes:
    """Leave out a line whose beginning is lost, if there is another."""
    return kept.partition(b"\n")[2] or kept


def _shown(said: bytes) -> str:
    lines = said.decode(errors="replace").replace("\r\n", "\n").replace("\r", "\n")
    return _CONTROL.sub("\ufffd", lines)
