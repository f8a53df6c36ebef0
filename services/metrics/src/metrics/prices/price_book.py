"""The price book: list prices of the `genai-prices` package, and our own few rows.

The one module that imports that package. Its prices come with its release and are
never fetched: nothing here calls home. Prices hold for whole UTC days, and are looked
up by provider type and model alone, whatever address the provider has.
"""

from datetime import UTC, date, datetime, time
from decimal import Decimal
from functools import lru_cache
from typing import NamedTuple

from genai_prices import __version__ as release
from genai_prices.data_snapshot import find_provider_by_id, get_snapshot
from genai_prices.types import ModelInfo, ModelPrice, TieredPrices
from genai_prices.types import Provider as PriceList

from shared.contracts.credentials import ProviderType
from shared.contracts.metrics import Usage

from .bedrock_models import without_geography
from .price_supplement import EDITION, amended, supplement
from .rates import Rate, Rates, Tier

__all__ = ["VERSION", "context_window_of", "rates_of"]

VERSION = f"genai-prices-{release}+ag2trust.{EDITION}"
"""Names all prices of the book; stored with every call that they priced."""

_LIST_OF_TYPE = {
    ProviderType.OPENAI: "openai",
    ProviderType.ANTHROPIC: "anthropic",
    ProviderType.BEDROCK: "aws",
}
_RATES_REMEMBERED = 4096


class _Terms(NamedTuple):
    service_tier: str | None
    speed: str | None
    inference_geo: str | None

    def of_the_lists(self) -> dict[str, str]:
        """Say what the package calls a price context."""
        terms = {"service_tier": self.service_tier, "speed": self.speed}
        return {name: term for name, term in terms.items() if term is not None}


def rates_of(
    provider_type: ProviderType, model: str, *, on: date, usage: Usage
) -> Rates | None:
    """Find the rates of *model* on the UTC day *on*; None for a model not in the book.

    Of *usage* its terms alone count: service tier, speed, geography. *model* of
    Bedrock is the id of a model or of a system inference profile, not an ARN.
    """
    terms = _Terms(usage.service_tier, usage.speed, usage.inference_geo)
    return _rates(provider_type, model.lower(), on, terms)


def context_window_of(provider_type: ProviderType, model: str) -> int | None:
    """Tell how many tokens a call of *model* may have; None if the book does not."""
    model_info = _model_info(provider_type, model.lower())
    return model_info.context_window if model_info else None


@lru_cache(maxsize=_RATES_REMEMBERED)
def _rates(
    provider_type: ProviderType, model: str, on: date, terms: _Terms
) -> Rates | None:
    found = _listed(provider_type, model, on, terms) or supplement(provider_type, model)
    if found is None:
        return None
    return amended(found, provider_type, model, inference_geo=terms.inference_geo)


def _listed(
    provider_type: ProviderType, model: str, on: date, terms: _Terms
) -> Rates | None:
    model_info = _model_info(provider_type, model)
    if model_info is None:
        return None
    day = datetime.combine(on, time(), tzinfo=UTC)
    return _rates_from(model_info.get_prices(day, terms.of_the_lists()))


def _model_info(provider_type: ProviderType, model: str) -> ModelInfo | None:
    """Look past the caches of the package, which grow with every name they meet."""
    price_list = _price_list(_LIST_OF_TYPE[provider_type])
    found = price_list.find_model(model)
    if found is None and provider_type is ProviderType.BEDROCK:
        regional = without_geography(model)
        return price_list.find_model(regional) if regional else None
    return found


def _price_list(provider: str) -> PriceList:
    found = find_provider_by_id(get_snapshot().providers, provider)
    if found is None:
        raise LookupError(f"genai-prices {release} has no list of {provider}")
    return found


def _rates_from(price: ModelPrice) -> Rates | None:
    """Read what tokens cost; None for a model that is not priced by tokens."""
    rate = _rate(price.input_mtok)
    if rate is None:
        return None
    write = _rate(price.cache_write_mtok)
    return Rates(
        input=rate,
        output=_rate(price.output_mtok),
        cached_input=_rate(price.cache_read_mtok),
        cache_write_5m=_rate(price.cache_write_5m_mtok) or write,
        cache_write_1h=_rate(price.cache_write_1h_mtok) or write,
        web_search=_rate(price.web_searches_kcount),
    )


def _rate(price: Decimal | TieredPrices | None) -> Rate | None:
    match price:
        case None:
            return None
        case TieredPrices():
            tiers = tuple(Tier(each.start, each.price) for each in price.tiers)
            return Rate(price.base, tiers)
        case _:
            return Rate(price)
