"""What calls cost, as the metrics service tells it and is told."""

from decimal import Decimal
from enum import StrEnum
from typing import Annotated, Literal
from uuid import UUID

from pydantic import (
    AwareDatetime,
    Field,
    PlainSerializer,
    StringConstraints,
    ValidationInfo,
    field_validator,
)
from pydantic_core import PydanticCustomError

from .base import Instant, Message, Page, Question
from .credentials import ProviderType

__all__ = [
    "ANY_MODEL",
    "USUAL_TERMS",
    "Dollars",
    "ModelName",
    "PriceOverride",
    "PriceOverrideSubmission",
    "PriceQuestion",
    "PriceQuote",
    "PriceQuotes",
    "PriceTerms",
    "PriceTier",
    "Prices",
    "PutPrice",
    "QuoteQuestion",
    "QuotedModel",
    "QuotesQuestion",
    "Reprice",
    "RepricedModel",
    "Repricing",
    "RepricingQuestion",
    "RepricingStatus",
    "TokenPrices",
    "UnpricedReason",
]

Dollars = Annotated[
    Decimal,
    Field(ge=0, allow_inf_nan=False),
    PlainSerializer(float, when_used="json"),
]
"""Exact inside, a JSON number on the wire."""


class UnpricedReason(StrEnum):
    """Why a call has no price.

    `MODEL_UNKNOWN`: the price book has no such model; `MODEL_OPAQUE`: its id does not
    say which model it is; `USAGE_UNKNOWN`: tokens may have been billed that nobody
    told us; `NOT_PRICED_YET`: it was counted before there were prices.
    """

    MODEL_UNKNOWN = "MODEL_UNKNOWN"
    MODEL_OPAQUE = "MODEL_OPAQUE"
    USAGE_UNKNOWN = "USAGE_UNKNOWN"
    NOT_PRICED_YET = "NOT_PRICED_YET"


ANY_MODEL = "*"
"""In a price override: every model that no other override of its reach names."""

ModelName = Annotated[
    str, StringConstraints(strip_whitespace=True, min_length=1, max_length=256)
]
MillionTokenPrice = Annotated[Dollars, Field(le=1_000_000, max_digits=20)]


class TokenPrices(Message):
    """Dollars for a million tokens of each kind.

    What is None costs what stands here: cached input as input, cache writes of the
    shorter kind as input, of the longer as the shorter.
    """

    input: MillionTokenPrice
    output: MillionTokenPrice
    cached_input: MillionTokenPrice | None = None
    cache_write_5m: MillionTokenPrice | None = None
    cache_write_1h: MillionTokenPrice | None = None


class PriceOverrideSubmission(Message):
    """What *model* of *provider_type* costs, instead of what the price book says.

    Of one provider, or of all if *provider_id* is None; for calls that start from
    *effective_from* up to, without, *effective_to*. The narrower one counts: that of
    the provider, then that of the model, then the one that took effect last.
    """

    provider_type: ProviderType
    model: ModelName
    provider_id: UUID | None = None
    effective_from: Instant
    effective_to: Instant | None = None
    usd_per_million_tokens: TokenPrices

    @field_validator("effective_to")
    @classmethod
    def _after_its_beginning(
        cls, value: AwareDatetime | None, field: ValidationInfo
    ) -> AwareDatetime | None:
        beginning = field.data.get("effective_from")
        if value and beginning and value <= beginning:
            raise PydanticCustomError("period", "must be later than effective_from")
        return value


class PriceOverride(PriceOverrideSubmission):
    id: UUID
    version: int
    created_at: AwareDatetime
    updated_at: AwareDatetime


class PutPrice(Question):
    """Set an override; one of the same reach, model and beginning is replaced.

    *override_id* is the id of a new one.
    """

    override_id: UUID
    submission: PriceOverrideSubmission


class PriceQuestion(Question):
    override_id: UUID


class Prices(Page[PriceOverride]):
    """Overrides, newest first, and the version of the price book beneath them."""

    book_version: str


class PriceTerms(Message):
    """What a request, or its answer (`Usage`), names beside its model to be priced."""

    service_tier: str | None = None
    speed: str | None = None
    inference_geo: str | None = None


USUAL_TERMS = PriceTerms()


class QuoteQuestion(Question):
    """Ask what a call on these *terms* costs now, or at *at*."""

    provider_type: ProviderType
    model: str
    provider_id: UUID | None = None
    at: AwareDatetime | None = None
    terms: PriceTerms = USUAL_TERMS


class PriceTier(Message):
    """Prices of calls with more input tokens, of all kinds, than *above*."""

    above_input_tokens: int
    usd_per_million_tokens: TokenPrices


class PriceQuote(Message):
    """The prices of a model, or why it has none.

    *context_window* counts the tokens of a call, None if the price book does not know.
    """

    provider_type: ProviderType
    model: str
    provider_id: UUID | None
    at: AwareDatetime
    price_version: str
    usd_per_million_tokens: TokenPrices | None
    tiers: list[PriceTier]
    unpriced_reason: UnpricedReason | None
    context_window: int | None = None


class QuotedModel(Message):
    provider_type: ProviderType
    model: ModelName


class QuotesQuestion(Question):
    """Ask what several models cost now."""

    models: list[QuotedModel] = Field(max_length=500)


class PriceQuotes(Message):
    """The quotes of all models that were named, in their order."""

    data: list[PriceQuote]


class RepricingStatus(StrEnum):
    RUNNING = "running"
    COMPLETED = "completed"


class Reprice(Question):
    """Price the calls of a period anew, by today's book and overrides."""

    repricing_id: UUID
    since: AwareDatetime
    until: AwareDatetime


class RepricingQuestion(Question):
    repricing_id: UUID


class RepricedModel(Message):
    """What changed for the calls of one model; dollars are of the changed calls."""

    provider_type: ProviderType
    model: str
    calls_changed: int
    newly_priced: int
    newly_unpriced: int
    cost_usd_before: Dollars
    cost_usd_after: Dollars


class Repricing(Message):
    """How far a repricing has come, and what it has changed so far.

    A call that already has this price and version is not changed, so that a second
    repricing of the same period changes nothing.
    """

    id: UUID
    kind: Literal["prices.reprice"] = "prices.reprice"
    status: RepricingStatus
    since: AwareDatetime = Field(serialization_alias="from")
    until: AwareDatetime = Field(serialization_alias="to")
    price_version: str
    calls_examined: int
    calls_changed: int
    cost_usd_before: Dollars
    cost_usd_after: Dollars
    models: list[RepricedModel]
    requested_at: AwareDatetime
    finished_at: AwareDatetime | None
