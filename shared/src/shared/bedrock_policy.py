"""The IAM policy that lets its bearer ask some Bedrock models, and nothing else.

An inference profile needs two kinds of resource: the profile, and the foundation models
in every region it may lead to, which are allowed through that profile alone. Streaming
is an action of its own; Converse has none. Source: AWS, "Prerequisites for inference
profiles" and "Actions, resources, and condition keys for Amazon Bedrock".
"""

from collections.abc import Collection, Iterable, Mapping
from typing import Any

from .bedrock_models import BedrockModel, ModelKind

__all__ = ["OPTIONAL_STATEMENT", "iam_policy"]

OPTIONAL_STATEMENT = "OptionalModelLists"
"""The statement without which agents work all the same: live model lists need it."""

_INVOKE = ["bedrock:InvokeModel", "bedrock:InvokeModelWithResponseStream"]
_LISTS = [
    "bedrock:ListFoundationModels",
    "bedrock:ListInferenceProfiles",
    "bedrock:GetInferenceProfile",
]
_BEARER = "bedrock:CallWithBearerToken"
_VERSION = "2012-10-17"

# The regions a geography's profiles may lead to; besides, each may lead to the region
# it is called in. Wider than today's lists, which AWS changes, and bounded by the
# profile. A global profile is asked for with no region at all.
_REGIONS_OF_GEOGRAPHY = {
    "apac": "ap-*",
    "au": "ap-southeast-*",
    "ca": "ca-*",
    "eu": "eu-*",
    "global": "",
    "in": "ap-south-*",
    "jp": "ap-northeast-*",
    "us": "us-*",
    "us-gov": "us-gov-*",
}


def iam_policy(
    models: Iterable[BedrockModel],
    *,
    region: str,
    account: str = "*",
    destinations: Mapping[str, Collection[str]] | None = None,
    is_bearer: bool = False,
) -> dict[str, Any]:
    """Make the policy document for *models* asked in *region*, as JSON goes.

    *account* is whose inference profiles are meant. *destinations* are the regions that
    a profile (by its id) leads to, where they are known from `GetInferenceProfile`. No
    models at all means every model of the region and its profiles. A bearer key needs
    one more action.
    """
    known = sorted({each.text: each for each in models}.values(), key=_text)
    place = _Place(region, account)
    plain = [_plain_arn(each, place) for each in known if not _is_profile(each)]
    profiles = [each for each in known if _is_profile(each)]
    statements = [
        *([_allow("Models", _INVOKE, sorted({*plain}))] if plain else []),
        *_profile_statements(profiles, place, destinations or {}),
        *([] if known else _every_model(place)),
        *([_allow("BearerKey", [_BEARER], ["*"])] if is_bearer else []),
        _allow(OPTIONAL_STATEMENT, _LISTS, ["*"]),
    ]
    return {"Version": _VERSION, "Statement": statements}


class _Place:
    """Where models are asked, and the ARNs of what is there."""

    def __init__(self, region: str, account: str) -> None:
        self.region = region
        self.account = account
        self._partition = "aws-us-gov" if region.startswith("us-gov-") else "aws"

    def model(self, foundation_id: str, region: str) -> str:
        return (
            f"arn:{self._partition}:bedrock:{region}::foundation-model/{foundation_id}"
        )

    def profile(self, profile_id: str) -> str:
        return (
            f"arn:{self._partition}:bedrock:{self.region}:{self.account}"
            f":inference-profile/{profile_id}"
        )


def _profile_statements(
    profiles: Iterable[BedrockModel],
    place: _Place,
    destinations: Mapping[str, Collection[str]],
) -> list[dict[str, Any]]:
    """Allow each profile, and its models through it alone."""
    statements: list[dict[str, Any]] = []
    for number, profile in enumerate(profiles, start=1):
        arn = _profile_arn(profile, place)
        through = _allow(
            f"ModelsThroughProfile{number}",
            _INVOKE,
            _models_behind(profile, place, destinations),
        )
        through["Condition"] = {"StringLike": {"bedrock:InferenceProfileArn": arn}}
        statements += [_allow(f"Profile{number}", _INVOKE, [arn]), through]
    return statements


def _models_behind(
    profile: BedrockModel, place: _Place, destinations: Mapping[str, Collection[str]]
) -> list[str]:
    """Name the foundation models that *profile* may lead to.

    Of an application profile the models are not told by its id.
    """
    foundation_id = profile.foundation_id or "*"
    regions = destinations.get(_profile_id(profile))
    if regions is None:
        regions = {
            place.region,
            _REGIONS_OF_GEOGRAPHY.get(profile.geography or "", "*"),
        }
    return sorted(place.model(foundation_id, each) for each in regions)


def _every_model(place: _Place) -> list[dict[str, Any]]:
    resources = [place.model("*", "*"), place.profile("*")]
    return [_allow("EveryModel", _INVOKE, resources)]


def _plain_arn(model: BedrockModel, place: _Place) -> str:
    """Return the one resource of a model that is no profile."""
    if model.region is None and model.foundation_id is not None:
        return place.model(model.foundation_id, place.region)
    return model.text


def _profile_arn(profile: BedrockModel, place: _Place) -> str:
    return place.profile(profile.text) if profile.region is None else profile.text


def _profile_id(profile: BedrockModel) -> str:
    return profile.text.rpartition("/")[2]


def _is_profile(model: BedrockModel) -> bool:
    return model.kind in {ModelKind.SYSTEM_PROFILE, ModelKind.APPLICATION_PROFILE}


def _text(model: BedrockModel) -> str:
    return model.text


def _allow(sid: str, actions: list[str], resources: list[str]) -> dict[str, Any]:
    return {"Sid": sid, "Effect": "Allow", "Action": actions, "Resource": resources}
