"""What calls cost: golden cases, the rules around them, and the package as oracle."""

import json
from collections.abc import Iterator
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from genai_prices import Usage as ListedUsage
from genai_prices import calc_price
from genai_prices.data_snapshot import get_snapshot
from genai_prices.types import (
    ConditionalPrice,
    ModelInfo,
    ModelPrice,
    PriceVariant,
    StartDateConstraint,
)
from hypothesis import given
from hypothesis import strategies as st

from metrics.prices.price_book import VERSION, rates_of
from metrics.prices.pricing import Override, PricedCall, price
from metrics.prices.rates import Rate, Rates, Tier, cost_of
from shared.contracts.credentials import ProviderType
from shared.contracts.metrics import AttemptRecord, CallRecord, CallStatus, Usage
from shared.contracts.prices import UnpricedReason
from shared.ids import new_id

from .records import NOON, ORGANIZATION, call

GOLDEN = json.loads((Path(__file__).parent / "golden_prices.json").read_text())
TODAY = date(2026, 11, 22)
_PRICE_LISTS = {
    ProviderType.OPENAI: "openai",
    ProviderType.ANTHROPIC: "anthropic",
    ProviderType.BEDROCK: "aws",
}
_BEDROCK_IDS = ("us.", "global.", "anthropic.", "meta.", "amazon.", "mistral.", "arn:")


def used(
    input_tokens: int = 0,
    cached: int = 0,
    write_5m: int = 0,
    write_1h: int = 0,
    output: int = 0,
    **terms: str | int | None,
) -> Usage:
    return Usage.model_validate(
        {
            "input_tokens": input_tokens,
            "cached_input_tokens": cached,
            "cache_write_5m_tokens": write_5m,
            "cache_write_1h_tokens": write_1h,
            "output_tokens": output,
            **terms,
        }
    )


def cost(
    provider_type: str, model: str, usage: Usage, *, on: date = TODAY
) -> Decimal | None:
    at = datetime.combine(on, time(12), tzinfo=UTC)
    record = call(provider_type=provider_type, model=model, usage=usage, started_at=at)
    return price(record, []).cost


def type_of(golden: dict[str, Any]) -> str:
    if golden["model"].startswith(_BEDROCK_IDS):
        return "bedrock"
    return "anthropic" if golden["convention"] == "ant" else "openai"


@pytest.mark.parametrize("golden", GOLDEN, ids=lambda golden: golden["id"])
def test_the_golden_cases_cost_what_they_should(golden: dict[str, Any]) -> None:
    normal = golden["normal"]
    usage = used(
        normal["input"],
        normal["cached_read"],
        normal["cache_write_5m"],
        normal["cache_write_1h"],
        normal["output"],
        web_searches=normal["web_searches"],
        **(golden["context"] or {}),
    )

    dollars = cost(
        type_of(golden),
        golden["model"],
        usage,
        on=date.fromisoformat(golden["date"]),
    )

    assert dollars == (golden["usd"] and Decimal(golden["usd"]))


