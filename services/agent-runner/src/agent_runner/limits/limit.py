"""What a limit is: of what, how much, over which span."""

from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from uuid import UUID

__all__ = ["Limit", "LimitKind", "Need", "Span"]


class Span(StrEnum):
    """Over which time units are counted."""

    MINUTE = "minute"
    """Any 60 seconds."""

    HELD = "held"
    """As long as they are in use."""

    PERIOD = "period"
    """From one date to another."""


class LimitKind(StrEnum):
    """What is limited."""

    REQUESTS = "requests_per_minute"
    TOKENS = "tokens_per_minute"
    CONCURRENT = "concurrent"
    TOOL_CALLS = "tool_calls_per_minute"
    HTTP_REQUESTS = "http_requests_per_minute"
    BUDGET = "budget"


_SPANS = {LimitKind.CONCURRENT: Span.HELD, LimitKind.BUDGET: Span.PERIOD}
_METERED = frozenset({LimitKind.TOKENS, LimitKind.BUDGET})


@dataclass(frozen=True, slots=True)
class Limit:
    """One limit in force.

    *key* names it for all runners; *amount* None refuses nothing. A newer *version* of
    the same key has the say. *of* is what people read it is of: `provider openai`.
    *ends_at* is the end of its period; units *is_in_dollars* are nanodollars. One that
    *is_metered* counts what calls use, rather than calls.
    """

    key: str
    org_id: UUID
    kind: LimitKind
    amount: int | None
    version: int
    of: str
    of_id: UUID
    ends_at: datetime | None = None
    is_in_dollars: bool = False
    span: Span = field(init=False)
    is_metered: bool = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "span", _SPANS.get(self.kind, Span.MINUTE))
        object.__setattr__(self, "is_metered", self.kind in _METERED)


@dataclass(frozen=True, slots=True)
class Need:
    """So many units of a limit, for one call."""

    limit: Limit
    units: int
