"""What is approved of a tool, what it is called here, and what has changed. Pure.

A server's words are shown to whoever approves them and told to models, so they must be
words that a person can see: no control, format or private characters, and no variation
selectors but those of emoji.
"""

import hashlib
import json
import re
import unicodedata
from collections.abc import Iterator
from difflib import unified_diff
from typing import TYPE_CHECKING

from pydantic import JsonValue, ValidationError

from shared.contracts.mcp_tools import McpToolDefinition

if TYPE_CHECKING:
    from mcp_types import Tool

__all__ = ["definition_in", "difference", "fingerprint_of", "problem_of", "told_as"]

_LONGEST_DESCRIPTION = 4096
_LONGEST_SCHEMA_BYTES = 16 * 1024
_DEEPEST = 20
_MOST_LINES_COMPARED = 400
# The specification's advice for names (2025-11-25, "Tool Names").
_NAME = re.compile(r"[A-Za-z0-9_./-]{1,128}")
_SEPARATOR = "__"
# What all providers take as the name of a tool: OpenAI, Anthropic, Bedrock's ToolSpec.
_LONGEST_TOLD = 64
_PLAIN = re.compile(r"[A-Za-z0-9_-]+")
_NOT_PLAIN = re.compile(r"[^A-Za-z0-9_-]")
_DIGEST_CHARACTERS = 8
_LIKE_DIGESTED = re.compile(r".*_[0-9a-f]{8}")
_UNSEEN = frozenset({"Cc", "Cf", "Cn", "Co", "Cs", "Zl", "Zp"})
_BREAKS = frozenset("\n\t")
_OF_EMOJI = frozenset("\ufe0e\ufe0f")
_SELECTORS = ((0x180B, 0x180F), (0xFE00, 0xFE0F), (0xE0100, 0xE01EF))


def definition_in(tool: "Tool") -> McpToolDefinition | None:
    """Take what a model would be told; None for what no message of ours can hold."""
    try:
        return McpToolDefinition(
            description=tool.description or "", input_schema=tool.input_schema
        )
    except (ValidationError, RecursionError):
        return None


def problem_of(name: str, definition: McpToolDefinition | None) -> str | None:
    """Say why nobody can approve this tool, None if somebody may."""
    if not _NAME.fullmatch(name):
        return "Its name has other characters than letters, digits and _./- in it."
    if definition is None:
        return "Its schema is none of JSON."
    return next(_problems(definition), None)


def fingerprint_of(name: str, definition: McpToolDefinition) -> str:
    """Hash what is approved: name, description and schema."""
    words = _canonical(
        {
            "name": name,
            "description": definition.description,
            "input_schema": definition.input_schema,
        }
    )
    return hashlib.sha256(words or b"").hexdigest()


def told_as(server_name: str, name: str) -> str:
    """Name a tool for models, so that no two tools of any servers are called the same.

    The server's name has no underscore, so it ends at the first two. What is too long,
    has other characters, or looks as if it had, ends with a digest of the whole name.
    """
    room = _LONGEST_TOLD - len(server_name) - len(_SEPARATOR)
    is_plain = _PLAIN.fullmatch(name) and len(name) <= room
    if is_plain and not _LIKE_DIGESTED.fullmatch(name):
        return f"{server_name}{_SEPARATOR}{name}"
    digest = hashlib.sha256(name.encode(errors="replace")).hexdigest()
    kept = _NOT_PLAIN.sub("_", name)[: room - _DIGEST_CHARACTERS - 1]
    return f"{server_name}{_SEPARATOR}{kept}_{digest[:_DIGEST_CHARACTERS]}"


def difference(approved: McpToolDefinition, now: McpToolDefinition) -> list[str]:
    """Write a unified diff, with every line of both where they are very long."""
    before, after = _lines(approved), _lines(now)
    if len(before) + len(after) > _MOST_LINES_COMPARED:
        return [*(f"-{line}" for line in before), *(f"+{line}" for line in after)]
    lines = unified_diff(before, after, "approved", "now", lineterm="")
    return [*lines]


def _problems(definition: McpToolDefinition) -> Iterator[str]:
    """Say what is wrong, the cheapest look first."""
    description, schema = definition.description, definition.input_schema
    if len(description) > _LONGEST_DESCRIPTION:
        yield f"Its description has more than {_LONGEST_DESCRIPTION} characters."
    if schema.get("type") != "object":
        yield "Its schema is not that of an object."
    if _depth(schema) > _DEEPEST:
        yield f"Its schema is more than {_DEEPEST} levels deep."
    written = _canonical(schema)
    if written is None:
        yield "Its schema holds a number that JSON has not."
    elif len(written) > _LONGEST_SCHEMA_BYTES:
        yield f"Its schema has more than {_LONGEST_SCHEMA_BYTES} bytes."
    if any(map(_is_unseen, [description, *_texts(schema)])):
        yield "Its description or schema holds characters that nobody can see."


def _lines(definition: McpToolDefinition) -> list[str]:
    schema = json.dumps(
        definition.input_schema, indent=1, sort_keys=True, ensure_ascii=False
    )
    return [*definition.description.split("\n"), "", *schema.split("\n")]


def _canonical(value: object) -> bytes | None:
    try:
        text = json.dumps(value, sort_keys=True, separators=(",", ":"), allow_nan=False)
    except (ValueError, RecursionError):
        return None
    return text.encode()


def _depth(value: JsonValue) -> int:
    """Count levels without a stack: a server chooses how deep they go."""
    depth, level = 0, [value]
    while level:
        depth += 1
        level = [each for above in level for each in _inside(above)]
    return depth


def _texts(value: JsonValue) -> Iterator[str]:
    waiting = [value]
    while waiting:
        one = waiting.pop()
        if isinstance(one, str):
            yield one
        if isinstance(one, dict):
            yield from one
        waiting += _inside(one)


def _inside(value: JsonValue) -> list[JsonValue]:
    if isinstance(value, dict):
        return [*value.values()]
    return value if isinstance(value, list) else []


def _is_unseen(text: str) -> bool:
    return any(
        (unicodedata.category(character) in _UNSEEN and character not in _BREAKS)
        or (character not in _OF_EMOJI and _is_selector(ord(character)))
        for character in text
    )


def _is_selector(code: int) -> bool:
    return any(first <= code <= last for first, last in _SELECTORS)
