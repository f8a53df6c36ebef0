"""The gateway, put together from stand-ins."""

from collections.abc import Awaitable, Callable
from dataclasses import replace

from aiohttp import web
from argon2 import PasswordHasher

from gateway.access.browsers import Browsers
from gateway.access.passwords import Passwords
from gateway.admission import Admission
from gateway.app import create_app
from gateway.readiness import Readiness
from gateway.repositories.records import Records
from gateway.routing.idempotency import Idempotency
from shared.identity import Identity
from shared.testing import FakeBus, FakeClock

from .fakes import AbsentDatabase, FakeApiKeys, FakeAudit, FakeIdempotency, FakeJobs

__all__ = ["assembled"]

PASSWORDS = Passwords(PasswordHasher(time_cost=1, memory_cost=8, parallelism=1))


def assembled(
    bus: FakeBus,
    api_keys: FakeApiKeys,
    credentials: Identity,
    clock: FakeClock,
    *,
    requests_per_minute: int = 6_000,
    ping: Callable[[], Awaitable[None]] | None = None,
    jobs: FakeJobs | None = None,
) -> web.Application:
    async def answer() -> None:
        """Stand for a database that is there."""

    absent = Records.of(AbsentDatabase())
    records = replace(
        absent,
        api_keys=api_keys,
        idempotency=FakeIdempotency(),
        audit=FakeAudit(),
        jobs=jobs or FakeJobs(),
    )
    return create_app(
        bus=bus,
        records=records,
        admission=Admission.of(records, bus, Browsers(), PASSWORDS),
        credentials=credentials.public,
        readiness=Readiness(bus, ping or answer),
        idempotency=Idempotency(records.idempotency),
        requests_per_minute=requests_per_minute,
        wake_worker=lambda: None,
        now=clock,
    )
