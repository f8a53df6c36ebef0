"""Where data may go: provider types, hosts, regions and inference profiles."""

import pytest

from agent_runner.residency import Destination, violation
from shared.contracts.credentials import ProviderType
from shared.contracts.routes import Residency

SONNET = "anthropic.claude-3-5-sonnet-20241022-v2:0"
RUNTIME = "https://bedrock-runtime.eu-central-1.amazonaws.com"
ARN = "arn:aws:bedrock:eu-central-1:123456789012"


def bedrock(
    model: str = SONNET, base_url: str | None = RUNTIME, region: str = "eu-central-1"
) -> Destination:
    return Destination(ProviderType.BEDROCK, base_url, region, model)


def openai(base_url: str) -> Destination:
    return Destination(ProviderType.OPENAI, base_url, None, "gpt-4o")


def within(*regions: str) -> Residency:
    return Residency(regions=list(regions))


def test_a_region_may_be_written_in_capitals() -> None:
    assert within("EU", " eu-Central-1 ").regions == ["eu", "eu-central-1"]


def test_without_a_residency_data_may_go_anywhere() -> None:
    assert violation(None, bedrock(f"global.{SONNET}")) is None


def test_only_named_provider_types_are_asked() -> None:
    only_bedrock = Residency(provider_types=[ProviderType.BEDROCK])

    assert violation(only_bedrock, bedrock(f"global.{SONNET}")) is None
    assert violation(only_bedrock, openai("https://api.openai.com/v1")) is not None


@pytest.mark.parametrize(
    ("destination", "regions"),
    [
        (bedrock(), ["eu-central-1"]),
        (bedrock(), ["eu"]),
        (bedrock(base_url=None), ["eu"]),
        (bedrock(f"eu.{SONNET}"), ["eu"]),
        (bedrock(f"{ARN}:inference-profile/eu.{SONNET}"), ["eu"]),
        (bedrock(f"global.{SONNET}"), ["eu", "global"]),
        (bedrock(f"eu.{SONNET}"), ["global"]),
        (
            bedrock(base_url=f"https://vpce-1-a.{RUNTIME[8:-14]}.vpce.amazonaws.com"),
            ["eu"],
        ),
        (bedrock(base_url="https://bedrock.intern"), ["eu", "bedrock.intern"]),
        (bedrock(f"jp.{SONNET}", None, "ap-northeast-1"), ["apac"]),
        (openai("https://eu.api.openai.com/v1"), ["eu"]),
        (openai("https://api.openai.com/v1"), ["global"]),
        (openai("https://llm.intern/v1"), ["llm.intern"]),
    ],
)
def test_data_may_go_where_they_stay_in_named_places(
    destination: Destination, regions: list[str]
) -> None:
    assert violation(within(*regions), destination) is None


@pytest.mark.parametrize(
    ("destination", "regions"),
    [
        (bedrock(), ["us"]),
        (bedrock(), ["eu-west-1"]),
        (bedrock(f"eu.{SONNET}"), ["eu-central-1"]),
        (bedrock(f"us.{SONNET}"), ["eu"]),
        (bedrock(f"global.{SONNET}"), ["eu"]),
        (bedrock(f"{ARN}:inference-profile/us.{SONNET}"), ["eu"]),
        (bedrock(f"{ARN}:application-inference-profile/abc123def456"), ["eu"]),
        (bedrock(f"arn:aws:bedrock:us-east-1::foundation-model/{SONNET}"), ["eu"]),
        (bedrock("gpt-4o"), ["eu"]),
        (bedrock(base_url=RUNTIME.replace("eu-central-1", "us-east-1")), ["eu"]),
        (bedrock(base_url=f"{RUNTIME}.example.org"), ["eu"]),
        (bedrock(base_url="https://bedrock.intern"), ["eu"]),
        (bedrock(base_url="https://bedrock.intern"), ["bedrock.intern"]),
        (bedrock(SONNET, None, "us-gov-west-1"), ["us"]),
        (openai("https://api.openai.com/v1"), ["eu"]),
        (openai("https://eu.api.openai.com.example.org/v1"), ["eu"]),
        (openai("https://eu.api.openai.com@example.org/v1"), ["eu"]),
        (openai("https://llm.intern/v1"), ["global", "eu"]),
        (openai("https://example.org/llm.intern"), ["llm.intern"]),
    ],
)
def test_data_do_not_leave_them(destination: Destination, regions: list[str]) -> None:
    assert violation(within(*regions), destination) is not None
