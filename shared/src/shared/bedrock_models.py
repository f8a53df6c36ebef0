"""Bedrock model ids: which kind one is, and what it stands for, told by its form.

The service's own pattern of `modelId` (botocore, bedrock-runtime 2023-09-30) lets
almost anything through, so each kind is spelled out here. What hides the model from us
(prompts, prompt routers) is refused: neither residency nor price could be told.
"""

import re
from dataclasses import dataclass
from enum import StrEnum

__all__ = [
    "GEOGRAPHIES",
    "BedrockModel",
    "ModelIdError",
    "ModelKind",
    "bedrock_model",
    "vendor_of",
]

GEOGRAPHIES = ("apac", "au", "ca", "eu", "global", "in", "jp", "us", "us-gov")
"""The prefixes of system-defined inference profiles."""


class ModelKind(StrEnum):
    """What a model id names; the values are those of AWS's ARNs."""

    FOUNDATION = "foundation-model"
    SYSTEM_PROFILE = "inference-profile"
    APPLICATION_PROFILE = "application-inference-profile"
    PROVISIONED = "provisioned-model"
    CUSTOM = "custom-model"
    DEPLOYMENT = "custom-model-deployment"
    IMPORTED = "imported-model"
    MARKETPLACE = "endpoint"


class ModelIdError(ValueError):
    """Not a model id that Bedrock's runtime takes; the message is for people."""


@dataclass(frozen=True, slots=True)
class BedrockModel:
    """A model id, taken apart.

    *foundation_id* is the model behind it, None where the id does not tell.
    *geography* is set for system-defined profiles. *partition*, *region* and *account*
    are those of an ARN, None where it has none.
    """

    text: str
    kind: ModelKind
    foundation_id: str | None = None
    geography: str | None = None
    partition: str | None = None
    region: str | None = None
    account: str | None = None


_FOUNDATION_ID = re.compile(
    r"[a-z0-9-]{1,63}\.[a-z0-9-]{1,63}(\.[a-z0-9-]{1,63})?(:[a-z0-9-]{1,63}){0,2}"
)
_PROFILE_ID = re.compile(rf"({'|'.join(GEOGRAPHIES)})\.(.+)")
_ARN = re.compile(
    r"arn:(?P<partition>aws(-[a-z]+)*):(?P<service>bedrock|sagemaker):"
    r"(?P<region>[a-z0-9-]{1,20}):(?P<account>[0-9]{12})?:"
    r"(?P<resource>[a-z-]+)/(?P<id>.+)"
)
_NAME = re.compile(r"[a-zA-Z0-9][a-zA-Z0-9:.-]{0,255}")
_TWELVE = r"[a-z0-9]{12}"
_IDS = {
    ModelKind.APPLICATION_PROFILE: _NAME,
    ModelKind.PROVISIONED: re.compile(_TWELVE),
    ModelKind.CUSTOM: re.compile(rf"{_FOUNDATION_ID.pattern}/{_TWELVE}"),
    ModelKind.DEPLOYMENT: re.compile(_TWELVE),
    ModelKind.IMPORTED: re.compile(_TWELVE),
    ModelKind.MARKETPLACE: re.compile(r"[a-zA-Z0-9][a-zA-Z0-9-]{0,62}"),
}
_HIDING = {
    "prompt": "names a prompt, which hides its model; name the model itself",
    "prompt-router": "names a prompt router, which picks a model; name one itself",
    "default-prompt-router": "names a prompt router, which picks a model; name one",
}


def bedrock_model(text: str) -> BedrockModel:
    """Take a model id apart. Raises `ModelIdError`."""
    if text.startswith("arn:"):
        return _by_arn(text)
    if profile := _PROFILE_ID.fullmatch(text):
        return BedrockModel(
            text,
            ModelKind.SYSTEM_PROFILE,
            foundation_id=_foundation_id(profile[2]),
            geography=profile[1],
        )
    return BedrockModel(text, ModelKind.FOUNDATION, foundation_id=_foundation_id(text))


def vendor_of(text: str) -> str | None:
    """Say whose model it is, as `anthropic`; None where the id does not tell."""
    try:
        foundation_id = bedrock_model(text).foundation_id
    except ModelIdError:
        return None
    return foundation_id.partition(".")[0] if foundation_id else None


def _foundation_id(text: str) -> str:
    if not _FOUNDATION_ID.fullmatch(text):
        raise ModelIdError(
            "is no Bedrock model id; one looks like "
            "anthropic.claude-3-5-sonnet-20241022-v2:0, us.anthropic.… (an inference "
            "profile) or arn:aws:bedrock:…"
        )
    return text


def _by_arn(text: str) -> BedrockModel:
    arn = _ARN.fullmatch(text)
    if arn is None:
        raise ModelIdError("is no ARN of a Bedrock model")
    if problem := _HIDING.get(arn["resource"]):
        raise ModelIdError(problem)
    kind = _kind(arn["service"], arn["resource"])
    if (arn["account"] is None) != (kind is ModelKind.FOUNDATION):
        raise ModelIdError("is an ARN whose account does not fit what it names")
    foundation_id, geography = _behind(kind, arn["id"])
    return BedrockModel(
        text,
        kind,
        foundation_id=foundation_id,
        geography=geography,
        partition=arn["partition"],
        region=arn["region"],
        account=arn["account"],
    )


def _kind(service: str, resource: str) -> ModelKind:
    """Only marketplace models are SageMaker's: they run on its endpoints."""
    try:
        kind = ModelKind(resource)
    except ValueError:
        raise ModelIdError("is an ARN of something that is no model") from None
    if (service == "sagemaker") != (kind is ModelKind.MARKETPLACE):
        raise ModelIdError("is an ARN of something that is no model")
    return kind


def _behind(kind: ModelKind, name: str) -> tuple[str | None, str | None]:
    """Return the foundation model behind an ARN's *name*, and its geography."""
    if kind is ModelKind.FOUNDATION:
        return _foundation_id(name), None
    if kind is ModelKind.SYSTEM_PROFILE:
        profile = _PROFILE_ID.fullmatch(name)
        if profile is None:
            raise ModelIdError("is an ARN of no known inference profile")
        return _foundation_id(profile[2]), profile[1]
    if not _IDS[kind].fullmatch(name):
        raise ModelIdError(f"is no ARN of a {kind}")
    return None, None
