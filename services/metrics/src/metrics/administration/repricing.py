"""The use case of pricing a period's calls anew, a batch at a time, and saying so."""

from collections.abc import Iterable, Sequence
from uuid import UUID

import structlog

from metrics.prices.price_book import VERSION
from metrics.prices.pricing import Override, PricedCall, price
from metrics.repositories.repricing import Change, RepricingRepository
from shared.contracts.metrics import CallRecord
from shared.contracts.prices import Reprice, Repricing, RepricingQuestion
from shared.errors import InvalidError, RepricingNotFoundError

__all__ = ["Repricer", "changes_of"]

log = structlog.get_logger(__name__)

_BATCH = 500


class Repricer:
    """Takes orders for repricings, tells how far they are, and does them.

    A batch is one transaction: prices, sums and the note how far it has come. So a
    repricing that was cut short goes on where it was, and nothing is changed twice.
    """

    def __init__(self, repository: RepricingRepository) -> None:
        self._repository = repository

    async def reprice(self, question: Reprice) -> Repricing:
        """Order a repricing; it begins soon. Raises `InvalidError` for no period."""
        if question.since >= question.until:
            raise InvalidError.of_fields(
                "The period ends before it begins.",
                {"to": "must be later than from"},
            )
        return await self._repository.add(question, price_version=VERSION)

    async def get_repricing(self, question: RepricingQuestion) -> Repricing:
        """Tell what it has changed so far. Raises `RepricingNotFoundError`."""
        found = await self._repository.find(question.org_id, question.repricing_id)
        if found is None:
            raise RepricingNotFoundError(
                f"There is no repricing {question.repricing_id}."
            )
        return found

    async def work(self) -> None:
        """Do all repricings that are ordered, to their end.

        One whose sums no column holds keeps no other from going on.
        """
        for org_id, repricing_id in await self._repository.running():
            try:
                while await self._did_a_batch(org_id, repricing_id):
                    pass
            except OverflowError:
                log.warning("repricing.refused", repricing=str(repricing_id))
                continue
            log.info("repricing.worked", repricing=str(repricing_id))

    async def _did_a_batch(self, org_id: UUID, repricing_id: UUID) -> bool:
        """Price the next calls; return whether there may be more."""
        async with self._repository.batch(org_id, repricing_id, limit=_BATCH) as batch:
            if batch is None:
                return False
            await batch.apply(
                changes_of(batch.calls, batch.overrides), price_version=VERSION
            )
            return len(batch.calls) == _BATCH


def changes_of(
    calls: Iterable[tuple[CallRecord, PricedCall]], overrides: Sequence[Override]
) -> list[Change]:
    """Price *calls* and keep those whose price, version or reason is another now."""
    return [
        Change(call, before, after)
        for call, before in calls
        if (after := price(call, overrides)) != before
    ]
