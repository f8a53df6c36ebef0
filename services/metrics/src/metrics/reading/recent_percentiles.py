"""Percentiles that were told a moment ago, and need not be looked for again.

Who looks at usage asks every few seconds, and what is over changes no more: of a
timeline only the buckets at its ends are others than before.
"""

from hashlib import blake2b

from metrics.rollups.sketch import percentiles_of

__all__ = ["RecentPercentiles"]

_DIGEST_BYTES = 16
_REMEMBERED = 10_000  # of 90 days by the hour there are 2,160

Percentiles = tuple[float | None, float | None]


class RecentPercentiles:
    """Those of sketches by their content, so that none is ever out of date."""

    def __init__(self, *, at_most: int = _REMEMBERED) -> None:
        self._found: dict[bytes, Percentiles] = {}
        self._at_most = at_most

    def p50_and_p95(self, response_times: bytes, *, count: int) -> Percentiles:
        """Return both of sketches that lie side by side, of *count* durations."""
        content = blake2b(response_times, digest_size=_DIGEST_BYTES).digest()
        if found := self._found.get(content):
            return found
        p50, p95 = percentiles_of(response_times, 0.5, 0.95, count=count)
        if len(self._found) >= self._at_most:
            del self._found[next(iter(self._found))]
        self._found[content] = (p50, p95)
        return p50, p95
