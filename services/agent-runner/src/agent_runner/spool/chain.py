"""The spool's segment files in their order, and which of them takes the next record."""

import os
from bisect import bisect_right
from collections import deque
from collections.abc import Iterator, Sequence
from datetime import datetime
from itertools import pairwise
from pathlib import Path
from uuid import UUID

from .errors import SpoolDamagedError, SpoolFullError, translated
from .format import (
    HEADER_BYTES,
    MAX_OPENED_RECORD_BYTES,
    MAX_SETTLED_RECORD_BYTES,
    Record,
    SegmentHeader,
    SettledRecord,
)
from .segment import Disk, Segment

__all__ = ["MAX_SEGMENT_BYTES", "MIN_SEGMENT_BYTES", "SegmentChain"]

MIN_SEGMENT_BYTES = HEADER_BYTES + MAX_OPENED_RECORD_BYTES + MAX_SETTLED_RECORD_BYTES
MAX_SEGMENT_BYTES = 1024**3  # one is read whole into memory, and offsets are 32 bits


class SegmentChain:
    """Written segments, of which the newest is appended to, and spares behind it.

    *descriptor* is the directory's. `sync` may run in another thread while records are
    appended, not during `advance` and `close`.
    """

    def __init__(
        self,
        directory: Path,
        *,
        descriptor: int,
        spool_id: UUID,
        segment_bytes: int,
        max_total_bytes: int | None,
        disk: Disk,
    ) -> None:
        if not MIN_SEGMENT_BYTES <= segment_bytes <= MAX_SEGMENT_BYTES:
            raise ValueError(
                f"a segment has {MIN_SEGMENT_BYTES} to {MAX_SEGMENT_BYTES} bytes"
            )
        self._directory = directory
        self._descriptor = descriptor
        self._spool_id = spool_id
        self._segment_bytes = segment_bytes
        self._max_total_bytes = max_total_bytes
        self._disk = disk
        self._written: list[Segment] = []
        self._spares: deque[Segment] = deque()
        self._recover_from = 0

    @property
    def last_sequence(self) -> int:
        return self._written[-1].last_sequence if self._written else 0

    @property
    def newest_ordinal(self) -> int:
        """That of the segment which takes what is appended next."""
        return self._written[-1].ordinal

    def adopt(self) -> None:
        """Take over the files of an earlier process.

        Raises `SpoolDamagedError` for one that cannot belong here.
        """
        for segment in Segment.found_in(self._directory, disk=self._disk):
            header = segment.header()
            if header is None:
                self._spares.append(segment)
                continue
            expected = (self._spool_id, segment.ordinal)
            if (header.spool_id, header.ordinal) != expected or self._spares:
                raise SpoolDamagedError(f"{segment.name} is not in its place.")
            segment.base = header.base
            self._recover_from = header.recover_from
            self._written.append(segment)

    def recover(self) -> Iterator[tuple[int, Record]]:
        """Yield, with its segment's ordinal, each record that an open call may have."""
        for segment in self._written:
            if segment.ordinal >= self._recover_from:
                for record in segment.records():
                    yield segment.ordinal, record

    def resume(self) -> int:
        """Make the newest segment and the spares writable once `recover` is through.

        Returns the number of torn bytes that were dropped.
        """
        return sum(segment.resume() for segment in self._writable())

    def reserve(self, size: int, *, calls: int) -> None:
        """Make room for records of *size* bytes and then a `settled` of each call.

        Raises `SpoolFullError`.
        """
        if self._written:
            certain = self._written[-1].free - size
            if certain >= calls * MAX_SETTLED_RECORD_BYTES:
                return
        while self._settleable_after(size) < calls:
            self._add_spare()

    def fits(self, size: int) -> bool:
        """Whether the newest segment takes records of *size* bytes."""
        return bool(self._written) and self._written[-1].free >= size

    def advance(self, *, base: int, oldest_open: int | None) -> None:
        """Begin the next segment; the newest must have been synced.

        So only the newest can ever be torn, and no sequence in it is uncertain while a
        later one is on the disk.
        """
        if not self._spares:
            self._add_spare()
        with translated("sync its directory"):
            os.fsync(self._descriptor)
        segment = self._spares[0]
        segment.begin(
            SegmentHeader(
                spool_id=self._spool_id,
                ordinal=segment.ordinal,
                base=base,
                recover_from=oldest_open or segment.ordinal,
            )
        )
        for newest in self._written[-1:]:
            newest.seal()
        self._written.append(self._spares.popleft())

    def append(self, records: bytes, *, settled_at: Sequence[int]) -> None:
        """Write *records*, which fit (`Segment.append`)."""
        self._written[-1].append(records, settled_at=settled_at)

    def sync(self) -> None:
        for newest in self._written[-1:]:
            newest.sync()

    def settled_after(self, sequence: int) -> Iterator[SettledRecord]:
        # The last segment whose base is not over *sequence* has the one behind it.
        first = bisect_right(self._written, sequence, key=lambda each: each.base) - 1
        for segment in self._written[max(0, first) :]:
            yield from segment.settled_after(sequence)

    def has_outlived(self, through: int, older_than: datetime) -> bool:
        """Say whether a segment is so old and holds no sequence over *through*."""
        return (
            len(self._written) > 1
            and self._written[1].base <= through
            and self._written[0].modified_at < older_than
        )

    def forget(
        self, *, through: int, older_than: datetime, oldest_open: int | None
    ) -> int:
        """Delete the oldest segments up to the first that is needed; say how many."""
        shipped = [
            segment
            for segment, successor in pairwise(self._written)
            if successor.base <= through
        ]
        forgotten = 0
        # Oldest first: an `opened` that outlived its `settled` would be interrupted.
        for segment in shipped:
            if oldest_open is not None and segment.ordinal >= oldest_open:
                break
            if segment.modified_at >= older_than:
                break
            segment.remove()
            self._written.remove(segment)
            forgotten += 1
        for segment in shipped[forgotten:]:
            segment.drop_index()
        return forgotten

    def close(self) -> None:
        for segment in self._writable():
            segment.seal()

    def _writable(self) -> list[Segment]:
        return [*self._written[-1:], *self._spares]

    def _settleable_after(self, size: int) -> int:
        """How many `settled` of any length fit behind records of *size* bytes."""
        free = [segment.free for segment in self._writable()]
        if free and free[0] < size:
            # The last goes into the first spare, and so does every `settled`.
            free.pop(0)
        if not free:
            return 0
        free[0] -= size
        return sum(each // MAX_SETTLED_RECORD_BYTES for each in free)

    def _add_spare(self) -> None:
        segments = [*self._written, *self._spares]
        total = sum(segment.size for segment in segments) + self._segment_bytes
        if self._max_total_bytes is not None and total > self._max_total_bytes:
            raise SpoolFullError("The spool has no room for another call.")
        spare = Segment.create(
            self._directory,
            ordinal=segments[-1].ordinal + 1 if segments else 1,
            size=self._segment_bytes,
            disk=self._disk,
        )
        self._spares.append(spare)
