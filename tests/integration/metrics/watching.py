"""Waiting for the service to answer, and what the database shows of it."""

from uuid import UUID

from ag2trust.waiting import until
from shared.bus import NatsBus
from shared.contracts.base import Empty
from shared.contracts.metrics import PING
from shared.errors import UnavailableError

from .conftest import Superuser

__all__ = ["applied_through", "until_answered"]


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
