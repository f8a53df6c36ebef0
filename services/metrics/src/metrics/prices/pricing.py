"""What a call costs, by which version of the prices; or why nobody can say.

An override is before the price book. A model that is in neither has no price, which is
not 0. What the end of a call means for its price is the table of `_is_usage_known` and
`_was_nothing_billed`:

completed, with tokens reported                      priced
cut short (failed, cancelled), with its output       priced
cut short before its output was reported             USAGE_UNKNOWN
failed, each attempt refused (or none made)          priced: 0
no tokens reported otherwise                         USAGE_UNKNOWN
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from functools import partial
from typing import NamedTuple
from uuid import UUID

from shared.contracts.credentials import ProviderType
from shared.contracts.metrics import CallRecord, CallStatus, Usage
from shared.contracts.prices import ANY_MODEL, UnpricedReason

from .bedrock_models import model_named_by
from .price_book import VERSION, rates_of
from .rates import Rates, cost_of

__all__ = ["Override", "PricedCall", "Quote", "price", "quote"]

_REFUSED = 400  # an HTTP status from here on: the provider did not do the work


@dataclass(frozen=True, slots=True)
class Override:
    """What an organization says a model costs (see `PriceOverrideSubmission`)."""

    id: UUID
    version: int
    org_id: UUID
    provider_type: ProviderType
    model: str
    provider_id: UUID | None
    effective_from: datetime
    effective_to: datetime | None
    rates: Rates


class Quote(NamedTuple):
    """Rates and the version they come from; without rates, the reason."""

    price_version: str
    rates: Rates | None
    unpriced_reason: UnpricedReason | None = None


class PricedCall(NamedTuple):
    """Dollars, or None and the reason; *price_version* was asked in either case."""

    cost: Decimal | None
    price_version: str
    unpriced_reason: UnpricedReason | None = None


def price(call: CallRecord, overrides: Sequence[Override]) -> PricedCall:
    """Price *call* by the *overrides* of its organization, then by the price book."""
    found = quote(
        call.provider_type,
        call.model,
        provider_id=call.provider_id,
        at=call.started_at,
        usage=call.usage,
        overrides=overrides,
    )
    if found.rates is None:
        return PricedCall(None, found.price_version, found.unpriced_reason)
    if _is_usage_known(call):
        return PricedCall(cost_of(call.usage, found.rates), found.price_version)
    if _was_nothing_billed(call):
        return PricedCall(Decimal(0), found.price_version)
    return PricedCall(None, found.price_version, UnpricedReason.USAGE_UNKNOWN)


def quote(
    provider_type: ProviderType,
    model: str,
    *,
    provider_id: UUID | None,
    at: datetime,
    usage: Usage,
    overrides: Sequence[Override],
) -> Quote:
    """Find the rates for a call like this; of *usage* its terms alone count."""
    named = model_named_by(model) if provider_type is ProviderType.BEDROCK else model
    applying = [
        each
        for each in overrides
        if each.provider_type is provider_type
        and each.model in {model, named, ANY_MODEL}
        and each.provider_id in {None, provider_id}
        and _is_in_effect(each, at)
    ]
    if applying:
        narrowest = max(applying, key=partial(_narrowness, model))
        version = f"override-{narrowest.id}.{narrowest.version}"
        return Quote(version, narrowest.rates)
    if named is None:
        return Quote(VERSION, None, UnpricedReason.MODEL_OPAQUE)
    rates = rates_of(provider_type, named, on=at.astimezone(UTC).date(), usage=usage)
    reason = UnpricedReason.MODEL_UNKNOWN if rates is None else None
    return Quote(VERSION, rates, reason)


def _is_in_effect(override: Override, at: datetime) -> bool:
    if at < override.effective_from:
        return False
    return override.effective_to is None or at < override.effective_to


def _narrowness(model: str, override: Override) -> tuple[bool, bool, bool, datetime]:
    return (
        override.provider_id is not None,
        override.model != ANY_MODEL,
        override.model == model,
        override.effective_from,
    )


def _is_usage_known(call: CallRecord) -> bool:
    if call.usage.output_tokens is not None:
        return True
    return (
        call.status is CallStatus.COMPLETED and call.usage.input_tokens is not None
    )  # embeddings have no output


def _was_nothing_billed(call: CallRecord) -> bool:
    return call.status is CallStatus.FAILED and all(
        attempt.http_status is not None and attempt.http_status >= _REFUSED
        for attempt in call.attempts
    )
