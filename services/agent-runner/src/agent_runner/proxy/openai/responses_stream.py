"""Watching the events of a response as they pass.

Source: the OpenAI API reference, "Responses", "Streaming events". The last event holds
the whole response, and no other says what it used; those before it repeat the request.
"""

import re
from typing import Any

from agent_runner.proxy.answer_stream import Passage
from agent_runner.proxy.json_text import read_object
from agent_runner.proxy.text_event_stream import TextEventStream
from agent_runner.proxy.usage import object_at
from agent_runner.server_sent_events import data_of
from shared.provider_errors.reading import failure_in_event
from shared.provider_errors.rows import ErrorSource

from .usage import outcome_of_response

__all__ = ["ResponsesStream"]

# Cheap: what matches is parsed, what does not match cannot matter. Inside a JSON string
# a quote has a backslash, so generated text matches nothing here.
_MAY_MATTER = re.compile(
    rb'"type"\s*:\s*"(?:response\.(?:completed|incomplete|failed)|error)"'
)
_DELTA = ".delta"


class ResponsesStream(TextEventStream):
    """Events pass as they came; the last one waits for the call to be settled."""

    marks = (
        b"response.completed",
        b"response.incomplete",
        b"response.failed",
        b'"error"',
    )

    def __init__(self) -> None:
        super().__init__()

    def _noted(self, event: bytes) -> Passage:
        if self.has_content and not _MAY_MATTER.search(event):
            return self._unread(event)
        said = read_object(data_of(event))
        match said.get("type"):
            case "response.completed" | "response.incomplete" | "response.failed":
                self._finish(object_at(said, "response"))
            case "error":
                self.failure = failure_in_event(ErrorSource.OPENAI, said)
                self.has_ended = True
            case str() as kind if kind.endswith(_DELTA):
                self._speaks(event, said.get("delta"))
            case _:
                pass
        return Passage.PASSES

    def _finish(self, response: Any) -> None:
        outcome = outcome_of_response(response)
        self.report, self.failure = outcome.report, outcome.failure
        self.has_ended = self.is_complete = True
