"""The end of what an agent printed: masked, bounded, safe to show."""

import re
from collections import defaultdict
from collections.abc import Iterable

from agent_runner.masking import MASK, SecretMask, StreamMask

__all__ = ["LastWords"]

_LIMIT_BYTES = 64 * 1024

# Everything that could move a terminal's cursor, colour it, or not be stored in
# PostgreSQL's text (NUL): C0 but tab and line feed, delete, C1.
_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f]")


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
        self._is_cut = False

    def hear(self, data: bytes, stream: int = 1) -> None:
        """Take what was printed to *stream*, in pieces of any size."""
        self._kept += self._streams[stream].feed(data)
        excess = len(self._kept) - self._limit_bytes
        if excess > 0:
            del self._kept[:excess]
            self._is_cut = True

    def text(self) -> str:
        """Return whole lines as far as there are any.

        What may be the beginning of a secret is shown as one. Lines end in a line
        feed; other control characters, and what is not UTF-8, are U+FFFD.
        """
        kept = bytes(self._kept)
        if self._is_cut:
            kept = kept.partition(b"\n")[2] or kept
        if any(stream.holds_back for stream in self._streams.values()):
            kept += MASK.encode()
        lines = kept.decode(errors="replace").replace("\r\n", "\n").replace("\r", "\n")
        return _CONTROL.sub("\ufffd", lines)
