"""The spool: a local journal that loses no model call.

A call is `opened` before its request leaves and `settled` when it has ended, each with
a `write` that survives the death of the process; `fsync` follows (`Spool.syncing`).
Room for `settled` is set aside with `opened`, so an admitted call can always be
accounted for. Settled records are numbered 1, 2, 3 … for the shipper. `spool_format`
has the bytes, `spool_segment` one file.

The file system must keep the promise of `posix_fallocate` (ext4, XFS and tmpfs do; with
copy on write, Btrfs and ZFS do not: there a full disk breaks the spool until it is
opened anew, which costs the calls in hand their figures, not their rows).
"""

import asyncio
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from uuid import UUID

from .chain import SegmentChain
from .directory import lock_directory, spool_identity
from .errors import (
    CallAlreadyOpenError,
    CallNotOpenError,
    SpoolBrokenError,
)
from .format import OpenedRecord, SettledRecord, encode_opened, encode_settled
from .segment import Disk

__all__ = ["Interrupted", "Recovery", "SettledRecord", "Spool"]

_SEGMENT_BYTES = 8 * 1024 * 1024
_DISK = Disk()

Interrupted = Callable[[bytes, bytes], bytes]
"""Makes the `settled` payload of a call whose process died, from its `opened` one.

The first argument is the call's id.
"""


@dataclass(frozen=True, slots=True)
class Recovery:
    """What opening found: calls closed for the predecessor, torn bytes dropped."""

    interrupted: int
    discarded_bytes: int


