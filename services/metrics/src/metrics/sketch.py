"""A sketch of many durations: any percentile to within 2 %, in a few hundred bytes.

It is the DDSketch of Masson, Rim and Lee (PVLDB 12, 2019): durations are counted in
bins whose bounds grow by a fixed factor. Of our own, because the maintained package
stores it as protobuf and merges object by object, while a read here merges tens of
thousands: its bytes are (bin, count) pairs, so that sketches are merged by laying their
bytes side by side, which PostgreSQL does (`string_agg`).
"""

import math
import struct
import sys
from array import array
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

__all__ = ["RELATIVE_ERROR", "Sketch"]

RELATIVE_ERROR = 0.02

_GROWTH = (1 + RELATIVE_ERROR) / (1 - RELATIVE_ERROR)
_LOG_OF_GROWTH = math.log(_GROWTH)
_ZERO = 0
_PAIR = struct.Struct(">HI")  # int2send, int4send of PostgreSQL
_MOST_IN_A_PAIR = 2**32 - 1


@dataclass(frozen=True, slots=True)
class Sketch:
    """How many durations, whole milliseconds, fell into each bin.

    Bin 0 holds those of 0; bin i those above growth to the power of i - 2, up to and
    with growth to the power of i - 1.
    """

    counts: Mapping[int, int]

    @classmethod
    def of(cls, durations: Iterable[int]) -> "Sketch":
        return cls(Counter(map(_bin_of, durations)))

    @classmethod
    def from_bytes(cls, data: bytes) -> "Sketch":
        """Read one sketch, or many that lie side by side as one."""
        words = array("H", data)
        if sys.byteorder == "little":
            words.byteswap()
        bins, tops, bottoms = words[0::3], words[1::3], words[2::3]
        counts = [0] * (max(bins, default=0) + 1)
        for place, count in zip(bins, bottoms, strict=True):
            counts[place] += count
        if any(tops):
            for place, count in zip(bins, tops, strict=True):
                counts[place] += count << 16
        return cls({place: count for place, count in enumerate(counts) if count})

    def to_bytes(self) -> bytes:
        return b"".join(
            _PAIR.pack(place, part)
            for place, count in sorted(self.counts.items())
            for part in _parts(count)
        )

    def __add__(self, other: "Sketch") -> "Sketch":
        return Sketch(Counter(self.counts) + Counter(other.counts))

    def percentile(self, fraction: float) -> float | None:
        """Return about the duration that *fraction* of all are shorter than.

        Within `RELATIVE_ERROR` of the one in place floor(fraction * (how many - 1)),
        counted from 0 by length; None without any.
        """
        place = fraction * (sum(self.counts.values()) - 1)
        passed = 0
        for each, count in sorted(self.counts.items()):
            passed += count
            if passed > place:
                return _middle_of(each)
        return None


def _bin_of(duration: int) -> int:
    if duration <= 0:
        return _ZERO
    return 1 + math.ceil(math.log(duration) / _LOG_OF_GROWTH)


def _middle_of(place: int) -> float:
    """Return what is relatively as far from both bounds of a bin."""
    if place == _ZERO:
        return 0.0
    return float(2 * _GROWTH ** (place - 1) / (_GROWTH + 1))


def _parts(count: int) -> Iterable[int]:
    while count > _MOST_IN_A_PAIR:
        yield _MOST_IN_A_PAIR
        count -= _MOST_IN_A_PAIR
    yield count
