"""Renewing a runner's tenure, until it turns out that another has taken over."""

import asyncio

import structlog

from agent_runner.repositories.tenures import TenureRepository
from agent_runner.tenure import Monotonic, Tenure, boot_time
from shared.errors import AppError
from shared.timeouts import timeout

__all__ = ["Heartbeat", "RunnerLostError"]

log = structlog.get_logger(__name__)

_EVERY_SECONDS = 3.0
_WITHIN_SECONDS = 3.0
_AGAIN_AFTER_SECONDS = 0.5


class RunnerLostError(AppError):
    """Another runner hosts what this one did; only a new process may begin again."""


class Heartbeat:
    def __init__(
        self,
        *,
        tenures: TenureRepository,
        tenure: Tenure,
        clock: Monotonic = boot_time,
    ) -> None:
        self._tenures = tenures
        self._tenure = tenure
        self._clock = clock

    async def run(self) -> None:
        """Renew every 3 s; raises `RunnerLostError`, and nothing else."""
        while True:
            pause_seconds = await self._beat()
            await asyncio.sleep(pause_seconds)

    async def _beat(self) -> float:
        """Renew once, and return after how many seconds to do it again."""
        asked_at = self._clock()
        try:
            async with timeout(_WITHIN_SECONDS):
                is_ours = await self._tenures.renew()
        except (AppError, TimeoutError):
            log.warning("heartbeat.missed", is_held=self._tenure.is_held)
            return _AGAIN_AFTER_SECONDS
        if not is_ours:
            self._tenure.lose()
            raise RunnerLostError("Another runner has taken over this one's agents.")
        self._tenure.renew(asked_at=asked_at)
        return _EVERY_SECONDS
