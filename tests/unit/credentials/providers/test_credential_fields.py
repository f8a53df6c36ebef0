"""Which secrets make a credential, of every type and every way to sign in."""

from collections.abc import Mapping

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import SecretStr

from credentials.providers.credential_fields import (
    SECRETS,
    change_of,
    hint_of_all,
    incomplete,
    is_temporary,
    missing_fields,
    require_fitting,
    require_one_way,
    secrets_in,
)
from shared.contracts.credentials import (
    ProviderPatch,
    ProviderSubmission,
    ProviderType,
)
from shared.errors import InvalidError, ProviderIncompleteError

AKIA = "AKIAIOSFODNN7EXAMPLE"
ASIA = "ASIAIOSFODNN7EXAMPLE"
PAIR = {"aws_access_key_id", "aws_secret_access_key"}
ROLE = "arn:aws:iam::123456789012:role/bedrock"


def _secrets(**texts: str) -> Mapping[str, SecretStr]:
    return {name: SecretStr(text) for name, text in texts.items()}


def _missing(
    *names: str,
    type_: ProviderType = ProviderType.BEDROCK,
    region: str | None = "us-east-1",
    role: str | None = None,
    needs_token: bool = False,
    allow_ambient: bool = False,
) -> list[str]:
    return missing_fields(
        type_,
        {*names},
        aws_region=region,
        aws_role_arn=role,
        needs_token=needs_token,
        allow_ambient=allow_ambient,
    )


@pytest.mark.parametrize("type_", [ProviderType.OPENAI, ProviderType.ANTHROPIC])
def test_a_direct_provider_needs_its_key_alone(type_: ProviderType) -> None:
    assert _missing(type_=type_, region=None) == ["api_key"]
    assert _missing("api_key", type_=type_, region=None) == []


def test_bedrock_needs_a_key_pair_and_a_region() -> None:
    assert _missing(region=None) == [
        "aws_region",
        "aws_access_key_id",
        "aws_secret_access_key",
    ]
    assert _missing("aws_access_key_id") == ["aws_secret_access_key"]
    assert _missing(*PAIR, region=None) == ["aws_region"]
    assert _missing(*PAIR) == []


def test_a_temporary_key_needs_its_session_token() -> None:
    assert _missing(*PAIR, needs_token=True) == ["aws_session_token"]
    assert _missing(*PAIR, "aws_session_token", needs_token=True) == []


def test_a_token_without_its_key_pair_is_not_enough() -> None:
    assert _missing("aws_session_token") == [
        "aws_access_key_id",
        "aws_secret_access_key",
    ]


def test_a_bearer_key_stands_instead_of_a_key_pair() -> None:
    assert _missing("api_key") == []
    assert _missing("api_key", region=None) == ["aws_region"]


def test_a_role_needs_a_key_pair_unless_the_service_may_lend_its_identity() -> None:
    assert _missing(role=ROLE) == ["aws_access_key_id", "aws_secret_access_key"]
    assert _missing(role=ROLE, allow_ambient=True) == []
    assert _missing(*PAIR, role=ROLE) == []


def test_half_a_key_pair_is_no_ambient_identity() -> None:
    assert _missing("aws_access_key_id", role=ROLE, allow_ambient=True) == [
        "aws_secret_access_key"
    ]


def test_an_ambient_identity_is_for_roles_alone() -> None:
    assert _missing(allow_ambient=True) == [
        "aws_access_key_id",
        "aws_secret_access_key",
    ]


@given(
    names=st.sets(st.sampled_from(SECRETS)),
    region=st.sampled_from([None, "us-east-1"]),
    role=st.sampled_from([None, ROLE]),
    needs_token=st.booleans(),
    allow_ambient=st.booleans(),
)
def test_giving_what_is_missing_completes_a_provider(
    names: set[str],
    region: str | None,
    role: str | None,
    needs_token: bool,  # noqa: FBT001 - hypothesis passes it by name
    allow_ambient: bool,  # noqa: FBT001 - hypothesis passes it by name
) -> None:
    needs_token = needs_token and "aws_access_key_id" in names
    missing = _missing(
        *names,
        region=region,
        role=role,
        needs_token=needs_token,
        allow_ambient=allow_ambient,
    )

    completed = _missing(
        *names,
        *missing,
        region="us-east-1" if "aws_region" in missing else region,
        role=role,
        needs_token=needs_token,
        allow_ambient=allow_ambient,
    )
    assert completed == []
    assert not names & {*missing}


