"""Whether the database's clock runs like ours, as far as its readings can tell.

Ours is never set and goes on while the machine sleeps. A reading was made between a
question and its answer, so the difference of the clocks lies in an interval; two that
do not meet are a step of the database's clock. Pure.
"""

from datetime import UTC, datetime, timedelta

__all__ = ["DatabaseClock"]

_TOLERANCE_SECONDS = 0.05
_DRIFT = 0.001  # clocks that are slewed differ by 500 millionths each
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


class DatabaseClock:
    """Times are in seconds: *reading* of the database's clock, the others of ours."""

    def __init__(self) -> None:
        self._least: float | None = None
        self._most = 0.0
        self._heard_at = 0.0
        self._wall: tuple[float, float] | None = None
        self.known_time = 0.0

    def step(self, reading: float, *, asked_at: float, heard_at: float) -> float:
        """Take a reading; return by how much the clock was set, 0.0 for not at all.

        A step is never told smaller than it was forwards, so that a clock which is
        corrected by it is not ahead.
        """
        least, most = reading - heard_at, reading - asked_at
        if self._least is None:
            self.begin_anew(reading, asked_at=asked_at, heard_at=heard_at)
            return 0.0
        drift = _TOLERANCE_SECONDS + _DRIFT * (heard_at - self._heard_at)
        if least > self._most + drift or most < self._least - drift:
            return reading - (asked_at + self._least)
        self._keep(max(least, self._least), min(most, self._most), reading, heard_at)
        if self._least > self._most:  # they drifted apart, within what is tolerated
            self.begin_anew(reading, asked_at=asked_at, heard_at=heard_at)
        return 0.0

    def latest(self, ours: float) -> float | None:
        """Say what its clock says at *ours* at the latest; None before any reading."""
        if self._least is None:
            return None
        drift = _TOLERANCE_SECONDS + _DRIFT * max(0.0, ours - self._heard_at)
        return ours + self._most + drift

    def begin_anew(self, reading: float, *, asked_at: float, heard_at: float) -> None:
        """Believe this reading alone."""
        self._keep(reading - heard_at, reading - asked_at, reading, heard_at)

    def note_wall(self, reading: float, *, heard_at: float) -> None:
        """Note what the database takes for the time of day."""
        self._wall = (reading, heard_at)

    def wall(self, now: float) -> datetime:
        """Tell the database's time of day at *now*; ours before it was ever read."""
        if self._wall is None:
            return datetime.now(UTC)
        reading, heard_at = self._wall
        return _EPOCH + timedelta(seconds=reading + now - heard_at)

    def _keep(self, least: float, most: float, reading: float, heard_at: float) -> None:
        self._least, self._most = least, most
        self._heard_at, self.known_time = heard_at, reading
