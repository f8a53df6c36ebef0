"""Stop asking what has just failed several times in a row, for a while."""

import time
from collections.abc import Callable
from datetime import timedelta

__all__ = ["CircuitBreaker", "CircuitOpenError"]


class CircuitOpenError(Exception):
    """Not asked at all; *seconds_left* is when one caller will be let through."""

    def __init__(self, seconds_left: float) -> None:
        super().__init__("the circuit is open")
        self.seconds_left = seconds_left


class CircuitBreaker:
    """Opens after *failures* in a row; after *pause* one caller probes for all.

    Whoever asks says how it went: `succeeded` or `failed`. A probe that says neither
    is followed by another one a pause later.
    """

    def __init__(
        self,
        *,
        failures: int,
        pause: timedelta,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._limit = failures
        self._pause = pause.total_seconds()
        self._monotonic = monotonic
        self._failures = 0
        self._open_until = 0.0

    def admit(self) -> None:
        """Raise `CircuitOpenError` unless the caller may ask."""
        if self._failures < self._limit:
            return
        now = self._monotonic()
        if now < self._open_until:
            raise CircuitOpenError(self._open_until - now)
        self._open_until = now + self._pause

    def succeeded(self) -> None:
        self._failures = 0

    def failed(self) -> None:
        self._failures += 1
        self._open_until = self._monotonic() + self._pause
