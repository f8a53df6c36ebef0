"""Watching a stream of chat completion chunks as it passes.

Shapes: the OpenAI API reference, "Chat Completions", and what compatible servers make
of it.
"""

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from shared.contracts.metrics import Usage

from .openai_usage import usage_of
from .server_sent_events import EventSplitter, data_of

__all__ = ["ChatStream", "Released"]

# Cheap: what matches is parsed, what does not match cannot matter. Inside a JSON string
# a quote has a backslash, so generated text matches nothing here but `[DONE]`.
_MAY_MATTER = re.compile(
    rb'"usage"\s*:\s*\{|"error"\s*:|"finish_reason"\s*:\s*"|\[DONE\]'
)
_DONE = b"[DONE]"  # SDKs take any data that begin so for the end


@dataclass(frozen=True, slots=True)
class Released:
    """What may pass: *body* now, *end* only once the call is settled."""

    body: bytes
    end: bytes


class ChatStream:
    """Events pass as they came and in order, but for two rules.

    A chunk that carries the final usage waits for its successor, so that it is never
    released before the call is settled. A chunk that is there only because we asked for
    usage (*withholds_usage*) is taken out.
    """

    def __init__(self, *, withholds_usage: bool) -> None:
        self.usage: Usage | None = None
        """The last report that could be read."""
        self.error: dict[str, Any] | None = None
        """The `error` that the stream ended with."""
        self.has_content = False
        """Whether a chunk had something to say beyond a role."""
        self.is_complete = False
        """Whether `[DONE]`, a finish reason or the usage came.

        Some servers send no `[DONE]`; a clean end before any of the three is an answer
        cut short.
        """
        self.has_ended = False
        """Whether `[DONE]` or an error came, after which SDKs read no further."""
        self._withholds_usage = withholds_usage
        self._splitter = EventSplitter()
        self._waiting = b""

    def feed(self, data: bytes) -> Released:
        """Take what came; raises `EventTooLongError`."""
        body, end = bytearray(), bytearray()
        for event in self._splitter.feed(data):
            passing = self._passing(event)
            (end if self.has_ended else body).extend(passing)
        return Released(bytes(body), bytes(end))

    def end(self) -> bytes:
        """Take the clean end of the stream; return what is still to pass.

        The last event may lack its empty line.
        """
        passing = self._passing(self._splitter.rest())
        return passing + self._taken_waiting()

    def rest(self) -> bytes:
        """Take the break of the stream; return what came and did not pass."""
        return self._taken_waiting() + self._splitter.rest()

    def _passing(self, event: bytes) -> bytes:
        """Return what passes now that *event* is there."""
        predecessor = self._taken_waiting()
        chunk = self._noted(event)
        if not _carries_final_usage(chunk):
            return predecessor + event
        if not (self._withholds_usage and _is_only_usage(chunk)):
            self._waiting = event
        return predecessor

    def _taken_waiting(self) -> bytes:
        waiting, self._waiting = self._waiting, b""
        return waiting

    def _noted(self, event: bytes) -> dict[str, Any]:
        """Note what *event* says; return it as far as it had to be read."""
        if self.has_content and not _MAY_MATTER.search(event):
            return {}
        data = data_of(event)
        if data.startswith(_DONE):
            self.has_ended = self.is_complete = True
            return {}
        chunk = _parsed(data)
        if error := chunk.get("error"):
            self.error = error if isinstance(error, dict) else {"message": error}
            self.has_ended = True
            return {}
        self.usage = usage_of(chunk) or self.usage
        self.has_content = self.has_content or _has_content(chunk)
        self.is_complete = self.is_complete or _is_final(chunk)
        return chunk


def _parsed(data: bytes) -> dict[str, Any]:
    try:
        chunk = json.loads(data)
    except (ValueError, RecursionError):
        return {}
    return chunk if isinstance(chunk, dict) else {}


def _choices(chunk: dict[str, Any]) -> Iterator[dict[str, Any]]:
    choices = chunk.get("choices")
    if isinstance(choices, list):
        yield from (each for each in choices if isinstance(each, dict))


def _has_content(chunk: dict[str, Any]) -> bool:
    deltas = (choice.get("delta") for choice in _choices(chunk))
    return any(
        value
        for delta in deltas
        if isinstance(delta, dict)
        for name, value in delta.items()
        if name != "role"
    )


def _is_final(chunk: dict[str, Any]) -> bool:
    has_finished = any(choice.get("finish_reason") for choice in _choices(chunk))
    return has_finished or _is_bill(chunk)


def _is_bill(chunk: dict[str, Any]) -> bool:
    return chunk.get("choices") == [] and isinstance(chunk.get("usage"), dict)


def _carries_final_usage(chunk: dict[str, Any]) -> bool:
    return isinstance(chunk.get("usage"), dict) and _is_final(chunk)


def _is_only_usage(chunk: dict[str, Any]) -> bool:
    """Tell the chunk that `include_usage` adds from one with a payload of its own."""
    others = (chunk[name] for name in chunk if name not in {"choices", "usage"})
    is_bare = not any(isinstance(each, dict | list) and each for each in others)
    return _is_bill(chunk) and is_bare
