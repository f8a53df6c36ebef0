"""Prices of an organization's own: which of them counts."""

from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest

from metrics.prices.pricing import Override, PricedCall, price
from metrics.prices.rates import Rate, Rates
from shared.contracts.credentials import ProviderType
from shared.contracts.metrics import CallRecord
from shared.ids import new_id

from .records import NOON, ORGANIZATION, call, used


def override(
    dollars: str,
    *,
    model: str = "gpt-4o",
    provider_type: ProviderType = ProviderType.OPENAI,
    provider_id: Any = None,
    effective_from: datetime = NOON - timedelta(days=1),
    effective_to: datetime | None = None,
) -> Override:
    return Override(
        id=new_id(),
        version=3,
        org_id=ORGANIZATION,
        provider_type=provider_type,
        model=model,
        provider_id=provider_id,
        effective_from=effective_from,
        effective_to=effective_to,
        rates=Rates(input=Rate(Decimal(dollars)), output=Rate(Decimal(dollars))),
    )


def a_million_tokens(**changes: Any) -> CallRecord:
    return call(model="gpt-4o", usage=used(1_000_000), **changes)


def test_an_override_is_before_the_book_and_names_itself() -> None:
    mine = override("0.25")

    priced = price(a_million_tokens(), [mine])

    assert priced == PricedCall(Decimal("0.25"), f"override-{mine.id}.3")


@pytest.mark.parametrize(
    "other",
    [
        override("1", model="gpt-4o-mini"),
        override("1", provider_type=ProviderType.ANTHROPIC),
        override("1", provider_id=new_id()),
        override("1", effective_from=NOON + timedelta(microseconds=1)),
        override("1", effective_to=NOON),
    ],
)
def test_an_override_of_something_else_leaves_the_book_in_force(
    other: Override,
) -> None:
    assert price(a_million_tokens(), [other]).cost == Decimal("2.5")


def test_of_several_overrides_the_narrowest_counts() -> None:
    provider_id = new_id()
    latest = NOON - timedelta(minutes=1)
    broad_to_narrow = [
        override("1", model="*"),
        override("2", model="*", effective_from=latest),
        override("3"),
        override("4", effective_from=latest),
        override("5", model="*", provider_id=provider_id),
        override("6", provider_id=provider_id),
        override("7", provider_id=provider_id, effective_from=latest),
    ]
    record = a_million_tokens(provider_id=provider_id)

    costs = [
        price(record, broad_to_narrow[:count][::-1]).cost
        for count in range(1, len(broad_to_narrow) + 1)
    ]

    assert costs == [1, 2, 3, 4, 5, 6, 7]


@pytest.mark.parametrize("order", [1, -1])
def test_an_override_of_a_profile_is_before_that_of_the_model_it_names(
    order: int,
) -> None:
    model = "us.anthropic.claude-sonnet-4-5-20250929-v1:0"
    profile = f"arn:aws:bedrock:us-east-1:123456789012:inference-profile/{model}"
    record = call(
        provider_type=ProviderType.BEDROCK, model=profile, usage=used(1_000_000)
    )
    overrides = [
        override(dollars, model=each, provider_type=ProviderType.BEDROCK)
        for dollars, each in (("1", model), ("2", profile))
    ]

    assert price(record, overrides[::order]).cost == 2


def test_an_override_prices_models_that_no_book_knows() -> None:
    profile = (
        "arn:aws:bedrock:us-east-1:123456789012:application-inference-profile/ab12cd34"
    )
    record = call(
        provider_type=ProviderType.BEDROCK, model=profile, usage=used(1_000_000)
    )
    mine = override("0.5", model=profile, provider_type=ProviderType.BEDROCK)

    assert price(record, [mine]).cost == Decimal("0.5")
