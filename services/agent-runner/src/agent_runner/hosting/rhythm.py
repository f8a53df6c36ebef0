"""How often hosting looks, and how long it waits before it tries again."""

from dataclasses import dataclass
from datetime import timedelta

__all__ = ["USUAL", "Rhythm"]


@dataclass(frozen=True, slots=True)
class Rhythm:
    """Look each *round* unless woken, and each *sweep* for what nobody hosts.

    The first failure in a row is followed by *first_pause*, each further one by twice
    the pause before.
    """

    round: timedelta = timedelta(seconds=3)
    sweep: timedelta = timedelta(seconds=10)
    first_pause: timedelta = timedelta(seconds=1)


USUAL = Rhythm()
