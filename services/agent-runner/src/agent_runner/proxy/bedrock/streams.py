"""Watching the frames of Bedrock's streams as they pass, byte for byte.

Source: the service model (`ConverseStreamOutput`, `ResponseStream`). The chunks of an
invocation hold the model's own JSON, and those of Claude Anthropic's events.
"""

from abc import abstractmethod
from base64 import b64decode
from binascii import Error as NoBase64Error
from collections.abc import Mapping
from typing import Any

from agent_runner.proxy.answer_stream import EventStream, Passage
from agent_runner.proxy.anthropic.usage import overlaid
from agent_runner.proxy.anthropic.usage import report_of as anthropic_report_of
from agent_runner.proxy.json_text import read_object
from agent_runner.proxy.usage import NOT_REPORTED, Report, object_at
from shared.provider_errors.reading import failure_in_event
from shared.provider_errors.rows import ErrorSource, Failure

from .event_stream import BrokenFrameError, Frame, FrameSplitter, read_frame
from .usage import (
    METRICS,
    report_of_conversation,
    report_of_metrics,
    report_of_model,
)

__all__ = ["ConverseStream", "InvokeStream"]

# Where the families have what they say, why they stop, and what they count.
_WORDS = ("generation", "outputText", "contentBlockDelta", "choices", "outputs", "text")
_REASONS = ("stop_reason", "completionReason", "messageStop", "finish_reason")
_COUNTS = (
    "prompt_token_count",
    "generation_token_count",
    "inputTextTokenCount",
    "totalOutputTextTokenCount",
    "usage",
    "metadata",
)


class _FrameStream(EventStream):
    """Exceptions and errors end a stream; a frame that is broken says nothing."""

    def __init__(self) -> None:
        super().__init__(FrameSplitter())

    @abstractmethod
    def _noted_event(
        self, event: bytes, kind: str, payload: Mapping[str, Any]
    ) -> Passage:
        """Note what an event says."""

    def _noted(self, event: bytes) -> Passage:
        try:
            frame = read_frame(event)
        except BrokenFrameError:
            return Passage.PASSES
        payload = read_object(frame.payload)
        if frame.headers.get(":message-type") == "event":
            kind = frame.headers.get(":event-type", "")
            return self._noted_event(event, kind, payload)
        self.failure = _failure(frame, payload)
        self.has_ended = True
        return Passage.PASSES


class ConverseStream(_FrameStream):
    """Complete once the model stopped; it has ended with its metadata."""

    def _noted_event(
        self, event: bytes, kind: str, payload: Mapping[str, Any]
    ) -> Passage:
        match kind:
            case "contentBlockStart" | "contentBlockDelta":
                self._speaks(event, payload.get("delta"))
            case "messageStop":
                self.is_complete = True
                return Passage.WAITS
            case "metadata":
                self.report = report_of_conversation(payload)
                self.has_ended = self.is_complete = True
            case _:
                pass
        return Passage.PASSES


class InvokeStream(_FrameStream):
    """Complete once the model says why it stops; it has ended with Bedrock's metrics.

    Some hosts that speak like Bedrock send no metrics: what the model counts itself is
    what was used then. Claude's own counts tell more in any case.
    """

    def __init__(self) -> None:
        super().__init__()
        self._claudes: Mapping[str, Any] = {}
        self._models: Mapping[str, Any] = {}
        self._metrics = NOT_REPORTED
        self._has_final_counts = False

    def _noted_event(
        self, event: bytes, kind: str, payload: Mapping[str, Any]
    ) -> Passage:
        if kind != "chunk":
            return Passage.PASSES
        chunk = read_object(_decoded(payload.get("bytes")))
        self._count(chunk)
        if words := _words_of(chunk):
            self._speaks(event, words)
        self.is_complete = self.is_complete or _is_last(chunk)
        if METRICS in chunk or chunk.get("type") == "message_stop":
            self.has_ended = self.is_complete = True
        return Passage.PASSES

    def _count(self, chunk: Mapping[str, Any]) -> None:
        match chunk.get("type"):
            case "message_start":
                usage = object_at(object_at(chunk, "message"), "usage")
                self._claudes = overlaid(self._claudes, usage)
            case "message_delta":
                usage = object_at(chunk, "usage")
                self._claudes = overlaid(self._claudes, usage)
                self._has_final_counts = True
            case _:
                told = {name: chunk.get(name) for name in _COUNTS}
                self._models = overlaid(self._models, told)
        if METRICS in chunk:
            self._metrics = report_of_metrics(chunk)
        self.report = self._reported()

    def _reported(self) -> Report:
        claudes = anthropic_report_of(self._claudes)
        if claudes != NOT_REPORTED:
            return claudes._replace(is_final=self._has_final_counts)
        if self._metrics != NOT_REPORTED:
            return self._metrics
        return report_of_model(self._models)


def _failure(frame: Frame, payload: Mapping[str, Any]) -> Failure:
    """Read an exception, or an error that has no payload."""
    headers = frame.headers
    name = headers.get(":exception-type") or headers.get(":error-code", "")
    said = payload or {"message": headers.get(":error-message", "")}
    return failure_in_event(ErrorSource.BEDROCK, said, name=name)


def _decoded(text: object) -> bytes:
    try:
        return b64decode(text, validate=True) if isinstance(text, str) else b""
    except NoBase64Error:
        return b""


def _words_of(chunk: Mapping[str, Any]) -> list[object]:
    if chunk.get("type") == "content_block_delta":
        delta = object_at(chunk, "delta")
        return [delta[name] for name in delta if name != "type"]
    return [chunk[name] for name in _WORDS if chunk.get(name)]


def _is_last(chunk: Mapping[str, Any]) -> bool:
    reasons = (chunk, object_at(chunk, "delta"))
    return any(each.get(name) for each in reasons for name in _REASONS)
