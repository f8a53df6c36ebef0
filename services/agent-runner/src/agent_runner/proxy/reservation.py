"""The most that a call may take, reserved before it and settled after it. Pure.

An input token is taken for three bytes of text, an image or document for a fixed
figure; both can be too few, and then what was used is charged in full.
"""

from dataclasses import dataclass
from decimal import ROUND_CEILING, Decimal

from agent_runner.used import Used
from shared.contracts.prices import PriceQuote, TokenPrices

from .counting import files_in
from .wire_format import ModelRequest

__all__ = [
    "Reservation",
    "most_nanodollars",
    "nanodollars_of",
    "reserved",
    "tokens_of",
]

_BYTES_OF_A_TOKEN = 3
_TOKENS_OF_A_FILE = 2000
_NANODOLLARS_OF_A_PRICE = 1000  # of one token at a dollar for a million


@dataclass(frozen=True, slots=True)
class Reservation:
    """Tokens that a call may take at the most."""

    input: int
    output: int

    @property
    def tokens(self) -> int:
        return self.input + self.output


def reserved(request: ModelRequest) -> Reservation:
    """Reserve for a request that says how much output it may have."""
    files, file_bytes = files_in(request.body)
    text_bytes = len(request.body) - file_bytes
    return Reservation(
        input=-(-text_bytes // _BYTES_OF_A_TOKEN) + files * _TOKENS_OF_A_FILE,
        output=request.answers * (request.most_output or 0),
    )


def tokens_of(usage: Used) -> int:
    return _input_of(usage) + (usage.output_tokens or 0)


def most_nanodollars(reservation: Reservation, quote: PriceQuote) -> int:
    """Price a reservation as if all of its input were of the dearest kind."""
    prices = _prices(quote, reservation.input)
    kinds = (
        prices.input,
        prices.cached_input,
        prices.cache_write_5m,
        prices.cache_write_1h,
    )
    dearest = max(each for each in kinds if each is not None)
    return _nanodollars(
        reservation.input * dearest + reservation.output * prices.output
    )


def nanodollars_of(usage: Used, quote: PriceQuote) -> int:
    """Price what was used."""
    prices = _prices(quote, _input_of(usage))
    cached = prices.input if prices.cached_input is None else prices.cached_input
    write_5m = prices.input if prices.cache_write_5m is None else prices.cache_write_5m
    write_1h = write_5m if prices.cache_write_1h is None else prices.cache_write_1h
    return _nanodollars(
        (usage.input_tokens or 0) * prices.input
        + (usage.cached_input_tokens or 0) * cached
        + (usage.cache_write_5m_tokens or 0) * write_5m
        + (usage.cache_write_1h_tokens or 0) * write_1h
        + (usage.output_tokens or 0) * prices.output
    )


def _input_of(usage: Used) -> int:
    return (
        (usage.input_tokens or 0)
        + (usage.cached_input_tokens or 0)
        + (usage.cache_write_5m_tokens or 0)
        + (usage.cache_write_1h_tokens or 0)
    )


def _prices(quote: PriceQuote, input_tokens: int) -> TokenPrices:
    """Find the prices of a call of so many input tokens."""
    prices = quote.usd_per_million_tokens
    assert prices is not None  # noqa: S101 - whoever asks has seen that it is priced
    for tier in quote.tiers:
        if input_tokens > tier.above_input_tokens:
            prices = tier.usd_per_million_tokens
    return prices


def _nanodollars(of_prices: Decimal) -> int:
    return int((of_prices * _NANODOLLARS_OF_A_PRICE).to_integral_value(ROUND_CEILING))
