"""A sketch of many durations: any percentile to within 2 %, in a few hundred bytes.

It is the DDSketch of Masson, Rim and Lee (PVLDB 12, 2019): durations are counted in
bins whose bounds grow by a fixed factor. Of our own, because the maintained package
stores it as protobuf and merges object by object, while a read here merges tens of
thousands: its bytes are pairs, of a bin and a count of 2 and 4 bytes, the higher first
(`int2send`, `int4send` of PostgreSQL), so that sketches are merged by laying their
bytes side by side, which PostgreSQL does (`string_agg`).
"""

import sys
from array import array
from bisect import bisect_left
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import partial
from itertools import accumulate, starmap
from math import ceil, log
from struct import Struct

__all__ = ["RELATIVE_ERROR", "Sketch", "bin_of", "bins_between", "percentiles_of"]

RELATIVE_ERROR = 0.02

_GROWTH = (1 + RELATIVE_ERROR) / (1 - RELATIVE_ERROR)
_LONGEST = 2**63  # what PostgreSQL's bigint cannot hold any more
_BOUNDS = [
    0.0,
    *(_GROWTH**power for power in range(1 + ceil(log(_LONGEST, _GROWTH)))),
]
_PAIR = Struct(">HI")
_MOST_IN_A_PAIR = 2**32 - 1
_LOWER_HALF = 2**16 - 1
_count_of = _LOWER_HALF.__and__
_IS_LITTLE_ENDIAN = sys.byteorder == "little"


bin_of = partial(bisect_left, _BOUNDS)
"""Return the bin of a duration."""


def bins_between(factor: float) -> float:
    """Return how many bins apart durations are of which one is *factor* times longer.

    For bins count the logarithms of durations.
    """
    return log(factor, _GROWTH)


@dataclass(frozen=True, slots=True)
class Sketch:
    """How many durations, whole milliseconds, fell into each bin.

    Bin 0 holds those of 0, bin i those above `_BOUNDS[i - 1]` up to `_BOUNDS[i]`.
    """

    counts: Mapping[int, int]

    @classmethod
    def of(cls, durations: Iterable[int]) -> "Sketch":
        return cls(Counter(map(bin_of, durations)))

    @classmethod
    def from_bytes(cls, data: bytes) -> "Sketch":
        """Read one sketch, or many that lie side by side as one."""
        counts: dict[int, int] = {}
        for place, count in _PAIR.iter_unpack(data):
            counts[place] = counts.get(place, 0) + count
        return cls(counts)

    def to_bytes(self) -> bytes:
        return b"".join(starmap(_PAIR.pack, self._pairs()))

    def _pairs(self) -> Iterable[tuple[int, int]]:
        """Return bins and counts; a count that is too large for its bytes in parts."""
        if max(self.counts.values(), default=0) <= _MOST_IN_A_PAIR:
            return sorted(self.counts.items())
        return [
            (place, part)
            for place, count in sorted(self.counts.items())
            for part in _parts(count)
        ]

    def __add__(self, other: "Sketch") -> "Sketch":
        return Sketch(Counter(self.counts) + Counter(other.counts))

    @classmethod
    def merged(cls, sketches: Iterable["Sketch"]) -> "Sketch":
        """Add many at once, which is cheaper than one after another."""
        counts: dict[int, int] = {}
        for sketch in sketches:
            for place, count in sketch.counts.items():
                counts[place] = counts.get(place, 0) + count
        return cls(counts)

    @property
    def count(self) -> int:
        return sum(self.counts.values())

    def count_above(self, duration_ms: float) -> int:
        """Count those longer than *duration_ms*, but for some within its bin."""
        place = bisect_left(_BOUNDS, duration_ms)
        return sum(count for each, count in self.counts.items() if each > place)

    def percentile(self, fraction: float) -> float | None:
        """Return about the shortest duration that *fraction* of all are within.

        Within `RELATIVE_ERROR` of the one in place ceil(fraction * how many), counted
        from 1 by length; None without any.
        """
        return self.percentiles(fraction)[0]

    def percentiles(self, *fractions: float) -> list[float | None]:
        """Return several for little more than the time of one."""
        if not self.counts:
            return [None for _ in fractions]
        places = sorted(self.counts)
        passed = list(accumulate(map(self.counts.__getitem__, places)))
        return [
            _middle_of(places[bisect_left(passed, fraction * passed[-1])])
            for fraction in fractions
        ]


def percentiles_of(data: bytes, *fractions: float, count: int) -> list[float | None]:
    """Return what `Sketch.from_bytes(data).percentiles(*fractions)` does, sooner.

    *count* is how many durations there are in all. A read asks thousands of times.
    Without a sketch in between, no step of what is done to each pair is Python's: pairs
    are sorted as integers and added up, counts in the lower 16 bits, if these hold all.
    """
    if not data or count > _LOWER_HALF:
        return Sketch.from_bytes(data).percentiles(*fractions)
    pairs = sorted(_integers(data))
    passed = list(accumulate(pairs))
    last = _count_of(passed[-1])
    return [
        _middle_of(pairs[bisect_left(passed, fraction * last, key=_count_of)] >> 16)
        for fraction in fractions
    ]


def _integers(data: bytes) -> list[int]:
    """Return pairs as 32 bits each, the bin above the lower half of the count."""
    packed = bytearray(len(data) // _PAIR.size * 4)
    for to, place in enumerate((5, 4, 1, 0) if _IS_LITTLE_ENDIAN else (0, 1, 4, 5)):
        packed[to::4] = data[place :: _PAIR.size]
    return array("I", packed).tolist()


def _middle_of(place: int) -> float:
    """Return what is relatively as far from both bounds of a bin."""
    return 2 * _BOUNDS[place] / (_GROWTH + 1)


def _parts(count: int) -> list[int]:
    whole, rest = divmod(count, _MOST_IN_A_PAIR)
    return [_MOST_IN_A_PAIR] * whole + [rest] * bool(rest)
