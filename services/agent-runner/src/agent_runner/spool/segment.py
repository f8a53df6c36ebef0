"""One segment file of the spool: preallocated, appended to, then only read."""

import os
from array import array
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from .errors import SpoolBrokenError, SpoolDamagedError, translated
from .format import (
    HEADER_BYTES,
    MAX_SETTLED_RECORD_BYTES,
    Contents,
    Record,
    SegmentHeader,
    SettledRecord,
    decode_contents,
    decode_header,
    decode_record,
    encode_header,
)

__all__ = ["Disk", "Segment"]

_DIGITS = 16
_SUFFIX = ".segment"
_UNFINISHED_SUFFIX = ".new"
_CLOSED = -1
_RECORDS_A_READ = 64


@dataclass(frozen=True, slots=True)
class Disk:
    """The system calls that decide what is kept; a test passes failing ones."""

    allocate: Callable[[int, int, int], None] = os.posix_fallocate
    write: Callable[[int, bytes, int], int] = os.pwrite
    sync: Callable[[int], None] = os.fdatasync


class Segment:
    """A file of fixed size that is spare, then written, then sealed.

    *base* is the spool's last sequence before this segment. One thread writes;
    `sync` alone may be called from another.
    """

    def __init__(self, path: Path, *, size: int, disk: Disk) -> None:
        self.name = path.name
        self.ordinal = int(path.stem)
        self.base = 0
        self._path = path
        self._disk = disk
        self._descriptor = _CLOSED
        self._size = size
        self._end = HEADER_BYTES
        self._settled_at: array[int] | None = None

    @classmethod
    def create(
        cls, directory: Path, *, ordinal: int, size: int, disk: Disk
    ) -> "Segment":
        """Make a spare whose every byte is already given to us by the file system.

        Raises `SpoolFullError`, and then leaves no file behind.
        """
        path = directory / f"{ordinal:0{_DIGITS}}{_SUFFIX}"
        segment = cls(path, size=size, disk=disk)
        unfinished = path.with_suffix(_UNFINISHED_SUFFIX)
        try:
            with translated("make room for another segment", may_be_full=True):
                segment._open(unfinished, os.O_CREAT | os.O_TRUNC)
                disk.allocate(segment._descriptor, 0, size)
                unfinished.rename(path)
        except Exception:
            segment.seal()
            unfinished.unlink(missing_ok=True)
            raise
        return segment

    @classmethod
    def found_in(cls, directory: Path, *, disk: Disk) -> "list[Segment]":
        """Find the segments of an earlier process, oldest first."""
        with translated("list its segments"):
            for unfinished in directory.glob(f"*{_UNFINISHED_SUFFIX}"):
                unfinished.unlink()
            paths = sorted(directory.glob(f"{'[0-9]' * _DIGITS}{_SUFFIX}"))
            return [cls(path, size=path.stat().st_size, disk=disk) for path in paths]

    @property
    def size(self) -> int:
        """Bytes on disk, used or not."""
        return self._size

    @property
    def free(self) -> int:
        """Bytes that can still be appended."""
        return self._size - self._end

    @property
    def last_sequence(self) -> int:
        return self.base + len(self._index())

    @property
    def modified_at(self) -> datetime:
        """When the last record was written, by the file system's clock."""
        with translated("look at a segment"):
            return datetime.fromtimestamp(self._path.stat().st_mtime, UTC)

    def header(self) -> SegmentHeader | None:
        """Read what the file says of itself; None for a spare."""
        with translated("read a header"), self._path.open("rb") as file:
            return decode_header(file.read(HEADER_BYTES), name=self.name)

    def begin(self, header: SegmentHeader) -> None:
        """Turn a spare into the segment that is written."""
        self.base = header.base
        self._settled_at = array("I")
        self._write(encode_header(header), 0)

    def resume(self) -> int:
        """Make an earlier process's file writable, zero all behind its data.

        Returns how many bytes had to be zeroed. They are synced at once: nothing may
        be appended in front of what could come back.
        """
        with translated("resume a segment"):
            self._open(self._path)
            garbage = len(self._path.read_bytes()[self._end :].rstrip(b"\0"))
        if garbage:
            self._write(bytes(garbage), self._end)
            self.sync()
        return garbage

    def append(self, records: bytes, *, settled_at: Sequence[int]) -> None:
        """Write *records* behind the last; where that raises, none of them counts.

        *settled_at* has the offsets in them at which settled ones begin.
        """
        begin = self._end
        self._write(records, begin)
        for offset in settled_at:
            self._index().append(begin + offset)
        self._end = begin + len(records)

    def sync(self) -> None:
        with translated("sync its records"):
            self._disk.sync(self._descriptor)

    def seal(self) -> None:
        """Stop writing, for good."""
        if self._descriptor != _CLOSED:
            os.close(self._descriptor)
            self._descriptor = _CLOSED

    def drop_index(self) -> None:
        """Give back the memory of a sealed segment; a reader builds it again."""
        self._settled_at = None

    def remove(self) -> None:
        with translated("remove a segment"):
            self._path.unlink(missing_ok=True)

    def records(self) -> list[Record]:
        """Read every trustworthy record, and learn where the data ends."""
        contents = self._contents()
        self._settled_at = contents.settled_at
        self._end = contents.end
        return contents.records

    def settled_after(self, sequence: int) -> Iterator[SettledRecord]:
        """Yield the settled records behind *sequence*, in order.

        Raises `SpoolDamagedError` for one that was there and is no longer readable.
        """
        offsets = self._index()[max(0, sequence - self.base) :]
        with translated("read a segment"), self._path.open("rb") as file:
            for at in range(0, len(offsets), _RECORDS_A_READ):
                yield from self._read(file.fileno(), offsets[at : at + _RECORDS_A_READ])

    def _read(self, descriptor: int, offsets: "array[int]") -> Iterator[SettledRecord]:
        """Read settled records together, with the others that lie between them."""
        first = offsets[0]
        size = offsets[-1] - first + MAX_SETTLED_RECORD_BYTES
        data = os.pread(descriptor, size, first)
        for offset in offsets:
            yield self._settled(decode_record(data, offset - first), offset)

    def _open(self, path: Path, flags: int = 0) -> None:
        self._descriptor = os.open(path, os.O_RDWR | os.O_CLOEXEC | flags, 0o600)

    def _write(self, data: bytes, offset: int) -> None:
        try:
            written = self._disk.write(self._descriptor, data, offset)
        except OSError as error:  # not `translated`, which costs as much as the write
            reason = error.strerror
            raise SpoolBrokenError(f"The spool could not write: {reason}.") from error
        if written != len(data):
            raise SpoolBrokenError("The spool could write only a part of a record.")

    def _index(self) -> "array[int]":
        """Offsets of the settled records; read once for an earlier process's file."""
        if self._settled_at is None:
            self._settled_at = self._contents().settled_at
        return self._settled_at

    def _contents(self) -> Contents:
        with translated("read a segment"):
            return decode_contents(self._path.read_bytes(), self.base)

    def _settled(self, record: Record | None, offset: int) -> SettledRecord:
        if isinstance(record, SettledRecord):
            return record
        raise SpoolDamagedError(
            f"Spool segment {self.name} is damaged at byte {offset}."
        )
