"""Leases of assumed roles: the service, the bus, and an STS of our own."""

import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import pytest_asyncio

from ag2trust.testing import Stack
from ag2trust.waiting import until
from credentials.settings import Settings
from shared.contracts.base import Service
from shared.contracts.credentials import (
    LeasedCredential,
    Provider,
    ProviderStatus,
    ProviderSubmission,
)
from shared.errors import (
    ProviderIncompleteError,
    RoleRefusedError,
    StsUnavailableError,
)
from shared.ids import new_id

from .conftest import Superuser
from .fake_sts import ROLE, FakeSts, Fault, running_fake_sts
from .speaking import KEY_PAIR, Agent, Operator, Runner
from .staging import Rotation

pytestmark = [
    pytest.mark.integration,
    pytest.mark.usefixtures("aws_account", "service"),
]

AMBIENT: dict[str, Any] = {
    "type": "bedrock",
    "api_key": None,
    "aws_region": "us-east-1",
    "aws_role_arn": ROLE,
}


@pytest_asyncio.fixture
async def sts() -> AsyncIterator[FakeSts]:
    async with running_fake_sts() as running:
        yield running


@pytest.fixture
def allow_ambient() -> bool:
    return False


@pytest.fixture
def settings(stack: Stack, sts: FakeSts, allow_ambient: bool) -> Settings:  # noqa: FBT001 - a fixture
    return stack.settings(
        Settings,
        Service.CREDENTIALS,
        sts_endpoint_url=sts.url,
        allow_ambient_aws_identity=allow_ambient,
    )


_PAIR = {
    name: KEY_PAIR[name] for name in ("aws_access_key_id", "aws_secret_access_key")
}


async def _agent(provider: Provider, runner: Runner) -> Agent:
    agent = Agent(runner, provider.id)
    await agent.claim()
    return agent


async def test_an_assumed_role_is_leased_as_temporary_keys(
    operator: Operator, runner: Runner, sts: FakeSts
) -> None:
    provider = await operator.create(**KEY_PAIR, aws_role_arn=ROLE)
    agent = await _agent(provider, runner)
    signed = agent.signed()

    lease = await runner.ask(signed)

    leased = runner.opened(lease, signed)
    assert {name: each.get_secret_value() for name, each in leased.fields.items()} == {
        "aws_access_key_id": "ASIAOFSESSION0000001",
        "aws_secret_access_key": "secret-of-session-1",
        "aws_session_token": "token-of-session-1",
    }
    assert leased.is_assumed
    assert leased.expires_at == lease.expires_at
    assert lease.expires_at - datetime.now(UTC) <= timedelta(seconds=60)
    assert sts.asked[0]["ExternalId"] == provider.aws_external_id


async def test_a_hundred_agents_are_one_question_to_sts(
    operator: Operator, runner: Runner, sts: FakeSts
) -> None:
    provider = await operator.create(**KEY_PAIR, aws_role_arn=ROLE)
    agents = [await _agent(provider, runner) for _ in range(100)]

    leased = await asyncio.gather(*(agent.lease() for agent in agents))

    assert len(sts.asked) == 1
    assert {_key_id(each) for each in leased} == {"ASIAOFSESSION0000001"}


async def test_a_role_on_trial_is_assumed_anew_each_time_and_forgotten(
    operator: Operator, runner: Runner, sts: FakeSts
) -> None:
    provider_id = new_id()
    submission = ProviderSubmission.model_validate(
        {"name": "Trial", **KEY_PAIR, "aws_role_arn": ROLE}
    )
    sealed = operator.sealed(submission.model_dump_json(), provider_id)
    leased = []
    for _ in range(2):
        signed = runner.signed(
            purpose="trial",
            actor=operator.actor,
            provider_id=provider_id,
            submission=sealed,
        )
        leased.append(runner.opened(await runner.ask(signed), signed))
    kept = await operator.create(**KEY_PAIR, aws_role_arn=ROLE)

    assert [_key_id(each) for each in leased] == [
        "ASIAOFSESSION0000001",
        "ASIAOFSESSION0000002",
    ]
    assert {each["ExternalId"] for each in sts.asked} == {kept.aws_external_id}


