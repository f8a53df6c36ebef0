"""Credentials as they are leased for one call."""

from pydantic import SecretStr

from shared.contracts.credentials import LeasedCredential, ProviderType
from shared.ids import new_id

__all__ = ["credential"]


def credential(
    provider_type: ProviderType, base_url: str, **secrets: str
) -> LeasedCredential:
    return LeasedCredential(
        provider_id=new_id(),
        type=provider_type,
        name="Main",
        use_case=None,
        base_url=base_url,
        aws_region="us-east-1" if provider_type is ProviderType.BEDROCK else None,
        enabled=True,
        version=1,
        fields={name: SecretStr(secret) for name, secret in secrets.items()},
    )
