"""What models cost, asked of metrics and remembered for a minute."""

from dataclasses import dataclass
from typing import TypeAlias
from uuid import UUID

from agent_runner.tenure import Monotonic, boot_time
from shared.bus import Bus
from shared.contracts.base import Actor
from shared.contracts.credentials import ProviderType
from shared.contracts.metrics import QUOTE_PRICE
from shared.contracts.prices import USUAL_TERMS, PriceQuote, PriceTerms, QuoteQuestion
from shared.errors import UnavailableError

__all__ = ["Prices"]

_FRESH_SECONDS = 60.0
_KEPT_SECONDS = 3600.0
_REMEMBERED = 4096
_ACTOR = Actor(kind="service", id="agent_runner")

_Key: TypeAlias = tuple[UUID, UUID, str, PriceTerms]
"""Organization, provider, model, and on which terms."""


@dataclass(frozen=True, slots=True)
class _Heard:
    quote: PriceQuote
    at: float


class Prices:
    """A price that cannot be asked for again is kept for an hour."""

    def __init__(self, bus: Bus, *, clock: Monotonic = boot_time) -> None:
        self._bus = bus
        self._now = clock
        self._heard: dict[_Key, _Heard] = {}

    async def of(
        self,
        org_id: UUID,
        provider_type: ProviderType,
        provider_id: UUID,
        model: str,
        terms: PriceTerms = USUAL_TERMS,
    ) -> PriceQuote:
        """Tell what *model* costs now; raises `UnavailableError` if nobody can."""
        key = (org_id, provider_id, model, terms)
        heard, now = self._heard.get(key), self._now()
        if heard is not None and now < heard.at + _FRESH_SECONDS:
            return heard.quote
        question = QuoteQuestion(
            org_id=org_id,
            actor=_ACTOR,
            provider_type=provider_type,
            model=model,
            provider_id=provider_id,
            terms=terms,
        )
        try:
            quote = await self._bus.ask(QUOTE_PRICE, question)
        except UnavailableError:
            if heard is None or now >= heard.at + _KEPT_SECONDS:
                raise
            return heard.quote
        if len(self._heard) >= _REMEMBERED:
            self._heard.clear()
        self._heard[key] = _Heard(quote, now)
        return quote