class Spool:
    """One directory, one writing process, one writing thread.

    `sync` may be called from any thread; everything else belongs to the thread that
    opened the spool. No method waits for anything but the disk.
    """

    def __init__(
        self,
        chain: SegmentChain,
        *,
        spool_id: UUID,
        interrupted: Interrupted,
        sync_each: bool,
    ) -> None:
        self.id = spool_id
        self._chain = chain
        self._sync_each = sync_each
        # Ordinals of the segments that have the `opened`, in the order of opening.
        self._open: dict[bytes, int] = {}
        # What is to be written in one go, and where in it settled records begin.
        self._gathered = bytearray()
        self._settled_at: list[int] = []
        self._is_gathering = False
        self._last_sequence = 0
        self._durable_through = 0
        self._unsynced = False
        self._syncing = threading.RLock()
        self._failure: str | None = None
        self.recovery = self._recover(interrupted)

    @classmethod
    @contextmanager
    def open(
        cls,
        directory: Path,
        *,
        interrupted: Interrupted,
        segment_bytes: int = _SEGMENT_BYTES,
        max_total_bytes: int | None = None,
        sync_each: bool = False,
        disk: Disk = _DISK,
    ) -> Iterator["Spool"]:
        """Hold the spool in *directory* (made if need be) open, and nobody else.

        Calls that the predecessor left open are settled with what *interrupted* makes
        of them. *max_total_bytes* bounds all segments together (None: the disk does).
        *sync_each* makes `open_call` and `settle` wait for the disk, milliseconds each:
        a power cut then loses nothing.

        Raises `SpoolLockedError` while another process has it open, `SpoolDamagedError`
        for files it did not write, `SpoolBrokenError`, and `SpoolFullError` where not
        even its id, or a call of the predecessor, finds room.
        """
        with lock_directory(directory) as descriptor:
            spool_id = spool_identity(directory, descriptor)
            chain = SegmentChain(
                directory,
                descriptor=descriptor,
                spool_id=spool_id,
                segment_bytes=segment_bytes,
                max_total_bytes=max_total_bytes,
                disk=disk,
            )
            with closing(chain):
                spool = cls(
                    chain,
                    spool_id=spool_id,
                    interrupted=interrupted,
                    sync_each=sync_each,
                )
                with closing(spool):
                    yield spool

    @property
    def last_sequence(self) -> int:
        """The sequence of the newest settled record, 0 before the first."""
        return self._last_sequence

    @property
    def durable_through(self) -> int:
        """The last sequence that a power cut cannot take back.

        Nothing behind it may be shipped: its number could be given out a second time.
        """
        return self._durable_through

    @property
    def is_broken(self) -> bool:
        """Whether a write or a sync has failed; no call is admitted any more."""
        return self._failure is not None

    def open_call(self, call_id: bytes, payload: bytes) -> None:
        """Record that a call is admitted, and set room for its `settled` aside.

        *call_id* is the 16 bytes of a UUID.

        Raises `SpoolFullError` (nothing is written, later calls may succeed),
        `SpoolBrokenError`, `PayloadTooLargeError`, `CallAlreadyOpenError`.
        """
        self._refuse_if_broken()
        if call_id in self._open:
            raise CallAlreadyOpenError(call_id)
        record = encode_opened(call_id, payload)
        size = len(self._gathered) + len(record)
        self._chain.reserve(size, calls=len(self._open) + 1)
        self._open[call_id] = self._append(record, settled=False)

    def settle(self, call_id: bytes, payload: bytes) -> int:
        """Record how an open call ended, and return the sequence of that record.

        A full disk cannot prevent it, and a broken spool still tries. Raises
        `CallNotOpenError`, `PayloadTooLargeError` (the call stays open) and
        `SpoolBrokenError` (the next opening will close the call as interrupted).
        """
        if call_id not in self._open:
            raise CallNotOpenError(call_id)
        sequence = self._last_sequence + len(self._settled_at) + 1
        self._append(encode_settled(sequence, call_id, payload), settled=True)
        del self._open[call_id]
        return sequence

    def record_together(
        self, records: Sequence[Callable[[], None]]
    ) -> list[Exception | None]:
        """Call all *records*, which open and settle calls, and write that in one go.

        Returns what each raised. A write that fails counts as raised by all: none of
        them can be relied on. A spool that is broken already tries each by itself.
        """
        if len(records) == 1 or self.is_broken:
            return [_failure_of(record) for record in records]
        self._is_gathering = True
        failures = [_failure_of(record) for record in records]
        self._is_gathering = False
        try:
            self._write_gathered()
            self._refuse_if_broken()  # for what had to be written before
        except SpoolBrokenError as error:
            return [each or error for each in failures]
        return failures

    def sync(self) -> None:
        """Wait until everything written before is on the disk; any thread may.

        Raises `SpoolBrokenError`, then and ever after: a second try proves nothing.
        """
        with self._syncing:
            self._refuse_if_broken()
            # Both before the system call: what is written meanwhile is not covered.
            self._unsynced = False
            covered = self._last_sequence
            try:
                self._chain.sync()
            except SpoolBrokenError as error:
                self._failure = error.message
                raise
            self._durable_through = covered

    async def syncing(self, every: timedelta = timedelta(milliseconds=50)) -> None:
        """Sync whatever was written, in a thread, until cancelled.

        Raises `SpoolBrokenError` when a sync fails.
        """
        while True:
            await asyncio.sleep(every.total_seconds())
            if self._unsynced:
                await asyncio.to_thread(self.sync)

    def read_settled(
        self,
        after: int,
        limit: int,
        max_bytes: int,
        *,
        through: int | None = None,
    ) -> list[SettledRecord]:
        """Read settled records in order, from the first sequence over *after*.

        At most *limit*, none over *through*, and payloads of *max_bytes* together
        (though always one record if there is any). Without *through* the newest are
        included, durable or not; a shipper passes `durable_through`.

        What was forgotten, or lost to a damaged disk, is left out: a first sequence
        other than *after* + 1, or a jump, tells. Raises `SpoolDamagedError`.

        A segment of an earlier process is read whole when it is first needed.
        """
        last = self._last_sequence if through is None else through
        records: list[SettledRecord] = []
        size = 0
        for record in self._chain.settled_after(after):
            size += len(record.payload)
            is_enough = len(records) == limit or (records and size > max_bytes)
            if is_enough or record.sequence > last:
                break
            records.append(record)
        return records

    def forget(self, through: int, older_than: datetime) -> int:
        """Delete the oldest segments as far as nothing in them is needed any more.

        That is: no call in them is open, every sequence is at most *through*, and the
        last write was before *older_than*. Syncs before, lest a power cut take back a
        `settled` whose `opened` is deleted. Returns how many files were deleted.
        """
        if self._chain.has_outlived(through, older_than):
            self.sync()
        return self._chain.forget(
            through=through, older_than=older_than, oldest_open=self._oldest_open()
        )

    def close(self) -> None:
        """Sync and stop writing; `open` does it."""
        # A sync may still run in a thread whose coroutine was cancelled.
        with self._syncing:
            try:
                if self._unsynced and not self.is_broken:
                    self.sync()
            finally:
                self._failure = self._failure or "The spool is closed."
                self._chain.close()

    def _recover(self, interrupted: Interrupted) -> Recovery:
        self._chain.adopt()
        unsettled = self._replay()
        discarded = self._chain.resume()
        self._last_sequence = self._chain.last_sequence
        for call_id, payload in unsettled.items():
            self.settle(call_id, interrupted(call_id, payload))
        self.sync()
        return Recovery(interrupted=len(unsettled), discarded_bytes=discarded)

    def _replay(self) -> dict[bytes, bytes]:
        """Find the calls that are still open, and return their `opened` payloads."""
        unsettled: dict[bytes, bytes] = {}
        for ordinal, record in self._chain.recover():
            if isinstance(record, OpenedRecord):
                self._open[record.call_id] = ordinal
                unsettled[record.call_id] = record.payload
            else:
                self._open.pop(record.call_id, None)
                unsettled.pop(record.call_id, None)
        return unsettled

    def _append(self, record: bytes, *, settled: bool) -> int:
        """Write or gather *record*, and return the ordinal of its segment."""
        if not self._chain.fits(len(self._gathered) + len(record)):
            self._write_gathered()
            self._advance()
        if not self._is_gathering:
            self._write(record, settled_at=(0,) if settled else ())
            return self._chain.newest_ordinal
        if settled:
            self._settled_at.append(len(self._gathered))
        self._gathered += record
        return self._chain.newest_ordinal

    def _write_gathered(self) -> None:
        if self._gathered:
            records, self._gathered = bytes(self._gathered), bytearray()
            settled_at, self._settled_at = self._settled_at, []
            self._write(records, settled_at=settled_at)

    def _write(self, records: bytes, *, settled_at: Sequence[int]) -> None:
        try:
            self._chain.append(records, settled_at=settled_at)
        except SpoolBrokenError as error:
            self._failure = error.message
            raise
        self._last_sequence += len(settled_at)
        self._unsynced = True
        if self._sync_each:
            self.sync()

    def _advance(self) -> None:
        # Locked, so that no thread syncs a file while it is being closed.
        with self._syncing:
            self.sync()
            try:
                self._chain.advance(
                    base=self._last_sequence, oldest_open=self._oldest_open()
                )
            except SpoolBrokenError as error:
                self._failure = error.message
                raise

    def _oldest_open(self) -> int | None:
        """Name the oldest segment that has a call still open, by its ordinal."""
        return next(iter(self._open.values()), None)

    def _refuse_if_broken(self) -> None:
        if self._failure is not None:
            raise SpoolBrokenError(self._failure)


def _failure_of(record: Callable[[], None]) -> Exception | None:
    """Record a call; what is wrong with one is none of the others' concern."""
    try:
        record()
    except Exception as error:  # noqa: BLE001 - who asked for it is told
        return error
    return None
