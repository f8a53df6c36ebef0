"""Secrets on their way in: sealed here, opened by credentials alone.

HPKE (RFC 9180) to the identity that deployment named, never to one from the bus.
"""

from uuid import UUID

from shared.contracts.credentials import (
    ProviderPatch,
    ProviderSubmission,
    submission_binding,
)
from shared.contracts.mcp_servers import (
    McpServerPatch,
    McpServerSubmission,
    mcp_submission_binding,
)
from shared.contracts.webhook_secrets import (
    WebhookSubmission,
    webhook_submission_binding,
)
from shared.identity import PublicIdentity
from shared.sealing import seal

__all__ = ["sealed_mcp_server", "sealed_to", "sealed_webhook"]


def sealed_to(
    credentials: PublicIdentity,
    submission: ProviderSubmission | ProviderPatch,
    *,
    org_id: UUID,
    provider_id: UUID,
) -> bytes:
    """Seal *submission* so that it opens for this provider of *org_id* only."""
    return seal(
        submission.model_dump_json().encode(),
        to=credentials.sealing_key,
        info=submission_binding(org_id, provider_id),
    )


def sealed_webhook(
    credentials: PublicIdentity,
    submission: WebhookSubmission,
    *,
    org_id: UUID,
    webhook_id: UUID,
) -> bytes:
    """Seal *submission* so that it opens for this webhook of *org_id* only."""
    return seal(
        submission.model_dump_json().encode(),
        to=credentials.sealing_key,
        info=webhook_submission_binding(org_id, webhook_id),
    )


def sealed_mcp_server(
    credentials: PublicIdentity,
    submission: McpServerSubmission | McpServerPatch,
    *,
    org_id: UUID,
    server_id: UUID,
) -> bytes:
    """Seal *submission* so that it opens for this MCP server of *org_id* only."""
    return seal(
        submission.model_dump_json().encode(),
        to=credentials.sealing_key,
        info=mcp_submission_binding(org_id, server_id),
    )
