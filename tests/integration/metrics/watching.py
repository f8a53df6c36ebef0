"""Waiting for the service to answer, and what the database shows of it."""

from uuid import UUID

from ag2trust.waiting import until
from metrics.repositories.fresh_rollups import PostgresFolding
from metrics.repositories.rollups import Turns
from metrics.settings import Settings
from shared.bus import NatsBus
from shared.contracts.base import Empty
from shared.contracts.metrics import PING
from shared.database import connect_database
from shared.errors import UnavailableError

from .conftest import Superuser

__all__ = ["applied_through", "fold", "until_answered", "until_folded"]


async def until_answered(gateway: NatsBus) -> None:
    """Wait for the service to answer."""
    await until(
        "an answer of metrics",
        lambda: gateway.ask(PING, Empty()),
        not_yet=UnavailableError,
    )


async def applied_through(superuser: Superuser, source: UUID) -> int:
    """Return how far *source* is applied, as far as is committed."""
    return (
        await superuser.fetchval(
            "SELECT applied_through FROM sequence WHERE source = $1", source
        )
        or 0
    )


async def fold(settings: Settings) -> None:
    """Move what is fresh to the rollups, as the service does every few seconds."""
    async with connect_database(settings) as database:
        await PostgresFolding(database, Turns()).fold()


async def until_folded(superuser: Superuser) -> None:
    """Wait for the service to move all that is fresh to the rollups."""
    await until(
        "nothing fresh",
        lambda: superuser.fetchval("SELECT count(*) FROM fresh_rollup"),
        lambda fresh: fresh == 0,
    )
