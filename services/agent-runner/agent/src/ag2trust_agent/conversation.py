"""What was said so far, in no provider's words."""

from collections.abc import Sequence
from dataclasses import dataclass

__all__ = [
    "Answered",
    "Asked",
    "Conversation",
    "Returned",
    "ToolCall",
    "ToolResult",
]


@dataclass(frozen=True, slots=True)
class ToolCall:
    """What a model wants of a tool; *arguments* is JSON as the model wrote it."""

    id: str
    name: str
    arguments: str


@dataclass(frozen=True, slots=True)
class ToolResult:
    call_id: str
    content: str
    is_error: bool = False


@dataclass(frozen=True, slots=True)
class Asked:
    """Somebody's words to the model."""

    content: str


@dataclass(frozen=True, slots=True)
class Answered:
    """The model's words, and the tools it called after them."""

    content: str
    calls: tuple[ToolCall, ...] = ()


@dataclass(frozen=True, slots=True)
class Returned:
    """What the tools gave that the model called last, in the order of the calls."""

    results: tuple[ToolResult, ...]


Conversation = Sequence[Asked | Answered | Returned]
