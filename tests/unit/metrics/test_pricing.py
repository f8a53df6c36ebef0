"""What calls cost: golden cases, and the rules around them."""

import json
from datetime import UTC, date, datetime, time
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from metrics.prices.price_book import VERSION
from metrics.prices.pricing import PricedCall, price
from metrics.prices.rates import Rate, Rates, Tier, cost_of
from shared.contracts.metrics import AttemptRecord, CallStatus, Usage
from shared.contracts.prices import UnpricedReason
from shared.ids import new_id

from .records import NOON, call, used

GOLDEN = json.loads((Path(__file__).parent / "golden_prices.json").read_text())
TODAY = date(2026, 11, 22)
_BEDROCK_IDS = ("us.", "global.", "anthropic.", "meta.", "amazon.", "mistral.", "arn:")


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
