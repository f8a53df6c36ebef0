"""Whether data may go where a provider and its model would take it.

What cannot be told is no place that was named. A system-defined inference profile stays
within its geography, and the region it is asked in (AWS, "Geographic cross-Region
inference"); where an application profile leads, its id does not say.
"""

import re
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from fnmatch import fnmatchcase
from urllib.parse import urlsplit

from shared.bedrock_models import ModelIdError, ModelKind, bedrock_model
from shared.contracts.credentials import ProviderType
from shared.contracts.routes import Residency

__all__ = ["Destination", "violation"]

_GLOBAL = "global"
# What lies within a geography: AWS regions, and smaller geographies.
_WITHIN = {
    "apac": ("ap-*", "au", "in", "jp"),
    "au": ("ap-southeast-2", "ap-southeast-4"),
    "ca": ("ca-*",),
    "eu": ("eu-*",),
    "in": ("ap-south-1", "ap-south-2"),
    "jp": ("ap-northeast-1", "ap-northeast-3"),
    "us": ("us-east-*", "us-west-*"),
    "us-gov": ("us-gov-*",),
}
_AWS_REGION = re.compile(r"[a-z]{2}(-[a-z]+)+-[0-9]+")
# Hosts of the service, of its FIPS and dual-stack variants, and of VPC endpoints.
_BEDROCK_HOST = re.compile(
    r"(?:[a-z0-9-]+\.)*bedrock-runtime(?:-fips)?\.(?P<region>[a-z0-9-]+)"
    r"(?:\.vpce)?\.(?:amazonaws\.com(?:\.cn)?|amazonaws\.eu|api\.aws)"
)
# `openai` 3.54, `_data_residency.py`.
_OPENAI_HOST = re.compile(r"(?:(?P<region>us|eu|ae|au|in|jp)\.)?api\.openai\.com")
_ANTHROPIC_HOST = "api.anthropic.com"


@dataclass(frozen=True, slots=True)
class Destination:
    """Where a request would go: a provider as it is configured, and its model."""

    provider_type: ProviderType
    base_url: str | None
    region: str | None
    model: str


def violation(residency: Residency | None, destination: Destination) -> str | None:
    """Say why data may not go there, as what follows "it"; None if they may."""
    if residency is None:
        return None
    types = residency.provider_types
    if types is not None and destination.provider_type not in types:
        return f"is of the type {destination.provider_type}, which is not named"
    if residency.regions is None:
        return None
    for place in _places(destination):
        if place is None:
            return "leads to a place that cannot be told"
        if not _is_named(place, residency.regions):
            return f"leads to {place}, which is not named"
    return None


def _places(destination: Destination) -> Iterator[str | None]:
    """Name every place that the data pass; None for one that cannot be told."""
    yield _place_of_host(destination)
    if destination.provider_type is ProviderType.BEDROCK:
        yield destination.region
        yield from _places_of_model(destination.model)


def _place_of_host(destination: Destination) -> str | None:
    """Name the region of the providers' own hosts; another host is its own place."""
    if destination.base_url is None:
        return destination.region
    host = urlsplit(destination.base_url).hostname
    if host is None:
        return None
    match destination.provider_type:
        case ProviderType.BEDROCK:
            found = _BEDROCK_HOST.fullmatch(host)
            return found["region"] if found else host
        case ProviderType.OPENAI:
            found = _OPENAI_HOST.fullmatch(host)
            return found["region"] or _GLOBAL if found else host
        case ProviderType.ANTHROPIC:
            return _GLOBAL if host == _ANTHROPIC_HOST else host


def _places_of_model(text: str) -> Iterator[str | None]:
    try:
        model = bedrock_model(text)
    except ModelIdError:
        yield None
        return
    if model.kind is ModelKind.APPLICATION_PROFILE:
        yield None
    if model.geography is not None:
        yield model.geography
    if model.region is not None:
        yield model.region


def _is_named(place: str, named: Collection[str]) -> bool:
    if place in named:
        return True
    if _GLOBAL in named and (place in _WITHIN or _AWS_REGION.fullmatch(place)):
        return True
    return any(
        fnmatchcase(place, pattern)
        for geography in named
        for pattern in _WITHIN.get(geography, ())
    )
