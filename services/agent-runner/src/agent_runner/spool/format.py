"""How calls lie on disk: the bytes of a spool segment.

All integers are little-endian, all ids are the 16 bytes of a UUID (RFC 9562).

    segment = header record* zeros

    header, 52 bytes
        0  magic         8   "AG2SPL01"; the last two digits are the version
        8  spool id     16
       24  ordinal       8   1, 2, 3 …, also the file's name
       32  base          8   the spool's last sequence before this segment
       40  recover_from  8   every call opened in an older segment is settled
       48  CRC-32        4   of bytes 0 to 48

    record, 33 bytes and the payload
        0  length        4   of what follows the CRC: 25 and the payload
        4  CRC-32        4   of what follows (zlib's polynomial)
        8  kind          1   1 opened, 2 settled
        9  sequence      8   settled: 1, 2, 3 … through the whole spool; opened: 0
       17  call id      16
       33  payload           as the caller made it

A length of zero ends the data, and so do a record that runs past the end of the file
and one whose CRC does not match: what lies behind it cannot be trusted.
"""

import struct
from array import array
from collections.abc import Iterator
from dataclasses import dataclass
from typing import NamedTuple
from uuid import UUID
from zlib import crc32

from .errors import PayloadTooLargeError, SpoolDamagedError

__all__ = [
    "HEADER_BYTES",
    "MAX_OPENED_PAYLOAD_BYTES",
    "MAX_OPENED_RECORD_BYTES",
    "MAX_SETTLED_PAYLOAD_BYTES",
    "MAX_SETTLED_RECORD_BYTES",
    "RECORD_OVERHEAD_BYTES",
    "Contents",
    "OpenedRecord",
    "Record",
    "SegmentHeader",
    "SettledRecord",
    "decode_contents",
    "decode_header",
    "decode_record",
    "encode_header",
    "encode_opened",
    "encode_settled",
]

_MAGIC = b"AG2SPL01"
_HEADER = struct.Struct("<8s16sQQQ")
_CRC = struct.Struct("<I")
_PREFIX = struct.Struct("<II")
_BODY = struct.Struct("<BQ16s")
_OPENED = 1
_SETTLED = 2

HEADER_BYTES = _HEADER.size + _CRC.size
RECORD_OVERHEAD_BYTES = _PREFIX.size + _BODY.size
MAX_OPENED_PAYLOAD_BYTES = 4 * 1024
MAX_SETTLED_PAYLOAD_BYTES = 8 * 1024
MAX_OPENED_RECORD_BYTES = RECORD_OVERHEAD_BYTES + MAX_OPENED_PAYLOAD_BYTES
MAX_SETTLED_RECORD_BYTES = RECORD_OVERHEAD_BYTES + MAX_SETTLED_PAYLOAD_BYTES


@dataclass(frozen=True, slots=True)
class SegmentHeader:
    spool_id: UUID
    ordinal: int
    base: int
    recover_from: int


class OpenedRecord(NamedTuple):
    """A call was admitted; its request may have left."""

    call_id: bytes
    payload: bytes


class SettledRecord(NamedTuple):
    """A call has ended; *sequence* counts them, from 1 and without gaps."""

    sequence: int
    call_id: bytes
    payload: bytes


Record = OpenedRecord | SettledRecord


@dataclass(frozen=True, slots=True)
class Contents:
    """What can be trusted of a segment: its records, in the order of writing.

    *settled_at* has the offsets of the settled ones, the first being that of the
    sequence after the segment's base; *end* is the offset behind the last record.
    """

    records: list[Record]
    settled_at: "array[int]"
    end: int


def encode_header(header: SegmentHeader) -> bytes:
    fields = _HEADER.pack(
        _MAGIC,
        header.spool_id.bytes,
        header.ordinal,
        header.base,
        header.recover_from,
    )
    return fields + _CRC.pack(crc32(fields))


def decode_header(data: bytes, *, name: str) -> SegmentHeader | None:
    """Read the header of the segment *name*; None where none was written yet.

    Raises `SpoolDamagedError` for anything else: a header fits in one sector, so a
    power cut leaves all of it or nothing.
    """
    encoded = data[:HEADER_BYTES]
    if not any(encoded):
        return None
    fields = encoded[: _HEADER.size]
    if encoded[_HEADER.size :] != _CRC.pack(crc32(fields)):
        raise SpoolDamagedError(f"The header of spool segment {name} is damaged.")
    magic, spool_id, ordinal, base, recover_from = _HEADER.unpack(fields)
    if magic != _MAGIC:
        raise SpoolDamagedError(f"Spool segment {name} is of another version.")
    return SegmentHeader(
        spool_id=UUID(bytes=spool_id),
        ordinal=ordinal,
        base=base,
        recover_from=recover_from,
    )


def encode_opened(call_id: bytes, payload: bytes) -> bytes:
    """Encode, or raise `PayloadTooLargeError` over `MAX_OPENED_PAYLOAD_BYTES`."""
    if len(payload) > MAX_OPENED_PAYLOAD_BYTES:
        raise _too_large("opened", payload, MAX_OPENED_PAYLOAD_BYTES)
    return _encode(_OPENED, 0, call_id, payload)


def encode_settled(sequence: int, call_id: bytes, payload: bytes) -> bytes:
    """Encode, or raise `PayloadTooLargeError` over `MAX_SETTLED_PAYLOAD_BYTES`."""
    if len(payload) > MAX_SETTLED_PAYLOAD_BYTES:
        raise _too_large("settled", payload, MAX_SETTLED_PAYLOAD_BYTES)
    return _encode(_SETTLED, sequence, call_id, payload)


def decode_record(data: bytes, offset: int = 0) -> Record | None:
    """Read the record at *offset*; None where no trustworthy one begins."""
    start = offset + _PREFIX.size
    if len(data) < start + _BODY.size:
        return None
    length, crc = _PREFIX.unpack_from(data, offset)
    if not _BODY.size <= length <= _BODY.size + MAX_SETTLED_PAYLOAD_BYTES:
        return None
    body = data[start : start + length]
    if len(body) < length or crc32(body) != crc:
        return None
    kind, sequence, call_id = _BODY.unpack_from(body)
    payload = body[_BODY.size :]
    if kind == _SETTLED:
        return SettledRecord(sequence, call_id, payload)
    if kind == _OPENED:
        return OpenedRecord(call_id, payload)
    return None


def decode_contents(data: bytes, base: int) -> Contents:
    """Read the segment *data*, whose first settled record has sequence *base* + 1."""
    records: list[Record] = []
    settled_at = array("I")
    end = HEADER_BYTES
    for offset, record in _scan(data):
        if isinstance(record, SettledRecord):
            if record.sequence != base + len(settled_at) + 1:
                break
            settled_at.append(offset)
        records.append(record)
        end = offset + RECORD_OVERHEAD_BYTES + len(record.payload)
    return Contents(records=records, settled_at=settled_at, end=end)


def _scan(data: bytes) -> Iterator[tuple[int, Record]]:
    offset = HEADER_BYTES
    while record := decode_record(data, offset):
        yield offset, record
        offset += RECORD_OVERHEAD_BYTES + len(record.payload)


def _encode(kind: int, sequence: int, call_id: bytes, payload: bytes) -> bytes:
    body = _BODY.pack(kind, sequence, call_id) + payload
    return _PREFIX.pack(len(body), crc32(body)) + body


def _too_large(kind: str, payload: bytes, limit: int) -> PayloadTooLargeError:
    return PayloadTooLargeError(
        f"{kind} payload of {len(payload)} bytes, at most {limit} fit"
    )
