"""Writing to each connection once a turn of the event loop, whatever it has to send.

A write wakes who reads on the other side, which costs more than most of what we do for
a call. What the callbacks of one turn bring forth is therefore written at its end, when
one waking does for many calls; and a head goes out with what follows it. Before that
comes what is done for all calls of the turn together.
"""

import asyncio
from collections.abc import Callable

__all__ = ["Outgoing", "Turn"]

_LARGE_BYTES = 64 * 1024


class Turn:
    """The connections that have something to write at the end of this turn.

    *calls_in_hand* is counted by who takes them in.
    """

    __slots__ = ("_due", "_is_scheduled", "_steps", "calls_in_hand", "is_gathering")

    def __init__(self) -> None:
        self.calls_in_hand = 0
        self.is_gathering = False
        """Whether a callback runs whose writes may wait."""
        self._due: list[Outgoing] = []
        self._is_scheduled = False
        self._steps: list[Callable[[], None]] = []

    def begin(self) -> None:
        """Gather what is written until `end`, which must come."""
        self.is_gathering = True

    def end(self) -> None:
        """See what was gathered written: now, or after what other calls bring."""
        self.is_gathering = False
        if self._is_scheduled or not (self._due or self._steps):
            return
        if self.calls_in_hand <= 1:
            # Nothing else will come, and another turn is another look at all sockets.
            self._write()
        else:
            self._is_scheduled = True
            asyncio.get_running_loop().call_soon(self._write)

    def at_end(self, step: Callable[[], None]) -> None:
        """Take *step* when this turn ends, before its writing; outside of one, now."""
        if self.is_gathering:
            self._steps.append(step)
        else:
            step()

    def add(self, outgoing: "Outgoing") -> None:
        self._due.append(outgoing)

    def _write(self) -> None:
        self._is_scheduled = False
        if self._steps:
            self._take_steps()
        due, self._due = self._due, []
        for each in due:
            each.flush()

    def _take_steps(self) -> None:
        """Take those steps, and what follows from them; their writes wait, too."""
        self.is_gathering = True
        try:
            while self._steps:
                steps, self._steps = self._steps, []
                for step in steps:
                    step()
        finally:
            self.is_gathering = False


class Outgoing:
    """What goes out over one transport, in the order in which it was written."""

    __slots__ = ("_pieces", "_transport", "_turn")

    def __init__(self, transport: asyncio.Transport, turn: Turn) -> None:
        self._transport = transport
        self._turn = turn
        # What is written goes to the kernel at once, not when the callback has ended.
        transport.set_write_buffer_limits(high=0)
        self._pieces: list[bytes] = []

    @property
    def is_empty(self) -> bool:
        """Whether all was handed to the kernel."""
        return not self._pieces and self._transport.get_write_buffer_size() == 0

    def write(self, data: bytes) -> None:
        """Write *data*; inside of a turn's callback, when the turn ends.

        Nothing is written to a connection that has ended.
        """
        if len(data) >= _LARGE_BYTES or not (self._pieces or self._turn.is_gathering):
            self.flush()
            if not self._transport.is_closing():
                self._transport.write(data)
            return
        if not self._pieces:
            self._turn.add(self)
        self._pieces.append(data)

    def write_last(self, data: bytes) -> None:
        """Write *data*, which nothing follows for now: at once, if no other call waits.

        What is left to do for the call is done while its client reads.
        """
        self.write(data)
        if self._turn.calls_in_hand <= 1:
            self.flush()

    def flush(self) -> None:
        """Write what was gathered."""
        pieces, self._pieces = self._pieces, []
        if pieces and not self._transport.is_closing():
            self._transport.write(pieces[0] if len(pieces) == 1 else b"".join(pieces))

    def write_eof(self) -> None:
        self.flush()
        self._transport.write_eof()

    def close(self) -> None:
        """End the connection once all is sent."""
        self.flush()
        self._transport.close()
