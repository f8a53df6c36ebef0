"""What a process is told, for every type of provider and way to sign in."""

from typing import Any
from uuid import UUID

import pytest

from agent_runner.hosting.launching import delivered_secrets, environment_of
from agent_runner.runtimes.launch_frame import NAMES
from shared.contracts.agent_types import CredentialDelivery
from shared.contracts.credentials import LeasedCredential

HTTP = "http://10.1.2.1:8090"
HTTPS = "https://proxy.example"
TOKEN = "agent_token_1"
OURS = {"AG2TRUST_AGENT_URL": HTTP, "AG2TRUST_AGENT_TOKEN": TOKEN}
SEALED = {
    "OPENAI_API_KEY": TOKEN,
    "OPENAI_BASE_URL": f"{HTTP}/openai/v1",
    "ANTHROPIC_API_KEY": TOKEN,
    "ANTHROPIC_BASE_URL": f"{HTTP}/anthropic",
    "AWS_ACCESS_KEY_ID": TOKEN,
    "AWS_SECRET_ACCESS_KEY": TOKEN,
    "AWS_ENDPOINT_URL_BEDROCK_RUNTIME": f"{HTTP}/bedrock",
    "AWS_REGION": "us-east-1",
    "AWS_DEFAULT_REGION": "us-east-1",
}
PAIR = {"aws_access_key_id": "AKIA1", "aws_secret_access_key": "secret"}
SESSION = PAIR | {"aws_access_key_id": "ASIA1", "aws_session_token": "session"}


def _credential(type_: str, fields: dict[str, str], **more: Any) -> LeasedCredential:
    return LeasedCredential.model_validate(
        {
            "provider_id": UUID(int=1),
            "type": type_,
            "name": "Main",
            "use_case": None,
            "base_url": "https://provider.example",
            "aws_region": "us-east-1" if type_ == "bedrock" else None,
            "enabled": True,
            "version": 1,
            "fields": fields,
            **more,
        }
    )


def _told(
    credential: LeasedCredential,
    proxy_url: str = HTTP,
    delivery: CredentialDelivery = CredentialDelivery.ENVIRONMENT,
) -> dict[str, str]:
    return environment_of(
        credential, delivery=delivery, token=TOKEN, proxy_url=proxy_url
    )


def test_an_openai_agent_has_its_key_and_its_token_in_the_address() -> None:
    assert _told(_credential("openai", {"api_key": "sk-1"})) == OURS | SEALED | {
        "OPENAI_API_KEY": "sk-1",
        "OPENAI_BASE_URL": f"{HTTP}/a/{TOKEN}/openai/v1",
    }


def test_an_anthropic_agent_has_its_key_and_an_address_without_v1() -> None:
    assert _told(_credential("anthropic", {"api_key": "sk-ant-1"})) == (
        OURS
        | SEALED
        | {
            "ANTHROPIC_API_KEY": "sk-ant-1",
            "ANTHROPIC_BASE_URL": f"{HTTP}/a/{TOKEN}/anthropic",
        }
    )


def test_a_bedrock_agent_has_its_key_pair_and_the_region_twice() -> None:
    assert _told(_credential("bedrock", PAIR)) == (
        OURS
        | SEALED
        | {
            "AWS_ACCESS_KEY_ID": "AKIA1",
            "AWS_SECRET_ACCESS_KEY": "secret",
            "AWS_ENDPOINT_URL_BEDROCK_RUNTIME": f"{HTTP}/a/{TOKEN}/bedrock",
        }
    )


def test_the_region_is_the_providers_own() -> None:
    told = _told(_credential("bedrock", PAIR, aws_region="eu-central-1"))

    assert told["AWS_REGION"] == told["AWS_DEFAULT_REGION"] == "eu-central-1"


def test_a_temporary_key_goes_with_its_session_token() -> None:
    told = _told(_credential("bedrock", SESSION))

    assert told["AWS_ACCESS_KEY_ID"] == "ASIA1"
    assert told["AWS_SESSION_TOKEN"] == "session"


def test_a_bearer_key_is_told_over_https() -> None:
    told = _told(_credential("bedrock", {"api_key": "ABSK1"}), HTTPS)

    assert told["AWS_BEARER_TOKEN_BEDROCK"] == "ABSK1"
    assert told["AWS_ENDPOINT_URL_BEDROCK_RUNTIME"] == f"{HTTPS}/a/{TOKEN}/bedrock"
    assert "AWS_ACCESS_KEY_ID" not in told


@pytest.mark.parametrize(
    "credential",
    [
        _credential("bedrock", {"api_key": "ABSK1"}),
        _credential("bedrock", SESSION, is_assumed=True),
    ],
    ids=["bearer over http", "assumed role"],
)
def test_what_may_not_leave_is_stood_for_by_the_token(
    credential: LeasedCredential,
) -> None:
    told = _told(credential)

    assert told == OURS | SEALED
    assert delivered_secrets(credential, CredentialDelivery.ENVIRONMENT) == frozenset()


@pytest.mark.parametrize("proxy_url", [HTTP, HTTPS])
@pytest.mark.parametrize(
    ("credential", "variables"),
    [
        (_credential("openai", {"api_key": "sk-1"}), {"OPENAI_API_KEY"}),
        (_credential("anthropic", {"api_key": "sk-1"}), {"ANTHROPIC_API_KEY"}),
        (_credential("bedrock", PAIR), {"AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"}),
        (_credential("bedrock", {"api_key": "ABSK1"}), {"AWS_ACCESS_KEY_ID"}),
    ],
)
def test_under_sealed_delivery_the_token_stands_for_every_secret(
    credential: LeasedCredential, variables: set[str], proxy_url: str
) -> None:
    told = _told(credential, proxy_url, CredentialDelivery.SEALED)

    secrets = {each.get_secret_value() for each in credential.fields.values()}
    assert {told[name] for name in variables} == {TOKEN}
    assert not [value for value in told.values() if value in secrets]
    assert not [value for value in told.values() if f"/a/{TOKEN}" in value]
    assert delivered_secrets(credential, CredentialDelivery.SEALED) == frozenset()


@pytest.mark.parametrize(
    "credential",
    [
        _credential("openai", {"api_key": "sk-1"}),
        _credential("anthropic", {"api_key": "sk-1"}),
        _credential("bedrock", PAIR),
        _credential("bedrock", SESSION),
        _credential("bedrock", SESSION, is_assumed=True),
        _credential("bedrock", {"api_key": "ABSK1"}),
    ],
)
@pytest.mark.parametrize("proxy_url", [HTTP, HTTPS])
def test_every_variable_is_one_that_the_frame_takes(
    credential: LeasedCredential, proxy_url: str
) -> None:
    told = _told(credential, proxy_url)

    assert told.keys() <= NAMES
    assert all(told.values())


def test_calls_are_recognized_by_the_keys_that_were_given() -> None:
    given = delivered_secrets(
        _credential("bedrock", SESSION), CredentialDelivery.ENVIRONMENT
    )

    assert given == set(SESSION.values())
