"""What the control plane of a region lists: foundation models, inference profiles.

Shapes: the service model of `bedrock` in botocore.
"""

from typing import Annotated, Final

from pydantic import BaseModel, ConfigDict, Field, JsonValue
from pydantic.alias_generators import to_camel

from ag2trust_sandbox.catalogue import MODELS, OWNER
from ag2trust_sandbox.reply import Reply
from ag2trust_sandbox.script import Step
from ag2trust_sandbox.stamp import Stamp

from .wire import BEDROCK

__all__ = ["ProfilesPage", "model_reply", "models_reply", "profiles_reply"]

_DEFAULT_LIMIT: Final = 1000
_SECOND_REGION: Final = "us-west-2"


class ProfilesPage(BaseModel):
    """Which part of the profiles is asked for; the token is where it begins."""

    model_config = ConfigDict(frozen=True, extra="ignore", alias_generator=to_camel)

    max_results: Annotated[int, Field(ge=1, le=1000)] = _DEFAULT_LIMIT
    next_token: Annotated[int, Field(ge=0)] = 0


def models_reply(region: str, step: Step, stamp: Stamp) -> Reply:
    summaries: list[JsonValue] = [_summary(name, region) for name in MODELS]
    return BEDROCK.object_reply(step, stamp, {"modelSummaries": summaries})


def profiles_reply(region: str, page: ProfilesPage, step: Step, stamp: Stamp) -> Reply:
    """List a profile of each model, which leads to the region and to another one."""
    end = page.next_token + page.max_results
    names = list(MODELS)[page.next_token : end]
    body: dict[str, JsonValue] = {
        "inferenceProfileSummaries": [_profile(name, region) for name in names]
    }
    if end < len(MODELS):
        body["nextToken"] = str(end)
    return BEDROCK.object_reply(step, stamp, body)


def model_reply(name: str, region: str, step: Step, stamp: Stamp) -> Reply:
    body: dict[str, JsonValue] = {"modelDetails": _summary(name, region)}
    return BEDROCK.object_reply(step, stamp, body)


def _summary(name: str, region: str) -> JsonValue:
    return {
        "modelArn": f"arn:aws:bedrock:{region}::foundation-model/{name}",
        "modelId": name,
        "modelName": name,
        "providerName": OWNER,
        "inputModalities": ["TEXT"],
        "outputModalities": ["TEXT"],
        "responseStreamingSupported": True,
        "customizationsSupported": [],
        "inferenceTypesSupported": ["ON_DEMAND"],
        "modelLifecycle": {"status": "ACTIVE"},
    }


def _profile(name: str, region: str) -> JsonValue:
    profile = f"us.{name}"
    return {
        "inferenceProfileId": profile,
        "inferenceProfileName": f"US {name}",
        "inferenceProfileArn": (
            f"arn:aws:bedrock:{region}:123456789012:inference-profile/{profile}"
        ),
        "models": [
            {"modelArn": f"arn:aws:bedrock:{each}::foundation-model/{name}"}
            for each in (region, _SECOND_REGION)
        ],
        "status": "ACTIVE",
        "type": "SYSTEM_DEFINED",
    }
