"""What is asked of a provider to try it, and to list its models."""

from datetime import UTC, datetime

import pytest

from agent_runner.probes.requests import models_request, profiles_request, trial_call
from shared.contracts.credentials import LeasedCredential, ProviderType

from .leased import credential

NOW = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
KEY_PAIR = {"aws_access_key_id": "AKIDEXAMPLE", "aws_secret_access_key": "secret"}
US_RUNTIME = "https://bedrock-runtime.us-east-1.amazonaws.com"


def bedrock(base_url: str = US_RUNTIME, **secrets: str) -> LeasedCredential:
    return credential(ProviderType.BEDROCK, base_url, **(secrets or KEY_PAIR))


def _scope(headers: dict[str, str]) -> str:
    return headers["Authorization"].partition("Credential=")[2].partition(",")[0]


@pytest.mark.parametrize(
    ("runtime", "region", "control_plane"),
    [
        (US_RUNTIME, None, "https://bedrock.us-east-1.amazonaws.com"),
        (US_RUNTIME, "eu-west-1", "https://bedrock.eu-west-1.amazonaws.com"),
        (
            "https://bedrock-runtime-fips.us-east-1.amazonaws.com",
            None,
            "https://bedrock-fips.us-east-1.amazonaws.com",
        ),
        (
            "https://bedrock-runtime.cn-north-1.amazonaws.com.cn",
            "cn-northwest-1",
            "https://bedrock.cn-northwest-1.amazonaws.com.cn",
        ),
    ],
)
def test_models_are_listed_by_the_control_plane_of_the_region(
    runtime: str, region: str | None, control_plane: str
) -> None:
    leased = bedrock(runtime)

    request = models_request(leased, region=region, after=None, now=NOW)

    assert request.url == f"{control_plane}/foundation-models"
    assert f"/{region or 'us-east-1'}/bedrock/" in _scope(dict(request.headers))


@pytest.mark.parametrize(
    "endpoint",
    [
        "https://vpce-1.bedrock-runtime.us-east-1.vpce.amazonaws.com",
        "https://bedrock-runtime.us-east-1.amazonaws.com.evil.example",
        "https://bedrock-runtime.us-east-1.evil.example",
        "https://gateway.example/bedrock-runtime.us-east-1.amazonaws.com",
        "http://bedrock-runtime.us-east-1.amazonaws.com",
    ],
)
def test_a_key_goes_to_no_other_origin_than_that_of_a_custom_endpoint(
    endpoint: str,
) -> None:
    request = models_request(bedrock(endpoint), region="eu-west-1", after=None, now=NOW)

    assert request.url == f"{endpoint}/foundation-models"


def test_a_model_id_is_one_part_of_the_path() -> None:
    arn = "arn:aws:bedrock:us-east-1:123456789012:inference-profile/us.a.b-v1:0"

    request = trial_call(bedrock(), model=arn, now=NOW)

    assert request.url == (
        f"{US_RUNTIME}/model/arn%3Aaws%3Abedrock%3Aus-east-1%3A123456789012%3A"
        "inference-profile%2Fus.a.b-v1%3A0/converse"
    )


def test_a_bearer_key_is_shown_and_nothing_is_signed() -> None:
    leased = bedrock(US_RUNTIME, api_key="ABSK-1")

    for request in (
        trial_call(leased, model="a.b", now=NOW),
        models_request(leased, region=None, after=None, now=NOW),
    ):
        assert request.headers["Authorization"] == "Bearer ABSK-1"
        assert "X-Amz-Date" not in request.headers


def test_a_sessions_token_is_sent_and_signed() -> None:
    leased = bedrock(US_RUNTIME, **KEY_PAIR, aws_session_token="token")

    request = profiles_request(leased, region=None, after="next page", now=NOW)

    assert request.url.endswith(
        "/inference-profiles?type=SYSTEM_DEFINED&maxResults=1000&nextToken=next%20page"
    )
    assert request.headers["X-Amz-Security-Token"] == "token"
    assert "x-amz-security-token" in request.headers["Authorization"]


@pytest.mark.parametrize(
    ("provider_type", "model", "path"),
    [
        (ProviderType.OPENAI, None, "/models"),
        (ProviderType.OPENAI, "gpt-4o", "/chat/completions"),
        (ProviderType.ANTHROPIC, None, "/v1/models?limit=1000"),
        (ProviderType.ANTHROPIC, "claude", "/v1/messages"),
    ],
)
def test_without_a_model_a_list_is_read_and_with_one_a_few_tokens(
    provider_type: ProviderType, model: str | None, path: str
) -> None:
    leased = credential(provider_type, "https://host.example/base", api_key="sk-1")

    request = trial_call(leased, model=model, now=NOW)

    assert request.url == f"https://host.example/base{path}"
    assert (request.method == "GET") is (model is None)
    assert bool(request.body) is (model is not None)


def test_no_secret_is_in_the_repr_of_a_request() -> None:
    leased = credential(ProviderType.OPENAI, "https://h.example", api_key="sk-canary")

    assert "sk-canary" not in repr(trial_call(leased, model=None, now=NOW))
