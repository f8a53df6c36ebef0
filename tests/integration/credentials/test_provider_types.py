"""Anthropic and Bedrock providers, over the bus: whole, incomplete, and put right."""

import asyncio
import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from pydantic import ValidationError

from shared.contracts.credentials import (
    Provider,
    ProviderStatus,
    ProviderSubmission,
)
from shared.errors import (
    CredentialsMissingError,
    InvalidError,
    ProviderIncompleteError,
    SecretRequiredError,
)

from .conftest import Superuser
from .fake_sts import ROLE
from .speaking import API_KEY, KEY_PAIR, SESSION, Agent, Operator, Runner

pytestmark = [pytest.mark.integration, pytest.mark.usefixtures("service")]

EAST = "https://bedrock-runtime.us-east-1.amazonaws.com"
BEARER: dict[str, Any] = {
    "type": "bedrock",
    "aws_region": "us-east-1",
    "api_key": "ABSK-0123456789abcd",
}
NOTHING: dict[str, Any] = {"type": "bedrock", "api_key": None, "allow_incomplete": True}


async def _leased(provider: Provider, runner: Runner) -> dict[str, str]:
    """Return what an agent of the provider is given, by field."""
    agent = Agent(runner, provider.id)
    await agent.claim()
    leased = await agent.lease()
    return {name: each.get_secret_value() for name, each in leased.fields.items()}


async def test_an_anthropic_provider_has_its_key_and_address(
    operator: Operator, runner: Runner
) -> None:
    created = await operator.create(type="anthropic")

    assert created.base_url == "https://api.anthropic.com"
    assert created.status is ProviderStatus.READY
    assert created.credential.fields == ["api_key"]
    assert await _leased(created, runner) == {"api_key": API_KEY}


async def test_a_bedrock_provider_is_told_without_its_secrets(
    operator: Operator,
) -> None:
    created = await operator.create(**KEY_PAIR)

    assert created == await operator.get(created.id)
    assert (created.base_url, created.aws_region) == (EAST, "us-east-1")
    assert created.status is ProviderStatus.READY
    assert created.credential.hint == "…MPLE"
    assert created.credential.fields == ["aws_access_key_id", "aws_secret_access_key"]
    told = created.model_dump_json()
    assert KEY_PAIR["aws_access_key_id"] not in told
    assert KEY_PAIR["aws_secret_access_key"] not in told


async def test_a_key_pair_is_leased_with_its_region(
    operator: Operator, runner: Runner
) -> None:
    created = await operator.create(**KEY_PAIR)
    agent = Agent(runner, created.id)
    await agent.claim()

    leased = await agent.lease()

    assert (leased.base_url, leased.aws_region) == (EAST, "us-east-1")
    assert (leased.expires_at, leased.is_assumed) == (None, False)
    assert (
        leased.fields["aws_secret_access_key"].get_secret_value()
        == (KEY_PAIR["aws_secret_access_key"])
    )


async def test_a_bearer_key_is_taken_instead_of_a_key_pair(
    operator: Operator, runner: Runner
) -> None:
    created = await operator.create(**BEARER)

    assert await _leased(created, runner) == {"api_key": BEARER["api_key"]}


async def test_an_endpoint_of_ones_own_is_taken(operator: Operator) -> None:
    endpoint = "https://vpce-1.bedrock-runtime.us-east-1.vpce.amazonaws.com"

    created = await operator.create(**KEY_PAIR, base_url=endpoint)

    assert created.base_url == endpoint


@pytest.mark.parametrize(
    ("fields", "missing"),
    [
        ({"type": "openai", "api_key": None}, ["api_key"]),
        ({"type": "anthropic", "api_key": None}, ["api_key"]),
        (
            {"type": "bedrock", "api_key": None},
            ["aws_region", "aws_access_key_id", "aws_secret_access_key"],
        ),
        (KEY_PAIR | {"aws_region": None}, ["aws_region"]),
        (KEY_PAIR | {"aws_secret_access_key": None}, ["aws_secret_access_key"]),
        (SESSION | {"aws_session_token": None}, ["aws_session_token"]),
        (BEARER | {"aws_region": None}, ["aws_region"]),
    ],
)
async def test_what_is_missing_is_named_or_kept_as_incomplete(
    operator: Operator, runner: Runner, fields: dict[str, Any], missing: list[str]
) -> None:
    with pytest.raises(ProviderIncompleteError) as raised:
        await operator.create(**fields)
    created = await operator.create(**fields, allow_incomplete=True)

    assert raised.value.details["missing"] == missing
    assert created.status is ProviderStatus.INCOMPLETE
    assert created.credential.missing == missing
    agent = Agent(runner, created.id)
    await agent.claim()
    with pytest.raises(CredentialsMissingError) as refused:
        await agent.lease()
    explanation = refused.value.details["explanation"]
    assert isinstance(explanation, dict)
    assert all(name in str(explanation["fix"]) for name in missing)


