"""The gateway, put together from stand-ins."""

from aiohttp import web

from gateway.app import create_app
from gateway.readiness import Readiness
from shared.identity import Identity
from shared.testing import FakeBus, FakeClock

from .fakes import FakeApiKeys

__all__ = ["assembled"]


def assembled(
    bus: FakeBus, api_keys: FakeApiKeys, credentials: Identity, clock: FakeClock
) -> web.Application:
    async def answer() -> None:
        """Stand for a database that is there."""

    return create_app(
        bus=bus,
        api_keys=api_keys,
        credentials=credentials.public,
        readiness=Readiness(bus, answer),
        now=clock,
    )