@pytest.mark.parametrize(
    ("provider_type", "model", "usage", "on", "dollars"),
    [
        # a cheap embedding needs many digits
        ("openai", "text-embedding-3-small", used(1), TODAY, "0.00000002"),
        # OpenAI's tiers at and above 272,000, caches and output included
        ("openai", "gpt-6.1-sol", used(0, 272_000), TODAY, "0.0272"),
        ("openai", "gpt-6.1-sol", used(1, 272_000), TODAY, "0.054404"),
        ("openai", "gpt-6.1-sol", used(272_000, output=1_000), TODAY, "0.554"),
        ("openai", "gpt-6.1-sol", used(0, 0, 272_001), TODAY, "1.360005"),
        # OpenAI's longer writes cost the shorter ones' price where no other is listed
        ("openai", "gpt-6.1-terra", used(0, 0, 0, 1_000_000), TODAY, "2.5"),
        # dated ids, alias ids, capital letters
        ("openai", "gpt-5-2025-08-07", used(1_000_000), TODAY, "1.25"),
        ("openai", "GPT-4o-Mini", used(1_000_000), TODAY, "0.15"),
        ("anthropic", "claude-haiku-4-5-20251001", used(1_000_000), TODAY, "1"),
        # service tiers, as the answer names them
        ("openai", "gpt-5", used(1_000_000, service_tier="scale"), TODAY, "1.25"),
        ("openai", "gpt-5", used(1_000_000, service_tier="priority"), TODAY, "2.5"),
        ("anthropic", "claude-haiku-4-5", used(9, service_tier="batch"), TODAY, "9e-6"),
        # Anthropic: kinds of writes; the old tier of 200,000 until 2026-03-13
        ("anthropic", "claude-sonnet-4-5", used(0, 0, 10**6), TODAY, "7.5"),
        ("anthropic", "claude-sonnet-4-5", used(0, 0, 10**5), TODAY, "0.375"),
        ("anthropic", "claude-sonnet-4-5", used(0, 0, 0, 10**5), TODAY, "0.6"),
        ("anthropic", "claude-opus-4-6", used(250_000), date(2026, 3, 12), "2.5"),
        ("anthropic", "claude-opus-4-6", used(250_000), date(2026, 3, 13), "1.25"),
        # Anthropic: kept in one geography, from 4.6 on
        (
            "anthropic",
            "claude-opus-4-6",
            used(100_000, inference_geo="us"),
            TODAY,
            "0.55",
        ),
        (
            "anthropic",
            "claude-sonnet-4-5-20250929",
            used(100_000, inference_geo="us"),
            TODAY,
            "0.3",
        ),
        (
            "anthropic",
            "claude-opus-5-5",
            used(100_000, inference_geo="global"),
            TODAY,
            "0.4",
        ),
        # web searches stand beside the tokens, and no geography makes them dearer
        (
            "anthropic",
            "claude-opus-5-5",
            used(web_searches=3, inference_geo="us"),
            TODAY,
            "0.03",
        ),
        # Bedrock: whatever names the model
        (
            "bedrock",
            "arn:aws:bedrock:eu-west-1::foundation-model/amazon.nova-lite-v1:0",
            used(1_000_000),
            TODAY,
            "0.06",
        ),
        (
            "bedrock",
            (
                "arn:aws:bedrock:us-east-1:123456789012:inference-profile/"
                "us.anthropic.claude-sonnet-4-5-20250929-v1:0"
            ),
            used(1_000_000),
            TODAY,
            "3.3",
        ),
        (
            "bedrock",
            (
                "arn:aws-us-gov:bedrock:us-gov-west-1:123456789012:inference-profile/"
                "us-gov.anthropic.claude-sonnet-4-5-20250929-v1:0"
            ),
            used(1_000_000),
            TODAY,
            "3.3",
        ),
        (
            "bedrock",
            "ca.anthropic.claude-sonnet-4-5-20250929-v1:0",
            used(1_000_000),
            TODAY,
            "3.3",
        ),
        ("bedrock", "eu.amazon.nova-pro-v1:0", used(1_000_000), TODAY, "0.8"),
        (
            "bedrock",
            "anthropic.claude-3-5-sonnet-20241022-v2:0:200k",
            used(1_000_000),
            date(2026, 4, 1),
            "3",
        ),
        # Bedrock: rules and rows of our own
        ("bedrock", "us.amazon.nova-pro-v1:0", used(0, 0, 1_000), TODAY, "0"),
        ("bedrock", "cohere.command-r-plus-v1:0", used(0, output=10**6), TODAY, "15"),
    ],
)
def test_what_providers_charge_is_what_a_call_costs(
    provider_type: str, model: str, usage: Usage, on: date, dollars: str
) -> None:
    assert cost(provider_type, model, usage, on=on) == Decimal(dollars)


