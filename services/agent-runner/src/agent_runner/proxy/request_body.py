"""Reading a request's body strictly, and only what a rule needs of it.

What two readers could take differently is refused: the proxy must see the very request
that the provider sees.
"""

from collections.abc import Collection, Mapping
from typing import Any

from shared.contracts.prices import USUAL_TERMS, PriceTerms
from shared.errors import MalformedError, MalformedJsonError, TooLargeError

from .json_text import UnclearJsonError, decode, has_more_tokens
from .usage import term

__all__ = [
    "TERMS",
    "flag",
    "object_of",
    "terms_of",
    "whole_number",
    "without_lookalikes",
]

TERMS = frozenset(PriceTerms.model_fields)
"""What a request may name that bears on its price."""


# One reading takes some ten nanoseconds a byte, and up to a microsecond a token.
_FEW_BYTES = 128 * 1024
_MOST_TOKENS = 400_000
_MOST = 1_000_000_000


def object_of(
    raw: bytes, *, governed: Collection[str]
) -> tuple[str, Mapping[str, Any]]:
    """Read a JSON object, as text and taken apart.

    Raises `TooLargeError` for more than can be read without holding others up,
    `MalformedJsonError`, and `MalformedError` for what is no object or has a name that
    differs from a *governed* one only in case.
    """
    if len(raw) > _FEW_BYTES and has_more_tokens(raw, than=_MOST_TOKENS):
        raise TooLargeError(
            f"The body has more than {_MOST_TOKENS} JSON values, names and brackets."
        )
    try:
        text = raw.decode()
    except UnicodeDecodeError:
        raise MalformedJsonError("The body is not UTF-8.") from None
    try:
        body = decode(text)
    except UnclearJsonError:
        raise MalformedJsonError(
            "The body is not valid JSON, or repeats a name."
        ) from None
    if not isinstance(body, dict):
        raise MalformedError("The body must be a JSON object.")
    return text, without_lookalikes(body, governed=governed)


def without_lookalikes(
    fields: Mapping[str, Any], *, governed: Collection[str]
) -> Mapping[str, Any]:
    """Refuse `Model`, which a reader that ignores case, as Go's, takes for `model`."""
    for name in fields:
        if name not in governed and name.casefold() in governed:
            raise MalformedError(f"Write {name.casefold()} in lower case.")
    return fields


def flag(fields: Mapping[str, Any], name: str) -> bool:
    value = fields.get(name)
    if value is None or isinstance(value, bool):
        return bool(value)
    raise MalformedError(f"{name} must be true or false.")


def whole_number(fields: Mapping[str, Any], name: str) -> int | None:
    """Read a count that a rule needs; None where there is none."""
    value = fields.get(name)
    if value is None:
        return None
    if type(value) is int and 0 <= value <= _MOST:
        return value
    raise MalformedError(f"{name} must be a whole number that is not negative.")


def terms_of(fields: Mapping[str, Any]) -> PriceTerms:
    """Read what bears on the price; as answers do, OpenAI and Anthropic name it so."""
    if TERMS.isdisjoint(fields):
        return USUAL_TERMS
    return PriceTerms(**{name: term(fields, name) for name in TERMS})
