"""What this runner tells of itself, for Prometheus: the metrics service shows it."""

from shared.bus import NatsBus
from shared.contracts.measurements import RUNNER_MEASURED, RunnerMeasured
from shared.process_usage import process_usage

from .backlog import Backlog
from .hosted_agents import HostedAgents
from .http.server import Server

__all__ = ["Measured"]


class Measured:
    def __init__(
        self,
        *,
        bus: NatsBus,
        runner: str,
        hosted: HostedAgents,
        doors: Server,
        backlog: Backlog,
    ) -> None:
        self._bus = bus
        self._runner = runner
        self._hosted = hosted
        self._doors = doors
        self._backlog = backlog

    async def tell(self) -> None:
        usage = process_usage()
        uncounted = await self._backlog.uncounted()
        measured = RunnerMeasured(
            process=self._runner,
            cpu_seconds=usage.cpu_seconds,
            resident_bytes=usage.resident_bytes,
            open_files=usage.open_files,
            answered=self._bus.tally.rows(),
            hosted_agents=len(list(self._hosted)),
            connections=self._doors.connections,
            uncounted_calls=uncounted and uncounted.calls,
            oldest_uncounted_seconds=uncounted and uncounted.seconds,
        )
        await self._bus.signal(RUNNER_MEASURED, measured)
