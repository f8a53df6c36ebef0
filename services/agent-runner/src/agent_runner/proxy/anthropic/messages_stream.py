"""Watching the events of a message as they pass.

Source: Anthropic's documentation, "Streaming messages". The counts of `message_delta`
are cumulative and lie over those of `message_start`, whose output is a placeholder.
"""

import re
from collections.abc import Mapping
from typing import Any

from agent_runner.proxy.answer_stream import Passage
from agent_runner.proxy.json_text import read_object
from agent_runner.proxy.text_event_stream import TextEventStream
from agent_runner.proxy.usage import object_at
from agent_runner.server_sent_events import data_of
from shared.provider_errors.reading import failure_in_event
from shared.provider_errors.rows import ErrorSource

from .usage import overlaid, report_of

__all__ = ["MessagesStream"]

# Cheap: what matches is parsed, what does not match cannot matter. Inside a JSON string
# a quote has a backslash, so generated text matches nothing here.
_MAY_MATTER = re.compile(rb'"type"\s*:\s*"(?:message_|error")')


class MessagesStream(TextEventStream):
    """Events pass as they came.

    The stream is complete once a reason to stop came; it has ended with `message_stop`
    or an error.
    """

    marks = (b"message_", b'"error"')

    def __init__(self) -> None:
        super().__init__()
        self._usage: Mapping[str, Any] = {}

    def _noted(self, event: bytes) -> Passage:
        if self.has_content and not _MAY_MATTER.search(event):
            return self._unread(event)
        said = read_object(data_of(event))
        match said.get("type"):
            case "message_start":
                usage = object_at(object_at(said, "message"), "usage")
                self._count(usage, is_final=False)
            case "content_block_start":
                block = object_at(said, "content_block")
                if block.get("type") != "text":
                    self._speaks(event, {})
            case "content_block_delta":
                delta = object_at(said, "delta")
                words = [delta[name] for name in delta if name != "type"]
                self._speaks(event, words)
            case "message_delta":
                self._count(object_at(said, "usage"), is_final=True)
                return self._delta(object_at(said, "delta"))
            case "message_stop":
                self.has_ended = self.is_complete = True
            case "error":
                self.failure = failure_in_event(ErrorSource.ANTHROPIC, said)
                self.has_ended = True
            case _:
                pass
        return Passage.PASSES

    def _count(self, usage: Mapping[str, Any], *, is_final: bool) -> None:
        self._usage = overlaid(self._usage, usage)
        self.report = report_of(self._usage)._replace(is_final=is_final)

    def _delta(self, delta: Mapping[str, Any]) -> Passage:
        if delta.get("stop_reason") is None:
            return Passage.PASSES
        self.is_complete = True
        return Passage.WAITS
