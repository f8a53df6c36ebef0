"""Streams of Anthropic and Bedrock that pass as a stream of a chat completion.

The native stream is watched as always, so that what is counted is what its provider
reports; what it lets pass is translated event by event.
"""

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from contextlib import suppress
from typing import Any

from agent_runner.proxy.answer_stream import EventStream, Splitter
from agent_runner.proxy.anthropic.messages_stream import MessagesStream
from agent_runner.proxy.bedrock.event_stream import (
    BrokenFrameError,
    FrameSplitter,
    read_frame,
)
from agent_runner.proxy.bedrock.streams import ConverseStream
from agent_runner.proxy.counting import Spoken
from agent_runner.proxy.json_text import read_object
from agent_runner.proxy.usage import Report, object_at
from agent_runner.proxy.wire_format import Released
from agent_runner.server_sent_events import (
    EventSplitter,
    EventTooLongError,
    data_of,
)
from shared.provider_errors.rows import Failure

from .answers import FINISH_REASONS
from .chunks import Chunks

__all__ = ["ConverseAsChunks", "MessagesAsChunks"]


class _AsChunks(ABC):
    """An `AnswerStream`: *native* watches, *chunks* word what passes.

    *_sayings* has what is said of each kind of event, by its name.
    """

    _sayings: Mapping[str, Callable[[Mapping[str, Any]], bytes]]

    def __init__(self, native: EventStream, splitter: Splitter, chunks: Chunks) -> None:
        self._native = native
        self._splitter = splitter
        self._chunks = chunks
        self._broken: Failure | None = None

    @property
    def report(self) -> Report:
        return self._native.report

    @property
    def failure(self) -> Failure | None:
        return self._native.failure or self._broken

    @property
    def has_content(self) -> bool:
        return self._native.has_content

    @property
    def spoken(self) -> Spoken:
        return self._native.spoken

    @property
    def is_complete(self) -> bool:
        return self._native.is_complete

    @property
    def has_ended(self) -> bool:
        return self._native.has_ended

    def feed(self, data: bytes) -> Released:
        released = self._native.feed(data)
        return Released(self._translated(released.body), self._translated(released.end))

    def end(self) -> bytes:
        rest = self._translated(self._native.end())
        is_cut = not self.is_complete or self.has_ended
        return rest if is_cut else rest + self._chunks.done(self.report.usage)

    def rest(self) -> bytes:
        """Tell what is whole of what did not pass; the rest is no event of ours."""
        with suppress(BrokenFrameError, EventTooLongError):
            return self._translated(self._native.rest())
        return b""

    @abstractmethod
    def _chunk(self, event: bytes) -> bytes:
        """Say in chunks what a whole event says."""

    def _translated(self, events: bytes) -> bytes:
        return b"".join(self._chunk(each) for each in self._splitter.feed(events))

    def _finished(self, reason: object) -> bytes:
        if str(reason) not in FINISH_REASONS:
            message = "The provider's answer is not well-formed."
            self._broken = Failure(502, (str(reason),), message)
        return self._chunks.finished(reason)

    def _failed(self) -> bytes:
        failure = self._native.failure
        if failure is None:
            return b""
        name = next(iter(failure.names), "server_error")
        return self._chunks.failed(failure.message, name, name)


class MessagesAsChunks(_AsChunks):
    def __init__(self, chunks: Chunks) -> None:
        super().__init__(MessagesStream(), EventSplitter(), chunks)
        self._sayings = {
            "message_start": lambda _: self._chunks.begun(),
            "content_block_start": self._begun,
            "content_block_delta": self._grown,
            "content_block_stop": lambda said: self._chunks.block_ended(
                _index(said, "index")
            ),
            "message_delta": self._stopped,
            "message_stop": lambda _: self._chunks.done(self.report.usage),
            "ping": lambda _: self._chunks.ping(),
        }

    def _chunk(self, event: bytes) -> bytes:
        said = read_object(data_of(event))
        if said.get("type") == "error":
            return self._failed()
        say = self._sayings.get(str(said.get("type")))
        return say(said) if say else b""

    def _begun(self, said: Mapping[str, Any]) -> bytes:
        block = object_at(said, "content_block")
        if block.get("type") == "tool_use":
            return self._chunks.call_begun(
                _index(said, "index"), str(block.get("id")), str(block.get("name"))
            )
        return self._chunks.text(_text(block, "text"))

    def _grown(self, said: Mapping[str, Any]) -> bytes:
        delta = object_at(said, "delta")
        match delta.get("type"):
            case "text_delta":
                return self._chunks.text(_text(delta, "text"))
            case "input_json_delta":
                return self._chunks.arguments(
                    _index(said, "index"), _text(delta, "partial_json")
                )
            case _:
                return b""

    def _stopped(self, said: Mapping[str, Any]) -> bytes:
        reason = object_at(said, "delta").get("stop_reason")
        return b"" if reason is None else self._finished(reason)


class ConverseAsChunks(_AsChunks):
    def __init__(self, chunks: Chunks) -> None:
        super().__init__(ConverseStream(), FrameSplitter(), chunks)
        self._sayings = {
            "messageStart": lambda _: self._chunks.begun(),
            "contentBlockStart": self._begun,
            "contentBlockDelta": self._grown,
            "contentBlockStop": lambda said: self._chunks.block_ended(_block(said)),
            "messageStop": lambda said: self._finished(said.get("stopReason")),
            "metadata": lambda _: self._chunks.done(self.report.usage),
        }

    def _chunk(self, event: bytes) -> bytes:
        try:
            frame = read_frame(event)
        except BrokenFrameError:
            return b""
        if frame.headers.get(":message-type") != "event":
            return self._failed()
        say = self._sayings.get(frame.headers.get(":event-type", ""))
        return say(read_object(frame.payload)) if say else b""

    def _begun(self, said: Mapping[str, Any]) -> bytes:
        use = object_at(object_at(said, "start"), "toolUse")
        if not use:
            return b""
        return self._chunks.call_begun(
            _block(said), str(use.get("toolUseId")), str(use.get("name"))
        )

    def _grown(self, said: Mapping[str, Any]) -> bytes:
        delta = object_at(said, "delta")
        piece = _text(object_at(delta, "toolUse"), "input")
        words = self._chunks.text(_text(delta, "text"))
        return words + self._chunks.arguments(_block(said), piece)


def _block(said: Mapping[str, Any]) -> int:
    return _index(said, "contentBlockIndex")


def _index(said: Mapping[str, Any], name: str) -> int:
    value = said.get(name)
    return value if isinstance(value, int) else 0


def _text(said: Mapping[str, Any], name: str) -> str:
    value = said.get(name)
    return value if isinstance(value, str) else ""
