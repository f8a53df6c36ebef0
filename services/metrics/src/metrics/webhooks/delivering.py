"""The use case of delivering: what is due is tried, many beside one another.

A receiver has a few deliveries under way at a time, and one if its last attempt failed;
an organization has half of them all, and the next turn if it has fewer than others: so
one that is slow, or gone, delays nobody but itself.
"""

import asyncio
import random
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from datetime import datetime, timedelta
from uuid import UUID

import structlog

from metrics.repositories.deliveries import Due, PostgresDeliveries
from shared.clock import Clock
from shared.contracts.webhook_secrets import LeasedWebhook
from shared.contracts.webhooks import DeliveryAttempt
from shared.errors import AppError, LeaseRefusedError

from .courier import Courier
from .leased_secrets import LeasedSecrets
from .outcomes import outcome_of
from .signing import headers_of

__all__ = ["CLAIMED_FOR", "Deliverer"]

log = structlog.get_logger(__name__)

CLAIMED_FOR = timedelta(seconds=60)
"""More than a lease and an attempt take together."""

_AT_ONCE = 256
_AT_ONCE_EACH = 8
_BUSY_OF_ONE_ORGANIZATION = _AT_ONCE // _AT_ONCE_EACH // 2
_LATER = timedelta(seconds=30)
_CRASHED = "The delivery failed here for a reason that nobody foresaw."


class Deliverer:
    """*woken* is set when something may be due; `look` begins it."""

    def __init__(
        self,
        deliveries: PostgresDeliveries,
        secrets: LeasedSecrets,
        courier: Courier,
        *,
        now: Clock,
        chance: Callable[[], float] = random.random,
    ) -> None:
        self.woken = asyncio.Event()
        self._deliveries = deliveries
        self._secrets = secrets
        self._courier = courier
        self._now = now
        self._chance = chance
        self._group: asyncio.TaskGroup | None = None
        self._batches: dict[UUID, asyncio.Task[None]] = {}
        self._waits: dict[UUID, datetime] = {}
        self._under_way = 0

    @asynccontextmanager
    async def working(self) -> AsyncIterator[None]:
        """Deliver while the block runs; then hand back what is not delivered yet."""
        async with asyncio.TaskGroup() as group:
            self._group = group
            yield
            self._group = None
            for task in self._batches.values():
                task.cancel()

    async def look(self) -> None:
        """Begin all that is due and has its turn. Raises `DatabaseUnavailableError`."""
        if self._group is None or self._under_way >= _AT_ONCE:
            return
        now = self._now()
        self._waits = {each: end for each, end in self._waits.items() if end > now}
        due = await self._deliveries.claim(
            now=now,
            until=now + CLAIMED_FOR,
            busy=list(self._batches),
            waiting=list(self._waits),
            each=_AT_ONCE_EACH,
            webhooks=_BUSY_OF_ONE_ORGANIZATION,
            limit=_AT_ONCE - self._under_way,
        )
        for webhook_id, batch in _by_webhook(due).items():
            self._under_way += len(batch)
            self._batches[webhook_id] = self._group.create_task(
                self._deliver(webhook_id, batch)
            )

    async def attempt(self, due: Due) -> DeliveryAttempt:
        """Try once. Raises what the lease of the secret does."""
        leased = await self._secrets.of(due.org_id, due.webhook_id)
        return await self._attempt(due, leased)

    async def _deliver(self, webhook_id: UUID, batch: Sequence[Due]) -> None:
        """Try a batch, and tell when that has ended.

        This is a consumer's edge: what crashes is claimed again when its claim ends.
        """
        began = self._now()
        try:
            await self._try_or_wait(webhook_id, batch, began=began)
        except asyncio.CancelledError:
            await self._hand_back(batch, due_at=began)
            raise
        except Exception:
            log.exception("webhook.crashed", webhook=str(webhook_id))
            self._waits[webhook_id] = began + _LATER
        finally:
            self._under_way -= len(batch)
            del self._batches[webhook_id]
            self.woken.set()

    async def _try_or_wait(
        self, webhook_id: UUID, batch: Sequence[Due], *, began: datetime
    ) -> None:
        """Try a batch; a webhook whose secret is not to be had waits a while."""
        try:
            await self._try_all(webhook_id, batch)
        except AppError as error:
            log.warning("webhook.waits", webhook=str(webhook_id), reason=error.message)
            self._waits[webhook_id] = began + _LATER
            await self._give_up(batch, error, due_at=began + _LATER)

    async def _try_all(self, webhook_id: UUID, batch: Sequence[Due]) -> None:
        """Raise what the lease does."""
        leased = await self._secrets.of(batch[0].org_id, webhook_id)
        async with asyncio.TaskGroup() as attempts:
            for due in batch:
                attempts.create_task(self._try(due, leased))

    async def _try(self, due: Due, leased: LeasedWebhook) -> None:
        """Try one; a crash is an attempt that failed, so that its repeats end."""
        try:
            attempt = await self._attempt(due, leased)
        except Exception:
            log.exception("delivery.crashed", delivery=str(due.id))
            attempt = self._failed(_CRASHED)
        await self._note(due, attempt)

    async def _give_up(
        self, batch: Sequence[Due], error: AppError, *, due_at: datetime
    ) -> None:
        """Count a refused lease as a failure; anything else is not the receiver's."""
        if not isinstance(error, LeaseRefusedError):
            await self._hand_back(batch, due_at=due_at)
            return
        for due in batch:
            await self._note(due, self._failed(error.message))

    def _failed(self, problem: str) -> DeliveryAttempt:
        return DeliveryAttempt(at=self._now(), error=problem, duration_ms=0)

    async def _attempt(self, due: Due, leased: LeasedWebhook) -> DeliveryAttempt:
        body = due.body.encode()
        headers = headers_of(due.id, body, secret=leased.secret, at=self._now())
        return await self._courier.carry(leased.url.get_secret_value(), headers, body)

    async def _note(self, due: Due, attempt: DeliveryAttempt) -> None:
        """Note what came of it; unnoted, the delivery is tried again."""
        outcome = outcome_of(attempt, failures=due.failures, chance=self._chance())
        try:
            noted = await self._deliveries.note(due, outcome)
        except AppError as error:
            log.warning("delivery.unnoted", delivery=str(due.id), reason=error.message)
            return
        if noted is None:
            log.info("delivery.overtaken", delivery=str(due.id))
            return
        log.info(
            "delivery.tried",
            delivery=str(due.id),
            status=outcome.status,
            http_status=attempt.http_status,
        )

    async def _hand_back(self, batch: Sequence[Due], *, due_at: datetime) -> None:
        try:
            await self._deliveries.hand_back(batch, due_at=due_at)
        except AppError as error:
            log.warning("deliveries.kept", reason=error.message)


def _by_webhook(due: Sequence[Due]) -> dict[UUID, list[Due]]:
    batches: dict[UUID, list[Due]] = {}
    for each in due:
        batches.setdefault(each.webhook_id, []).append(each)
    return batches
