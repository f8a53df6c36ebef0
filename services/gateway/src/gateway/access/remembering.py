"""Remembering for a few seconds who is behind a key or a session."""

import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from uuid import UUID

from .principals import Principal

__all__ = ["Remembering"]

_TRUSTED_SECONDS = 5.0
_REMEMBERED = 10_000


@dataclass(frozen=True, slots=True)
class _Trusted:
    principal: Principal
    until: float


class Remembering:
    """Asks the record who has a secret with a hash, and trusts the answer for 5 s.

    What ends here, or on another gateway whose signal arrives, is forgotten at once.
    """

    def __init__(
        self,
        find: Callable[[bytes], Awaitable[Principal | None]],
        *,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._find = find
        self._monotonic = monotonic
        self._trusted: dict[bytes, _Trusted] = {}
        self._forgettings = 0

    async def principal(self, hashed: bytes) -> Principal | None:
        """Return who has it; None if nobody has it (any more)."""
        trusted = self._trusted.get(hashed)
        if trusted and self._monotonic() < trusted.until:
            return trusted.principal
        return await self._found(hashed)

    def forget(self, principal_id: UUID) -> None:
        """Trust this one no longer, even where it is being looked up right now."""
        self._forgettings += 1
        self._trusted = {
            hashed: trusted
            for hashed, trusted in self._trusted.items()
            if trusted.principal.id != principal_id
        }

    async def _found(self, hashed: bytes) -> Principal | None:
        forgettings, asked_at = self._forgettings, self._monotonic()
        principal = await self._find(hashed)
        if principal is None:
            self._trusted.pop(hashed, None)
        elif forgettings == self._forgettings:
            self._trust(hashed, _Trusted(principal, asked_at + _TRUSTED_SECONDS))
        return principal

    def _trust(self, hashed: bytes, trusted: _Trusted) -> None:
        if len(self._trusted) >= _REMEMBERED:
            self._trusted.clear()
        self._trusted[hashed] = trusted
