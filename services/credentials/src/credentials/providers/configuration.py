"""What an operator decides about a provider, its secrets aside."""

import re
from dataclasses import dataclass, fields, replace
from datetime import datetime
from typing import Any

from shared.contracts.credentials import (
    Provider,
    ProviderLimits,
    ProviderPatch,
    ProviderSubmission,
    ProviderType,
    foreign_field,
)
from shared.errors import InvalidError

from .aws_regions import has_bedrock, runtime_url
from .base_url import normalise, origin_of

__all__ = [
    "Configuration",
    "configuration_of",
    "own_base_url",
    "patched",
    "sealed_origin",
    "submitted",
]

_OWN_BASE_URLS = {
    ProviderType.OPENAI: "https://api.openai.com/v1",
    ProviderType.ANTHROPIC: "https://api.anthropic.com",
}
"""Where these types' own services are; source: the defaults of their official SDKs."""

_ROLE_ARN = re.compile(
    r"arn:aws(-[a-z]+)*:iam::[0-9]{12}:role/[\w+=,.@/-]{1,512}", re.ASCII
)
_NO_ORIGIN = "none"


@dataclass(frozen=True, slots=True)
class Configuration:
    """The columns that a submission sets and a patch may change.

    *base_url* is None for a Bedrock provider that has neither one nor a region.
    """

    name: str
    use_case: str | None
    labels: dict[str, str]
    base_url: str | None
    aws_region: str | None
    aws_role_arn: str | None
    aws_session_expires_at: datetime | None
    limits: ProviderLimits
    enabled: bool

    def differences(self, other: "Configuration") -> list[str]:
        """Name the fields in which *other* is another."""
        return [
            each.name
            for each in fields(self)
            if getattr(self, each.name) != getattr(other, each.name)
        ]


def configuration_of(provider: Provider) -> Configuration:
    return Configuration(
        name=provider.name,
        use_case=provider.use_case,
        labels=provider.labels,
        base_url=provider.base_url,
        aws_region=provider.aws_region,
        aws_role_arn=provider.aws_role_arn,
        aws_session_expires_at=provider.credential.expires_at,
        limits=provider.limits,
        enabled=provider.enabled,
    )


def submitted(
    submission: ProviderSubmission, *, allow_private: bool, now: datetime
) -> Configuration:
    """Raise `InvalidError` or `BaseUrlForbiddenError` for what cannot be used."""
    _check(submission, now=now)
    return Configuration(
        name=submission.name,
        use_case=submission.use_case or None,
        labels=submission.labels,
        base_url=_base_url(
            submission.base_url,
            submission.type,
            submission.aws_region,
            allow_private=allow_private,
        ),
        aws_region=submission.aws_region,
        aws_role_arn=submission.aws_role_arn,
        aws_session_expires_at=submission.aws_session_expires_at,
        limits=submission.limits,
        enabled=submission.enabled,
    )


def patched(
    provider: Provider, patch: ProviderPatch, *, allow_private: bool, now: datetime
) -> Configuration:
    """Lay *patch* over *provider*; raises as `submitted` does.

    An address that was the type's own goes with the region. A new key or token is not
    known to expire when the old one did.
    """
    _require_own_fields(provider.type, patch)
    _check(patch, now=now)
    names = {each.name for each in fields(Configuration)} & patch.model_fields_set
    changes: dict[str, Any] = {name: getattr(patch, name) for name in names}
    if "use_case" in changes:
        changes["use_case"] = patch.use_case or None
    if "aws_session_expires_at" not in changes and _renews(patch):
        changes["aws_session_expires_at"] = None
    region = changes.get("aws_region", provider.aws_region)
    if "base_url" in changes or _has_own_base_url(provider):
        changes["base_url"] = _base_url(
            patch.base_url, provider.type, region, allow_private=allow_private
        )
    return replace(configuration_of(provider), **changes)


def own_base_url(provider_type: ProviderType, aws_region: str | None) -> str | None:
    """Return where the type's own service is; None for Bedrock without a region."""
    if provider_type is not ProviderType.BEDROCK:
        return _OWN_BASE_URLS[provider_type]
    return None if aws_region is None else runtime_url(aws_region)


def sealed_origin(base_url: str | None) -> str:
    """Return what secrets are bound to; of no address it is no origin."""
    return _NO_ORIGIN if base_url is None else origin_of(base_url)


def _require_own_fields(provider_type: ProviderType, patch: ProviderPatch) -> None:
    foreign = {
        name: problem
        for name in patch.model_fields_set
        if getattr(patch, name) is not None
        and (problem := foreign_field(provider_type, name))
    }
    if foreign:
        raise InvalidError.of_fields(
            f"A provider of type {provider_type} has no {', '.join(sorted(foreign))}.",
            dict(sorted(foreign.items())),
        )


def _check(words: ProviderSubmission | ProviderPatch, *, now: datetime) -> None:
    if words.aws_region is not None and not has_bedrock(words.aws_region):
        raise InvalidError.of_field(
            "aws_region", "is no region that has Amazon Bedrock, as us-east-1 has"
        )
    if words.aws_role_arn is not None and not _ROLE_ARN.fullmatch(words.aws_role_arn):
        raise InvalidError.of_field(
            "aws_role_arn", "must look like arn:aws:iam::123456789012:role/name"
        )
    expires_at = words.aws_session_expires_at
    if expires_at is not None and expires_at <= now:
        raise InvalidError.of_field("aws_session_expires_at", "is in the past")


def _renews(patch: ProviderPatch) -> bool:
    return not patch.model_fields_set.isdisjoint(
        {"aws_access_key_id", "aws_secret_access_key", "aws_session_token"}
    )


def _has_own_base_url(provider: Provider) -> bool:
    return provider.base_url == own_base_url(provider.type, provider.aws_region)


def _base_url(
    given: str | None,
    provider_type: ProviderType,
    aws_region: str | None,
    *,
    allow_private: bool,
) -> str | None:
    if given is None:
        return own_base_url(provider_type, aws_region)
    base_url = normalise(given, allow_private=allow_private)
    if provider_type is ProviderType.ANTHROPIC and base_url.endswith("/v1"):
        raise InvalidError.of_field(
            "base_url", "must not end in /v1, which Anthropic's SDK adds"
        )
    return base_url
