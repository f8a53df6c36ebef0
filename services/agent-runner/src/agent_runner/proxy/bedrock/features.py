"""What a call asks of Bedrock beyond a plain model call.

Sources: the service model bedrock-runtime/2023-09-30 of botocore 1.44; the user guide,
"Amazon Nova", for its invocations. Claude's own fields are Anthropic's.
"""

from collections.abc import Iterator, Mapping
from typing import Any

from agent_runner.proxy.anthropic import features as anthropic
from agent_runner.proxy.features import may_name, objects_in
from agent_runner.proxy.usage import object_at
from shared.contracts.agent_types import ProviderFeature

__all__ = ["features_of_conversation", "features_of_invocation"]

# What a tool was called with, and what it answered, is data of the conversation.
_DATA = ("input", "json")


def features_of_conversation(
    body: Mapping[str, Any], raw: bytes
) -> frozenset[ProviderFeature]:
    """Find them in *body*, which is *raw* taken apart."""
    of_the_model = object_at(body, "additionalModelRequestFields")
    return frozenset(_features(body, raw)) | anthropic.features_of(of_the_model, raw)


def features_of_invocation(
    body: Mapping[str, Any], raw: bytes
) -> frozenset[ProviderFeature]:
    return frozenset(_features(body, raw)) | anthropic.features_of(body, raw)


def _features(body: Mapping[str, Any], raw: bytes) -> Iterator[ProviderFeature]:
    tools = object_at(body, "toolConfig").get("tools")
    for tool in tools if isinstance(tools, list) else ():
        if isinstance(tool, dict) and tool.get("systemTool") is not None:
            yield ProviderFeature.HOSTED_TOOLS
    if may_name(raw, b"s3Location"):
        said = [body.get("system"), body.get("messages")]
        for each in objects_in(said, except_below=_DATA):
            if each.get("s3Location") is not None:
                yield ProviderFeature.STORED_OBJECTS
