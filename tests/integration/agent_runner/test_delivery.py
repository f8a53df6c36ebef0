"""Whether a process may be given a provider's key is the service's to say."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from ag2trust.testing import BusAs, Stack
from shared.contracts.agent_runner import GET_AGENT, START_AGENT
from shared.contracts.agent_types import (
    CREATE_AGENT_TYPE,
    UPDATE_AGENT_TYPE,
    AgentType,
    AgentTypePatch,
    AgentTypeSubmission,
    CreateAgentType,
    CredentialDelivery,
    UpdateAgentType,
)
from shared.errors import InvalidError
from shared.ids import new_id

from .neighbours import FakeRuntime
from .runner_house import ACTOR, House, open_neighbourhood, running

pytestmark = pytest.mark.integration

ENVIRONMENT, SEALED = CredentialDelivery.ENVIRONMENT, CredentialDelivery.SEALED


@asynccontextmanager
async def house_that_allows(
    stack: Stack, bus_as: BusAs, *, environment: bool
) -> AsyncIterator[House]:
    runtime = FakeRuntime()
    async with (
        open_neighbourhood(stack, bus_as, runtime) as house,
        running(stack, runtime, allow_environment_delivery=environment),
    ):
        yield house


async def made(house: House, delivery: CredentialDelivery | None) -> AgentType:
    submission = AgentTypeSubmission(
        name="ada",
        slug="ada",
        provider_id=house.provider_id,
        model="gpt-4o",
        credential_delivery=delivery,
    )
    return await house.bus.ask(
        CREATE_AGENT_TYPE,
        CreateAgentType(
            org_id=house.org_id,
            actor=ACTOR,
            agent_type_id=new_id(),
            submission=submission,
        ),
    )


@pytest.mark.parametrize(
    ("environment", "delivery"), [(True, ENVIRONMENT), (False, SEALED)]
)
async def test_what_is_left_to_us_is_delivered_as_it_may_be(
    stack: Stack, bus_as: BusAs, *, environment: bool, delivery: CredentialDelivery
) -> None:
    async with house_that_allows(stack, bus_as, environment=environment) as house:
        assert (await made(house, None)).credential_delivery is delivery


async def test_a_type_that_would_deliver_keys_is_refused_where_none_may_be(
    stack: Stack, bus_as: BusAs
) -> None:
    async with house_that_allows(stack, bus_as, environment=False) as house:
        with pytest.raises(InvalidError) as refused:
            await made(house, ENVIRONMENT)

        sealed = await made(house, SEALED)
        patch = AgentTypePatch(credential_delivery=ENVIRONMENT)
        with pytest.raises(InvalidError):
            await house.bus.ask(
                UPDATE_AGENT_TYPE,
                UpdateAgentType(
                    org_id=house.org_id,
                    actor=ACTOR,
                    agent_type_id=sealed.id,
                    patch=patch,
                ),
            )

    assert "credential_delivery" in str(refused.value.details["fields"])


async def test_an_agent_whose_type_is_older_than_the_ban_is_not_launched(
    stack: Stack, bus_as: BusAs
) -> None:
    runtime = FakeRuntime()
    async with open_neighbourhood(stack, bus_as, runtime) as house:
        async with running(stack, runtime):
            agent = await house.make_agent()
        async with running(stack, runtime, allow_environment_delivery=False):
            await house.bus.ask(START_AGENT, house.question(agent.id))

            async def reason() -> str | None:
                told = await house.bus.ask(GET_AGENT, house.question(agent.id))
                return told.status_reason.code if told.status_reason else None

            await house.holds(reason, "DELIVERY_REFUSED")

    assert runtime.launches == 0
    assert house.credentials.leased == 0
