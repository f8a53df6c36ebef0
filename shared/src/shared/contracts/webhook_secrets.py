"""What metrics asks of the credentials service: a webhook's URL and signing secret.

Both are secrets: many a receiver's URL holds a token.
"""

from datetime import timedelta
from uuid import UUID

from pydantic import AwareDatetime, Field

from .base import Bytes, Empty, Endpoint, Message, Question, Secret, Service, Signed
from .leasing import SealedLease, lease_binding_of, reply_purpose_of

__all__ = [
    "FORGET_WEBHOOK_SECRET",
    "KEEP_WEBHOOK_SECRET",
    "LEASE_WEBHOOK_SECRET",
    "WEBHOOK_LEASE_PURPOSE",
    "WEBHOOK_LEASE_REPLY_PURPOSE",
    "ForgetWebhookSecret",
    "KeepWebhookSecret",
    "LeasedWebhook",
    "WebhookLeaseRequest",
    "WebhookSubmission",
    "webhook_lease_binding",
    "webhook_submission_binding",
]


class WebhookSubmission(Message):
    """Where a webhook leads, and what it signs with; crosses the bus only sealed.

    *secret* is `whsec_` and the base64 of its bytes, as Standard Webhooks write it.
    """

    url: Secret = Field(min_length=8, max_length=2000)
    secret: Secret = Field(min_length=32, max_length=100)


def webhook_submission_binding(org_id: UUID, webhook_id: UUID) -> bytes:
    """Make the HPKE `info` of a submission: it opens for this webhook only."""
    return f"ag2trust.v1.webhook_submission/{org_id}/{webhook_id}".encode()


class KeepWebhookSecret(Question):
    """*sealed* is a `WebhookSubmission` under `webhook_submission_binding`.

    *origin* is what its URL must begin with, and all that others are told of it.
    """

    webhook_id: UUID
    origin: str = Field(max_length=300)
    sealed: Bytes


class ForgetWebhookSecret(Question):
    webhook_id: UUID


class WebhookLeaseRequest(Message):
    """What metrics signs when it is about to deliver.

    *public_key* is a fresh X25519 key the reply is sealed to; *nonce* is never
    used twice; *issued_at* may differ from our clock by 30 s at most.
    """

    org_id: UUID
    webhook_id: UUID
    public_key: Bytes = Field(min_length=32, max_length=32)
    nonce: Bytes = Field(min_length=16, max_length=32)
    issued_at: AwareDatetime


class LeasedWebhook(Message):
    """The plaintext of a lease; exists only sealed and in the memory of metrics."""

    webhook_id: UUID
    url: Secret
    secret: Secret


WEBHOOK_LEASE_PURPOSE = "credentials.v1.lease_webhook_secret"
"""What metrics signs a `WebhookLeaseRequest` for (`shared.signing`)."""

WEBHOOK_LEASE_REPLY_PURPOSE = reply_purpose_of(WEBHOOK_LEASE_PURPOSE)
"""What the credentials service signs the request's body and the sealed reply for."""


def webhook_lease_binding(request_body: bytes) -> bytes:
    """Make the HPKE `info` of a webhook's lease (`lease_binding_of`)."""
    return lease_binding_of(WEBHOOK_LEASE_PURPOSE, request_body)


_METRICS = frozenset({Service.METRICS})

KEEP_WEBHOOK_SECRET = Endpoint(
    "credentials.v1.keep_webhook_secret", KeepWebhookSecret, Empty, askers=_METRICS
)
FORGET_WEBHOOK_SECRET = Endpoint(
    "credentials.v1.forget_webhook_secret", ForgetWebhookSecret, Empty, askers=_METRICS
)
LEASE_WEBHOOK_SECRET = Endpoint(
    "credentials.v1.lease_webhook_secret",
    Signed,
    SealedLease,
    askers=_METRICS,
    deadline=timedelta(seconds=10),
)
