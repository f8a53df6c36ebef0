"""How often one key, or one person, may ask in a minute."""

from dataclasses import dataclass
from uuid import UUID

from aiohttp import web
from aiohttp.typedefs import Handler, Middleware

from shared.clock import Clock
from shared.errors import LimitedError

from .authentication import asker_of

__all__ = ["Allowance", "RateLimits", "limiting", "tell_allowance"]

_MINUTE_SECONDS = 60


@dataclass(frozen=True, slots=True)
class Allowance:
    """What is left of *limit*, for *seconds* more, until *reset* in Unix seconds."""

    limit: int
    remaining: int
    reset: int
    seconds: float

    def require(self) -> None:
        """Raise `LimitedError` if more was asked than there was."""
        if self.remaining < 0:
            raise LimitedError(
                f"More than {self.limit:,} requests in a minute.",
                retry_after_seconds=self.seconds,
            )


class RateLimits:
    """Counts the requests of each principal in each minute of the clock.

    One gateway counts for itself: n of them let through n times as much at most.
    """

    def __init__(self, *, per_minute: int, now: Clock) -> None:
        self._per_minute = per_minute
        self._now = now
        self._minute = 0
        self._counts: dict[UUID, int] = {}

    def spend(self, principal_id: UUID) -> Allowance:
        """Count a request; one too many has *remaining* below zero."""
        now = self._now().timestamp()
        minute = int(now // _MINUTE_SECONDS)
        if minute != self._minute:
            self._minute, self._counts = minute, {}
        count = self._counts.get(principal_id, 0) + 1
        self._counts[principal_id] = count
        reset = (minute + 1) * _MINUTE_SECONDS
        return Allowance(
            limit=self._per_minute,
            remaining=self._per_minute - count,
            reset=reset,
            seconds=reset - now,
        )


_ALLOWANCE = web.RequestKey("allowance", Allowance)


def limiting(limits: RateLimits) -> Middleware:
    """Refuse what a principal asks beyond its allowance."""

    @web.middleware
    async def limit(request: web.Request, handler: Handler) -> web.StreamResponse:
        principal = asker_of(request)
        if principal is not None:
            allowance = request[_ALLOWANCE] = limits.spend(principal.id)
            allowance.require()
        return await handler(request)

    return limit


async def tell_allowance(request: web.Request, response: web.StreamResponse) -> None:
    """Put the allowance on every answer to a principal, refusals and streams too."""
    allowance = request.get(_ALLOWANCE)
    if allowance is not None:
        response.headers["X-RateLimit-Limit"] = str(allowance.limit)
        response.headers["X-RateLimit-Remaining"] = str(max(0, allowance.remaining))
        response.headers["X-RateLimit-Reset"] = str(allowance.reset)
