"""Changes of providers that this runner has not heard of: a signal can be lost.

Without a look, a provider that was disabled, or whose key was replaced, while a
connection was down would be used until its lease is renewed.
"""

from collections.abc import Callable, Iterable, Sequence
from datetime import timedelta
from typing import TypeAlias
from uuid import UUID

from shared.bus import Bus
from shared.contracts.credentials import ProviderChanged
from shared.contracts.held_providers import (
    CHANGED_PROVIDERS,
    HELD_AT_MOST,
    HeldProvider,
    HeldProviders,
)
from shared.lifecycle import every

from .leases import HeldLease

__all__ = ["Held", "MissedChanges"]

_EVERY = timedelta(seconds=15)

Held = Callable[[], Iterable[tuple[UUID, HeldLease]]]
"""Gives the leases that are held, each with its organization."""

_Provider: TypeAlias = tuple[UUID, UUID, int]
"""Organization, id, and version of its row."""


class MissedChanges:
    """Compares what is *held* with the record; *changed* is what a signal calls."""

    def __init__(
        self, *, bus: Bus, held: Held, changed: Callable[[ProviderChanged], None]
    ) -> None:
        self._bus = bus
        self._held = held
        self._changed = changed

    async def run(self) -> None:
        await every(_EVERY, self.look, name="missed_changes")

    async def look(self) -> None:
        """Find what was missed; raises `UnavailableError` while nobody answers."""
        held = sorted({_provider_of(*each) for each in self._held()})
        for start in range(0, len(held), HELD_AT_MOST):
            await self._look_at(held[start : start + HELD_AT_MOST])

    async def _look_at(self, held: Sequence[_Provider]) -> None:
        question = HeldProviders(
            held=[
                HeldProvider(org_id=org_id, provider_id=provider_id, version=version)
                for org_id, provider_id, version in held
            ]
        )
        answer = await self._bus.ask(CHANGED_PROVIDERS, question)
        for each in answer.changed:
            self._changed(each)


def _provider_of(org_id: UUID, lease: HeldLease) -> _Provider:
    credential = lease.credential
    return org_id, credential.provider_id, credential.provider_version
