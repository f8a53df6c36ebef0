"""What the price lists leave out: rows of our own, and rules they do not know."""

import re
from dataclasses import replace
from decimal import Decimal

from shared.contracts.credentials import ProviderType

from .rates import Rate, Rates

__all__ = ["EDITION", "amended", "supplement"]

EDITION = 1
"""Grows with every change of this module that changes a price."""

_ROWS = {
    # AWS price list, us-west-2, on demand, 2024-07-24 on.
    (ProviderType.BEDROCK, "mistral.mistral-large-2407-v1:0"): Rates(
        input=Rate(Decimal(2)), output=Rate(Decimal(6))
    ),
    # AWS price list, us-east-1, on demand; the model's last day was 2026-08-19.
    (ProviderType.BEDROCK, "cohere.command-r-plus-v1:0"): Rates(
        input=Rate(Decimal(3)), output=Rate(Decimal(15))
    ),
}

_FREE = Rate(Decimal(0))
_NOVA = re.compile(r"(?:[a-z-]+\.)?amazon\.nova-")
_CLAUDE = re.compile(r"claude-[a-z]+-(?P<major>\d{1,2})(?:-(?P<minor>\d{1,2}))?(?!\d)")
_GEOGRAPHY_COSTS_SINCE = (4, 6)
_GEOGRAPHY_FACTORS = {"us": Decimal("1.1")}


def supplement(provider_type: ProviderType, model: str) -> Rates | None:
    return _ROWS.get((provider_type, model))


def amended(
    rates: Rates, provider_type: ProviderType, model: str, *, inference_geo: str | None
) -> Rates:
    """Apply what the lists cannot say.

    Amazon Nova writes its cache for nothing (Bedrock user guide, prompt caching).
    Anthropic takes a tenth more for tokens of a call kept in one geography, from
    Claude 4.6 on (Anthropic pricing, "Data residency").
    """
    if provider_type is ProviderType.BEDROCK and _NOVA.match(model):
        return replace(rates, cache_write_5m=_FREE, cache_write_1h=_FREE)
    if provider_type is ProviderType.ANTHROPIC and _is_dearer_in_geography(model):
        factor = _GEOGRAPHY_FACTORS.get(inference_geo or "")
        return rates.times(factor) if factor else rates
    return rates


def _is_dearer_in_geography(model: str) -> bool:
    claude = _CLAUDE.match(model)
    if claude is None:
        return False
    version = int(claude["major"]), int(claude["minor"] or 0)
    return version >= _GEOGRAPHY_COSTS_SINCE
