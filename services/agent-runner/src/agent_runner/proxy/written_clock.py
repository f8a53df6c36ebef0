"""The time as records have it, which every call writes before it leaves."""

from collections.abc import Callable
from datetime import UTC, datetime
from time import time_ns

__all__ = ["WrittenClock"]

_SECOND_NS = 1_000_000_000
_MICROSECOND_NS = 1_000


class WrittenClock:
    """Writes what changes once a second once a second, of the nanoseconds of *now*."""

    def __init__(self, now: Callable[[], int] = time_ns) -> None:
        self._now = now
        self._second = -1
        self._written = ""

    def read(self) -> str:
        """Write the time as `2026-11-29T12:00:00.000001+00:00`."""
        second, rest = divmod(self._now(), _SECOND_NS)
        if second != self._second:
            self._second = second
            self._written = f"{datetime.fromtimestamp(second, UTC):%Y-%m-%dT%H:%M:%S}"
        return f"{self._written}.{rest // _MICROSECOND_NS:06}+00:00"
