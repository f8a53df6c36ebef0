"""What the credentials service tells in public: the ends of temporary credentials."""

from uuid import UUID

from pydantic import AwareDatetime

from .base import Event, Service, Topic

__all__ = [
    "CREDENTIAL_EXPIRED",
    "CREDENTIAL_EXPIRING",
    "CredentialExpired",
    "CredentialExpiring",
]


class CredentialExpiring(Event):
    """Temporary AWS credentials end soon; told at 60, 15 and 5 minutes, each once."""

    provider_id: UUID
    provider_name: str
    credential_version: int
    expires_at: AwareDatetime
    warned_at_minutes: int


class CredentialExpired(Event):
    """Temporary AWS credentials have ended; agents acknowledge until new ones come."""

    provider_id: UUID
    provider_name: str
    credential_version: int
    expires_at: AwareDatetime


CREDENTIAL_EXPIRING = Topic(
    "provider",
    "credential_expiring",
    CredentialExpiring,
    publisher=Service.CREDENTIALS,
)
CREDENTIAL_EXPIRED = Topic(
    "provider", "credential_expired", CredentialExpired, publisher=Service.CREDENTIALS
)
