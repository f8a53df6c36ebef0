import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from datetime import timedelta

import pytest

from ag2trust_agent import protocol
from ag2trust_agent.loop import Agent
from ag2trust_agent.models import connect
from ag2trust_agent.stopping import Stop, StoppedError

from .fakes import KEY, TOKEN, FakeModelServer, FakeRunner, listening

Working = Callable[..., AbstractAsyncContextManager[Stop]]


@pytest.fixture
def runner() -> FakeRunner:
    return FakeRunner()


@pytest.fixture
def models() -> FakeModelServer:
    return FakeModelServer()


@pytest.fixture
async def runner_url(runner: FakeRunner) -> AsyncIterator[str]:
    async with listening(runner.app()) as url:
        yield url


@pytest.fixture
async def model_url(models: FakeModelServer) -> AsyncIterator[str]:
    async with listening(models.app()) as url:
        yield f"{url}/a/{TOKEN}/openai/v1"


@pytest.fixture
def working(
    runner_url: str, model_url: str, monkeypatch: pytest.MonkeyPatch
) -> Working:
    """Make an agent that works while the block runs, and stops, done, at its end."""
    monkeypatch.setenv("OPENAI_API_KEY", KEY)
    monkeypatch.setenv("OPENAI_BASE_URL", model_url)

    @asynccontextmanager
    async def work(
        *,
        grace: timedelta = timedelta(seconds=10),
        heartbeat_every: timedelta = timedelta(seconds=10),
    ) -> AsyncIterator[Stop]:
        stop = Stop()
        async with (
            protocol.connect(runner_url, TOKEN) as runner,
            connect(await runner.configuration()) as configured,
            asyncio.TaskGroup() as group,
        ):
            agent = Agent(
                runner=runner,
                model=configured,
                stop=stop,
                grace=grace,
                heartbeat_every=heartbeat_every,
            )
            group.create_task(until_stopped(agent))
            yield stop
            stop.request()

    return work


async def until_stopped(agent: Agent) -> None:
    try:
        await agent.work()
    except StoppedError:
        assert agent.stop.is_requested