async def test_a_staged_secret_is_tested_with_itself_and_no_other(
    operator: Operator, runner: Runner
) -> None:
    provider = await operator.create(**KEY_PAIR, aws_role_arn=ROLE)
    trusted, foreign = [Rotation(operator, provider.id) for _ in range(2)]
    await trusted.stage(**_PAIR)
    await trusted.leased(runner)
    await trusted.discard()
    await foreign.stage(**_PAIR | {"aws_access_key_id": "AKIAIOSFODNN7ANOTHER"})

    with pytest.raises(RoleRefusedError):
        await foreign.leased(runner)


async def test_keys_are_fresh_again_before_they_end(
    operator: Operator, runner: Runner, sts: FakeSts
) -> None:
    sts.lifetime = timedelta(seconds=6)
    provider = await operator.create(**KEY_PAIR, aws_role_arn=ROLE)
    agent = await _agent(provider, runner)
    first = await agent.lease()
    assert first.expires_at is not None

    again = await until(
        "another key", agent.lease, lambda lease: _key_id(lease) != _key_id(first)
    )

    assert datetime.now(UTC) < first.expires_at
    assert again.expires_at is not None
    assert again.expires_at > first.expires_at


async def test_a_refusal_is_explained_and_a_mended_provider_works_at_once(
    operator: Operator, runner: Runner, sts: FakeSts
) -> None:
    sts.trusted = {"AKIAIOSFODNN7ANOTHER"}
    provider = await operator.create(**KEY_PAIR, aws_role_arn=ROLE)
    agent = await _agent(provider, runner)

    with pytest.raises(RoleRefusedError) as raised:
        await agent.lease()
    await operator.update(
        provider.id, aws_access_key_id="AKIAIOSFODNN7ANOTHER", aws_secret_access_key="s"
    )

    explanation = raised.value.details["explanation"]
    assert isinstance(explanation, dict)
    assert explanation["code"] == "INVALID_CREDENTIALS"
    assert (await agent.lease()).version == 2


async def test_an_sts_that_does_not_answer_is_worth_another_try(
    operator: Operator, runner: Runner, sts: FakeSts
) -> None:
    sts.faults += [Fault("ServiceUnavailable", status=503)] * 3
    agent = await _agent(await operator.create(**KEY_PAIR, aws_role_arn=ROLE), runner)

    with pytest.raises(StsUnavailableError):
        await agent.lease()


async def test_a_failure_is_in_the_audit_beside_the_lease(
    operator: Operator, runner: Runner, sts: FakeSts, superuser: Superuser
) -> None:
    sts.trusted.clear()
    agent = await _agent(await operator.create(**KEY_PAIR, aws_role_arn=ROLE), runner)

    with pytest.raises(RoleRefusedError):
        await agent.lease()

    rows = await superuser.fetch("SELECT act, details FROM audit ORDER BY id")
    acts = [row["act"] for row in rows if row["act"].startswith("lease.")]
    assert acts == ["lease.granted", "lease.failed"]
    assert "ROLE_REFUSED" in rows[-1]["details"]


async def test_without_the_setting_a_role_needs_a_key_pair(operator: Operator) -> None:
    with pytest.raises(ProviderIncompleteError) as raised:
        await operator.create(**AMBIENT)

    assert raised.value.details["missing"] == [
        "aws_access_key_id",
        "aws_secret_access_key",
    ]


@pytest.mark.parametrize("allow_ambient", [True])
async def test_by_setting_a_role_is_assumed_with_our_own_identity(
    operator: Operator, runner: Runner, sts: FakeSts
) -> None:
    provider = await operator.create(**AMBIENT)
    agent = await _agent(provider, runner)

    leased = await agent.lease()

    assert provider.status is ProviderStatus.READY
    assert provider.credential.fields == []
    assert leased.is_assumed
    assert sts.callers == ["AKIAIOSFODNN7EXAMPLE"]


def _key_id(leased: LeasedCredential) -> str:
    return leased.fields["aws_access_key_id"].get_secret_value()
