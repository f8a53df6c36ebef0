"""What an operator decides about a provider, its secret aside."""

from dataclasses import dataclass, fields, replace
from typing import Any

from shared.contracts.credentials import (
    Provider,
    ProviderLimits,
    ProviderPatch,
    ProviderSubmission,
    ProviderType,
)

from .base_url import normalise

__all__ = ["Configuration", "configuration_of", "patched", "submitted"]

_OWN_BASE_URLS = {ProviderType.OPENAI: "https://api.openai.com/v1"}
"""Where each type's own service is; source: the default of its official SDK."""


@dataclass(frozen=True, slots=True)
class Configuration:
    """The columns that a submission sets and a patch may change."""

    name: str
    use_case: str | None
    labels: dict[str, str]
    base_url: str
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
        **{each.name: getattr(provider, each.name) for each in fields(Configuration)}
    )


def submitted(submission: ProviderSubmission, *, allow_private: bool) -> Configuration:
    """Raise `InvalidError` or `BaseUrlForbiddenError` for an unusable base URL."""
    return Configuration(
        name=submission.name,
        use_case=submission.use_case or None,
        labels=submission.labels,
        base_url=_base_url(
            submission.base_url, submission.type, allow_private=allow_private
        ),
        limits=submission.limits,
        enabled=submission.enabled,
    )


def patched(
    provider: Provider, patch: ProviderPatch, *, allow_private: bool
) -> Configuration:
    """Lay *patch* over *provider*; raises as `submitted` does."""
    changes: dict[str, Any] = {
        name: getattr(patch, name) for name in patch.model_fields_set - {"api_key"}
    }
    if "use_case" in changes:
        changes["use_case"] = patch.use_case or None
    if "base_url" in changes:
        changes["base_url"] = _base_url(
            patch.base_url, provider.type, allow_private=allow_private
        )
    return replace(configuration_of(provider), **changes)


def _base_url(
    given: str | None, provider_type: ProviderType, *, allow_private: bool
) -> str:
    if given is None:
        return _OWN_BASE_URLS[provider_type]
    return normalise(given, allow_private=allow_private)
