"""All that the gateway keeps, over one database."""

from dataclasses import dataclass

from shared.database import Database

from .api_keys import ApiKeyRepository, PostgresApiKeys
from .audit import AuditRepository, PostgresAudit
from .idempotency import IdempotencyRepository, PostgresIdempotency
from .invitations import PostgresInvitations
from .jobs import JobRepository, PostgresJobs
from .logins import PostgresLogins
from .oidc import PostgresOidc
from .organizations import PostgresOrganizations
from .sessions import PostgresSessions
from .users import PostgresUsers

__all__ = ["Records"]


@dataclass(frozen=True, slots=True)
class Records:
    organizations: PostgresOrganizations
    users: PostgresUsers
    sessions: PostgresSessions
    invitations: PostgresInvitations
    logins: PostgresLogins
    api_keys: ApiKeyRepository
    idempotency: IdempotencyRepository
    oidc: PostgresOidc
    audit: AuditRepository
    jobs: JobRepository

    @classmethod
    def of(cls, database: Database) -> "Records":
        return cls(
            organizations=PostgresOrganizations(database),
            users=PostgresUsers(database),
            sessions=PostgresSessions(database),
            invitations=PostgresInvitations(database),
            logins=PostgresLogins(database),
            api_keys=PostgresApiKeys(database),
            idempotency=PostgresIdempotency(database),
            oidc=PostgresOidc(database),
            audit=PostgresAudit(database),
            jobs=PostgresJobs(database),
        )
