"""What a provider's answers say: that it works, and which models it lists. Pure.

A list is another party's: what in it is no model is left out, and what is no list at
all is not understood.
"""

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from pydantic import AwareDatetime, TypeAdapter, ValidationError

from shared.contracts.credentials import ProviderType
from shared.contracts.probes import LiveModel

__all__ = [
    "ModelPage",
    "NotUnderstoodError",
    "models_in",
    "profiles_in",
    "require_answer",
]

_ANSWER_MEMBERS = {
    ProviderType.OPENAI: "choices",
    ProviderType.ANTHROPIC: "content",
    ProviderType.BEDROCK: "output",
}
_TIME = TypeAdapter(AwareDatetime)
_LONGEST_TEXT = 300
_ON_DEMAND = "ON_DEMAND"


class NotUnderstoodError(Exception):
    """The answer is not in the provider's format."""


@dataclass(frozen=True, slots=True)
class ModelPage:
    """Some of the models; *after* is where the next page begins, None if none does."""

    models: list[LiveModel]
    after: str | None = None


def require_answer(provider_type: ProviderType, body: bytes) -> None:
    """Raise `NotUnderstoodError` unless *body* is what a model was asked for."""
    if _ANSWER_MEMBERS[provider_type] not in _object(body):
        raise NotUnderstoodError


def models_in(provider_type: ProviderType, body: bytes) -> ModelPage:
    """Read a list of models. Raises `NotUnderstoodError`."""
    fields = _object(body)
    match provider_type:
        case ProviderType.OPENAI:
            return ModelPage([_openai(each) for each in _named(fields, "data")])
        case ProviderType.ANTHROPIC:
            models = [_anthropic(each) for each in _named(fields, "data")]
            has_more = fields.get("has_more") is True
            return ModelPage(models, _text(fields.get("last_id")) if has_more else None)
        case ProviderType.BEDROCK:
            found = _named(fields, "modelSummaries", by="modelId")
            return ModelPage([_foundation_model(each) for each in found])


def profiles_in(body: bytes) -> ModelPage:
    """Read a list of inference profiles. Raises `NotUnderstoodError`."""
    fields = _object(body)
    found = _named(fields, "inferenceProfileSummaries", by="inferenceProfileId")
    return ModelPage([_profile(each) for each in found], _text(fields.get("nextToken")))


def _openai(model: Mapping[str, Any]) -> LiveModel:
    created = model.get("created")
    return LiveModel(
        id=model["id"],
        owner=_text(model.get("owned_by")),
        created_at=_unix_time(created) if isinstance(created, int) else None,
    )


def _anthropic(model: Mapping[str, Any]) -> LiveModel:
    return LiveModel(
        id=model["id"],
        name=_text(model.get("display_name")),
        owner="Anthropic",
        created_at=_time(model.get("created_at")),
        status=_text(model.get("lifecycle")),
    )


def _foundation_model(model: Mapping[str, Any]) -> LiveModel:
    lifecycle = model.get("modelLifecycle")
    return LiveModel(
        id=model["modelId"],
        name=_text(model.get("modelName")),
        owner=_text(model.get("providerName")),
        status=_text(lifecycle.get("status")) if isinstance(lifecycle, dict) else None,
        input_modalities=_texts(model.get("inputModalities")),
        output_modalities=_texts(model.get("outputModalities")),
        is_on_demand=_ON_DEMAND in _texts(model.get("inferenceTypesSupported")),
    )


def _profile(profile: Mapping[str, Any]) -> LiveModel:
    models = profile.get("models")
    arns = [
        _text(each.get("modelArn")) or ""
        for each in (models if isinstance(models, list) else [])
        if isinstance(each, dict)
    ]
    return LiveModel(
        id=profile["inferenceProfileId"],
        name=_text(profile.get("inferenceProfileName")),
        status=_text(profile.get("status")),
        is_on_demand=True,
        regions=sorted({region for arn in arns if (region := _region_in(arn))}),
    )


def _region_in(arn: str) -> str:
    """Read the region of `arn:aws:bedrock:<region>::foundation-model/…`."""
    return arn.split(":")[3] if arn.count(":") > 3 else ""  # noqa: PLR2004 - its place


def _named(
    fields: Mapping[str, Any], member: str, *, by: str = "id"
) -> Iterable[Mapping[str, Any]]:
    """List the objects of an array that say what they are called."""
    found = fields.get(member)
    if not isinstance(found, list):
        raise NotUnderstoodError
    return [each for each in found if isinstance(each, dict) and _text(each.get(by))]


def _object(body: bytes) -> Mapping[str, Any]:
    try:
        fields = json.loads(body)
    except (ValueError, RecursionError):
        raise NotUnderstoodError from None
    if not isinstance(fields, dict):
        raise NotUnderstoodError
    return fields


def _text(value: object) -> str | None:
    return value if isinstance(value, str) and 0 < len(value) <= _LONGEST_TEXT else None


def _texts(value: object) -> list[str]:
    found = value if isinstance(value, list) else []
    return [each for each in map(_text, found) if each]


def _time(value: object) -> datetime | None:
    try:
        return _TIME.validate_python(value)
    except ValidationError:
        return None


def _unix_time(seconds: int) -> datetime | None:
    try:
        return datetime.fromtimestamp(seconds, UTC)
    except (ValueError, OverflowError, OSError):
        return None
