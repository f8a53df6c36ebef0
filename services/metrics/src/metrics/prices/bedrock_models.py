"""Which model a Bedrock model id names.

A foundation model's id, a system inference profile's (a geography, a dot, such an id),
or an ARN of either names one. Application profiles, provisioned, custom and imported
models, prompts and routers are opaque: what they run is known to AWS alone.
Source: the `modelId` pattern of `bedrock-runtime`, API version 2023-09-30.
"""

import re

__all__ = ["model_named_by", "without_geography"]

_ARN = re.compile(r"arn:[^:]+:bedrock:[^:]*:[^:]*:(?P<kind>[a-z-]+)/(?P<name>[^/]+)")
_NAMING_KINDS = frozenset({"foundation-model", "inference-profile"})
_GEOGRAPHY = re.compile(r"(?:us|eu|apac|au|jp|in|ca|us-gov)\.(?P<name>.+)")


def model_named_by(model_id: str) -> str | None:
    """Return the model's id, its geography kept; None for what names no model."""
    if not model_id.startswith("arn:"):
        return model_id
    arn = _ARN.fullmatch(model_id)
    if arn is None or arn["kind"] not in _NAMING_KINDS:
        return None
    return arn["name"]


def without_geography(model: str) -> str | None:
    """Return the model that a geography's profile leads to; None if *model* is none.

    `global.` is none: its prices are not those of a region.
    """
    profile = _GEOGRAPHY.fullmatch(model)
    return profile["name"] if profile else None
