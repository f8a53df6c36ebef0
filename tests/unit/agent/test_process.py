"""The agent as the runner meets it: a process with an environment and an exit code."""

import asyncio
import sys
from asyncio.subprocess import PIPE, Process
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from pathlib import Path

import pytest

from ag2trust_sandbox import serving

from .fakes import KEY, TOKEN, FakeModelServer, FakeRunner
from .providers import environment_of

LIMIT_KIB = 80 * 1024

STOPPED_WHILE_LOADING = """
import os, runpy, signal, sys
class Spy:
    def find_spec(self, name, path, target=None):
        if name == "{module}":
            os.kill(os.getpid(), signal.SIGTERM)
sys.meta_path.insert(0, Spy())
runpy.run_module("ag2trust_agent", run_name="__main__", alter_sys=True)
"""

DUMPABLE_AFTER_START = """
import atexit, ctypes, runpy
atexit.register(lambda: print(ctypes.CDLL(None).prctl(3)))
runpy.run_module("ag2trust_agent", run_name="__main__", alter_sys=True)
"""


@pytest.fixture
def environment(runner_url: str, model_url: str) -> Mapping[str, str]:
    return {
        "AG2TRUST_AGENT_URL": runner_url,
        "AG2TRUST_AGENT_TOKEN": TOKEN,
        "OPENAI_API_KEY": KEY,
        "OPENAI_BASE_URL": model_url,
    }


@asynccontextmanager
async def started(
    environment: Mapping[str, str], *arguments: str
) -> AsyncIterator[Process]:
    """Start Python with *environment* and nothing else; it ends before the block."""
    process = await asyncio.create_subprocess_exec(
        sys.executable, *arguments, env=environment, stdout=PIPE, stderr=PIPE
    )
    try:
        yield process
    finally:
        if process.returncode is None:
            process.kill()
        await process.communicate()


def agent(environment: Mapping[str, str]) -> AbstractAsyncContextManager[Process]:
    return started(environment, "-m", "ag2trust_agent")


async def ended(process: Process) -> tuple[int | None, str]:
    """Wait for the end; give the exit code and what was printed."""
    async with asyncio.timeout(30):
        output, errors = await process.communicate()
    return process.returncode, (output + errors).decode()


async def test_sigterm_ends_an_idle_agent_with_zero(
    runner: FakeRunner, environment: Mapping[str, str]
) -> None:
    async with agent(environment) as process:
        await runner.until(lambda: runner.polls == 1)

        process.terminate()
        code, printed = await ended(process)

    assert code == 0
    assert printed.endswith("agent.stopped\n")


async def test_sigterm_lets_a_message_be_finished(
    runner: FakeRunner, models: FakeModelServer, environment: Mapping[str, str]
) -> None:
    terminated = asyncio.Event()
    models.say("one ", terminated, "two")
    runner.give("Count")
    async with agent(environment) as process:
        await runner.until(lambda: bool(runner.replies and runner.replies[0].pieces))

        process.terminate()
        terminated.set()
        code, _ = await ended(process)

    assert code == 0
    assert runner.outcomes == [{"status": "completed", "content": "one two"}]


@pytest.mark.parametrize("module", ["httpx2", "openai"])
async def test_sigterm_while_it_loads_ends_the_agent_with_zero(
    environment: Mapping[str, str], module: str
) -> None:
    script = STOPPED_WHILE_LOADING.replace("{module}", module)

    async with started(environment, "-c", script) as process:
        code, _ = await ended(process)

    assert code == 0


async def test_a_refused_token_ends_the_agent_with_77(
    runner: FakeRunner, environment: Mapping[str, str]
) -> None:
    runner.accepted_token = "agt_another"

    async with agent(environment) as process:
        code, printed = await ended(process)

    assert code == 77
    assert printed == "agent.ended: the runner does not accept the token\n"


@pytest.mark.parametrize("name", ["AG2TRUST_AGENT_TOKEN", "OPENAI_BASE_URL"])
async def test_a_missing_variable_is_named(
    environment: Mapping[str, str], name: str
) -> None:
    incomplete = {key: value for key, value in environment.items() if key != name}

    async with agent(incomplete) as process:
        code, printed = await ended(process)

    assert code == 1
    assert printed == f"agent.ended: the environment lacks {name}\n"


async def test_nothing_of_a_message_or_its_way_is_printed(
    runner: FakeRunner, models: FakeModelServer, environment: Mapping[str, str]
) -> None:
    models.say("the answer")
    models.fail(401, message=f"no such key {KEY}")
    runner.give("the question")
    message = runner.give("the second question")
    talkative = {**environment, "OPENAI_LOG": "debug", "PYTHONASYNCIODEBUG": "1"}

    async with agent(talkative) as process:
        await runner.until_replied(2)
        process.terminate()
        _, printed = await ended(process)

    assert f"message.failed message_id={message}" in printed
    for secret in ("answer", "question", KEY, TOKEN, "http", "brief"):
        assert secret not in printed


async def test_a_bug_is_told_by_class_and_place_only(
    environment: Mapping[str, str],
) -> None:
    wrong = {**environment, "AG2TRUST_AGENT_URL": f"http://runner:{TOKEN}"}

    async with agent(wrong) as process:
        code, printed = await ended(process)

    assert code == 1
    assert "InvalidURL at\n" in printed
    assert TOKEN not in printed


async def test_neighbours_cannot_read_the_agents_memory(
    runner: FakeRunner, environment: Mapping[str, str]
) -> None:
    runner.accepted_token = "agt_another"

    async with started(environment, "-c", DUMPABLE_AFTER_START) as process:
        _, printed = await ended(process)

    assert printed.splitlines()[0] == "0"


@pytest.fixture(params=["openai", "anthropic", "bedrock"])
async def answering(
    request: pytest.FixtureRequest, runner: FakeRunner, runner_url: str
) -> AsyncIterator[Mapping[str, str]]:
    """Give what an agent of each provider type is started with; a sandbox answers."""
    provider_type: str = request.param
    runner.configuration["provider_type"] = provider_type
    async with serving() as sandbox:
        yield {
            "AG2TRUST_AGENT_URL": runner_url,
            "AG2TRUST_AGENT_TOKEN": TOKEN,
            **environment_of(provider_type, sandbox),
        }


async def test_an_idle_agent_takes_less_than_80_mb(
    runner: FakeRunner,
    answering: Mapping[str, str],
    record_property: Callable[[str, object], None],
) -> None:
    runner.give("Hi")

    async with agent(answering) as process:
        await runner.until(lambda: runner.polls == 2)
        resident = resident_kib(process.pid)

    record_property("resident MB", resident // 1024)
    assert [each["status"] for each in runner.outcomes] == ["completed"]
    assert resident <= LIMIT_KIB


def resident_kib(pid: int) -> int:
    status = Path(f"/proc/{pid}/status").read_text()
    [line] = [each for each in status.splitlines() if each.startswith("VmRSS:")]
    return int(line.split()[1])
