"""What runners and credentials tell of themselves over the bus."""

import asyncio

import pytest
from tests.integration.agent_runner.neighbours import FakeRuntime
from tests.integration.agent_runner.runner_house import (
    ACTOR,
    open_neighbourhood,
    running,
)

from ag2trust.testing import BusAs, Stack
from credentials.measured import tell_measured
from shared.bus import answer
from shared.contracts.base import Service
from shared.contracts.credentials import GET_PROVIDER, Provider, ProviderQuestion
from shared.contracts.measurements import (
    CREDENTIALS_MEASURED,
    RUNNER_MEASURED,
    ProcessMeasured,
    RunnerMeasured,
)
from shared.errors import ProviderNotFoundError
from shared.ids import new_id

pytestmark = pytest.mark.integration

WITHIN_SECONDS = 30


async def test_a_runner_tells_who_it_is_and_what_it_uses(
    stack: Stack, bus_as: BusAs
) -> None:
    heard: asyncio.Queue[RunnerMeasured] = asyncio.Queue()
    runtime = FakeRuntime()
    async with (
        open_neighbourhood(stack, bus_as, runtime),
        bus_as(Service.METRICS) as metrics,
        metrics.hearing(RUNNER_MEASURED, heard.put_nowait),
        running(stack, runtime),
        asyncio.timeout(WITHIN_SECONDS),
    ):
        told = await heard.get()

    assert (told.process, told.hosted_agents) == ("runner-1", 0)
    assert told.cpu_seconds > 0


async def test_credentials_tell_how_they_answered(bus_as: BusAs) -> None:
    heard: asyncio.Queue[ProcessMeasured] = asyncio.Queue()

    async def refuse(_: ProviderQuestion) -> Provider:
        raise ProviderNotFoundError("There is no such provider.")

    async with (
        bus_as(Service.METRICS) as metrics,
        metrics.hearing(CREDENTIALS_MEASURED, heard.put_nowait),
        bus_as(Service.CREDENTIALS) as credentials,
        credentials.serving(Service.CREDENTIALS, answer(GET_PROVIDER, refuse)),
        bus_as(Service.GATEWAY) as gateway,
        asyncio.timeout(WITHIN_SECONDS),
    ):
        for _ in range(2):
            with pytest.raises(ProviderNotFoundError):
                await gateway.ask(
                    GET_PROVIDER,
                    ProviderQuestion(
                        org_id=new_id(), actor=ACTOR, provider_id=new_id()
                    ),
                )
        await tell_measured(credentials)
        told = await heard.get()

    [row] = told.answered
    assert (row.question, row.code, row.times) == (
        GET_PROVIDER.subject,
        "PROVIDER_NOT_FOUND",
        2,
    )
    assert row.seconds > 0
