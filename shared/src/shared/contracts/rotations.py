"""What the credentials service answers about the rotation of a provider's secret.

A new secret is *staged* beside the one that is used, under a rotation's id: it can be
leased for a test, and then takes the other's place or is dropped. Every question may be
put again: what is done already is the answer.
"""

from uuid import UUID

from .base import Bytes, Empty, Endpoint, Question, Service
from .credentials import Provider

__all__ = [
    "DISCARD_SECRET",
    "RETIRE_PROVIDER",
    "STAGE_SECRET",
    "SWITCH_SECRET",
    "RetireProvider",
    "RotationQuestion",
    "StageSecret",
]


class StageSecret(Question):
    """*sealed* is a `ProviderPatch` of secrets alone, under `submission_binding`.

    They stand for all that the provider has: what is not named is gone afterwards.
    """

    provider_id: UUID
    rotation_id: UUID
    sealed: Bytes


class RotationQuestion(Question):
    provider_id: UUID
    rotation_id: UUID


class RetireProvider(Question):
    """Let a retiring provider be used by nobody who does not use it already."""

    provider_id: UUID
    is_retiring: bool


_GATEWAY = frozenset({Service.GATEWAY})

STAGE_SECRET = Endpoint(
    "credentials.v1.stage_secret", StageSecret, Empty, askers=_GATEWAY
)
SWITCH_SECRET = Endpoint(
    "credentials.v1.switch_secret", RotationQuestion, Provider, askers=_GATEWAY
)
DISCARD_SECRET = Endpoint(
    "credentials.v1.discard_secret", RotationQuestion, Empty, askers=_GATEWAY
)
RETIRE_PROVIDER = Endpoint(
    "credentials.v1.retire_provider", RetireProvider, Provider, askers=_GATEWAY
)
