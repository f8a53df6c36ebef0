from collections.abc import AsyncIterator
from datetime import timedelta

import pytest

from ag2trust_agent import protocol
from ag2trust_agent.errors import (
    AnswerNotUnderstoodError,
    RunnerLostError,
    TokenRefusedError,
)
from ag2trust_agent.protocol import Runner

from .fakes import TOKEN, FakeRunner, Refusal


@pytest.fixture
async def asking(runner_url: str) -> AsyncIterator[Runner]:
    """Make the agent's side of the protocol, with no patience at all."""
    async with protocol.connect(runner_url, TOKEN, patience=timedelta(0)) as asking:
        yield asking


async def test_a_runner_that_is_away_for_a_moment_is_asked_again(
    runner: FakeRunner, runner_url: str
) -> None:
    runner.refuse("/configuration", Refusal(None), Refusal(503), Refusal(429))

    async with protocol.connect(runner_url, TOKEN) as asking:
        configuration = await asking.configuration()

    assert configuration.name == "echo"


async def test_a_runner_that_stays_away_is_lost(
    runner: FakeRunner, asking: Runner
) -> None:
    runner.refuse("/next", Refusal(None))

    with pytest.raises(RunnerLostError):
        await asking.next_message()


async def test_a_busy_answer_is_contact(runner: FakeRunner, runner_url: str) -> None:
    busy = [Refusal(None), Refusal(503), Refusal(None)]
    runner.refuse("/configuration", *busy)
    patience = timedelta(milliseconds=700)  # the three pauses together take 1.75 s

    async with protocol.connect(runner_url, TOKEN, patience=patience) as asking:
        configuration = await asking.configuration()

    assert configuration.name == "echo"


async def test_no_message_in_time_is_none(runner: FakeRunner, asking: Runner) -> None:
    runner.refuse("/next", Refusal(204))

    assert await asking.next_message() is None


async def test_a_dead_token_is_refused(runner: FakeRunner, asking: Runner) -> None:
    runner.accepted_token = "agt_another"

    with pytest.raises(TokenRefusedError):
        await asking.next_message()


@pytest.mark.parametrize(
    "change", [{"provider_type": "telepathy"}, {"model": None}, {"temperature": "hot"}]
)
async def test_a_configuration_of_another_kind_is_not_understood(
    runner: FakeRunner, asking: Runner, change: dict[str, object]
) -> None:
    runner.configuration |= change

    with pytest.raises(AnswerNotUnderstoodError):
        await asking.configuration()


async def test_a_configuration_may_say_more_than_this_agent_knows(
    runner: FakeRunner, asking: Runner
) -> None:
    runner.configuration["colour"] = "red"

    assert (await asking.configuration()).name == "echo"


async def test_a_path_the_runner_does_not_have_is_not_understood(
    runner: FakeRunner, asking: Runner
) -> None:
    runner.refuse("/configuration", Refusal(404))

    with pytest.raises(AnswerNotUnderstoodError):
        await asking.configuration()


async def test_a_proxy_of_the_environment_never_sees_the_token(
    runner_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:9")

    async with protocol.connect(runner_url, TOKEN) as asking:
        configuration = await asking.configuration()

    assert configuration.name == "echo"
