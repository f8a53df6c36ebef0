"""Letting server-sent events pass together that need not be read one by one.

A burst of events in one read is the costliest thing that crosses the proxy. Once the
answer has begun to speak, only few events matter to the call; what lies before the
first of them is passed on as the one piece of bytes that it came in.
"""

from collections.abc import Sequence
from typing import ClassVar

from agent_runner.server_sent_events import EventSplitter

from .answer_stream import EventStream
from .wire_format import Released

__all__ = ["TextEventStream"]

_EMPTY_LINE = b"\n\n"


class TextEventStream(EventStream):
    """An `EventStream` of server-sent events.

    Once there were words, an event need not be read that has none of *marks*, but for
    those within one of the *harmless*.
    """

    marks: ClassVar[Sequence[bytes]]
    harmless: ClassVar[Sequence[bytes]] = ()

    def __init__(self) -> None:
        self._events = EventSplitter()
        super().__init__(self._events)

    def feed(self, data: bytes) -> Released:
        # Where lines end with LF alone, as they do everywhere, two make an event's end
        # without a look at what is around them.
        if b"\r" in data:
            return super().feed(data)
        body: list[bytes] = []
        end: list[bytes] = []
        at = 0
        marks = _Marks(data, self.marks, self.harmless)
        while at < len(data):
            quiet_end = self._quiet_end(data, at, marks)
            if quiet_end > at:
                quiet = data[at:quiet_end]
                self._pass_unread(quiet)
                body.append(quiet)
                at = quiet_end
                continue
            read_end = _past_empty_line(data, at)
            for event in self._whole_events(data[at:read_end]):
                passing = self._passing(event)
                (end if self.has_ended else body).append(passing)
            at = read_end
        return Released(b"".join(body), b"".join(end))

    def _whole_events(self, data: bytes) -> list[bytes]:
        """Cut up *data*, which goes no further than its first empty line."""
        if self._events.is_empty and data.endswith(_EMPTY_LINE):
            return [data]
        return self._events.feed(data)

    def _quiet_end(self, data: bytes, at: int, marks: "_Marks") -> int:
        """Say how far from *at* there are only whole events that cannot matter."""
        is_between = self._events.is_empty and not self._waiting
        if self.has_ended or not (self.has_content and is_between):
            return at
        last = data.rfind(_EMPTY_LINE, at, marks.first_from(at))
        return last + len(_EMPTY_LINE) if last >= 0 else at

    def _pass_unread(self, events: bytes) -> None:
        count = events.count(_EMPTY_LINE)
        self._spoken_events += count
        self._spoken_bytes += len(events) - count * self._frame_bytes


class _Marks:
    """Where marks are; each is looked for from where it was last found."""

    def __init__(
        self, data: bytes, marks: Sequence[bytes], harmless: Sequence[bytes]
    ) -> None:
        for each in harmless:
            data = data.replace(each, bytes(len(each)))
        self._data = data
        self._next = dict.fromkeys(marks, -1)

    def first_from(self, at: int) -> int:
        for mark, found in self._next.items():
            if found < at:
                position = self._data.find(mark, at)
                self._next[mark] = position if position >= 0 else len(self._data)
        return min(self._next.values())


def _past_empty_line(data: bytes, at: int) -> int:
    first = data.find(_EMPTY_LINE, at)
    return first + len(_EMPTY_LINE) if first >= 0 else len(data)
