"""The use cases of prices: overrides, and what a model costs by all that is known."""

from collections.abc import Sequence
from datetime import datetime
from decimal import Decimal

from metrics.prices.price_book import VERSION, context_window_of
from metrics.prices.pricing import Override, quote
from metrics.prices.rates import Rate, Rates
from metrics.repositories.price_overrides import PriceOverridesRepository
from shared.clock import Clock
from shared.contracts.base import Empty, PageQuestion
from shared.contracts.metrics import Usage
from shared.contracts.prices import (
    PriceOverride,
    PriceQuestion,
    PriceQuote,
    PriceQuotes,
    Prices,
    PriceTier,
    PutPrice,
    QuotedModel,
    QuoteQuestion,
    QuotesQuestion,
    TokenPrices,
)
from shared.errors import PriceNotFoundError
from shared.pages import before, page_of

__all__ = ["PriceList"]


class PriceList:
    """Answers and changes what models cost, within one organization."""

    def __init__(self, repository: PriceOverridesRepository, *, now: Clock) -> None:
        self._repository = repository
        self._now = now

    async def list_prices(self, question: PageQuestion) -> Prices:
        """List overrides, newest first. Raises `InvalidError` for a foreign cursor."""
        found = await self._repository.newest(
            question.org_id, below=before(question.cursor), limit=question.limit + 1
        )
        page = page_of(found, limit=question.limit, id_of=lambda each: each.id)
        return Prices(
            data=page.data, next_cursor=page.next_cursor, book_version=VERSION
        )

    async def get_price(self, question: PriceQuestion) -> PriceOverride:
        """Find an override. Raises `PriceNotFoundError`."""
        found = await self._repository.find(question.org_id, question.override_id)
        if found is None:
            raise _not_found(question)
        return found

    async def put_price(self, question: PutPrice) -> PriceOverride:
        """Set an override; for calls that are counted from now on."""
        return await self._repository.put(
            question.org_id,
            question.override_id,
            question.submission,
            actor=question.actor,
        )

    async def delete_price(self, question: PriceQuestion) -> Empty:
        """Remove an override. Raises `PriceNotFoundError`."""
        if not await self._repository.remove(
            question.org_id, question.override_id, actor=question.actor
        ):
            raise _not_found(question)
        return Empty()

    async def quote_price(self, question: QuoteQuestion) -> PriceQuote:
        """Tell the prices of a model, or why it has none."""
        overrides = await self._repository.all(question.org_id)
        return _quote(question, overrides, at=question.at or self._now())

    async def quote_prices(self, question: QuotesQuestion) -> PriceQuotes:
        """Tell the prices of several models as of now."""
        overrides, now = await self._repository.all(question.org_id), self._now()
        quotes = [
            _quote(_question_of(each, question), overrides, at=now)
            for each in question.models
        ]
        return PriceQuotes(data=quotes)


def _question_of(model: QuotedModel, question: QuotesQuestion) -> QuoteQuestion:
    return QuoteQuestion(
        org_id=question.org_id,
        actor=question.actor,
        provider_type=model.provider_type,
        model=model.model,
    )


def _quote(
    question: QuoteQuestion, overrides: Sequence[Override], *, at: datetime
) -> PriceQuote:
    found = quote(
        question.provider_type,
        question.model,
        provider_id=question.provider_id,
        at=at,
        usage=Usage(**question.terms.model_dump()),
        overrides=overrides,
    )
    return PriceQuote(
        provider_type=question.provider_type,
        model=question.model,
        provider_id=question.provider_id,
        at=at,
        price_version=found.price_version,
        usd_per_million_tokens=found.rates and _token_prices(found.rates, 0),
        tiers=_tiers(found.rates) if found.rates else [],
        unpriced_reason=found.unpriced_reason,
        context_window=context_window_of(question.provider_type, question.model),
    )


def _tiers(rates: Rates) -> list[PriceTier]:
    thresholds = sorted({tier.above for rate in _rates(rates) for tier in rate.tiers})
    return [
        PriceTier(
            above_input_tokens=above,
            usd_per_million_tokens=_token_prices(rates, above + 1),
        )
        for above in thresholds
    ]


def _rates(rates: Rates) -> list[Rate]:
    kinds = (
        rates.input,
        rates.output,
        rates.cached_input,
        rates.cache_write_5m,
        rates.cache_write_1h,
    )
    return [rate for rate in kinds if rate is not None]


def _token_prices(rates: Rates, input_tokens: int) -> TokenPrices:
    prices = {
        name: None if rate is None else rate.of_call(input_tokens)
        for name, rate in (
            ("cached_input", rates.cached_input),
            ("cache_write_5m", rates.cache_write_5m),
            ("cache_write_1h", rates.cache_write_1h),
        )
    }
    return TokenPrices(
        input=rates.input.of_call(input_tokens),
        output=rates.output.of_call(input_tokens) if rates.output else Decimal(0),
        **prices,
    )


def _not_found(question: PriceQuestion) -> PriceNotFoundError:
    return PriceNotFoundError(f"There is no price override {question.override_id}.")
