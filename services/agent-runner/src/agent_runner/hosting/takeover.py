"""Taking over the agents of runners that have fallen silent.

A runner acts on its own for 9 s after its last renewal at most (`agent_runner.tenure`),
so whoever has itself watched its renewals stand still for 12 s may end its epoch.
"""

from collections.abc import Iterable
from datetime import timedelta

import structlog

from agent_runner.explanations import explanation
from agent_runner.placement import Placement
from agent_runner.repositories.tenures import Sighting, TenureRepository
from agent_runner.tenure import Monotonic, Tenure, boot_time
from shared.errors import AppError
from shared.lifecycle import every
from shared.timeouts import timeout

__all__ = ["Takeover", "Vigil"]

log = structlog.get_logger(__name__)

_LOOK_EVERY = timedelta(seconds=1)
_LOOK_WITHIN_SECONDS = 2.0
_SILENT_FOR = timedelta(seconds=12)
_LONGEST_GAP = timedelta(seconds=4)


class Vigil:
    """What one runner has itself seen of the others, without a gap.

    A gap is a look that failed or came late: what stood still meanwhile may have had
    no way to renew, or we were stopped together with it.
    """

    def __init__(self) -> None:
        self._since: dict[Sighting, float] = {}
        self._looked_at = float("-inf")

    def look(
        self, seen: Iterable[Sighting], *, asked_at: float, answered_at: float
    ) -> list[Sighting]:
        """Return which of *seen* have stood still for too long.

        Counted from the end of the first look to the beginning of this one.
        """
        has_gap = answered_at - self._looked_at > _LONGEST_GAP.total_seconds()
        known = {} if has_gap else self._since
        self._since = {each: known.get(each, answered_at) for each in seen}
        self._looked_at = answered_at
        limit = asked_at - _SILENT_FOR.total_seconds()
        return [each for each, since in self._since.items() if since <= limit]

    def break_off(self) -> None:
        self._since = {}


class Takeover:
    def __init__(
        self,
        *,
        tenures: TenureRepository,
        tenure: Tenure,
        placement: Placement,
        clock: Monotonic = boot_time,
    ) -> None:
        self._tenures = tenures
        self._tenure = tenure
        self._placement = placement
        self._clock = clock
        self._vigil = Vigil()

    async def run(self) -> None:
        await every(_LOOK_EVERY, self._look, name="takeover")

    async def _look(self) -> None:
        for silent in await self._silent():
            if self._tenure.is_held:
                await self._take_over(silent)

    async def _silent(self) -> list[Sighting]:
        asked_at = self._clock()
        try:
            async with timeout(_LOOK_WITHIN_SECONDS):
                seen = await self._tenures.others()
        except (AppError, TimeoutError):
            self._vigil.break_off()
            return []
        return self._vigil.look(seen, asked_at=asked_at, answered_at=self._clock())

    async def _take_over(self, silent: Sighting) -> None:
        reason = explanation(
            "RUNNER_LOST", f"The runner {silent.runner} fell silent with this agent."
        )
        if await self._tenures.take_over(silent, reason=reason):
            log.warning("runner.taken_over", runner=silent.runner)
            await self._placement.place()
