"""Use cases of leases: give a secret to the one runner that may have it.

The order is what makes it safe: who asks is checked, the lease and its audit entry are
committed, and only then is the secret opened, sealed to the key in the request.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

import structlog
from pydantic import JsonValue, SecretStr, ValidationError

from credentials.administration.freeze import require_thawed
from credentials.providers.readiness import require_ready
from credentials.repositories import leases as repository
from credentials.repositories.audit import note
from credentials.repositories.leases import Lease, StoredProvider
from credentials.vault import Vault
from shared.clock import Clock, utc_now
from shared.contracts.base import Actor, Signed
from shared.contracts.credentials import (
    LEASE_PURPOSE,
    LeasedCredential,
    LeasePurpose,
    LeaseRequest,
)
from shared.contracts.leasing import SealedLease
from shared.database import Database, Transaction
from shared.errors import AppError, CredentialsFrozenError
from shared.identity import Identity
from shared.ids import new_id
from shared.leasing import LeaseSealer

from .enrolment import Enrolment
from .lease_requests import LeaseRequests, Refusal, RefusedError, told_of
from .leased import context_of, role_of, told
from .role_sessions import Role, RoleSession, RoleSessions
from .trials import Trial, Trials

__all__ = ["LEASE_LIFETIME", "Leases"]

log = structlog.get_logger(__name__)

LEASE_LIFETIME = timedelta(hours=1)
_LIFETIME_OF_ONE_CALL = timedelta(minutes=1)


@dataclass(frozen=True, slots=True)
class _Grant:
    """A lease that is in the record, and what it is the right to."""

    lease: Lease
    found: StoredProvider | Trial


class Leases:
    def __init__(
        self,
        *,
        database: Database,
        vault: Vault,
        enrolment: Enrolment,
        identity: Identity,
        roles: RoleSessions,
        trials: Trials,
        now: Clock = utc_now,
    ) -> None:
        self._database = database
        self._vault = vault
        self._requests = LeaseRequests(enrolment, now=now)
        self._sealer = LeaseSealer(identity, LEASE_PURPOSE)
        self._roles = roles
        self._trials = trials
        self._now = now

    async def lease(self, signed: Signed) -> SealedLease:
        """Hand out a provider's secret for what the request says.

        Raises `LeaseRefusedError` without saying why; saying why
        `ProviderNotReadyError`, `CredentialsFrozenError`, `MasterKeyUnavailableError`,
        `StsUnavailableError`, `UnavailableError` if the clocks differ, and
        `CredentialUnreadableError` if the stored secret does not open; for a trial also
        what the creation of the provider would.
        """
        try:
            request = self._requests.believed(
                signed, LeaseRequest, purpose=LEASE_PURPOSE
            )
            grant = await self._granted(request)
        except RefusedError as refused:
            await self._note_refused(signed, refused.reason)
            raise told_of(refused.reason) from None
        except CredentialsFrozenError:
            await self._note_refused(signed, Refusal.FROZEN)
            raise
        credential = await self._credential(request, grant)
        log.info(
            "lease.granted",
            lease=str(grant.lease.id),
            runner=request.runner,
            purpose=request.purpose,
        )
        return self._sealer.sealed(
            credential,
            asked=signed,
            to=request.public_key,
            lease_id=grant.lease.id,
            expires_at=_earlier(grant.lease.expires_at, credential.expires_at),
        )

    async def forget_expired(self) -> None:
        """Drop the rows of leases that ended an hour ago; nonces age in seconds."""
        async with self._database.sweep() as transaction:
            await repository.forget_leases(
                transaction, expired_before=self._now() - LEASE_LIFETIME
            )

    async def _granted(self, request: LeaseRequest) -> _Grant:
        """Store the lease and its audit entry, if there is a right to it."""
        async with self._database.organization(request.org_id) as transaction:
            found = await self._found(transaction, request)
            await require_thawed(transaction)
            require_ready(
                found.provider.name,
                missing=found.provider.missing,
                expires_at=found.provider.expires_at,
                now=self._now(),
            )
            lease = self._lease(request, found)
            if not await repository.add_lease(transaction, lease):
                raise RefusedError(Refusal.REPLAYED)
            await _note(transaction, request, "lease.granted", _facts(lease, request))
        return _Grant(lease, found)

    async def _found(
        self, transaction: Transaction, request: LeaseRequest
    ) -> StoredProvider | Trial:
        match request.purpose:
            case LeasePurpose.AGENT:
                found = await repository.used_provider(
                    transaction,
                    agent_id=request.agent_id,
                    provider_id=request.provider_id,
                )
                return _there(found, Refusal.NO_USE)
            case LeasePurpose.TEST if request.rotation_id is not None:
                found = await repository.staged_provider(
                    transaction,
                    request.provider_id,
                    rotation_id=request.rotation_id,
                )
                return _there(found, Refusal.NO_STAGED_SECRET)
            case LeasePurpose.TEST | LeasePurpose.MODELS:
                found = await repository.stored_provider(
                    transaction, request.provider_id
                )
                return _there(found, Refusal.NO_PROVIDER)
            case LeasePurpose.TRIAL:
                return await self._trials.opened(transaction, request)

    def _lease(self, request: LeaseRequest, found: StoredProvider | Trial) -> Lease:
        now = self._now()
        is_agents = request.purpose is LeasePurpose.AGENT
        is_stored = isinstance(found, StoredProvider)
        return Lease(
            id=new_id(),
            org_id=request.org_id,
            purpose=request.purpose,
            provider_id=found.provider.id if is_stored else None,
            agent_id=request.agent_id,
            credential_version=found.provider.credential_version if is_stored else None,
            runner=request.runner,
            nonce=request.nonce,
            granted_at=now,
            expires_at=now + (LEASE_LIFETIME if is_agents else _LIFETIME_OF_ONE_CALL),
        )

    async def _credential(
        self, request: LeaseRequest, grant: _Grant
    ) -> LeasedCredential:
        """Open the secret; a failure is an audit entry beside that of the lease."""
        try:
            return await self._usable(request, grant.found)
        except AppError as error:
            log.exception("lease.failed", lease=str(grant.lease.id), code=error.code)
            async with self._database.organization(request.org_id) as transaction:
                facts = _facts(grant.lease, request) | {"code": error.code}
                await _note(transaction, request, "lease.failed", facts)
            raise

    async def _usable(
        self, request: LeaseRequest, found: StoredProvider | Trial
    ) -> LeasedCredential:
        """Make of the secrets what calls are made with: of a role, temporary keys."""
        provider = found.provider
        secrets = await self._opened(found)
        role = role_of(provider)
        if role is None:
            return told(provider, secrets, expires_at=provider.expires_at)
        is_staged = request.rotation_id is not None
        session = await self._session(
            role, secrets, is_in_use=not (is_staged or isinstance(found, Trial))
        )
        return told(
            provider, session.secrets, expires_at=session.expires_at, is_assumed=True
        )

    async def _opened(self, found: StoredProvider | Trial) -> Mapping[str, SecretStr]:
        match found:
            case StoredProvider():
                return await self._vault.open(found.secret, context_of(found.provider))
            case Trial():
                return found.secrets

    async def _session(
        self, role: Role, source: Mapping[str, SecretStr], *, is_in_use: bool
    ) -> RoleSession:
        """Assume a role; with secrets that are only tried anew, and not remembered.

        A staged secret has the version that another one may yet become.
        """
        if is_in_use:
            return await self._roles.session(role, source)
        return await self._roles.session_once(role, source)

    async def _note_refused(self, signed: Signed, reason: Refusal) -> None:
        """Keep the reason in the audit of the organization that the words name.

        Whoever is behind it is told only if the signature may be believed.
        """
        log.warning("lease.refused", signer=signed.signer, reason=reason)
        try:
            request = LeaseRequest.model_validate_json(signed.body)
        except ValidationError:
            return
        agent_id = request.agent_id
        async with self._database.organization(request.org_id) as transaction:
            await note(
                transaction,
                org_id=request.org_id,
                actor=Actor(kind="service", id=self._requests.signer(signed, reason)),
                act="lease.refused",
                object_kind="provider",
                object_id=request.provider_id,
                details={
                    "purpose": request.purpose,
                    "agent_id": str(agent_id) if agent_id else None,
                    "reason": reason,
                },
            )


def _there(found: StoredProvider | None, refusal: Refusal) -> StoredProvider:
    if found is None:
        raise RefusedError(refusal)
    return found


def _earlier(end: datetime, other: datetime | None) -> datetime:
    return end if other is None else min(end, other)


def _facts(lease: Lease, request: LeaseRequest) -> dict[str, JsonValue]:
    """Tell of a lease what there is to tell; the provider is the entry's object."""
    agent_id = lease.agent_id
    facts: dict[str, JsonValue] = {
        "lease_id": str(lease.id),
        "purpose": lease.purpose,
        "agent_id": str(agent_id) if agent_id else None,
        "credential_version": lease.credential_version,
        "runner": lease.runner,
        "epoch": request.epoch,
    }
    return {name: fact for name, fact in facts.items() if fact is not None}


async def _note(
    transaction: Transaction,
    request: LeaseRequest,
    act: str,
    details: dict[str, JsonValue],
) -> None:
    """Note that the runner has done *act*, or whoever had it do one call."""
    await note(
        transaction,
        org_id=request.org_id,
        actor=request.actor or Actor(kind="service", id=request.runner),
        act=act,
        object_kind="provider",
        object_id=request.provider_id,
        details=details,
    )
