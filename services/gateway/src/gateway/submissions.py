"""A provider's secret on its way in: sealed here, opened by credentials alone."""

from uuid import UUID

from shared.contracts.credentials import (
    ProviderPatch,
    ProviderSubmission,
    submission_binding,
)
from shared.identity import PublicIdentity
from shared.sealing import seal

__all__ = ["sealed_to"]


def sealed_to(
    credentials: PublicIdentity,
    submission: ProviderSubmission | ProviderPatch,
    *,
    org_id: UUID,
    provider_id: UUID,
) -> bytes:
    """Seal *submission* so that it opens for this provider of this organization only.

    HPKE (RFC 9180) to the identity that deployment named, never to one from the bus.
    """
    return seal(
        submission.model_dump_json().encode(),
        to=credentials.sealing_key,
        info=submission_binding(org_id, provider_id),
    )
