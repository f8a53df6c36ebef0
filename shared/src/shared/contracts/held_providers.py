"""Which of the providers that a runner holds have changed without its hearing of it."""

from uuid import UUID

from pydantic import Field

from .base import Endpoint, Message, Service
from .credentials import ProviderChanged

__all__ = [
    "CHANGED_PROVIDERS",
    "HELD_AT_MOST",
    "ChangedProviders",
    "HeldProvider",
    "HeldProviders",
]

HELD_AT_MOST = 1000


class HeldProvider(Message):
    """A provider as it was leased: *version* is its row's (`provider_version`)."""

    org_id: UUID
    provider_id: UUID
    version: int


class HeldProviders(Message):
    held: list[HeldProvider] = Field(max_length=HELD_AT_MOST)


class ChangedProviders(Message):
    """Those that have another version by now, or are gone."""

    changed: list[ProviderChanged]


CHANGED_PROVIDERS = Endpoint(
    "credentials.v1.changed_providers",
    HeldProviders,
    ChangedProviders,
    askers=frozenset({Service.AGENT_RUNNER}),
)
