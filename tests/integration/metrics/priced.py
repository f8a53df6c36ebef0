"""Prices put in force, calls of a million tokens, and what they cost."""

from datetime import timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID

from shared.bus import NatsBus
from shared.contracts.base import Actor
from shared.contracts.credentials import ProviderType
from shared.contracts.metrics import (
    INGEST,
    LIST_CALLS,
    PUT_PRICE,
    CallRecord,
    CallsQuestion,
    Usage,
)
from shared.contracts.prices import (
    PriceOverride,
    PriceOverrideSubmission,
    PutPrice,
    TokenPrices,
)
from shared.ids import new_id

from .records import NOON, batch, call

__all__ = ["ACTOR", "DAY", "MILLION", "costs", "count_a_million", "put", "submission"]

ACTOR = Actor(kind="api_key", id="key-1")
DAY = timedelta(days=1)
MILLION = Usage(input_tokens=1_000_000, output_tokens=0)


def submission(dollars: str = "0.5", **changes: Any) -> PriceOverrideSubmission:
    fields: dict[str, Any] = {
        "provider_type": ProviderType.OPENAI,
        "model": "gpt-4o",
        "effective_from": NOON - DAY,
        "usd_per_million_tokens": TokenPrices(
            input=Decimal(dollars), output=Decimal(1)
        ),
    }
    return PriceOverrideSubmission(**(fields | changes))


async def put(
    gateway: NatsBus, org_id: UUID, given: PriceOverrideSubmission
) -> PriceOverride:
    question = PutPrice(
        org_id=org_id, actor=ACTOR, override_id=new_id(), submission=given
    )
    return await gateway.ask(PUT_PRICE, question)


async def count_a_million(runner: NatsBus, org_id: UUID, **changes: Any) -> CallRecord:
    """Count a call of a million tokens of gpt-4o: 2.50 dollars by the book."""
    record = call(**({"org_id": org_id, "model": "gpt-4o", "usage": MILLION} | changes))
    await runner.ask(INGEST, batch(new_id(), [record]))
    return record


async def costs(gateway: NatsBus, org_id: UUID) -> list[tuple[Decimal | None, str]]:
    """Return cost and price version of every call, oldest first."""
    page = await gateway.ask(
        LIST_CALLS, CallsQuestion(org_id=org_id, actor=ACTOR, limit=200)
    )
    return [(each.cost_usd, each.price_version or "") for each in reversed(page.data)]
