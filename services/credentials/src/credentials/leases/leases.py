"""Use cases of leases: give a secret to the one runner that may have it.

The order is what makes it safe: who asks is checked, the lease and its audit entry are
committed, and only then is the secret opened, sealed to the key in the request.
"""

from collections.abc import Mapping
from datetime import datetime, timedelta
from enum import StrEnum

import structlog
from pydantic import JsonValue, SecretStr, ValidationError

from credentials.administration.freeze import require_thawed
from credentials.envelope import Context
from credentials.providers.configuration import sealed_origin
from credentials.providers.readiness import require_ready
from credentials.repositories import leases as repository
from credentials.repositories.audit import note
from credentials.repositories.leases import Lease, UsedProvider
from credentials.vault import Vault
from shared.clock import Clock, utc_now
from shared.contracts.base import Actor, Signed
from shared.contracts.credentials import (
    LEASE_PURPOSE,
    LEASE_REPLY_PURPOSE,
    LeasedCredential,
    LeaseRequest,
    SealedLease,
    lease_binding,
)
from shared.database import Database, Transaction
from shared.errors import AppError, CredentialsFrozenError, LeaseRefusedError
from shared.identity import Identity
from shared.ids import new_id
from shared.sealing import seal
from shared.signing import SignatureBrokenError, signed_bytes, verify

from .enrolment import EnrolledRunner, Enrolment
from .role_sessions import Role, RoleSessions

__all__ = ["LEASE_LIFETIME", "Leases", "Refusal"]

log = structlog.get_logger(__name__)

LEASE_LIFETIME = timedelta(hours=1)
_CLOCK_TOLERANCE = timedelta(seconds=30)
_UNKNOWN = "unknown"


class Refusal(StrEnum):
    """Why a lease was refused: for our audit and log, never for who asked."""

    UNENROLLED = "the signer is not enrolled"
    FORGED = "the signature does not fit the words"
    FOREIGN_NAME = "the signer is enrolled under another name"
    FOREIGN_ORGANIZATION = "the signer is not enrolled for the organization"
    LATE = "the request was not made just now"
    NO_USE = "the agent does not use the provider"
    REPLAYED = "the nonce was seen before"
    FROZEN = "the installation is frozen"


