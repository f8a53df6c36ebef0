"""What a chat asks for, in the words of none of the formats."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum, auto
from typing import Any

from shared.errors import TranslationRefusedError

__all__ = [
    "Block",
    "Chat",
    "Choice",
    "Document",
    "Image",
    "Schema",
    "Text",
    "Tool",
    "ToolResult",
    "ToolUse",
    "Turn",
    "refused",
]


@dataclass(frozen=True, slots=True)
class Text:
    text: str


@dataclass(frozen=True, slots=True)
class Image:
    """*data* is base64; else the image is at *url*. *kind* as `png`."""

    kind: str = ""
    data: str = ""
    url: str = ""


@dataclass(frozen=True, slots=True)
class Document:
    """A PDF, in base64."""

    name: str
    data: str


@dataclass(frozen=True, slots=True)
class ToolUse:
    id: str
    name: str
    input: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class ToolResult:
    id: str
    text: str


Block = Text | Image | Document | ToolUse | ToolResult


@dataclass(frozen=True, slots=True)
class Turn:
    """What one side says before the other does."""

    is_users: bool
    blocks: tuple[Block, ...]


@dataclass(frozen=True, slots=True)
class Tool:
    name: str
    description: str
    parameters: Mapping[str, Any]
    is_strict: bool = False


class Choice(Enum):
    """Whether the model uses a tool."""

    AUTO = auto()
    NONE = auto()
    REQUIRED = auto()
    NAMED = auto()


@dataclass(frozen=True, slots=True)
class Schema:
    """What JSON the answer must be."""

    name: str
    description: str
    schema: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Chat:
    """*tool* is the one of `Choice.NAMED`; *choice* None is the provider's default."""

    turns: tuple[Turn, ...]
    system: tuple[str, ...] = ()
    tools: tuple[Tool, ...] = ()
    choice: Choice | None = None
    tool: str = ""
    is_parallel: bool = True
    schema: Schema | None = None
    max_tokens: int | None = None
    temperature: float | None = None
    top_p: float | None = None
    stop: tuple[str, ...] = ()
    effort: str | None = None


def refused(param: str, why: str) -> TranslationRefusedError:
    """Refuse what has no translation, naming the request's field."""
    return TranslationRefusedError(
        f"{param} {why}; the provider that is to answer speaks another format.",
        details={"param": param},
    )
