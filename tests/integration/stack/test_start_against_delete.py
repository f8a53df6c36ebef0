"""Starts of agents against deletions of their providers, by the services themselves.

Credentials and a runner, each with its own identity; only the agents' processes are
played, for none is waited for.
"""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Any

import pytest
import pytest_asyncio

import agent_runner.app
import credentials.app
from ag2trust.testing import BusAs, Stack
from agent_runner.runtimes.runtime import Runtime
from agent_runner.settings import Settings as RunnerSettings
from credentials.settings import Settings as CredentialsSettings
from shared.bus import NatsBus
from shared.contracts.agent_runner import (
    CREATE_AGENT,
    START_AGENT,
    AgentQuestion,
    CreateAgent,
)
from shared.contracts.agent_types import (
    CREATE_AGENT_TYPE,
    AgentTypeSubmission,
    CreateAgentType,
)
from shared.contracts.base import Endpoint, ReplyT, RequestT, Service
from shared.contracts.credentials import DELETE_PROVIDER, ProviderQuestion
from shared.contracts.routes import Fallback
from shared.errors import ProviderGoneError, ProviderInUseError
from shared.ids import new_id

from ..agent_runner.neighbours import FakeRuntime  # noqa: TID252 - no package
from ..credentials.speaking import Operator  # noqa: TID252 - no package

pytestmark = pytest.mark.integration

RACES = 100
RACES_AT_ONCE = 20
LOOKS = 10


@pytest_asyncio.fixture
async def operator(stack: Stack, bus_as: BusAs) -> AsyncIterator[Operator]:
    runtime = FakeRuntime()

    @asynccontextmanager
    async def fake(_: RunnerSettings) -> AsyncIterator[Runtime]:
        yield runtime

    async with AsyncExitStack() as services:
        await services.enter_async_context(
            credentials.app.serving(
                stack.settings(CredentialsSettings, Service.CREDENTIALS)
            )
        )
        await services.enter_async_context(
            agent_runner.app.serving(
                stack.settings(RunnerSettings, Service.AGENT_RUNNER), open_runtime=fake
            )
        )
        bus = await services.enter_async_context(bus_as(Service.GATEWAY))
        yield Operator(bus, stack.identity(Service.CREDENTIALS).public)


async def _agent(
    operator: Operator, name: str, *, fallbacks: Sequence[Fallback] = ()
) -> tuple[AgentQuestion, ProviderQuestion]:
    """Make an agent, a type and a provider; return how to start, and to delete."""
    provider = await operator.create(name)
    about: dict[str, Any] = {"org_id": operator.org_id, "actor": operator.actor}
    agent_type_id, agent_id = new_id(), new_id()
    await operator.bus.ask(
        CREATE_AGENT_TYPE,
        CreateAgentType(
            **about,
            agent_type_id=agent_type_id,
            submission=AgentTypeSubmission(
                name=name,
                slug=name,
                provider_id=provider.id,
                model="gpt-4o",
                fallbacks=list(fallbacks),
            ),
        ),
    )
    await operator.bus.ask(
        CREATE_AGENT,
        CreateAgent(**about, agent_id=agent_id, name=name, agent_type_id=agent_type_id),
    )
    return (
        AgentQuestion(**about, agent_id=agent_id),
        ProviderQuestion(**about, provider_id=provider.id),
    )


async def _race(operator: Operator, number: int) -> tuple[bool, bool]:
    """Start and delete at once; return which of them succeeded.

    A start has a longer way to its claim, so a deletion comes after some looks at the
    provider: of the whole, some come before the claim, some after, some into it.
    """
    start, delete = await _agent(operator, f"number-{number}")

    async def look_and_delete() -> bool:
        for _ in range(number % LOOKS):
            await operator.get(delete.provider_id)
        return await _succeeds(operator.bus, DELETE_PROVIDER, delete)

    started, deleted = await asyncio.gather(
        _succeeds(operator.bus, START_AGENT, start), look_and_delete()
    )
    return started, deleted


async def _succeeds(
    bus: NatsBus, endpoint: Endpoint[RequestT, ReplyT], question: RequestT
) -> bool:
    try:
        await bus.ask(endpoint, question)
    except (ProviderGoneError, ProviderInUseError):
        return False
    return True


async def test_an_agent_is_to_run_or_its_provider_is_gone_and_never_both(
    operator: Operator, stack: Stack
) -> None:
    results: list[tuple[bool, bool]] = []
    for first in range(0, RACES, RACES_AT_ONCE):
        numbers = range(first, first + RACES_AT_ONCE)
        results += await asyncio.gather(*(_race(operator, each) for each in numbers))

    superuser = await stack.connect()
    torn = await superuser.fetchval(
        """
        SELECT count(*)
        FROM agent_runner.agent a
        JOIN agent_runner.agent_type_version v
          ON v.agent_type_id = a.agent_type_id AND v.version = 1
        LEFT JOIN credentials.provider p ON p.id = v.provider_id
        LEFT JOIN credentials.use u ON u.agent_id = a.id AND u.provider_id = p.id
        WHERE (a.desired_state = 'running') IS DISTINCT FROM (p.id IS NOT NULL)
           OR (a.desired_state = 'running') IS DISTINCT FROM (u.agent_id IS NOT NULL)
        """
    )
    await superuser.close()
    assert set(results) <= {(True, False), (False, True)}
    assert len({*results}) == 2
    assert torn == 0


async def test_a_fallback_of_a_running_agent_cannot_be_deleted(
    operator: Operator,
) -> None:
    other = await operator.create("other")
    fallback = Fallback(provider_id=other.id, model="gpt-4o-mini")
    start, delete = await _agent(operator, "ada", fallbacks=[fallback])
    await operator.bus.ask(START_AGENT, start)

    with pytest.raises(ProviderInUseError) as refused:
        await operator.bus.ask(
            DELETE_PROVIDER, delete.model_copy(update={"provider_id": other.id})
        )

    assert "ada" in str(refused.value.details["agents"])
