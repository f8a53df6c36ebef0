"""JSON as text: read strictly, and where a member's value lies.

What two readers could take differently is refused (RFC 8259, sections 4, 6 and 8.1):
repeated names, NaN and infinities, a byte order mark, and anything but UTF-8.
"""

import json
import re
from itertools import islice
from typing import Any

from pydantic_core import from_json

__all__ = [
    "UnclearJsonError",
    "decode",
    "has_more_tokens",
    "read_json",
    "read_object",
    "value_span",
]

_SPACE = " \t\n\r"

# A string that does not end is one to the end: no byte is looked at twice.
_TOKEN = re.compile(rb'"[^"\\]*+(?:\\.[^"\\]*+)*+"?|[\[{,]', re.DOTALL)
_BEGINNINGS = b'"[{,'

# A token of an answer takes up to a microsecond, and four bytes at the least.
_MOST_TOKENS = 2_000_000
_FEW_BYTES = 4 * 1024 * 1024


def _without_repeats(members: list[tuple[str, Any]]) -> dict[str, Any]:
    fields = dict(members)
    if len(fields) != len(members):
        raise ValueError("a name is repeated")
    return fields


def _refuse_constant(name: str) -> None:
    raise ValueError(f"{name} is no JSON")


_DECODER = json.JSONDecoder(
    object_pairs_hook=_without_repeats, parse_constant=_refuse_constant
)


class UnclearJsonError(Exception):
    """No JSON, or some that two readers could take differently."""


def decode(text: str) -> Any:
    """Read JSON; raises `UnclearJsonError`, also where it is nested too deeply."""
    text = text.strip(_SPACE)
    try:
        value, end = _DECODER.raw_decode(text)
    except (ValueError, RecursionError) as error:
        raise UnclearJsonError from error
    if end != len(text):
        raise UnclearJsonError
    return value


def has_more_tokens(raw: bytes, *, than: int) -> bool:
    """Say whether JSON has more strings, brackets and commas, without taking it apart.

    It looks outside of strings alone only where that could make a difference, and stops
    as soon as it knows.
    """
    if len(raw) - len(raw.translate(None, _BEGINNINGS)) <= than:
        return False
    tokens = _TOKEN.finditer(raw)
    return next(islice(tokens, than, None), None) is not None


def read_json(body: bytes) -> object:
    """Read what a provider sent, leniently; None for what is no JSON.

    And for what has so many values that reading them would hold others up for seconds.
    """
    if len(body) > _FEW_BYTES and has_more_tokens(body, than=_MOST_TOKENS):
        return None
    try:
        parsed: object = from_json(body)
    except ValueError:
        return _read_slowly(body)
    return parsed


def read_object(data: bytes) -> dict[str, Any]:
    """Read an object that a provider sent; {} for what is none."""
    parsed = read_json(data)
    return parsed if isinstance(parsed, dict) else {}


def _read_slowly(body: bytes) -> object:
    """Read what a stricter and faster reader refuses, as half of a surrogate pair."""
    try:
        parsed: object = json.loads(body)
    except (ValueError, RecursionError):
        return None
    return parsed


def value_span(text: str, name: str, *, at: int = 0) -> tuple[int, int]:
    """Find where the value of member *name* starts and ends.

    *text* was accepted by `decode`, and the object that begins at *at* has the member.
    """
    at = _past(text, text.index("{", at))
    while True:
        key, at = _DECODER.raw_decode(text, at)
        start = _past(text, _past_space(text, at))
        _, end = _DECODER.raw_decode(text, start)
        if key == name:
            return start, end
        at = _past(text, _past_space(text, end))


def _past(text: str, at: int) -> int:
    """Step over one character and the space behind it."""
    return _past_space(text, at + 1)


def _past_space(text: str, at: int) -> int:
    while text[at] in _SPACE:
        at += 1
    return at
