"""Labels are summed up as long as there are not too many different ones of a day."""

from datetime import timedelta
from uuid import UUID

import pytest

from ag2trust.testing import Stack
from metrics.prices.pricing import PricedCall
from metrics.repositories.fresh_rollups import add_to_fresh_rollups
from metrics.repositories.label_bounds import within_label_bounds
from metrics.rollups.rollups import LABEL, rolled_up
from metrics.settings import Settings
from shared.contracts.base import Service
from shared.database import Transaction, connect_database
from shared.ids import new_id

from .records import call

pytestmark = [pytest.mark.integration, pytest.mark.usefixtures("schema")]

UNPRICED = PricedCall(None, "test", None)
ORG = new_id()


async def summed_up(
    transaction: Transaction, *labels: str, org_id: UUID = ORG, days: int = 0
) -> set[str]:
    """Sum up a call of each label, as counting does; return the labels that were."""
    calls = [call(org_id=org_id, labels={"run": each}) for each in labels]
    started_at = call().started_at + timedelta(days=days)
    rollups = rolled_up(
        [
            (each.model_copy(update={"started_at": started_at}), UNPRICED)
            for each in calls
        ],
        [],
    )
    bounded = await within_label_bounds(transaction, rollups, most=3)
    await add_to_fresh_rollups(transaction, bounded)
    return {each.key for each in bounded if each.dimension == LABEL}


async def test_the_first_labels_of_an_organizations_day_are_summed_up(
    stack: Stack,
) -> None:
    settings = stack.settings(Settings, Service.METRICS)
    async with (
        connect_database(settings) as database,
        database.sweep() as transaction,
    ):
        first = await summed_up(transaction, "a", "b")
        then = await summed_up(transaction, "a", "c", "d", "e")
        at_last = await summed_up(transaction, "c", "f")
        tomorrow = await summed_up(transaction, "f", days=1)
        others = await summed_up(transaction, "f", org_id=new_id())

    assert first == {"run=a", "run=b"}
    assert then == {"run=a", "run=c"}
    assert at_last == {"run=c"}
    assert tomorrow == others == {"run=f"}
