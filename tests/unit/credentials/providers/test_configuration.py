from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest

from credentials.providers.configuration import (
    Configuration,
    configuration_of,
    own_base_url,
    patched,
    sealed_origin,
    submitted,
)
from shared.contracts.credentials import (
    CredentialState,
    Provider,
    ProviderLimits,
    ProviderPatch,
    ProviderStatus,
    ProviderSubmission,
    ProviderType,
)
from shared.errors import BaseUrlForbiddenError, InvalidError

NOON = datetime(2026, 1, 1, 12, tzinfo=UTC)
PROVIDER = Provider(
    id=UUID(int=1),
    name="Main",
    type=ProviderType.OPENAI,
    use_case="support",
    labels={"team": "one"},
    base_url="https://gateway.example/v1",
    limits=ProviderLimits(requests_per_minute=60),
    enabled=True,
    status=ProviderStatus.READY,
    credential=CredentialState(version=1),
    version=1,
    created_at=NOON,
    updated_at=NOON,
)
CURRENT = configuration_of(PROVIDER)
EAST = "https://bedrock-runtime.us-east-1.amazonaws.com"
BEDROCK = PROVIDER.model_copy(
    update={
        "type": ProviderType.BEDROCK,
        "base_url": EAST,
        "aws_region": "us-east-1",
        "credential": CredentialState(version=1, expires_at=NOON + timedelta(hours=1)),
    }
)
ROLE = "arn:aws:iam::123456789012:role/path/bedrock"


def _submitted(**fields: Any) -> Configuration:
    submission = ProviderSubmission.model_validate(
        {"name": "Main", "type": "openai", "api_key": "sk-one", **fields}
    )
    return submitted(submission, allow_private=False, now=NOON)


def _patched(provider: Provider = PROVIDER, /, **fields: Any) -> Configuration:
    patch = ProviderPatch.model_validate(fields)
    return patched(provider, patch, allow_private=False, now=NOON)


@pytest.mark.parametrize(
    ("fields", "base_url"),
    [
        ({"type": "openai"}, "https://api.openai.com/v1"),
        ({"type": "anthropic"}, "https://api.anthropic.com"),
        ({"type": "bedrock", "aws_region": "us-east-1"}, EAST),
        ({"type": "bedrock"}, None),
    ],
)
def test_a_provider_without_base_url_has_its_types_own(
    fields: dict[str, str], base_url: str | None
) -> None:
    assert _submitted(**fields).base_url == base_url


def test_a_base_url_is_kept_in_its_one_spelling() -> None:
    assert _submitted(base_url="https://GW.example/v1/").base_url == (
        "https://gw.example/v1"
    )


def test_an_empty_use_case_is_none() -> None:
    assert _submitted(use_case=" ").use_case is None


def test_a_private_base_url_is_refused_in_a_submission_and_a_patch() -> None:
    with pytest.raises(BaseUrlForbiddenError):
        _submitted(base_url="https://127.0.0.1/v1")
    with pytest.raises(BaseUrlForbiddenError):
        _patched(base_url="https://127.0.0.1/v1")


def test_an_empty_patch_changes_nothing() -> None:
    assert _patched() == CURRENT


@pytest.mark.parametrize(
    ("field", "given", "becomes"),
    [
        ("name", "Second", "Second"),
        ("use_case", None, None),
        ("use_case", "", None),
        ("use_case", "sales", "sales"),
        ("labels", {}, {}),
        ("base_url", "https://GW.example/", "https://gw.example"),
        ("base_url", None, "https://api.openai.com/v1"),
        ("limits", {"concurrent": 2}, ProviderLimits(concurrent=2)),
        ("enabled", False, False),
    ],
)
def test_a_patch_changes_what_it_names_alone(
    field: str, given: object, becomes: object
) -> None:
    changed = _patched(**{field: given})

    assert getattr(changed, field) == becomes
    assert CURRENT.differences(changed) == [field]


def test_a_new_secret_is_no_part_of_the_configuration() -> None:
    assert _patched(api_key="sk-two") == CURRENT


@pytest.mark.parametrize(
    "base_url", ["https://gw.example/v1", "https://gw.example/v1/"]
)
def test_an_anthropic_base_url_is_without_v1(base_url: str) -> None:
    with pytest.raises(InvalidError, match="v1"):
        _submitted(type="anthropic", base_url=base_url)


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("aws_region", "us-east-9"),
        ("aws_role_arn", "arn:aws:iam::123:role/x-of-too-few-digits"),
        ("aws_role_arn", "arn:aws:iam::123456789012:user/someone"),
        ("aws_session_expires_at", NOON),
    ],
)
def test_what_aws_does_not_have_is_refused(field: str, value: object) -> None:
    with pytest.raises(InvalidError) as raised:
        _submitted(type="bedrock", **{field: value})
    with pytest.raises(InvalidError):
        _patched(BEDROCK, **{field: value})

    assert field in raised.value.message


def test_fields_of_bedrock_are_refused_for_another_type_which_is_named() -> None:
    with pytest.raises(InvalidError, match="type openai") as raised:
        _patched(aws_region="us-east-1", aws_session_token="t", aws_role_arn=None)

    assert raised.value.details["fields"] == [
        {
            "field": name,
            "message": "belongs to bedrock providers; this one is of type openai",
        }
        for name in ("aws_region", "aws_session_token")
    ]


def test_the_own_address_goes_with_the_region() -> None:
    changed = _patched(BEDROCK, aws_region="eu-central-1")

    assert changed.base_url == ("https://bedrock-runtime.eu-central-1.amazonaws.com")


def test_an_endpoint_of_ones_own_stays_when_the_region_changes() -> None:
    endpoint = "https://vpce-1.bedrock-runtime.us-east-1.vpce.amazonaws.com"
    provider = BEDROCK.model_copy(update={"base_url": endpoint})

    assert _patched(provider, aws_region="eu-central-1").base_url == endpoint
    assert _patched(provider, base_url=None).base_url == EAST


def test_an_address_comes_with_the_region_of_an_incomplete_provider() -> None:
    provider = BEDROCK.model_copy(update={"base_url": None, "aws_region": None})

    assert _patched(provider, aws_region="us-east-1").base_url == EAST
    assert _patched(provider, name="Second").base_url is None


@pytest.mark.parametrize(
    ("fields", "expires_at"),
    [
        ({"name": "Second"}, NOON + timedelta(hours=1)),
        ({"aws_session_token": "new"}, None),
        ({"aws_access_key_id": None}, None),
        (
            {
                "aws_session_token": "new",
                "aws_session_expires_at": NOON + timedelta(hours=2),
            },
            NOON + timedelta(hours=2),
        ),
        ({"aws_session_expires_at": None}, None),
    ],
)
def test_a_new_session_does_not_end_when_the_old_one_did(
    fields: dict[str, Any], expires_at: datetime | None
) -> None:
    assert _patched(BEDROCK, **fields).aws_session_expires_at == expires_at


def test_a_role_is_part_of_the_configuration() -> None:
    changed = _patched(BEDROCK, aws_role_arn=f" {ROLE} ")

    assert configuration_of(BEDROCK).differences(changed) == ["aws_role_arn"]
    assert changed.aws_role_arn == ROLE


def test_secrets_are_bound_to_the_origin_or_to_none() -> None:
    assert sealed_origin(EAST + "/path") == EAST
    assert sealed_origin(None) == "none"
    assert own_base_url(ProviderType.BEDROCK, None) is None
