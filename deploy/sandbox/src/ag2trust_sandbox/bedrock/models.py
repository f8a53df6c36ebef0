"""The foundation models of a region: the control plane's list, and one of it.

Shapes: the service model of `bedrock` in botocore.
"""

from pydantic import JsonValue

from ag2trust_sandbox.catalogue import MODELS, OWNER
from ag2trust_sandbox.reply import Reply
from ag2trust_sandbox.script import Step
from ag2trust_sandbox.stamp import Stamp

from .wire import BEDROCK

__all__ = ["model_reply", "models_reply"]


def models_reply(region: str, step: Step, stamp: Stamp) -> Reply:
    summaries: list[JsonValue] = [_summary(name, region) for name in MODELS]
    return BEDROCK.object_reply(step, stamp, {"modelSummaries": summaries})


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
