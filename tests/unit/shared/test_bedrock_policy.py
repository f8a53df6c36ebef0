"""The policy lets through what agents need, and nothing beside it.

A small evaluator of IAM's rules says what a policy allows: wildcards in ARNs, and the
condition on the profile that a model is reached through.
"""

from collections.abc import Iterable
from fnmatch import fnmatchcase
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.bedrock_models import GEOGRAPHIES, bedrock_model
from shared.bedrock_policy import OPTIONAL_STATEMENT, iam_policy

OPUS = "anthropic.claude-opus-5-5"
LLAMA = "meta.llama3-70b-instruct-v1:0"
ACCOUNT = "111122223333"
EAST = "us-east-1"
INVOKE = ("bedrock:InvokeModel", "bedrock:InvokeModelWithResponseStream")


def _policy(*models: str, region: str = EAST, **more: Any) -> dict[str, Any]:
    given = {"account": ACCOUNT} | more
    return iam_policy([bedrock_model(each) for each in models], region=region, **given)


def _model(foundation_id: str, region: str = EAST) -> str:
    return f"arn:aws:bedrock:{region}::foundation-model/{foundation_id}"


def _profile(profile_id: str, region: str = EAST) -> str:
    return f"arn:aws:bedrock:{region}:{ACCOUNT}:inference-profile/{profile_id}"


def _allows(
    policy: dict[str, Any],
    resource: str,
    *,
    through: str | None = None,
    actions: Iterable[str] = INVOKE,
) -> bool:
    """Say whether all *actions* are allowed, reached *through* a profile if any."""
    return all(
        any(
            action in statement["Action"]
            and any(fnmatchcase(resource, each) for each in statement["Resource"])
            and _holds(statement.get("Condition"), through)
            for statement in policy["Statement"]
        )
        for action in actions
    )


def _holds(condition: Any, through: str | None) -> bool:
    if condition is None:
        return True
    wanted = condition["StringLike"]["bedrock:InferenceProfileArn"]
    return through is not None and fnmatchcase(through, wanted)


def test_a_foundation_model_is_allowed_in_its_region_alone() -> None:
    policy = _policy(LLAMA)

    assert _allows(policy, _model(LLAMA))
    assert not _allows(policy, _model(LLAMA, "eu-west-1"))
    assert not _allows(policy, _model(OPUS))
    assert not _allows(policy, _profile(f"us.{LLAMA}"))


def test_a_profile_is_allowed_with_its_models_in_every_destination() -> None:
    regions = ["us-east-1", "us-east-2", "us-west-2"]
    policy = _policy(f"us.{OPUS}", destinations={f"us.{OPUS}": regions})

    arn = _profile(f"us.{OPUS}")
    assert _allows(policy, arn)
    assert all(_allows(policy, _model(OPUS, each), through=arn) for each in regions)
    assert not _allows(policy, _model(OPUS, "us-west-1"), through=arn)
    assert policy["Statement"][:2] == [
        {
            "Sid": "Profile1",
            "Effect": "Allow",
            "Action": [*INVOKE],
            "Resource": [arn],
        },
        {
            "Sid": "ModelsThroughProfile1",
            "Effect": "Allow",
            "Action": [*INVOKE],
            "Resource": [_model(OPUS, each) for each in regions],
            "Condition": {"StringLike": {"bedrock:InferenceProfileArn": arn}},
        },
    ]


def test_a_model_behind_a_profile_is_not_allowed_around_it() -> None:
    policy = _policy(f"us.{OPUS}")

    assert not _allows(policy, _model(OPUS))
    assert not _allows(policy, _model(OPUS), through=_profile(f"us.{LLAMA}"))


