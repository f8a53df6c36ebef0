"""Attempts that were refused, counted until they are told of: pure.

Nothing of what was tried is kept, so that no token nor a part of one can be told.
"""

from collections import Counter
from dataclasses import dataclass
from enum import StrEnum
from uuid import UUID

__all__ = ["Attempt", "Attempts", "Refused"]


class Refused(StrEnum):
    """What was refused, and why."""

    TOKEN = "token"  # noqa: S105 - the name of a kind of attempt
    KEY = "key"
    PORT = "port"
    EXTERNAL_TOKEN = "external_token"  # noqa: S105 - likewise

    @property
    def sentence(self) -> str:
        match self:
            case Refused.TOKEN | Refused.EXTERNAL_TOKEN:
                return "called with a token that is unknown or not the agent's own"
            case Refused.KEY:
                return "called with a key that the agent was not given"
            case Refused.PORT:
                return "sent packets to ports of the host that are closed to agents"


@dataclass(frozen=True, slots=True)
class Attempt:
    """*agent_id* is None where it cannot be told who tried."""

    refused: Refused
    agent_id: UUID | None


class Attempts:
    def __init__(self) -> None:
        self._counts: Counter[Attempt] = Counter()

    def note(self, refused: Refused, *, of: UUID | None = None, times: int = 1) -> None:
        self._counts[Attempt(refused, of)] += times

    def taken(self) -> list[tuple[Attempt, int]]:
        """Return how often each was made since this was last asked."""
        taken, self._counts = self._counts, Counter()
        return list(taken.items())
