"""What a leased provider comes to: its seal's context, its role, what a runner is told.

Pure.
"""

from collections.abc import Mapping
from datetime import datetime

from pydantic import SecretStr

from credentials.envelope import Context
from credentials.providers.configuration import sealed_origin
from credentials.repositories.leases import LeasableProvider
from shared.contracts.credentials import LeasedCredential

from .role_sessions import Role

__all__ = ["context_of", "role_of", "told"]


def context_of(provider: LeasableProvider) -> Context:
    return Context(
        org_id=provider.org_id,
        provider_id=provider.id,
        version=provider.credential_version,
        origin=sealed_origin(provider.base_url),
    )


def role_of(provider: LeasableProvider) -> Role | None:
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


def told(
    provider: LeasableProvider,
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
        labels=provider.labels,
        base_url=provider.base_url or "",
        aws_region=provider.aws_region,
        enabled=provider.enabled,
        version=provider.credential_version,
        fields=dict(secrets),
        expires_at=expires_at,
        is_assumed=is_assumed,
        limits=provider.limits,
        provider_version=provider.version,
    )
