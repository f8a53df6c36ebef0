"""How figures and times read, for people."""

import re
from datetime import UTC, datetime, timedelta

__all__ = [
    "NOTHING",
    "ago",
    "counted",
    "dollars",
    "harmless",
    "milliseconds",
    "moment",
    "number",
    "percent",
    "word",
]

NOTHING = "-"

_SECOND_MS = 1000
_SMALL_DOLLARS = 0.01
# C0 and C1 but for tabs and ends of lines, line and paragraph separators, and what
# turns the direction of text (Unicode Standard Annex 9, section 2).
_UNRULY = re.compile(
    r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\u2028\u2029"
    r"\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]|\r(?!\n)"
)
_UNITS = ((86400, "d"), (3600, "h"), (60, "min"), (1, "s"))


def word(value: object) -> str:
    """Say a plain value; nothing is a dash."""
    match value:
        case bool():
            return "yes" if value else "no"
        case None | "":
            return NOTHING
        case list() | dict() if not value:
            return NOTHING
        case list():
            return ", ".join(
                f"({word(each)})" if isinstance(each, dict) else word(each)
                for each in value
            )
        case dict():
            return ", ".join(f"{name}={word(each)}" for name, each in value.items())
        case _:
            return str(value)


def harmless(text: str) -> str:
    """Spell out what would have a terminal do anything but show *text* as it is.

    Models, agents, tools and whoever names things may write it. JSON stays the same
    JSON, for it spells such characters so too (RFC 8259, section 7).
    """
    return _UNRULY.sub(lambda found: f"\\u{ord(found[0]):04x}", text)


def number(value: int | None) -> str:
    return NOTHING if value is None else f"{value:,}"


def counted(value: int, one: str) -> str:
    """Say `1 call`, `1,200 calls`."""
    return f"{value:,} {one if value == 1 else f'{one}s'}"


def dollars(value: float | None) -> str:
    """Two digits after the point, of small sums as many as say something."""
    if value is None:
        return NOTHING
    if 0 < value < _SMALL_DOLLARS:
        return f"${value:.2g}" if value >= 1e-4 else f"${value:.6f}"  # noqa: PLR2004
    return f"${value:,.2f}"


def percent(share: float | None) -> str:
    return NOTHING if share is None else f"{share:.1%}".replace(".0%", "%")


def milliseconds(value: float | None) -> str:
    if value is None:
        return NOTHING
    if value < _SECOND_MS:
        return f"{value:.0f} ms"
    return f"{value / _SECOND_MS:.1f} s"


def moment(at: datetime | None) -> str:
    """Say a time on this machine's clock."""
    return f"{at.astimezone():%Y-%m-%d %H:%M:%S %Z}" if at else NOTHING


def ago(at: datetime | None, *, now: datetime | None = None) -> str:
    """Say how long ago a time is, in the largest whole unit; or how far ahead."""
    if at is None:
        return NOTHING
    past = (now or datetime.now(UTC)) - at
    if past < timedelta(0):
        return f"in {_length(-past)}"
    return f"{_length(past)} ago"


def _length(span: timedelta) -> str:
    seconds = int(span.total_seconds())
    for size, unit in _UNITS:
        if seconds >= size:
            return f"{seconds // size} {unit}"
    return "0 s"
