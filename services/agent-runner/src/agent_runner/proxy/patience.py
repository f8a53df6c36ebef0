"""How long a call waits before its candidates are asked once more."""

from collections.abc import Sequence
from dataclasses import dataclass

__all__ = ["Patience"]


@dataclass(frozen=True, slots=True)
class Patience:
    """No request leaves later than *deadline_seconds* after the call came.

    Candidates are asked *rounds* times at most, and at least *pause_seconds* apart.
    """

    deadline_seconds: float = 15.0
    pause_seconds: float = 0.5
    rounds: int = 2

    def wait(
        self,
        retry_after: Sequence[float | None],
        *,
        rounds_done: int,
        elapsed_seconds: float,
        jitter: float,
    ) -> float | None:
        """Say how long to wait for the first that may be asked again; None: give up.

        *retry_after* are what those said that could do better later. *jitter*, from 0
        to 1, makes the wait up to a quarter longer, never shorter.
        """
        if not retry_after or rounds_done >= self.rounds:
            return None
        soonest = min(
            self.pause_seconds if each is None else max(each, self.pause_seconds)
            for each in retry_after
        )
        seconds = soonest * (1 + jitter / 4)
        is_too_late = elapsed_seconds + seconds > self.deadline_seconds
        return None if is_too_late else seconds
