"""Staged secrets: leased for a test, put in place once, dropped; retiring providers."""

import asyncio
from typing import Any

import pytest
from tests.integration.lock_waits import until_blocked

from shared.contracts.credentials import LeasedCredential, Provider, ProviderStatus
from shared.errors import (
    InvalidError,
    LeaseRefusedError,
    ProviderIncompleteError,
    ProviderNotFoundError,
    ProviderRetiringError,
    SecretOvertakenError,
)

from .conftest import Superuser
from .fake_sts import ROLE
from .speaking import API_KEY, KEY_PAIR, SESSION, Agent, Operator, Runner
from .staging import Rotation

pytestmark = [pytest.mark.integration, pytest.mark.usefixtures("service")]

NEW_KEY = "sk-test-two-9876543210-efgh"


def _key(credential: LeasedCredential) -> str:
    return credential.fields["api_key"].get_secret_value()


async def _agent(runner: Runner, provider: Provider) -> Agent:
    agent = Agent(runner, provider.id)
    await agent.claim()
    return agent


async def test_a_staged_secret_is_for_tests_until_it_is_in_place(
    operator: Operator, runner: Runner
) -> None:
    provider = await operator.create()
    agent = await _agent(runner, provider)
    rotation = Rotation(operator, provider.id)

    await rotation.stage(api_key=NEW_KEY)
    tested, used = await rotation.leased(runner), await agent.lease()
    switched = await rotation.switch()

    assert (_key(tested), tested.version) == (NEW_KEY, 2)
    assert (_key(used), used.version) == (API_KEY, 1)
    assert switched.credential.version == 2
    assert _key(await agent.lease()) == NEW_KEY


async def test_each_question_may_be_asked_again(
    operator: Operator, runner: Runner, superuser: Superuser
) -> None:
    provider = await operator.create()
    rotation = Rotation(operator, provider.id)

    for _ in range(3):
        await rotation.stage(api_key=NEW_KEY)
    first, *others = [await rotation.switch() for _ in range(3)]
    await rotation.discard()

    acts = [
        row["act"]
        for row in await superuser.fetch("SELECT act FROM audit ORDER BY position")
    ]
    agent = await _agent(runner, provider)
    assert others == [first, first]
    assert acts[:3] == ["provider.created", "credential.staged", "provider.rotated"]
    assert _key(await agent.lease()) == NEW_KEY


async def test_of_switches_at_once_one_puts_it_in_place(operator: Operator) -> None:
    provider = await operator.create()
    rotation = Rotation(operator, provider.id)
    await rotation.stage(api_key=NEW_KEY)

    switched = await asyncio.gather(*(rotation.switch() for _ in range(8)))

    assert {each.version for each in switched} == {2}


async def test_nothing_of_a_secret_stays_where_it_was_staged(
    operator: Operator, superuser: Superuser
) -> None:
    provider = await operator.create()
    switched, dropped = [Rotation(operator, provider.id) for _ in range(2)]
    await switched.stage(api_key=NEW_KEY)
    await dropped.stage(api_key=NEW_KEY)

    await switched.switch()
    await dropped.discard()

    rows = await superuser.fetch(
        "SELECT state, encrypted_key, encrypted_dek, master_key_id FROM rotation"
    )
    assert {row["state"] for row in rows} == {"switched", "discarded"}
    assert {value for row in rows for value in list(row.values())[1:]} == {None}


async def test_a_secret_that_somebody_changed_meanwhile_stays(
    operator: Operator, runner: Runner
) -> None:
    provider = await operator.create()
    agent = await _agent(runner, provider)
    rotation = Rotation(operator, provider.id)
    await rotation.stage(api_key=NEW_KEY)
    await operator.update(provider.id, api_key="sk-test-three-of-somebody-else")

    with pytest.raises(SecretOvertakenError):
        await rotation.switch()

    assert _key(await agent.lease()) == "sk-test-three-of-somebody-else"


async def test_a_provider_that_got_a_role_meanwhile_gets_no_key_beside_it(
    operator: Operator,
) -> None:
    provider = await operator.create(**KEY_PAIR)
    rotation = Rotation(operator, provider.id)
    await rotation.stage(
        api_key="bedrock-api-key-of-tests",
        aws_access_key_id=None,
        aws_secret_access_key=None,
    )
    await operator.update(provider.id, aws_role_arn=ROLE)

    with pytest.raises(SecretOvertakenError):
        await rotation.switch()

    assert (await operator.get(provider.id)).credential.version == 1


async def test_a_provider_that_lost_its_region_meanwhile_is_not_called_ready(
    operator: Operator,
) -> None:
    provider = await operator.create(**KEY_PAIR, base_url="https://vpce.example.com")
    rotation = Rotation(operator, provider.id)
    await rotation.stage(
        **{name: KEY_PAIR[name] for name in provider.credential.fields}
    )
    await operator.update(provider.id, aws_region=None, allow_incomplete=True)

    with pytest.raises(SecretOvertakenError):
        await rotation.switch()

    assert (await operator.get(provider.id)).status is ProviderStatus.INCOMPLETE


