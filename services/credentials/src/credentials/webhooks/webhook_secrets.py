"""Use cases of webhooks' secrets: kept, forgotten, and leased to metrics alone.

The order is that of `credentials.leases.leases`: who asks is checked, the lease and its
audit entry are committed, and only then is the secret opened, sealed to the key in the
request.
"""

from datetime import timedelta

import structlog
from pydantic import JsonValue, SecretStr, ValidationError

from credentials.administration.freeze import require_thawed
from credentials.envelope import WebhookContext
from credentials.leases.lease_requests import (
    CLOCK_TOLERANCE,
    Refusal,
    RefusedError,
    told_of,
)
from credentials.repositories import webhook_secrets as repository
from credentials.repositories.audit import note
from credentials.repositories.webhook_secrets import StoredWebhookSecret, WebhookLease
from credentials.vault import Vault
from shared.clock import Clock, utc_now
from shared.contracts.base import Actor, Empty, Signed
from shared.contracts.leasing import SealedLease
from shared.contracts.webhook_secrets import (
    WEBHOOK_LEASE_PURPOSE,
    ForgetWebhookSecret,
    KeepWebhookSecret,
    LeasedWebhook,
    WebhookLeaseRequest,
    WebhookSubmission,
    webhook_submission_binding,
)
from shared.database import Database, Transaction
from shared.errors import (
    AppError,
    ConflictError,
    CredentialsFrozenError,
    InvalidError,
    MalformedError,
)
from shared.identity import Identity, PublicIdentity
from shared.ids import new_id
from shared.leasing import LeaseSealer
from shared.sealing import SealBrokenError
from shared.signing import SignatureBrokenError, verify
from shared.web_addresses import UrlInvalidError, web_address

__all__ = ["WebhookSecrets"]

log = structlog.get_logger(__name__)

_LIFETIME = timedelta(minutes=10)
_METRICS = Actor(kind="service", id="metrics")


