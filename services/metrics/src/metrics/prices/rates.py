"""What tokens cost at given rates: decimals alone, nothing else.

Source of the rules: the price lists of OpenAI, Anthropic and AWS, as the
`genai-prices` package applies them too; a test holds the two against each other.
"""

from collections.abc import Iterator
from dataclasses import dataclass, fields, replace
from decimal import Decimal

from shared.contracts.metrics import Usage

__all__ = ["Rate", "Rates", "Tier", "cost_of"]

_TOKENS_OF_A_RATE = -6  # a rate is for a million of them
_SEARCHES_OF_A_RATE = -3


@dataclass(frozen=True, slots=True)
class Tier:
    """A rate that holds for calls of more than *above* input tokens, all kinds."""

    above: int
    dollars: Decimal


@dataclass(frozen=True, slots=True)
class Rate:
    """Dollars for a million tokens; *tiers* rise."""

    dollars: Decimal
    tiers: tuple[Tier, ...] = ()

    def of_call(self, input_tokens: int) -> Decimal:
        """Return what each token of a call of *input_tokens* costs, times a million.

        A threshold is passed by what is strictly above it, and then by every token.
        """
        if not self.tiers:
            return self.dollars
        passed = [tier.dollars for tier in self.tiers if input_tokens > tier.above]
        return passed[-1] if passed else self.dollars

    def times(self, factor: Decimal) -> "Rate":
        return Rate(
            self.dollars * factor,
            tuple(Tier(tier.above, tier.dollars * factor) for tier in self.tiers),
        )


@dataclass(frozen=True, slots=True)
class Rates:
    """The rates of one model. What has none of its own costs what is named here.

    *cached_input*: as *input*; *cache_write_5m*: as *input*; *cache_write_1h*: as
    *cache_write_5m*; *output*: nothing (embeddings have none).
    *web_search* is for a thousand searches.
    """

    input: Rate
    output: Rate | None = None
    cached_input: Rate | None = None
    cache_write_5m: Rate | None = None
    cache_write_1h: Rate | None = None
    web_search: Rate | None = None

    def times(self, factor: Decimal) -> "Rates":
        """Multiply what tokens cost; searches keep their price."""
        return replace(
            self, **{name: rate.times(factor) for name, rate in self._of_tokens()}
        )

    def _of_tokens(self) -> Iterator[tuple[str, Rate]]:
        for field in fields(self):
            rate = getattr(self, field.name)
            if rate is not None and field.name != "web_search":
                yield field.name, rate


def cost_of(usage: Usage, rates: Rates) -> Decimal:
    """Return the dollars for *usage*; counts that were not reported cost nothing."""
    counts = (
        usage.input_tokens or 0,
        usage.cached_input_tokens or 0,
        usage.cache_write_5m_tokens or 0,
        usage.cache_write_1h_tokens or 0,
    )
    whole_input = sum(counts)
    write_5m = rates.cache_write_5m or rates.input
    applied = (
        rates.input,
        rates.cached_input or rates.input,
        write_5m,
        rates.cache_write_1h or write_5m,
    )
    millionths = sum(
        count * rate.of_call(whole_input)
        for count, rate in zip(counts, applied, strict=True)
        if count
    )
    if usage.output_tokens and rates.output:
        millionths += usage.output_tokens * rates.output.of_call(whole_input)
    return Decimal(millionths).scaleb(_TOKENS_OF_A_RATE) + _searches(usage, rates)


def _searches(usage: Usage, rates: Rates) -> Decimal:
    if not usage.web_searches or rates.web_search is None:
        return Decimal(0)
    return (usage.web_searches * rates.web_search.dollars).scaleb(_SEARCHES_OF_A_RATE)
