"""Watching a stream of chat completion chunks as it passes.

Shapes: the OpenAI API reference, "Chat Completions", and what compatible servers make
of it.
"""

import re
from typing import Any

from agent_runner.proxy.answer_stream import Passage
from agent_runner.proxy.json_text import read_object
from agent_runner.proxy.text_event_stream import TextEventStream
from agent_runner.proxy.usage import NOT_REPORTED
from agent_runner.server_sent_events import data_of
from shared.provider_errors.reading import failure_in_event
from shared.provider_errors.rows import ErrorSource

from .usage import report_in

__all__ = ["ChatStream"]

# Cheap: what matches is parsed, what does not match cannot matter. Inside a JSON string
# a quote has a backslash, so generated text matches nothing here but `[DONE]`.
_MAY_MATTER = re.compile(
    rb'"usage"\s*:\s*\{|"error"\s*:|"finish_reason"\s*:\s*"|\[DONE\]'
)
_DONE = b"[DONE]"  # SDKs take any data that begin so for the end


class ChatStream(TextEventStream):
    """Events pass as they came, but for the chunk that is there only because we asked.

    It is taken out where *withholds_usage*. The stream is complete once `[DONE]`, a
    finish reason or the usage came: some servers send no `[DONE]`. It has ended with
    `[DONE]` or an error.
    """

    marks = (b'"usage"', b'"error"', b'"finish_reason"', _DONE)
    harmless = (b'"usage":null', b'"finish_reason":null')

    def __init__(self, *, withholds_usage: bool) -> None:
        super().__init__()
        self._withholds_usage = withholds_usage

    def _noted(self, event: bytes) -> Passage:
        if self.has_content and not _MAY_MATTER.search(event):
            return self._unread(event)
        data = data_of(event)
        if data.startswith(_DONE):
            self.has_ended = self.is_complete = True
            return Passage.PASSES
        return self._noted_chunk(event, read_object(data))

    def _noted_chunk(self, event: bytes, chunk: dict[str, Any]) -> Passage:
        if chunk.get("error"):
            self.failure = failure_in_event(ErrorSource.OPENAI, chunk)
            self.has_ended = True
            return Passage.PASSES
        report = report_in(chunk)
        if report != NOT_REPORTED:
            self.report = report
        choices = _choices(chunk)
        if words := _words_of(choices):
            self._speaks(event, words)
        is_final = _is_bill(chunk) or any(map(_has_finished, choices))
        self.is_complete = self.is_complete or is_final
        if not (is_final and isinstance(chunk.get("usage"), dict)):
            return Passage.PASSES
        if self._withholds_usage and _is_only_usage(chunk):
            return Passage.IS_WITHHELD
        return Passage.WAITS


def _choices(chunk: dict[str, Any]) -> list[dict[str, Any]]:
    choices = chunk.get("choices")
    if not isinstance(choices, list):
        return []
    return [each for each in choices if isinstance(each, dict)]


def _words_of(choices: list[dict[str, Any]]) -> list[object]:
    """Give what its deltas say beyond a role."""
    return [
        value
        for choice in choices
        if isinstance(delta := choice.get("delta"), dict)
        for name, value in delta.items()
        if value and name != "role"
    ]


def _has_finished(choice: dict[str, Any]) -> bool:
    return bool(choice.get("finish_reason"))


def _is_bill(chunk: dict[str, Any]) -> bool:
    return chunk.get("choices") == [] and isinstance(chunk.get("usage"), dict)


def _is_only_usage(chunk: dict[str, Any]) -> bool:
    """Tell the chunk that `include_usage` adds from one with a payload of its own."""
    others = (chunk[name] for name in chunk if name not in {"choices", "usage"})
    is_bare = not any(isinstance(each, dict | list) and each for each in others)
    return _is_bill(chunk) and is_bare
