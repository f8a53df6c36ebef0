"""One attempt over HTTP: what is sent to a receiver, and what came of it."""

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from datetime import timedelta

from shared.clock import Clock
from shared.contracts.webhooks import DeliveryAttempt
from shared.guarded_http import GuardedHttp, Limits, OutgoingError, guarded_http

from .destinations import Destinations

__all__ = ["Courier", "couriers"]

_LIMITS = Limits(within=timedelta(seconds=15), most_bytes=16 * 1024, redirects=0)
_MS = 1000


class Courier:
    """Asks no more than once, and follows no redirect: another place is another URL."""

    def __init__(
        self,
        *,
        public: GuardedHttp,
        private: GuardedHttp,
        destinations: Destinations,
        now: Clock,
    ) -> None:
        self._public = public
        self._private = private
        self._destinations = destinations
        self._now = now

    async def carry(
        self, url: str, headers: Mapping[str, str], body: bytes
    ) -> DeliveryAttempt:
        """Send *body*, and tell what came of it; whatever it answers is not kept."""
        at, began = self._now(), _time()
        is_named = self._destinations.may_be_private(url)
        http = self._private if is_named else self._public
        status, problem = None, None
        try:
            answer = await http.ask(
                "POST", url, headers=headers, body=body, limits=_LIMITS
            )
            status = answer.status
        except OutgoingError as error:
            problem = str(error)
        return DeliveryAttempt(
            at=at,
            http_status=status,
            error=problem,
            duration_ms=round((_time() - began) * _MS),
        )


@asynccontextmanager
async def couriers(destinations: Destinations, *, now: Clock) -> AsyncIterator[Courier]:
    """Open the connections that all deliveries share."""
    async with AsyncExitStack() as stack:
        yield Courier(
            public=await stack.enter_async_context(guarded_http(allow_private=False)),
            private=await stack.enter_async_context(guarded_http(allow_private=True)),
            destinations=destinations,
            now=now,
        )


def _time() -> float:
    return asyncio.get_running_loop().time()
