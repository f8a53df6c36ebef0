"""A freeze: nothing is opened, everything else goes on."""

import asyncio
import json
from dataclasses import replace
from datetime import timedelta

import pytest
import pytest_asyncio

from credentials.app import serving
from credentials.settings import Settings
from shared.bus import NatsBus
from shared.contracts.base import Question
from shared.contracts.master_key import (
    FREEZE,
    GET_MASTER_KEY,
    UNFREEZE,
    MasterKeyState,
)
from shared.errors import CredentialsFrozenError, ForbiddenError, UnavailableError

from .conftest import Superuser
from .fake_kms import FakeKms
from .speaking import API_KEY, Agent, Operator, Runner

pytestmark = pytest.mark.integration


async def _freeze(operator: Operator) -> MasterKeyState:
    return await operator.bus.ask(FREEZE, _question(operator))


async def _unfreeze(operator: Operator) -> MasterKeyState:
    return await operator.bus.ask(UNFREEZE, _question(operator))


def _question(operator: Operator) -> Question:
    return Question(org_id=operator.org_id, actor=operator.actor)


async def _made_agent(operator: Operator, runner: Runner) -> Agent:
    agent = Agent(runner, (await operator.create()).id)
    await agent.claim()
    return agent


@pytest_asyncio.fixture
async def agent(service: None, operator: Operator, runner: Runner) -> Agent:  # noqa: ARG001 - runs meanwhile
    return await _made_agent(operator, runner)


async def test_while_frozen_no_secret_is_leased_and_afterwards_it_is(
    operator: Operator, agent: Agent
) -> None:
    state = await _freeze(operator)

    with pytest.raises(CredentialsFrozenError) as raised:
        await agent.lease()

    assert isinstance(raised.value, ForbiddenError)
    assert raised.value.code == "CREDENTIALS_FROZEN"
    explanation = raised.value.details["explanation"]
    assert isinstance(explanation, dict)
    assert "unfreeze" in str(explanation["fix"])
    assert state.frozen_at is not None
    assert state.frozen_by == operator.actor
    assert (await _unfreeze(operator)).frozen_at is None
    assert (await agent.lease()).fields["api_key"].get_secret_value() == API_KEY


async def test_a_freeze_is_of_every_organization(
    operator: Operator, stranger: Operator, agent: Agent
) -> None:
    await _freeze(stranger)

    with pytest.raises(CredentialsFrozenError):
        await agent.lease()

    await _unfreeze(operator)
    assert (await agent.lease()).version == 1


async def test_a_freeze_survives_a_restart(
    settings: Settings, operator: Operator, runner: Runner
) -> None:
    async with serving(settings):
        agent = await _made_agent(operator, runner)
        await _freeze(operator)

    async with serving(settings):
        with pytest.raises(CredentialsFrozenError):
            await agent.lease()


async def test_while_frozen_secrets_are_still_sealed(
    operator: Operator, agent: Agent
) -> None:
    await _freeze(operator)

    await operator.create("Second")
    await operator.update(agent.provider_id, api_key="sk-new")

    await _unfreeze(operator)
    leased = await agent.lease()
    assert leased.fields["api_key"].get_secret_value() == "sk-new"


async def test_freezes_and_what_they_refused_are_in_the_audit(
    operator: Operator, agent: Agent, superuser: Superuser
) -> None:
    await _freeze(operator)
    await _freeze(operator)
    with pytest.raises(CredentialsFrozenError):
        await agent.lease()
    await _unfreeze(operator)
    await _unfreeze(operator)

    rows = await superuser.fetch("SELECT * FROM audit ORDER BY position OFFSET 2")
    assert [(row["act"], row["actor_id"]) for row in rows] == [
        ("installation.frozen", "key-1"),
        ("lease.refused", "runner-1"),
        ("installation.unfrozen", "key-1"),
    ]
    assert json.loads(rows[1]["details"])["reason"] == "the installation is frozen"
    assert await superuser.fetchval("SELECT count(*) FROM lease") == 0


async def test_what_kms_answers_after_a_freeze_is_not_handed_out(
    kms: FakeKms, aws_settings: Settings, operator: Operator, runner: Runner
) -> None:
    async with serving(aws_settings):
        agent = await _made_agent(operator, runner)
        await kms.arrivals.acquire()
        kms.released.clear()
        async with asyncio.timeout(20):
            leasing = asyncio.create_task(agent.lease())
            await kms.arrivals.acquire()
            await _freeze_while_kms_waits(operator, kms)
            with pytest.raises(CredentialsFrozenError):
                await leasing


async def _freeze_while_kms_waits(operator: Operator, kms: FakeKms) -> None:
    """Release KMS once it is asked for the key's id, which is after the freeze."""
    freezing = asyncio.create_task(_freeze(operator))
    await kms.arrivals.acquire()
    kms.released.set()
    await freezing


async def test_one_who_may_not_freeze_does_not(
    runner_bus: NatsBus, agent: Agent, operator: Operator
) -> None:
    impatient = replace(FREEZE, deadline=timedelta(seconds=1))

    with pytest.raises(UnavailableError):
        await runner_bus.ask(impatient, _question(operator))

    assert (await agent.lease()).version == 1


async def test_the_state_counts_data_keys_by_their_master_key(
    service: None,  # noqa: ARG001 - runs meanwhile
    operator: Operator,
    stranger: Operator,
) -> None:
    await operator.create()
    await stranger.create()

    state = await operator.bus.ask(GET_MASTER_KEY, _question(operator))

    assert state.master_key_id is not None
    assert state.data_keys == {state.master_key_id: 2}
    assert state.rewrap is None
    assert state.frozen_by is None


async def test_a_master_key_that_cannot_be_asked_has_no_id(
    kms: FakeKms, aws_settings: Settings, operator: Operator
) -> None:
    kms.trouble(kms.first_arn, "DisabledException")
    kms.point("nowhere")

    async with serving(aws_settings):
        state = await operator.bus.ask(GET_MASTER_KEY, _question(operator))

    assert state.master_key_id is None