def test_the_error_names_what_is_missing_and_the_way_out() -> None:
    error = incomplete(ProviderType.BEDROCK, ["aws_region", "aws_session_token"])

    assert isinstance(error, ProviderIncompleteError)
    assert (error.code, error.status) == ("PROVIDER_INCOMPLETE", 422)
    assert error.details["missing"] == ["aws_region", "aws_session_token"]
    assert error.details["fields"] == [
        {"field": "aws_region", "message": "is needed"},
        {
            "field": "aws_session_token",
            "message": "is needed with an access key id that begins with ASIA",
        },
    ]
    assert "allow_incomplete" in error.message


@pytest.mark.parametrize(
    "secrets",
    [
        {},
        {"api_key": "anything"},
        {"aws_access_key_id": AKIA, "aws_secret_access_key": "s"},
        {"aws_access_key_id": ASIA, "aws_session_token": "t"},
        {"aws_access_key_id": ASIA},
        {"aws_session_token": "t"},
    ],
)
def test_what_fits_together_is_taken(secrets: dict[str, str]) -> None:
    require_fitting(_secrets(**secrets))


@pytest.mark.parametrize(
    "key_id",
    [
        "",
        "AKIA",
        AKIA.lower(),
        f"{AKIA}!",
        "AROAIOSFODNN7EXAMPLE",
        "sk-key",
        "AKIA" * 50,
    ],
)
def test_what_is_no_access_key_id_is_refused_without_repeating_it(key_id: str) -> None:
    with pytest.raises(InvalidError) as raised:
        require_fitting(_secrets(aws_access_key_id=key_id))

    message = "must begin with AKIA or ASIA, upper-case letters and digits alone"
    assert _fields(raised.value) == [{"field": "aws_access_key_id", "message": message}]


def test_a_users_key_with_a_session_token_is_refused_and_told_why() -> None:
    with pytest.raises(InvalidError) as raised:
        require_fitting(_secrets(aws_access_key_id=AKIA, aws_session_token="t"))

    [field] = _fields(raised.value)
    assert field["field"] == "aws_session_token"
    assert "ASIA" in str(field["message"])


@pytest.mark.parametrize("other", ["aws_access_key_id", "aws_session_token"])
def test_a_bearer_key_beside_a_key_pair_is_refused(other: str) -> None:
    with pytest.raises(InvalidError, match=other):
        require_one_way({"api_key", other}, has_role=False)


def test_a_bearer_key_beside_a_role_is_refused() -> None:
    with pytest.raises(InvalidError, match="aws_role_arn"):
        require_one_way({"api_key"}, has_role=True)


def test_one_way_to_sign_in_is_taken() -> None:
    require_one_way({"api_key"}, has_role=False)
    require_one_way(PAIR, has_role=True)


def test_secrets_are_trimmed_and_those_not_given_are_none() -> None:
    submission = ProviderSubmission.model_validate(
        {
            "name": "Main",
            "type": "bedrock",
            "aws_region": "us-east-1",
            "aws_access_key_id": f"  {AKIA}\n",
            "aws_session_token": None,
        }
    )

    secrets = secrets_in(submission)

    assert {name: each.get_secret_value() for name, each in secrets.items()} == {
        "aws_access_key_id": AKIA
    }


def test_a_change_tells_what_is_new_what_goes_and_what_stays() -> None:
    patch = ProviderPatch.model_validate(
        {"aws_session_token": "new", "aws_access_key_id": None, "api_key": None}
    )

    change = change_of(patch, stored=PAIR | {"aws_session_token"})

    assert [*change.given] == ["aws_session_token"]
    assert change.removed == {"aws_access_key_id"}
    assert change.kept == {"aws_secret_access_key"}
    assert change.changed == ["aws_access_key_id", "aws_session_token"]
    assert change.names == {"aws_secret_access_key", "aws_session_token"}


@pytest.mark.parametrize(
    ("secrets", "hint"),
    [
        ({}, None),
        ({"api_key": "sk-proj-0123456789abcd"}, "…abcd"),
        ({"aws_access_key_id": AKIA, "aws_secret_access_key": "x" * 40}, "…MPLE"),
        ({"aws_secret_access_key": "short"}, None),
    ],
)
def test_a_hint_is_of_the_key_id_where_there_is_one(
    secrets: dict[str, str], hint: str | None
) -> None:
    assert hint_of_all(_secrets(**secrets)) == hint


def test_a_key_of_sts_is_known_by_its_prefix() -> None:
    assert is_temporary(_secrets(aws_access_key_id=ASIA))
    assert not is_temporary(_secrets(aws_access_key_id=AKIA))
    assert not is_temporary({})


def _fields(error: InvalidError) -> list[dict[str, str]]:
    fields: list[dict[str, str]] = error.details["fields"]  # type: ignore[assignment] # JSON
    return fields