@pytest.mark.parametrize(
    ("provider_type", "model", "reason"),
    [
        ("openai", "gpt-9-imaginary", "MODEL_UNKNOWN"),
        ("openai", "gpt-6.2-astra", "MODEL_UNKNOWN"),
        ("openai", "claude-opus-5-5", "MODEL_UNKNOWN"),
        ("openai", "", "MODEL_UNKNOWN"),
        ("anthropic", "gpt-4o", "MODEL_UNKNOWN"),
        ("bedrock", "gpt-4o", "MODEL_UNKNOWN"),
        ("bedrock", "global.nobody.model-v1:0", "MODEL_UNKNOWN"),
        *(
            (
                "bedrock",
                f"arn:aws:bedrock:us-east-1:123456789012:{kind}",
                "MODEL_OPAQUE",
            )
            for kind in (
                "application-inference-profile/ab12cd34ef56",
                "provisioned-model/ab12cd34ef56",
                "custom-model/anthropic.claude-3-haiku-20240307-v1:0/abcdefghijkl",
                "custom-model-deployment/ab12cd34ef56",
                "imported-model/ab12cd34ef56",
                "prompt/ABCDE12345:3",
                "default-prompt-router/anthropic.claude:1",
            )
        ),
        (
            "bedrock",
            "arn:aws:sagemaker:us-east-1:123456789012:endpoint/anthropic.claude-v2",
            "MODEL_OPAQUE",
        ),
    ],
)
@pytest.mark.parametrize("usage", [used(1000, output=500), used(), Usage()])
def test_an_unknown_model_has_no_price_whatever_it_used(
    provider_type: str, model: str, reason: str, usage: Usage
) -> None:
    priced = price(call(provider_type=provider_type, model=model, usage=usage), [])

    assert priced == PricedCall(None, VERSION, UnpricedReason(reason))


def refused(*statuses: int | None) -> list[AttemptRecord]:
    return [
        AttemptRecord(
            attempt_id=new_id(),
            provider_id=new_id(),
            model="gpt-4o",
            started_at=NOON,
            duration_ms=1,
            http_status=status,
        )
        for status in statuses
    ]


@pytest.mark.parametrize(
    ("status", "usage", "attempts", "dollars"),
    [
        ("completed", used(1_000_000), [200], "2.5"),
        ("completed", Usage(input_tokens=1_000_000), [200], "2.5"),
        ("completed", used(), [200], "0"),
        ("completed", Usage(), [200], None),
        ("failed", used(1_000_000, output=0), [200], "2.5"),
        ("failed", Usage(input_tokens=1_000_000), [200], None),
        ("failed", Usage(), [200], None),
        ("failed", Usage(), [429], "0"),
        ("failed", Usage(), [500, 429], "0"),
        ("failed", Usage(), [], "0"),
        ("failed", Usage(), [None], None),
        ("failed", Usage(), [429, None], None),
        ("cancelled", used(output=1_000_000), [200], "10"),
        ("cancelled", Usage(input_tokens=1_000_000), [200], None),
        ("cancelled", Usage(), [], None),
        ("interrupted", Usage(), [], None),
    ],
)
def test_the_end_of_a_call_says_what_can_be_known_of_its_price(
    status: str, usage: Usage, attempts: list[int | None], dollars: str | None
) -> None:
    ended = call(
        model="gpt-4o",
        status=CallStatus(status),
        usage=usage,
        attempts=refused(*attempts),
    )

    priced = price(ended, [])

    assert priced.cost == (None if dollars is None else Decimal(dollars))
    assert priced.unpriced_reason == ("USAGE_UNKNOWN" if dollars is None else None)


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


def test_an_override_prices_models_that_no_book_knows() -> None:
    profile = (
        "arn:aws:bedrock:us-east-1:123456789012:application-inference-profile/ab12cd34"
    )
    record = call(
        provider_type=ProviderType.BEDROCK, model=profile, usage=used(1_000_000)
    )
    mine = override("0.5", model=profile, provider_type=ProviderType.BEDROCK)

    assert price(record, [mine]).cost == Decimal("0.5")


