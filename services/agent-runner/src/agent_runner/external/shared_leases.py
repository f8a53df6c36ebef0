"""One lease for each provider, whichever external agents use it here.

It is asked for in the name of the agent that calls, at the first call and again at half
its life, or when the provider has changed. One that cannot be renewed is kept, for
running agents go on; one that nobody has used for an hour is forgotten.
"""

import asyncio
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from uuid import UUID

import structlog

from agent_runner.leases import HeldLease, Leases
from agent_runner.repositories.external_agents import ExternalAgent
from shared.clock import Clock, utc_now
from shared.contracts.credentials import ProviderChanged
from shared.errors import AppError, UnavailableError
from shared.lifecycle import every

__all__ = ["SharedLeases"]

log = structlog.get_logger(__name__)

_TRY_AGAIN_AFTER = timedelta(seconds=15)
_UNUSED_FOR = timedelta(hours=1)
_SWEEP_EVERY = timedelta(minutes=1)
_LONG_AGO = datetime.min.replace(tzinfo=UTC)


@dataclass(slots=True)
class _Shared:
    """What is held for one provider, if anything, and what to do about it."""

    lease: HeldLease | None = None
    is_stale: bool = False
    used_at: datetime = _LONG_AGO
    not_before: datetime = _LONG_AGO
    asking: asyncio.Lock = field(default_factory=asyncio.Lock)

    def serves(self, now: datetime) -> bool:
        """Say whether it is good as it is, or is not to be asked for again yet."""
        if self.lease is None:
            return False
        is_fresh = not (self.is_stale or self.lease.is_past_half(now))
        # From both sides: a clock that is set back would have it kept for long.
        return is_fresh or now < self.not_before <= now + _TRY_AGAIN_AFTER


class SharedLeases:
    def __init__(self, leases: Leases, *, now: Clock = utc_now) -> None:
        self._leases = leases
        self._now = now
        self._shared: dict[tuple[UUID, UUID], _Shared] = {}

    async def of(
        self, agent: ExternalAgent, provider_id: UUID | None = None
    ) -> HeldLease:
        """Return a lease of the provider of *agent*, or of a fallback.

        Raises what it is refused with.
        """
        key = (agent.org_id, provider_id or agent.agent_type.provider_id)
        shared = self._shared.setdefault(key, _Shared())
        shared.used_at = self._now()
        if not shared.serves(shared.used_at):
            async with shared.asking:
                if not shared.serves(self._now()):
                    await self._ask(shared, agent, key[1])
        if shared.lease is None:
            raise UnavailableError("The lease has just been given up; try again.")
        return shared.lease

    def held(self) -> Iterator[tuple[UUID, HeldLease]]:
        """Give all leases, each with its organization."""
        for (org_id, _), shared in self._shared.items():
            if shared.lease is not None:
                yield org_id, shared.lease

    def provider_changed(self, changed: ProviderChanged) -> None:
        for (_, provider_id), shared in self._shared.items():
            if provider_id == changed.provider_id:
                shared.is_stale = True
                shared.not_before = _LONG_AGO

    async def run(self) -> None:
        """Forget what nobody uses, until cancelled."""
        await every(_SWEEP_EVERY, self._forget_unused, name="shared_leases")

    async def _ask(
        self, shared: _Shared, agent: ExternalAgent, provider_id: UUID
    ) -> None:
        shared.is_stale = False
        try:
            shared.lease = await self._leases.obtain(
                org_id=agent.org_id, agent_id=agent.id, provider_id=provider_id
            )
        except AppError as error:
            log.warning("lease.not_renewed", agent=str(agent.id), reason=error.message)
            shared.is_stale = True
            if not isinstance(error, UnavailableError):
                shared.lease = None
            if shared.lease is None:
                raise
            shared.not_before = self._now() + _TRY_AGAIN_AFTER
        except asyncio.CancelledError:  # whoever asked has hung up
            shared.is_stale = True
            raise

    async def _forget_unused(self) -> None:
        limit = self._now() - _UNUSED_FOR
        self._shared = {
            key: shared
            for key, shared in self._shared.items()
            if shared.used_at > limit or shared.asking.locked()
        }
