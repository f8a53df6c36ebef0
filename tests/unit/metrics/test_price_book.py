"""The price book against the package that it is read from."""

from collections.abc import Iterator
from datetime import UTC, date, datetime, time

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

from metrics.prices.price_book import rates_of
from metrics.prices.rates import cost_of
from shared.contracts.credentials import ProviderType

from .records import used

TODAY = date(2026, 11, 22)
_PRICE_LISTS = {
    ProviderType.OPENAI: "openai",
    ProviderType.ANTHROPIC: "anthropic",
    ProviderType.BEDROCK: "aws",
}


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
