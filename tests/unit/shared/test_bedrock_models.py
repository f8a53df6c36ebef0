"""Every form of model id that AWS documents, and what is not one."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.bedrock_models import (
    GEOGRAPHIES,
    ModelIdError,
    ModelKind,
    bedrock_model,
)

SONNET = "anthropic.claude-3-5-sonnet-20241022-v2:0"
ACCOUNT = "arn:aws:bedrock:us-east-1:123456789012"


@pytest.mark.parametrize(
    "text",
    [
        # The seed's table, and forms that came later.
        SONNET,
        "anthropic.claude-3-sonnet-20240229-v1:0",
        "anthropic.claude-3-haiku-20240307-v1:0",
        "meta.llama3-70b-instruct-v1:0",
        "mistral.mistral-large-2407-v1:0",
        "mistral.mixtral-8x7b-instruct-v0:1",
        "amazon.titan-text-express-v1",
        "cohere.command-r-plus-v1:0",
        "anthropic.claude-3-sonnet-20240229-v1:0:200k",
        "anthropic.claude-opus-5-5",
        "deepseek.v3.1",
        "openai.gpt-oss-120b-1:0",
    ],
)
def test_a_foundation_model_is_known_by_its_vendor_and_name(text: str) -> None:
    model = bedrock_model(text)

    assert (model.kind, model.foundation_id) == (ModelKind.FOUNDATION, text)
    assert (model.geography, model.region, model.account) == (None, None, None)


@pytest.mark.parametrize("geography", GEOGRAPHIES)
def test_an_inference_profile_is_a_geography_before_a_model(geography: str) -> None:
    model = bedrock_model(f"{geography}.{SONNET}")

    assert model.kind is ModelKind.SYSTEM_PROFILE
    assert (model.geography, model.foundation_id) == (geography, SONNET)


@pytest.mark.parametrize(
    ("text", "kind", "foundation_id", "geography"),
    [
        (
            f"arn:aws:bedrock:us-east-1::foundation-model/{SONNET}",
            ModelKind.FOUNDATION,
            SONNET,
            None,
        ),
        (
            f"{ACCOUNT}:inference-profile/eu.{SONNET}",
            ModelKind.SYSTEM_PROFILE,
            SONNET,
            "eu",
        ),
        (
            f"{ACCOUNT}:application-inference-profile/a1b2c3d4e5f6",
            ModelKind.APPLICATION_PROFILE,
            None,
            None,
        ),
        (
            f"{ACCOUNT}:provisioned-model/a1b2c3d4e5f6",
            ModelKind.PROVISIONED,
            None,
            None,
        ),
        (
            f"{ACCOUNT}:custom-model/amazon.titan-text-express-v1/a1b2c3d4e5f6",
            ModelKind.CUSTOM,
            None,
            None,
        ),
        (
            f"{ACCOUNT}:custom-model-deployment/a1b2c3d4e5f6",
            ModelKind.DEPLOYMENT,
            None,
            None,
        ),
        (f"{ACCOUNT}:imported-model/a1b2c3d4e5f6", ModelKind.IMPORTED, None, None),
        (
            "arn:aws:sagemaker:us-east-1:123456789012:endpoint/my-endpoint",
            ModelKind.MARKETPLACE,
            None,
            None,
        ),
    ],
)
def test_an_arn_tells_its_kind_and_region(
    text: str, kind: ModelKind, foundation_id: str | None, geography: str | None
) -> None:
    model = bedrock_model(text)

    assert (model.kind, model.foundation_id) == (kind, foundation_id)
    assert model.geography == geography
    assert (model.partition, model.region) == ("aws", "us-east-1")
    is_public = kind is ModelKind.FOUNDATION
    assert model.account == (None if is_public else "123456789012")


def test_an_arn_may_be_of_another_partition() -> None:
    model = bedrock_model(
        f"arn:aws-us-gov:bedrock:us-gov-west-1::foundation-model/{SONNET}"
    )

    assert (model.partition, model.region) == ("aws-us-gov", "us-gov-west-1")


@pytest.mark.parametrize(
    "text",
    [
        "",
        "gpt-4o",
        "claude-3-5-sonnet",
        "Anthropic.claude-3-sonnet",
        f" {SONNET}",
        f"{SONNET}:1:2:3",
        "us.claude",
        "us.",
        "arn:aws:bedrock",
        f"arn:aws:bedrock:us-east-1:123456789012:foundation-model/{SONNET}",
        "arn:aws:bedrock:us-east-1::provisioned-model/a1b2c3d4e5f6",
        "arn:aws:bedrock:us-east-1::foundation-model/gpt",
        f"{ACCOUNT}:inference-profile/{SONNET}",
        f"{ACCOUNT}:provisioned-model/short",
        f"{ACCOUNT}:imported-model/a1b2c3d4e5f6/x",
        f"{ACCOUNT}:guardrail/a1b2c3d4e5f6",
        f"{ACCOUNT}:prompt/ABCDEFGHIJ",
        f"{ACCOUNT}:default-prompt-router/anthropic.claude:1",
        f"{ACCOUNT}:endpoint/my-endpoint",
        "arn:aws:sagemaker:us-east-1:123456789012:provisioned-model/a1b2c3d4e5f6",
        "arn:aws:s3:::bucket/key",
    ],
)
def test_what_is_no_model_is_refused(text: str) -> None:
    with pytest.raises(ModelIdError):
        bedrock_model(text)


@given(st.text(max_size=80))
def test_any_text_is_a_model_or_refused_and_a_model_keeps_its_text(text: str) -> None:
    try:
        model = bedrock_model(text)
    except ModelIdError:
        return

    assert model.text == text
    assert model.text.isascii()
    assert not any(each.isspace() for each in model.text)
