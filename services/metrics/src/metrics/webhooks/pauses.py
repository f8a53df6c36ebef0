"""How long a delivery that failed waits for its next attempt. Pure."""

from datetime import timedelta

__all__ = ["ATTEMPTS", "pause_after"]

ATTEMPTS = 10
"""Attempts of a delivery, over about two days; then it has failed."""

_FIRST = timedelta(seconds=5)
_FACTOR = 4
_LONGEST = timedelta(hours=24)
_SPREAD = 0.2


def pause_after(failures: int, *, chance: float) -> timedelta | None:
    """Return the pause after so many failed attempts; None: it is tried no more.

    5 s, 20 s, 80 s, … 24 h, each up to a fifth shorter: *chance*, from 0 to 1, keeps
    what failed together from coming together again.
    """
    if failures >= ATTEMPTS:
        return None
    pause: timedelta = min(_FIRST * _FACTOR ** (failures - 1), _LONGEST)
    return pause * (1 - _SPREAD * chance)
