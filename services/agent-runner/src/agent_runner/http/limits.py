"""How much is taken in at once; what is over is refused, never queued."""

from dataclasses import dataclass
from datetime import timedelta

from shared.errors import UnavailableError

__all__ = ["Capacity", "Limits"]

_RETRY_AFTER_SECONDS = 1.0


@dataclass(frozen=True, slots=True)
class Limits:
    """Bounds of memory and time, for each connection and for all of them.

    *buffered_bytes*: of bodies held in memory, those of all connections together.
    *pipelined*: requests that may wait behind the one being answered.
    *idle*: how long a connection is kept without a request. *head*: how long a head may
    take once it has begun. *patience*: how long a client may take over a body, or to
    read an answer. *finish*: how long what is in hand may take when the server ends.
    """

    longest_target_bytes: int = 8 * 1024
    longest_head_bytes: int = 32 * 1024
    most_fields: int = 128
    longest_body_bytes: int = 32 * 1024 * 1024
    buffered_bytes: int = 512 * 1024 * 1024
    pipelined: int = 8
    most_connections: int = 4096
    most_exchanges: int = 2048
    idle: timedelta = timedelta(seconds=75)
    head: timedelta = timedelta(seconds=15)
    patience: timedelta = timedelta(minutes=10)
    finish: timedelta = timedelta(seconds=5)


class Capacity:
    """What is left of the limits that all connections share."""

    __slots__ = ("_bytes_left", "_exchanges_left")

    def __init__(self, limits: Limits) -> None:
        self._bytes_left = limits.buffered_bytes
        self._exchanges_left = limits.most_exchanges

    def admit(self) -> None:
        """Take one more exchange in; raises `UnavailableError` past capacity."""
        if self._exchanges_left <= 0:
            raise UnavailableError(
                "This runner has as many requests in hand as it may.",
                retry_after_seconds=_RETRY_AFTER_SECONDS,
            )
        self._exchanges_left -= 1

    def dismiss(self) -> None:
        self._exchanges_left += 1

    def hold(self, size: int) -> None:
        """Buffer *size* bytes more; raises `UnavailableError` past capacity."""
        if size > self._bytes_left:
            raise UnavailableError(
                "This runner holds as many bytes of bodies as it may.",
                retry_after_seconds=_RETRY_AFTER_SECONDS,
            )
        self._bytes_left -= size

    def let_go(self, size: int) -> None:
        self._bytes_left += size
