"""Passing events on as they came and in order, while watching what they say.

An event that carries the final usage waits for its successor, so that it is never
released before the call is settled.
"""

from abc import ABC, abstractmethod
from enum import Enum, auto
from typing import Protocol

from shared.provider_errors.rows import Failure

from .counting import Spoken, estimated_output
from .usage import NOT_REPORTED, Report
from .wire_format import Released

__all__ = ["EventStream", "Passage", "Splitter"]


class Splitter(Protocol):
    """Cuts bytes into whole events."""

    def feed(self, data: bytes) -> list[bytes]: ...

    def rest(self) -> bytes: ...


class Passage(Enum):
    """What becomes of an event."""

    PASSES = auto()
    WAITS = auto()
    """It passes with its successor, or at the end."""

    IS_WITHHELD = auto()


class EventStream(ABC):
    """The part of an `AnswerStream` that is the same for every format."""

    def __init__(self, splitter: Splitter) -> None:
        self.report: Report = NOT_REPORTED
        self.failure: Failure | None = None
        self.has_content = False
        self.is_complete = False
        self.has_ended = False
        self._splitter = splitter
        self._waiting = b""
        self._frame_bytes = 0
        self._spoken_events = 0
        self._spoken_bytes = 0

    @property
    def spoken(self) -> Spoken:
        tokens = estimated_output(self._spoken_events, max(0, self._spoken_bytes))
        return Spoken(has_words=self.has_content, tokens=tokens)

    @abstractmethod
    def _noted(self, event: bytes) -> Passage:
        """Note what *event* says; say what becomes of it."""

    def feed(self, data: bytes) -> Released:
        body, end = bytearray(), bytearray()
        for event in self._splitter.feed(data):
            passing = self._passing(event)
            (end if self.has_ended else body).extend(passing)
        return Released(bytes(body), bytes(end))

    def end(self) -> bytes:
        """Take the clean end; the last event may lack what ends it."""
        passing = self._passing(self._splitter.rest())
        return passing + self._taken_waiting()

    def rest(self) -> bytes:
        return self._taken_waiting() + self._splitter.rest()

    def _passing(self, event: bytes) -> bytes:
        """Return what passes now that *event* is there."""
        predecessor = self._taken_waiting()
        match self._noted(event):
            case Passage.PASSES:
                return predecessor + event
            case Passage.WAITS:
                self._waiting = event
                return predecessor
            case Passage.IS_WITHHELD:
                return predecessor

    def _speaks(self, event: bytes, words: object) -> None:
        """Note that *event* says something, *words* namely."""
        length = _length_of(words)
        if not self.has_content:
            self.has_content = True
            self._frame_bytes = len(event) - length
        self._hears(length)

    def _unread(self, event: bytes) -> Passage:
        """Let pass what need not be read: around its words it is as long as the first.

        The formats where events are padded by chance must read them.
        """
        self._hears(len(event) - self._frame_bytes)
        return Passage.PASSES

    def _hears(self, text_bytes: int) -> None:
        self._spoken_events += 1
        self._spoken_bytes += text_bytes

    def _taken_waiting(self) -> bytes:
        waiting, self._waiting = self._waiting, b""
        return waiting


def _length_of(words: object) -> int:
    """Sum the lengths of all texts in parsed JSON, however deep."""
    length, pending = 0, [words]
    while pending:
        match pending.pop():
            case str() as text:
                length += len(text.encode(errors="surrogatepass"))
            case list() as items:
                pending += items
            case dict() as fields:
                pending += fields.values()
            case _:
                pass
    return length