async def test_an_incomplete_provider_is_completed_in_place(
    operator: Operator, runner: Runner
) -> None:
    created = await operator.create(**NOTHING)
    keys = {name: KEY_PAIR[name] for name in KEY_PAIR if name.startswith("aws_")}

    changed = await operator.update(created.id, **keys)

    assert changed.status is ProviderStatus.READY
    assert (changed.base_url, changed.credential.missing) == (EAST, [])
    assert (await _leased(changed, runner)).keys() == {
        "aws_access_key_id",
        "aws_secret_access_key",
    }


async def test_it_is_completed_step_by_step_without_repeating_a_secret(
    operator: Operator, runner: Runner
) -> None:
    created = await operator.create(**NOTHING)

    for name in ("aws_secret_access_key", "aws_access_key_id", "aws_region"):
        changed = await operator.update(created.id, **{name: KEY_PAIR[name]})

    assert changed.status is ProviderStatus.READY
    assert (await _leased(changed, runner))["aws_secret_access_key"] == (
        KEY_PAIR["aws_secret_access_key"]
    )


async def test_secrets_without_an_address_go_to_none_but_awss_own(
    operator: Operator,
) -> None:
    created = await operator.create(
        **KEY_PAIR | {"aws_region": None}, allow_incomplete=True
    )

    with pytest.raises(SecretRequiredError) as raised:
        await operator.update(
            created.id, aws_region="us-east-1", base_url="https://evil.example"
        )

    assert "aws_secret_access_key" in str(raised.value.details)
    assert await operator.get(created.id) == created


async def test_taking_away_what_is_needed_is_refused_unless_it_is_meant(
    operator: Operator,
) -> None:
    created = await operator.create(**KEY_PAIR)
    without = {"aws_secret_access_key": None}

    with pytest.raises(ProviderIncompleteError):
        await operator.update(created.id, **without)
    changed = await operator.update(created.id, **without, allow_incomplete=True)

    assert changed.status is ProviderStatus.INCOMPLETE
    assert changed.credential.fields == ["aws_access_key_id"]


async def test_a_new_session_token_keeps_the_other_secrets(
    operator: Operator, runner: Runner, superuser: Superuser
) -> None:
    ends = datetime.now(UTC) + timedelta(hours=1)
    created = await operator.create(**SESSION, aws_session_expires_at=ends)

    changed = await operator.update(
        created.id,
        aws_session_token="a-new-token",
        aws_session_expires_at=ends + timedelta(hours=1),
    )

    assert (changed.credential.version, changed.version) == (2, 2)
    assert changed.credential.expires_at == ends + timedelta(hours=1)
    assert await _leased(changed, runner) == {
        "aws_access_key_id": SESSION["aws_access_key_id"],
        "aws_secret_access_key": SESSION["aws_secret_access_key"],
        "aws_session_token": "a-new-token",
    }
    rows = await superuser.fetch(
        "SELECT act, details FROM audit WHERE object_kind = 'provider' ORDER BY id"
    )
    acts = {row["act"]: json.loads(row["details"]) for row in rows}
    assert acts["credential.opened"] == {"purpose": "update", "credential_version": 1}
    assert acts["provider.updated"] == {
        "changed": ["aws_session_expires_at", "aws_session_token"]
    }


async def test_secrets_changed_one_by_one_at_once_are_all_changed(
    operator: Operator, runner: Runner
) -> None:
    created = await operator.create(**SESSION)
    fresh: dict[str, Any] = {
        "aws_access_key_id": "ASIAIOSFODNN7ANOTHER",
        "aws_secret_access_key": "another-secret",
        "aws_session_token": "another-token",
    }

    await asyncio.gather(
        *(operator.update(created.id, **{name: fresh[name]}) for name in fresh)
    )

    changed = await operator.get(created.id)
    assert changed.credential.version == 4
    assert await _leased(changed, runner) == fresh


async def test_secrets_that_all_change_are_not_opened(
    operator: Operator, superuser: Superuser
) -> None:
    created = await operator.create(**KEY_PAIR)

    await operator.update(
        created.id, aws_access_key_id="AKIAIOSFODNN7ANOTHER", aws_secret_access_key="s"
    )

    opened = "SELECT count(*) FROM audit WHERE act = 'credential.opened'"
    assert await superuser.fetchval(opened) == 0


async def test_nothing_is_opened_that_the_audit_does_not_hold(
    operator: Operator, superuser: Superuser
) -> None:
    created = await operator.create(**SESSION)
    await superuser.execute("REVOKE INSERT ON audit FROM credentials")

    with pytest.raises(Exception, match="wrong on our side"):
        await operator.update(created.id, aws_session_token="a-new-token")

    assert await operator.get(created.id) == created