class Leases:
    def __init__(
        self,
        *,
        database: Database,
        vault: Vault,
        enrolment: Enrolment,
        identity: Identity,
        roles: RoleSessions,
        now: Clock = utc_now,
    ) -> None:
        self._database = database
        self._vault = vault
        self._roles = roles
        self._enrolment = enrolment
        self._identity = identity
        self._now = now

    async def lease(self, signed: Signed) -> SealedLease:
        """Open a provider's secret for the agent that uses it (DESIGN: section 4).

        Raises `LeaseRefusedError` without saying why; saying why
        `ProviderNotReadyError`, `CredentialsFrozenError`, `MasterKeyUnavailableError`,
        `StsUnavailableError`, and `CredentialUnreadableError` if the stored secret
        does not open.
        """
        try:
            request = self._verified(signed)
            lease, provider = await self._granted(request)
        except _RefusedError as refused:
            await self._note_refused(signed, refused.reason)
            raise LeaseRefusedError("This lease is refused.") from None
        except CredentialsFrozenError:
            await self._note_refused(signed, Refusal.FROZEN)
            raise
        credential = await self._credential(request, lease, provider)
        log.info("lease.granted", lease=str(lease.id), runner=request.runner)
        return self._sealed(signed, request, lease, credential)

    async def forget_expired(self) -> None:
        """Drop the rows of leases that ended an hour ago; nonces age in seconds."""
        async with self._database.sweep() as transaction:
            await repository.forget_leases(
                transaction, expired_before=self._now() - LEASE_LIFETIME
            )

    def _verified(self, signed: Signed) -> LeaseRequest:
        runner = self._enrolment.of(signed.signer)
        if runner is None:
            raise _RefusedError(Refusal.UNENROLLED)
        try:
            request = verify(
                signed, LeaseRequest, purpose=LEASE_PURPOSE, of=runner.identity
            )
        except SignatureBrokenError:
            raise _RefusedError(Refusal.FORGED) from None
        self._require_entitled(runner, request)
        return request

    def _require_entitled(self, runner: EnrolledRunner, request: LeaseRequest) -> None:
        if request.runner != runner.runner:
            raise _RefusedError(Refusal.FOREIGN_NAME)
        if not runner.serves(request.org_id):
            raise _RefusedError(Refusal.FOREIGN_ORGANIZATION)
        if abs(self._now() - request.issued_at) > _CLOCK_TOLERANCE:
            raise _RefusedError(Refusal.LATE)

    async def _granted(self, request: LeaseRequest) -> tuple[Lease, UsedProvider]:
        """Store the lease and its audit entry, if the agent uses the provider."""
        async with self._database.organization(request.org_id) as transaction:
            provider = await repository.used_provider(
                transaction,
                agent_id=request.agent_id,
                provider_id=request.provider_id,
            )
            if provider is None:
                raise _RefusedError(Refusal.NO_USE)
            await require_thawed(transaction)
            require_ready(
                provider.name,
                missing=provider.missing,
                expires_at=provider.expires_at,
                now=self._now(),
            )
            lease = self._lease(request, provider)
            if not await repository.add_lease(transaction, lease):
                raise _RefusedError(Refusal.REPLAYED)
            await _note(
                transaction,
                request,
                request.runner,
                "lease.granted",
                {**_facts(lease), "epoch": request.epoch},
            )
        return lease, provider

    def _lease(self, request: LeaseRequest, provider: UsedProvider) -> Lease:
        now = self._now()
        return Lease(
            id=new_id(),
            org_id=request.org_id,
            provider_id=provider.id,
            agent_id=request.agent_id,
            credential_version=provider.credential_version,
            runner=request.runner,
            nonce=request.nonce,
            granted_at=now,
            expires_at=now + LEASE_LIFETIME,
        )

    async def _credential(
        self, request: LeaseRequest, lease: Lease, provider: UsedProvider
    ) -> LeasedCredential:
        """Open the secret; a failure is an audit entry beside that of the lease."""
        try:
            secrets = await self._vault.open(provider.secret, _context(provider))
            return await self._usable(provider, secrets)
        except AppError as error:
            log.exception("lease.failed", lease=str(lease.id), code=error.code)
            async with self._database.organization(request.org_id) as transaction:
                await _note(
                    transaction,
                    request,
                    request.runner,
                    "lease.failed",
                    {**_facts(lease), "code": error.code},
                )
            raise

    async def _usable(
        self, provider: UsedProvider, secrets: Mapping[str, SecretStr]
    ) -> LeasedCredential:
        """Make of *secrets* what calls are made with: of a role, temporary keys."""
        role = _role(provider)
        if role is None:
            return _told(provider, secrets, expires_at=provider.expires_at)
        session = await self._roles.session(role, secrets)
        return _told(
            provider, session.secrets, expires_at=session.expires_at, is_assumed=True
        )

    def _sealed(
        self,
        signed: Signed,
        request: LeaseRequest,
        lease: Lease,
        credential: LeasedCredential,
    ) -> SealedLease:
        sealed = seal(
            credential.model_dump_json().encode(),
            to=request.public_key,
            info=lease_binding(signed.body),
        )
        words = signed_bytes(LEASE_REPLY_PURPOSE, signed.body, sealed)
        return SealedLease(
            lease_id=lease.id,
            expires_at=_earlier(lease.expires_at, credential.expires_at),
            sealed=sealed,
            signature=self._identity.sign(words),
        )

    async def _note_refused(self, signed: Signed, reason: Refusal) -> None:
        """Keep the reason in the audit of the organization that the words name.

        Who signed is told only if the signature may be believed.
        """
        log.warning("lease.refused", signer=signed.signer, reason=reason)
        try:
            request = LeaseRequest.model_validate_json(signed.body)
        except ValidationError:
            return
        runner = self._enrolment.of(signed.signer)
        is_forged = reason is Refusal.FORGED
        async with self._database.organization(request.org_id) as transaction:
            await _note(
                transaction,
                request,
                _UNKNOWN if runner is None or is_forged else runner.runner,
                "lease.refused",
                {"agent_id": str(request.agent_id), "reason": reason},
            )


class _RefusedError(Exception):
    def __init__(self, reason: Refusal) -> None:
        super().__init__(reason)
        self.reason = reason


def _context(provider: UsedProvider) -> Context:
    return Context(
        org_id=provider.org_id,
        provider_id=provider.id,
        version=provider.credential_version,
        origin=sealed_origin(provider.base_url),
    )


def _role(provider: UsedProvider) -> Role | None:
    """Return the role to assume; a complete provider with one has a region too."""
    if provider.aws_role_arn is None:
        return None
    return Role(
        org_id=provider.org_id,
        provider_id=provider.id,
        provider_name=provider.name,
        credential_version=provider.credential_version,
        arn=provider.aws_role_arn,
        region=provider.aws_region or "",
        external_id=provider.external_id or "",
    )


def _told(
    provider: UsedProvider,
    secrets: Mapping[str, SecretStr],
    *,
    expires_at: datetime | None,
    is_assumed: bool = False,
) -> LeasedCredential:
    """Tell a disabled provider too: its runner must know that it is disabled."""
    return LeasedCredential(
        provider_id=provider.id,
        type=provider.type,
        name=provider.name,
        use_case=provider.use_case,
        base_url=provider.base_url or "",
        aws_region=provider.aws_region,
        enabled=provider.enabled,
        version=provider.credential_version,
        fields=dict(secrets),
        expires_at=expires_at,
        is_assumed=is_assumed,
    )


def _earlier(end: datetime, other: datetime | None) -> datetime:
    return end if other is None else min(end, other)


def _facts(lease: Lease) -> dict[str, JsonValue]:
    return {
        "lease_id": str(lease.id),
        "agent_id": str(lease.agent_id),
        "credential_version": lease.credential_version,
    }


async def _note(
    transaction: Transaction,
    request: LeaseRequest,
    runner: str,
    act: str,
    details: dict[str, JsonValue],
) -> None:
    await note(
        transaction,
        org_id=request.org_id,
        actor=Actor(kind="service", id=runner),
        act=act,
        object_kind="provider",
        object_id=request.provider_id,
        details=details,
    )
