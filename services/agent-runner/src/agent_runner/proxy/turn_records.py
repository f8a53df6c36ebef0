"""What the calls of one turn of the event loop record, in one write of the spool.

A system call for each record costs more than its bytes. Whatever may leave only once a
record is written waits for the end of the turn, as all that leaves does.
"""

from collections.abc import Callable

from agent_runner.http.turn import Turn
from agent_runner.spool.spool import Spool

__all__ = ["GoOn", "Record", "TurnRecords"]

Record = Callable[[], None]
"""Opens or settles a call in the spool."""

GoOn = Callable[[Exception | None], None]
"""Goes on, given why the record could not be written, if it could not; never raises."""


class TurnRecords:
    def __init__(self, spool: Spool) -> None:
        self._spool = spool
        self._records: list[Record] = []
        self._waiting: list[GoOn] = []

    def add(self, record: Record, go_on: GoOn, *, turn: Turn) -> None:
        """Have *record* called with the others of *turn*, and then *go_on*."""
        if turn.calls_in_hand <= 1:
            # No other will come.
            go_on(*self._spool.record_together([record]))
            return
        self._records.append(record)
        self._waiting.append(go_on)
        if len(self._records) == 1:
            turn.at_end(self._write)

    def _write(self) -> None:
        records, self._records = self._records, []
        waiting, self._waiting = self._waiting, []
        failures = self._spool.record_together(records)
        for go_on, failure in zip(waiting, failures, strict=True):
            go_on(failure)
