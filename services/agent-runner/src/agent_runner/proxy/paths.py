"""Finding the agent's token, the wire format and the path in what was asked for."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field

from shared.errors import PathNotAllowedError

from .anthropic.wire_format import ANTHROPIC
from .bedrock.wire_format import BEDROCK
from .openai.wire_format import OPENAI
from .wire_format import WireFormat

__all__ = ["Place", "format_of", "place_of"]

_FORMATS: Mapping[str, WireFormat] = {
    "openai/v1": OPENAI,
    "anthropic/v1": ANTHROPIC,
    "bedrock": BEDROCK,
}

# A token in the path identifies the agent; nothing in a path is decoded or tidied.
_PLACE = re.compile(
    rf"(?:/a/(?P<token>[A-Za-z0-9_]+))?/(?P<format>{'|'.join(_FORMATS)})/(?P<path>.*)",
    re.DOTALL,
)
_FAMILY = re.compile(r"(?:/a/[^/]*)?/(openai|anthropic|bedrock)\b")
_FORMAT_OF_FAMILY = {name.partition("/")[0]: each for name, each in _FORMATS.items()}


@dataclass(frozen=True, slots=True)
class Place:
    """*path* is below the format's prefix, as it was sent."""

    token: str | None = field(repr=False)
    format: WireFormat
    path: str


def place_of(path: str) -> Place:
    """Take a path apart. Raises `PathNotAllowedError`, which repeats no token."""
    found = _PLACE.fullmatch(path)
    if found is None:
        raise PathNotAllowedError(
            "There is nothing at this path; base URLs end in"
            f" {' or '.join(f'/{name}' for name in _FORMATS)}."
        )
    return Place(found["token"], _FORMATS[found["format"]], found["path"])


def format_of(path: str) -> WireFormat:
    """Say in which format to refuse what is asked of *path*."""
    family = _FAMILY.match(path)
    return _FORMAT_OF_FAMILY.get(family[1], OPENAI) if family else OPENAI
