"""Server-sent events as bytes: where one ends, and what its data are.

Source: the HTML standard, section 9.2. Lines end with LF, CR or CR LF, also mixed; an
empty line ends an event.
"""

import re

__all__ = ["EventSplitter", "EventTooLongError", "data_of"]

_LONGEST_EVENT_BYTES = 16 * 1024 * 1024

# Possessive, so that CR LF never counts as two ends. A CR that ends the buffer may be
# half of a CR LF, so it waits for the next byte.
_EMPTY_LINE = re.compile(rb"(?>\r\n|\n|\r)(?>\r\n|\n|\r(?!\Z))")
_LONGEST_EMPTY_LINE = 4


class EventTooLongError(Exception):
    """An event has not ended within 16 MiB."""


class EventSplitter:
    """Cuts a stream into whole events, each with the empty line that ends it."""

    def __init__(self) -> None:
        self._held = bytearray()
        self._searched = 0

    def feed(self, data: bytes) -> list[bytes]:
        """Take the next bytes; return the events that are whole now, in order.

        How the bytes were cut makes no difference. Raises `EventTooLongError`.
        """
        if len(self._held) > _LONGEST_EVENT_BYTES:
            raise EventTooLongError
        self._held += data
        events, start = [], 0
        for empty_line in _EMPTY_LINE.finditer(self._held, self._searched):
            events.append(bytes(self._held[start : empty_line.end()]))
            start = empty_line.end()
        del self._held[:start]
        self._searched = max(0, len(self._held) - _LONGEST_EMPTY_LINE + 1)
        return events

    @property
    def is_empty(self) -> bool:
        """Whether the next byte begins an event."""
        return not self._held

    def rest(self) -> bytes:
        """Take out what came after the last whole event."""
        rest = bytes(self._held)
        self._held.clear()
        self._searched = 0
        return rest


def data_of(event: bytes) -> bytes:
    """Join the event's `data` lines."""
    lines = [
        line[5:].removeprefix(b" ")
        for line in event.splitlines()
        if line.startswith(b"data:")
    ]
    return b"\n".join(lines)