async def test_another_region_is_another_origin_and_needs_the_secrets(
    operator: Operator,
) -> None:
    created = await operator.create(**KEY_PAIR)

    with pytest.raises(SecretRequiredError) as raised:
        await operator.update(created.id, aws_region="eu-central-1")

    assert raised.value.details["fields"] == [
        {
            "field": name,
            "message": "is needed again when the origin of base_url changes",
        }
        for name in ("aws_access_key_id", "aws_secret_access_key")
    ]
    assert await operator.get(created.id) == created


async def test_half_of_the_secrets_is_not_enough_for_another_origin(
    operator: Operator,
) -> None:
    created = await operator.create(**KEY_PAIR)

    with pytest.raises(SecretRequiredError) as raised:
        await operator.update(
            created.id,
            base_url="https://evil.example",
            aws_access_key_id="AKIAIOSFODNN7ANOTHER",
        )

    assert "aws_secret_access_key" in raised.value.message


async def test_another_region_with_its_secrets_is_taken(
    operator: Operator, runner: Runner
) -> None:
    created = await operator.create(**KEY_PAIR)
    moved = KEY_PAIR | {"aws_region": "eu-central-1"}

    changed = await operator.update(
        created.id, **{name: moved[name] for name in moved if name.startswith("aws_")}
    )

    assert changed.base_url == "https://bedrock-runtime.eu-central-1.amazonaws.com"
    assert await _leased(changed, runner)


async def test_a_key_pair_gives_way_to_a_bearer_key(
    operator: Operator, runner: Runner
) -> None:
    created = await operator.create(**KEY_PAIR)

    with pytest.raises(InvalidError, match="aws_access_key_id"):
        await operator.update(created.id, api_key=BEARER["api_key"])
    changed = await operator.update(
        created.id,
        api_key=BEARER["api_key"],
        aws_access_key_id=None,
        aws_secret_access_key=None,
    )

    assert changed.credential.fields == ["api_key"]
    assert await _leased(changed, runner) == {"api_key": BEARER["api_key"]}


@pytest.mark.parametrize(
    ("fields", "field"),
    [
        (KEY_PAIR | {"aws_access_key_id": "sk-0123456789"}, "aws_access_key_id"),
        (KEY_PAIR | {"aws_session_token": "t"}, "aws_session_token"),
        (KEY_PAIR | {"aws_region": "us-east-9"}, "aws_region"),
        (KEY_PAIR | {"aws_role_arn": "arn:aws:iam::1:role/too-short"}, "aws_role_arn"),
        (KEY_PAIR | {"api_key": "ABSK-1"}, "api_key"),
        (BEARER | {"aws_role_arn": ROLE}, "api_key"),
        (
            SESSION | {"aws_session_expires_at": datetime(2020, 1, 1, tzinfo=UTC)},
            "aws_session_expires_at",
        ),
    ],
)
async def test_what_cannot_be_is_refused_by_its_field(
    operator: Operator, fields: dict[str, Any], field: str
) -> None:
    with pytest.raises(InvalidError) as raised:
        await operator.create(**fields, allow_incomplete=True)

    assert f"'field': '{field}'" in str(raised.value.details)
    assert (await operator.list()).data == []


@pytest.mark.parametrize("type_", ["openai", "anthropic"])
def test_a_field_of_bedrock_is_refused_and_the_type_is_named(type_: str) -> None:
    with pytest.raises(ValidationError) as raised:
        ProviderSubmission.model_validate(
            {"name": "Main", "type": type_, "api_key": "k", "aws_region": "us-east-1"}
        )

    [error] = raised.value.errors()
    assert error["loc"] == ("aws_region",)
    assert error["msg"] == (
        f"belongs to bedrock providers; this one is of type {type_}"
    )


async def test_the_roles_of_an_organization_have_one_external_id(
    operator: Operator, stranger: Operator
) -> None:
    first = await operator.create("First", **KEY_PAIR)
    second = await operator.create("Second", **KEY_PAIR, aws_role_arn=ROLE)
    theirs = await stranger.create("Theirs", **KEY_PAIR)
    direct = await operator.create("Direct")

    assert first.aws_external_id is not None
    assert first.aws_external_id == second.aws_external_id
    assert first.aws_external_id != theirs.aws_external_id
    assert direct.aws_external_id is None


async def test_a_role_without_keys_is_incomplete_here(operator: Operator) -> None:
    with pytest.raises(ProviderIncompleteError):
        await operator.create(
            type="bedrock", api_key=None, aws_region="us-east-1", aws_role_arn=ROLE
        )