def test_what_a_rate_is_missing_costs_the_next_one() -> None:
    rates = Rates(input=Rate(Decimal(1)), cache_write_5m=Rate(Decimal(2)))

    assert cost_of(used(0, 10**6), rates) == 1
    assert cost_of(used(0, 0, 10**6), rates) == 2
    assert cost_of(used(0, 0, 0, 10**6), rates) == 2
    assert cost_of(used(output=10**6), rates) == 0


def test_the_highest_tier_that_is_passed_counts() -> None:
    tiers = (Tier(10, Decimal(2)), Tier(20, Decimal(3)))
    rate = Rate(Decimal(1), tiers)

    assert [rate.of_call(tokens) for tokens in (10, 11, 20, 21)] == [1, 2, 2, 3]


def listed_models() -> Iterator[tuple[ProviderType, ModelInfo]]:
    for provider_type, name in _PRICE_LISTS.items():
        [price_list] = [each for each in get_snapshot().providers if each.id == name]
        for model in price_list.models:
            yield provider_type, model


def prices_of(model: ModelInfo) -> Iterator[ModelPrice]:
    if isinstance(model.prices, ModelPrice):
        yield model.prices
    else:
        yield from (each.prices for each in model.prices)
    yield from (variant.prices for variant in model.price_variants or ())


def conditional_prices_of(
    model: ModelInfo,
) -> Iterator[ConditionalPrice | PriceVariant]:
    if isinstance(model.prices, list):
        yield from model.prices
    yield from model.price_variants or ()


def test_prices_change_from_day_to_day_and_never_within_one() -> None:
    constraints = {
        type(each.constraint)
        for _, model in listed_models()
        for each in conditional_prices_of(model)
    }

    assert constraints <= {type(None), StartDateConstraint}


def test_every_price_of_tokens_is_one_that_we_read() -> None:
    read = {
        "input_mtok",
        "output_mtok",
        "cache_read_mtok",
        "cache_write_mtok",
        "cache_write_5m_mtok",
        "cache_write_1h_mtok",
        "web_searches_kcount",
    }
    of_other_things = ("audio", "image", "chars", "storage_searches", "pixels")

    names = {
        name
        for _, model in listed_models()
        for each in prices_of(model)
        for name, value in vars(each).items()
        if value is not None
    }

    unread = {
        name for name in names - read if not any(o in name for o in of_other_things)
    }
    assert unread == set()


@given(
    chosen=st.sampled_from(list(listed_models())),
    counts=st.tuples(*[st.integers(0, 400_000)] * 5),
    on=st.dates(date(2026, 1, 1), TODAY),
    service_tier=st.sampled_from([None, "default", "flex", "priority"]),
    speed=st.sampled_from([None, "standard", "fast"]),
)
def test_costs_are_those_that_the_package_reckons(
    chosen: tuple[ProviderType, ModelInfo],
    counts: tuple[int, int, int, int, int],
    on: date,
    service_tier: str | None,
    speed: str | None,
) -> None:
    provider_type, model = chosen
    usage = used(*counts, service_tier=service_tier, speed=speed)
    rates = rates_of(provider_type, model.id, on=on, usage=usage)
    if rates is None or "amazon.nova-" in model.id:
        return  # not priced by tokens, or amended

    oracle = calc_price(
        ListedUsage(
            input_tokens=sum(counts[:4]),
            cache_read_tokens=counts[1],
            cache_write_tokens=counts[2] + counts[3],
            cache_write_5m_tokens=counts[2],
            cache_write_1h_tokens=counts[3],
            input_audio_tokens=0,
            output_audio_tokens=0,
            output_tokens=counts[4],
        ),
        model.id,
        provider_id=_PRICE_LISTS[provider_type],
        genai_request_timestamp=datetime.combine(on, time(12), tzinfo=UTC),
        price_context={
            name: term
            for name, term in (("service_tier", service_tier), ("speed", speed))
            if term
        },
    )

    assert cost_of(usage, rates) == oracle.total_price
