"""Assumed roles: one question to AWS STS, however many agents need the answer.

Temporary keys are kept in memory alone, until a fresh set replaces them.
"""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Protocol
from uuid import UUID

from pydantic import SecretStr

from shared.clock import Clock
from shared.errors import AppError, StsUnavailableError

__all__ = ["Role", "RoleSession", "RoleSessions", "Sts"]

_LONGEST_LEAD = timedelta(minutes=15)
_REMEMBER_FAILURE = timedelta(seconds=5)


@dataclass(frozen=True, slots=True)
class Role:
    """Which role is assumed for whom; a change of any of it begins a new session."""

    org_id: UUID
    provider_id: UUID
    provider_name: str
    credential_version: int
    arn: str
    region: str
    external_id: str


@dataclass(frozen=True, slots=True)
class RoleSession:
    """Temporary keys, by the names of a provider's fields."""

    secrets: Mapping[str, SecretStr]
    obtained_at: datetime
    expires_at: datetime

    def needs_refresh(self, now: datetime) -> bool:
        """Say whether the last third has begun, or the last 15 minutes."""
        lead = min((self.expires_at - self.obtained_at) / 3, _LONGEST_LEAD)
        return now >= self.expires_at - lead


class Sts(Protocol):
    async def assume(self, role: Role, source: Mapping[str, SecretStr]) -> RoleSession:
        """Assume *role* with the keys *source*, or our own identity if it is empty.

        Raises `RoleRefusedError` if AWS says no, `StsUnavailableError` if it is worth
        trying again.
        """
        ...


@dataclass(slots=True)
class _Known:
    """What is known of one role; whoever asks waits for the one who already does."""

    turn: asyncio.Lock = field(default_factory=asyncio.Lock)
    session: RoleSession | None = None
    failure: AppError | None = None
    failed_at: datetime | None = None


class RoleSessions:
    def __init__(self, sts: Sts, *, now: Clock) -> None:
        self._sts = sts
        self._now = now
        self._known: dict[Role, _Known] = {}

    async def session(self, role: Role, source: Mapping[str, SecretStr]) -> RoleSession:
        """Return temporary keys that are good for a while; raises as `Sts` does.

        A failure is told to all who waited, and for some seconds more. Keys that could
        not be refreshed serve until they end.
        """
        known = self._known_of(role)
        async with known.turn:
            if known.session is None or known.session.needs_refresh(self._now()):
                await self._refresh(role, source, known)
        if known.session is not None and self._now() < known.session.expires_at:
            return known.session
        raise known.failure or StsUnavailableError("AWS STS gave expired credentials.")

    async def session_once(
        self, role: Role, source: Mapping[str, SecretStr]
    ) -> RoleSession:
        """Return temporary keys of their own, which are not remembered."""
        return await self._sts.assume(role, source)

    def _known_of(self, role: Role) -> _Known:
        """Find what is known, and forget what a change of the provider has replaced."""
        if role not in self._known:
            self._known = {
                other: known
                for other, known in self._known.items()
                if (other.org_id, other.provider_id) != (role.org_id, role.provider_id)
            }
            self._known[role] = _Known()
        return self._known[role]

    async def _refresh(
        self, role: Role, source: Mapping[str, SecretStr], known: _Known
    ) -> None:
        now = self._now()
        # Either way: a clock that is set back would have a failure remembered for long.
        if known.failed_at and abs(now - known.failed_at) < _REMEMBER_FAILURE:
            return
        try:
            known.session = await self._sts.assume(role, source)
        except AppError as error:
            known.failure, known.failed_at = error, self._now()
        else:
            known.failure = known.failed_at = None
