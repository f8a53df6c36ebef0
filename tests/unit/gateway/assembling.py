"""The gateway, put together from stand-ins."""

from aiohttp import web

from gateway.app import create_app
from gateway.readiness import Readiness
from gateway.routing.idempotency import Idempotency
from shared.identity import Identity
from shared.testing import FakeBus, FakeClock

from .fakes import FakeApiKeys, FakeIdempotency

__all__ = ["assembled"]


def assembled(
    bus: FakeBus,
    api_keys: FakeApiKeys,
    credentials: Identity,
    clock: FakeClock,
    *,
    requests_per_minute: int = 6_000,
) -> web.Application:
    async def answer() -> None:
        """Stand for a database that is there."""

    return create_app(
        bus=bus,
        api_keys=api_keys,
        credentials=credentials.public,
        readiness=Readiness(bus, answer),
        idempotency=Idempotency(FakeIdempotency()),
        requests_per_minute=requests_per_minute,
        now=clock,
    )
