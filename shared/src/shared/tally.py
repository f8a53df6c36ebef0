"""How often a process has answered which question in which way, since its start."""

from collections import defaultdict
from dataclasses import dataclass

from .contracts.measurements import Answered

__all__ = ["OK", "Tally"]

OK = "OK"


@dataclass(slots=True)
class _Sum:
    times: int = 0
    seconds: float = 0.0


class Tally:
    """Grows with the questions there are and the codes of our errors, no further."""

    def __init__(self) -> None:
        self._sums: defaultdict[tuple[str, str], _Sum] = defaultdict(_Sum)

    def count(self, question: str, code: str, *, seconds: float) -> None:
        total = self._sums[question, code]
        total.times += 1
        total.seconds += seconds

    def rows(self) -> tuple[Answered, ...]:
        return tuple(
            Answered(question=question, code=code, times=it.times, seconds=it.seconds)
            for (question, code), it in self._sums.items()
        )
