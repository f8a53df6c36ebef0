"""AWS's binary event streams: where a frame ends, and what it holds.

`[length u32][length of headers u32][CRC u32] headers payload [CRC u32]`, big endian;
both checksums are CRC-32, of the first eight bytes and of all before the last four.
Source: the Smithy specification, "Amazon Event Stream"; limits as in botocore's
`eventstream.py`.
"""

import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from struct import Struct

__all__ = ["BrokenFrameError", "Frame", "FrameSplitter", "read_frame"]

_PRELUDE = Struct(">III")
_CHECKSUM = Struct(">I")
_OVERHEAD = _PRELUDE.size + _CHECKSUM.size
_MOST_HEADER_BYTES = 128 * 1024
_MOST_PAYLOAD_BYTES = 24 * 1024 * 1024

_BYTES, _STRING = 6, 7
_SIZES = {0: 0, 1: 0, 2: 1, 3: 2, 4: 4, 5: 8, 8: 8, 9: 16}


class BrokenFrameError(Exception):
    """Bytes that are no frame; whoever reads them as a stream would fail on them."""


@dataclass(frozen=True, slots=True)
class Frame:
    """*headers* are those that hold text, which all of Bedrock's do."""

    headers: dict[str, str]
    payload: bytes


class FrameSplitter:
    """Cuts a stream into whole frames, as they came."""

    def __init__(self) -> None:
        self._held = bytearray()

    def feed(self, data: bytes) -> list[bytes]:
        """Take the next bytes; return the frames that are whole now, in order.

        How the bytes were cut makes no difference. Raises `BrokenFrameError` if what
        comes next is no frame; `rest` has it then.
        """
        self._held += data
        frames: list[bytes] = []
        try:
            while (length := self._length()) is not None:
                frames.append(bytes(self._held[:length]))
                del self._held[:length]
        except BrokenFrameError:
            if not frames:
                raise
        return frames

    def rest(self) -> bytes:
        """Take out what came after the last whole frame."""
        rest = bytes(self._held)
        self._held.clear()
        return rest

    def _length(self) -> int | None:
        """Return the length of the first frame, None while it is not whole."""
        if len(self._held) < _PRELUDE.size:
            return None
        length, header_length, checksum = _PRELUDE.unpack_from(self._held)
        if checksum != zlib.crc32(self._held[: _PRELUDE.size - _CHECKSUM.size]):
            raise BrokenFrameError("the checksum of a prelude is wrong")
        payload_length = length - header_length - _OVERHEAD
        if not 0 <= payload_length <= _MOST_PAYLOAD_BYTES:
            raise BrokenFrameError("the length of a frame is out of range")
        if header_length > _MOST_HEADER_BYTES:
            raise BrokenFrameError("the headers of a frame are too long")
        return length if length <= len(self._held) else None


def read_frame(frame: bytes) -> Frame:
    """Read a frame. Raises `BrokenFrameError`, also for half a one."""
    end = len(frame) - _CHECKSUM.size
    if len(frame) < _OVERHEAD:
        raise BrokenFrameError("half a frame")
    (checksum,) = _CHECKSUM.unpack_from(frame, end)
    if checksum != zlib.crc32(frame[:end]):
        raise BrokenFrameError("the checksum of a frame is wrong")
    _, header_length, _ = _PRELUDE.unpack_from(frame)
    start = _PRELUDE.size + header_length
    return Frame(_headers(frame[_PRELUDE.size : start]), frame[start:end])


def _headers(block: bytes) -> dict[str, str]:
    try:
        pairs = [*_pairs(block)]
    except (IndexError, UnicodeDecodeError):
        raise BrokenFrameError("the headers of a frame cannot be read") from None
    headers = dict(pairs)
    if len(headers) != len(pairs):
        raise BrokenFrameError("a header of a frame is repeated")
    return headers


def _pairs(block: bytes) -> Iterator[tuple[str, str]]:
    at = 0
    while at < len(block):
        name, at = _text(block, at, length_bytes=1)
        kind, at = block[at], at + 1
        if kind in {_BYTES, _STRING}:
            value, at = _text(block, at, length_bytes=2, is_text=kind == _STRING)
            yield name, value
        elif kind in _SIZES:
            at += _SIZES[kind]
            yield name, ""
        else:
            raise BrokenFrameError("a header of a frame has an unknown type")
    if at != len(block):
        raise IndexError


def _text(
    block: bytes, at: int, *, length_bytes: int, is_text: bool = True
) -> tuple[str, int]:
    start = at + length_bytes
    end = start + int.from_bytes(block[at:start], "big")
    if end > len(block):
        raise IndexError
    return block[start:end].decode() if is_text else "", end
