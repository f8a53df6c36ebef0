"""Telling an operator of refused attempts: in our log, and in that of the agent.

However many there are, there is a line for each kind and agent every few seconds.
"""

from collections.abc import Mapping
from datetime import timedelta
from uuid import UUID

import structlog

from shared.lifecycle import every

from .attempts import Attempt, Attempts, Refused
from .runtimes.runtime import Runtime

__all__ = ["AttemptLog"]

log = structlog.get_logger(__name__)

_TELL_EVERY = timedelta(seconds=5)


class AttemptLog:
    def __init__(
        self, attempts: Attempts, runtime: Runtime, *, interval: timedelta = _TELL_EVERY
    ) -> None:
        self._attempts = attempts
        self._runtime = runtime
        self._interval = interval
        self._packets: Mapping[UUID, int] = {}

    async def run(self) -> None:
        await every(self._interval, self._look, name="attempts")

    async def _look(self) -> None:
        try:
            self._note_packets(await self._runtime.refused())
        finally:
            for attempt, times in self._attempts.taken():
                self._tell(attempt, times)

    def _note_packets(self, packets: Mapping[UUID, int]) -> None:
        """Note what is new; a count that is lower than before has begun anew."""
        for agent_id, count in packets.items():
            before = self._packets.get(agent_id, 0)
            if count != before:
                new = count - before if count > before else count
                self._attempts.note(Refused.PORT, of=agent_id, times=new)
        self._packets = packets

    def _tell(self, attempt: Attempt, times: int) -> None:
        agent_id = attempt.agent_id
        log.warning(
            "attempt.refused",
            refused=attempt.refused,
            agent=str(agent_id) if agent_id else None,
            times=times,
        )
        if agent_id and (output := self._runtime.output(agent_id)):
            output.note(f"[ag2trust] refused: {attempt.refused.sentence} ({times} x)")
