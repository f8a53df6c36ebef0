"""What the gateway needs and does not have right now."""

import asyncio
from collections.abc import Awaitable, Callable

from shared.bus import Bus
from shared.contracts import agent_runner, credentials, metrics
from shared.contracts.base import Empty, Endpoint, Service
from shared.errors import AppError
from shared.timeouts import timeout

__all__ = ["DEPENDENCIES", "Readiness"]

_PATIENCE_SECONDS = 2.0

_PINGS: dict[Service, Endpoint[Empty, Empty]] = {
    Service.CREDENTIALS: credentials.PING,
    Service.AGENT_RUNNER: agent_runner.PING,
    Service.METRICS: metrics.PING,
}

DEPENDENCIES = ("database", "nats", *(service.value for service in _PINGS))


class Readiness:
    """Asks every neighbour at once; *ping_database* raises if it does not answer."""

    def __init__(self, bus: Bus, ping_database: Callable[[], Awaitable[None]]) -> None:
        self._bus = bus
        self._ping_database = ping_database

    async def missing(self) -> dict[str, str]:
        """Name what is missing and say why; takes 2 s at most."""
        async with asyncio.TaskGroup() as group:
            checks = {
                "database": group.create_task(_problem(self._ping_database())),
                **{
                    service.value: group.create_task(_problem(self._ping(endpoint)))
                    for service, endpoint in _PINGS.items()
                },
            }
        problems = {name: check.result() for name, check in checks.items()}
        if not self._bus.is_connected:
            problems["nats"] = "NATS cannot be reached."
        return {name: problem for name, problem in problems.items() if problem}

    async def _ping(self, endpoint: Endpoint[Empty, Empty]) -> None:
        await self._bus.ask(endpoint, Empty())


async def _problem(ping: Awaitable[None]) -> str | None:
    try:
        async with timeout(_PATIENCE_SECONDS):
            await ping
    except AppError as error:
        return error.message
    except TimeoutError:
        return f"No answer within {_PATIENCE_SECONDS:g} seconds."
    return None