@pytest.mark.parametrize(
    ("geography", "region", "within", "without"),
    [
        ("us", "us-east-1", ["us-east-1", "us-west-2"], ["eu-west-1", "ap-south-1"]),
        ("us", "ca-central-1", ["ca-central-1", "us-east-2"], ["eu-west-1"]),
        ("eu", "eu-west-1", ["eu-central-1", "eu-south-2"], ["us-east-1"]),
        ("apac", "ap-south-1", ["ap-northeast-1"], ["eu-west-1"]),
        ("jp", "ap-northeast-1", ["ap-northeast-3"], ["ap-south-1"]),
        ("au", "ap-southeast-2", ["ap-southeast-4"], ["ap-northeast-1"]),
        ("global", "us-east-1", ["us-east-1", ""], ["eu-west-1"]),
    ],
)
def test_unknown_destinations_are_those_of_the_geography(
    geography: str, region: str, within: list[str], without: list[str]
) -> None:
    policy = _policy(f"{geography}.{OPUS}", region=region)

    arn = _profile(f"{geography}.{OPUS}", region)
    assert all(_allows(policy, _model(OPUS, each), through=arn) for each in within)
    assert not any(_allows(policy, _model(OPUS, each), through=arn) for each in without)


def test_another_partition_has_other_arns() -> None:
    policy = _policy(f"us-gov.{OPUS}", LLAMA, region="us-gov-west-1")

    resources = [each for one in policy["Statement"][:-1] for each in one["Resource"]]
    assert all(each.startswith("arn:aws-us-gov:bedrock:us-gov") for each in resources)


@pytest.mark.parametrize(
    "arn",
    [
        _model(LLAMA),
        f"arn:aws:bedrock:us-east-1:{ACCOUNT}:provisioned-model/a1b2c3d4e5f6",
        f"arn:aws:bedrock:us-east-1:{ACCOUNT}:imported-model/a1b2c3d4e5f6",
        f"arn:aws:sagemaker:us-east-1:{ACCOUNT}:endpoint/my-endpoint",
    ],
)
def test_a_model_named_by_its_arn_is_that_resource(arn: str) -> None:
    assert _policy(arn)["Statement"][0]["Resource"] == [arn]


def test_an_application_profile_lets_its_unknown_models_through_it_alone() -> None:
    arn = f"arn:aws:bedrock:us-east-1:{ACCOUNT}:application-inference-profile/a1b2c3"

    policy = _policy(arn)

    assert _allows(policy, arn)
    assert _allows(policy, _model(OPUS, "us-west-2"), through=arn)
    assert not _allows(policy, _model(OPUS))


def test_an_account_that_is_not_known_is_any() -> None:
    policy = iam_policy([bedrock_model(f"us.{OPUS}")], region=EAST)

    assert _allows(policy, _profile(f"us.{OPUS}"))
    assert not _allows(policy, _profile(f"eu.{OPUS}"))


def test_lists_are_apart_and_can_be_left_out() -> None:
    policy = _policy(LLAMA)

    [lists] = [
        each for each in policy["Statement"] if each["Sid"] == OPTIONAL_STATEMENT
    ]
    assert "bedrock:ListFoundationModels" in lists["Action"]
    assert not {*INVOKE} & {*lists["Action"]}


def test_a_bearer_key_may_be_called_with() -> None:
    action = ["bedrock:CallWithBearerToken"]

    assert _allows(_policy(LLAMA, is_bearer=True), "*", actions=action)
    assert not _allows(_policy(LLAMA), "*", actions=action)


def test_no_models_are_every_model() -> None:
    policy = _policy()

    assert _allows(policy, _model(OPUS, "eu-west-1"))
    assert _allows(policy, _profile(f"us.{OPUS}"))
    assert not _allows(policy, _model(OPUS), actions=["bedrock:CreateGuardrail"])


@given(
    models=st.lists(
        st.builds(
            lambda geography, name: f"{geography}{name}",
            st.sampled_from(["", *(f"{each}." for each in GEOGRAPHIES)]),
            st.sampled_from([OPUS, LLAMA]),
        ),
        max_size=8,
    )
)
def test_any_set_of_models_is_allowed_under_distinct_names(models: list[str]) -> None:
    policy = _policy(*models)

    sids = [each["Sid"] for each in policy["Statement"]]
    assert len(sids) == len({*sids})
    assert policy == _policy(*reversed(models))
    for model in models:
        geography, _, name = model.partition(".")
        if geography in GEOGRAPHIES:
            assert _allows(policy, _profile(model))
            assert _allows(policy, _model(name), through=_profile(model))
        else:
            assert _allows(policy, _model(model))