async def test_nothing_is_staged_for_a_provider_that_is_deleted_meanwhile(
    operator: Operator, superuser: Superuser
) -> None:
    provider = await operator.create()

    async def staged() -> None:
        with pytest.raises(ProviderNotFoundError):
            await Rotation(operator, provider.id).stage(api_key=NEW_KEY)

    async with asyncio.TaskGroup() as group, superuser.transaction():
        await superuser.execute("DELETE FROM provider")
        group.create_task(staged())
        await until_blocked(superuser, "credentials")


async def test_what_is_dropped_is_neither_leased_nor_put_in_place(
    operator: Operator, runner: Runner
) -> None:
    provider = await operator.create()
    rotation = Rotation(operator, provider.id)
    await rotation.stage(api_key=NEW_KEY)
    await rotation.discard()

    with pytest.raises(LeaseRefusedError):
        await rotation.leased(runner)
    with pytest.raises(SecretOvertakenError):
        await rotation.switch()


async def test_new_secrets_stand_for_all_that_a_provider_has(
    operator: Operator, runner: Runner
) -> None:
    provider = await operator.create(**SESSION)
    rotation = Rotation(operator, provider.id)
    names = ("aws_access_key_id", "aws_secret_access_key")

    await rotation.stage(**{name: KEY_PAIR[name] for name in names})
    switched = await rotation.switch()

    leased = await (await _agent(runner, provider)).lease()
    assert switched.status == "ready"
    assert switched.credential.fields == [*names]
    assert sorted(leased.fields) == [*names]


@pytest.mark.parametrize(
    ("secrets", "error"),
    [
        ({"aws_secret_access_key": "x" * 40}, InvalidError),
        ({"aws_session_expires_at": "2126-01-01T00:00:00Z"}, InvalidError),
        ({"api_key": "two words"}, InvalidError),
    ],
)
async def test_what_cannot_be_the_secret_is_refused_at_once(
    operator: Operator, secrets: dict[str, Any], error: type[Exception]
) -> None:
    provider = await operator.create()

    with pytest.raises(error):
        await Rotation(operator, provider.id).stage(**secrets)


async def test_half_a_key_pair_is_incomplete(operator: Operator) -> None:
    provider = await operator.create(**KEY_PAIR)

    with pytest.raises(ProviderIncompleteError):
        await Rotation(operator, provider.id).stage(
            aws_access_key_id="AKIAIOSFODNN7EXAMPLE"
        )


async def test_another_organization_can_rotate_nothing(
    operator: Operator, runner: Runner
) -> None:
    provider = await operator.create()
    stranger = Operator(operator.bus, operator.credentials)

    with pytest.raises(ProviderNotFoundError):
        await Rotation(stranger, provider.id).stage(api_key=NEW_KEY)
    with pytest.raises(ProviderNotFoundError):
        await Rotation(stranger, provider.id).retire()

    assert _key(await (await _agent(runner, provider)).lease()) == API_KEY


async def test_a_retiring_provider_takes_no_agents_but_keeps_those_it_has(
    operator: Operator, runner: Runner
) -> None:
    provider, other = await operator.create("old"), await operator.create("new")
    agent = await _agent(runner, provider)
    rotation = Rotation(operator, provider.id)

    retired = await rotation.retire()
    with pytest.raises(ProviderRetiringError):
        await _agent(runner, provider)
    await runner.claim(agent.id, provider.id, other.id, generation=2)

    assert retired.is_retiring
    assert _key(await agent.lease()) == API_KEY


async def test_a_reinstated_provider_takes_agents_again(
    operator: Operator, runner: Runner
) -> None:
    provider = await operator.create()
    rotation = Rotation(operator, provider.id)
    await rotation.retire()

    reinstated = await rotation.retire(is_retiring=False)

    assert not reinstated.is_retiring
    assert _key(await (await _agent(runner, provider)).lease()) == API_KEY


async def test_no_agent_begins_to_use_what_is_being_retired(
    operator: Operator, runner: Runner, superuser: Superuser
) -> None:
    """Race claims against retirements: whoever claimed was there before."""
    for number in range(40):
        provider = await operator.create(f"p{number}")
        rotation, agent = Rotation(operator, provider.id), Agent(runner, provider.id)

        outcomes = await asyncio.gather(
            agent.claim(), rotation.retire(), return_exceptions=True
        )
        used_when_retired = await superuser.fetchval(
            "SELECT count(*) FROM use WHERE provider_id = $1", provider.id
        )

        is_refused = isinstance(outcomes[0], ProviderRetiringError)
        assert used_when_retired == (0 if is_refused else 1)
        assert is_refused or outcomes[0] is None
