"""Reading figures of usage: an explicit 0 is 0, an absent figure is None.

A negative, absurd or contradictory figure makes the whole report void: it is refused,
and the record says so, rather than counted in part.
"""

import re
from collections.abc import Mapping
from typing import Any, NamedTuple

from agent_runner.used import Used

__all__ = [
    "NOT_REPORTED",
    "REFUSED",
    "AbsurdCountError",
    "Report",
    "count",
    "object_at",
]

_MOST_TOKENS = 1_000_000_000
_TERM = re.compile(r"[A-Za-z0-9._-]{1,40}")


class Report(NamedTuple):
    """What an answer says that it used; *usage* is None where it says nothing.

    *is_refused*: it said something that cannot be true. *is_final*: what it says is not
    the first word of an answer that counts as it goes.
    """

    usage: Used | None = None
    is_refused: bool = False
    is_final: bool = True


NOT_REPORTED = Report()
REFUSED = Report(is_refused=True)
NOTHING_USED = Report(Used(input_tokens=0, output_tokens=0))


class AbsurdCountError(Exception):
    """A figure that cannot be a number of tokens."""


def count(fields: Mapping[str, Any], name: str) -> int | None:
    """Read a figure; raises `AbsurdCountError`."""
    value = fields.get(name)
    if value is None:
        return None
    if type(value) is not int or not 0 <= value <= _MOST_TOKENS:
        raise AbsurdCountError(name)
    return value


def object_at(fields: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    """Read a group of figures; one that is no object has none."""
    value = fields.get(name)
    return value if isinstance(value, dict) else {}


def term(fields: Mapping[str, Any], name: str) -> str | None:
    """Read a term that bears on the price, such as a tier; None for no such word."""
    value = fields.get(name)
    is_word = isinstance(value, str) and _TERM.fullmatch(value)
    return value if is_word else None


def added(one: Used, other: Used) -> Used:
    """Sum the counts; the terms are those of *one*. None and None stay None."""
    counts: dict[str, Any] = {
        name: mine + theirs
        for name, theirs in other.told().items()
        if isinstance(theirs, int)
        for mine in (getattr(one, name) or 0,)
    }
    return one._replace(**counts)