class WebhookSecrets:
    """*metrics* is the one identity that leases are for; deployment names it."""

    def __init__(
        self,
        *,
        database: Database,
        vault: Vault,
        identity: Identity,
        metrics: PublicIdentity,
        now: Clock = utc_now,
    ) -> None:
        self._database = database
        self._vault = vault
        self._sealing_key = identity.sealing_key
        self._sealer = LeaseSealer(identity, WEBHOOK_LEASE_PURPOSE)
        self._metrics = metrics
        self._now = now

    async def keep(self, question: KeepWebhookSecret) -> Empty:
        """Seal a webhook's URL and signing secret, in the place of those of its origin.

        A creation that is repeated brings another secret: the last one is told.
        Raises `MalformedError` or `InvalidError` for a wrong submission,
        `ConflictError` if the webhook has another origin, `MasterKeyUnavailableError`.
        """
        submission = self._submitted(question)
        context = WebhookContext(
            question.org_id, question.webhook_id, origin=question.origin
        )
        fields = {"url": submission.url, "secret": submission.secret}
        sealed = await self._vault.seal(fields, context)
        async with self._database.organization(question.org_id) as transaction:
            if not await repository.keep_webhook_secret(transaction, context, sealed):
                raise ConflictError(
                    f"Webhook {question.webhook_id} has a secret of another origin."
                )
            await _note(
                transaction, question, "webhook_secret.kept", {"origin": context.origin}
            )
        return Empty()

    async def forget(self, question: ForgetWebhookSecret) -> Empty:
        """Destroy a webhook's secret; one that is gone is gone."""
        async with self._database.organization(question.org_id) as transaction:
            if await repository.remove_webhook_secret(transaction, question.webhook_id):
                await _note(transaction, question, "webhook_secret.forgotten", {})
        return Empty()

    async def lease(self, signed: Signed) -> SealedLease:
        """Hand a webhook's secret to metrics.

        Raises `LeaseRefusedError` without saying why; saying why
        `CredentialsFrozenError`, `MasterKeyUnavailableError`, `UnavailableError` if the
        clocks differ, and `CredentialUnreadableError` if the stored secret does not
        open.
        """
        try:
            request = self._believed(signed)
            lease, stored = await self._granted(request)
        except RefusedError as refused:
            await self._note_refused(signed, refused.reason)
            raise told_of(refused.reason) from None
        except CredentialsFrozenError:
            await self._note_refused(signed, Refusal.FROZEN)
            raise
        leased = await self._opened(request, lease, stored)
        log.info("webhook_lease.granted", lease=str(lease.id))
        return self._sealer.sealed(
            leased,
            asked=signed,
            to=request.public_key,
            lease_id=lease.id,
            expires_at=lease.expires_at,
        )

    async def forget_expired(self) -> None:
        """Drop the rows of leases that ended; nonces age in seconds."""
        async with self._database.sweep() as transaction:
            await repository.forget_webhook_leases(
                transaction, expired_before=self._now()
            )

    def _submitted(self, question: KeepWebhookSecret) -> WebhookSubmission:
        binding = webhook_submission_binding(question.org_id, question.webhook_id)
        try:
            words = self._sealing_key.open(question.sealed, info=binding)
            submission = WebhookSubmission.model_validate_json(words)
        except (SealBrokenError, ValidationError) as error:
            raise MalformedError(
                "The submission was sealed to another service or for another webhook."
            ) from error
        if _origin(submission.url) != question.origin:
            raise InvalidError("The webhook's URL is not of the origin that is told.")
        return submission

    def _believed(self, signed: Signed) -> WebhookLeaseRequest:
        if signed.signer != self._metrics.nkey:
            raise RefusedError(Refusal.UNENROLLED)
        try:
            request = verify(
                signed,
                WebhookLeaseRequest,
                purpose=WEBHOOK_LEASE_PURPOSE,
                of=self._metrics,
            )
        except SignatureBrokenError:
            raise RefusedError(Refusal.FORGED) from None
        if abs(self._now() - request.issued_at) > CLOCK_TOLERANCE:
            raise RefusedError(Refusal.LATE)
        return request

    async def _granted(
        self, request: WebhookLeaseRequest
    ) -> tuple[WebhookLease, StoredWebhookSecret]:
        """Store the lease and its audit entry, if there is a right to it."""
        async with self._database.organization(request.org_id) as transaction:
            stored = await repository.stored_webhook_secret(
                transaction, request.webhook_id
            )
            if stored is None:
                raise RefusedError(Refusal.NO_SECRET)
            await require_thawed(transaction)
            lease = self._lease(request)
            if not await repository.add_webhook_lease(transaction, lease):
                raise RefusedError(Refusal.REPLAYED)
            await _note_lease(
                transaction, request, "lease.granted", {"lease_id": str(lease.id)}
            )
        return lease, stored

    def _lease(self, request: WebhookLeaseRequest) -> WebhookLease:
        now = self._now()
        return WebhookLease(
            id=new_id(),
            org_id=request.org_id,
            webhook_id=request.webhook_id,
            nonce=request.nonce,
            granted_at=now,
            expires_at=now + _LIFETIME,
        )

    async def _opened(
        self,
        request: WebhookLeaseRequest,
        lease: WebhookLease,
        stored: StoredWebhookSecret,
    ) -> LeasedWebhook:
        """Open the secret; a failure is an audit entry beside that of the lease."""
        try:
            fields = await self._vault.open(stored.secret, stored.context)
        except AppError as error:
            log.exception("webhook_lease.failed", lease=str(lease.id), code=error.code)
            facts: dict[str, JsonValue] = {
                "lease_id": str(lease.id),
                "code": error.code,
            }
            async with self._database.organization(request.org_id) as transaction:
                await _note_lease(transaction, request, "lease.failed", facts)
            raise
        return LeasedWebhook(
            webhook_id=lease.webhook_id, url=fields["url"], secret=fields["secret"]
        )

    async def _note_refused(self, signed: Signed, reason: Refusal) -> None:
        """Keep the reason in the audit of the organization that the words name."""
        log.warning("webhook_lease.refused", signer=signed.signer, reason=reason)
        try:
            request = WebhookLeaseRequest.model_validate_json(signed.body)
        except ValidationError:
            return
        async with self._database.organization(request.org_id) as transaction:
            await _note_lease(
                transaction,
                request,
                "lease.refused",
                {"reason": reason, "signer": signed.signer},
            )


def _origin(url: SecretStr) -> str:
    try:
        return web_address(url.get_secret_value()).origin
    except UrlInvalidError as error:
        raise InvalidError(f"The webhook's URL {error}.") from None


async def _note(
    transaction: Transaction,
    question: KeepWebhookSecret | ForgetWebhookSecret,
    act: str,
    details: dict[str, JsonValue],
) -> None:
    await note(
        transaction,
        org_id=question.org_id,
        actor=question.actor,
        act=act,
        object_kind="webhook",
        object_id=question.webhook_id,
        details=details,
    )


async def _note_lease(
    transaction: Transaction,
    request: WebhookLeaseRequest,
    act: str,
    details: dict[str, JsonValue],
) -> None:
    await note(
        transaction,
        org_id=request.org_id,
        actor=_METRICS,
        act=act,
        object_kind="webhook",
        object_id=request.webhook_id,
        details=details,
    )
