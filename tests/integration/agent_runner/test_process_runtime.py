import asyncio
import json
import os
import signal
import subprocess
import sys
from collections.abc import AsyncIterator, Iterator
from contextlib import AbstractAsyncContextManager
from datetime import timedelta
from pathlib import Path
from typing import Protocol
from uuid import UUID

import pytest

from agent_runner.masking import MASK
from agent_runner.runtimes.errors import LaunchFailedError
from agent_runner.runtimes.process.ledger import Entry, ProcessLedger, started_at
from agent_runner.runtimes.process.runtime import process_runtime
from agent_runner.runtimes.runtime import Exited, ExitReason, Launch, Placed, Runtime
from shared.ids import new_id

from .door import KNOCK, Door, open_door
from .waiting import next_exit, said, tail

ORG = UUID(int=2)
NO_TIME = timedelta()
LONG = timedelta(minutes=1)
DOOMED = Path(__file__).with_name("doomed_runner.py")
KEY = "sk-proj-0123456789"

WAIT = KNOCK + "echo up >&3; sleep 1000"
DESCRIBE = """
import json, os
print(json.dumps({
    "environment": dict(os.environ),
    "folder": os.getcwd(),
    "files": os.listdir(),
    "mode": os.stat(".").st_mode & 0o777,
    "leads": os.getsid(0) == os.getpgrp() == os.getpid(),
}))
"""


class Running(Protocol):
    def __call__(self, script: str) -> AbstractAsyncContextManager[Runtime]: ...


@pytest.fixture
def state(tmp_path: Path) -> Path:
    return tmp_path / "runner-1"


@pytest.fixture
def running(state: Path) -> Running:
    """Hold a runtime whose agents run a script of bash."""

    def run(script: str) -> AbstractAsyncContextManager[Runtime]:
        return process_runtime(state=state, command=("/bin/bash", "-c", script))

    return run


@pytest.fixture
async def door() -> AsyncIterator[Door]:
    async with open_door() as door:
        yield door


@pytest.fixture
def innocent() -> Iterator[subprocess.Popen[bytes]]:
    """Start a process of nobody's, which leads a group of its own."""
    with subprocess.Popen(
        ["/bin/cat"], stdin=subprocess.PIPE, start_new_session=True
    ) as process:
        yield process


def launch(
    agent_id: UUID | None = None,
    *,
    door: Door | None = None,
    environment: dict[str, str] | None = None,
    secrets: frozenset[str] = frozenset(),
) -> Launch:
    url = {"AG2TRUST_AGENT_URL": door.url} if door else {}
    return Launch(
        agent_id=agent_id or new_id(),
        org_id=ORG,
        epoch=7,
        image="",
        environment=url | (environment or {}),
        secrets=secrets,
    )


def placed(agent_id: UUID, *, is_running: bool) -> Placed:
    return Placed(agent_id, ORG, 7, is_running)


def below(folder: Path) -> set[str]:
    return {str(path.relative_to(folder)) for path in folder.rglob("*")}


async def gone(pid: int) -> None:
    """Wait for the end of a process, whoever's child it is."""
    try:
        watch = os.pidfd_open(pid)
    except ProcessLookupError:
        return
    loop = asyncio.get_running_loop()
    ended = asyncio.Event()
    loop.add_reader(watch, ended.set)
    try:
        async with asyncio.timeout(30):
            await ended.wait()
    finally:
        loop.remove_reader(watch)
        os.close(watch)


async def left_by_a_killed_runner(state: Path, door: Door, script: str) -> UUID:
    """Launch an agent from a runner that is killed right after; it goes on."""
    agent_id = new_id()
    runner = await launched_elsewhere(agent_id, state, door, script)
    runner.kill()
    await runner.communicate()
    return agent_id


async def launched_elsewhere(
    agent_id: UUID, state: Path, door: Door, script: str
) -> asyncio.subprocess.Process:
    """Launch an agent from a runner that is a process of its own; return that."""
    runner = await asyncio.create_subprocess_exec(
        sys.executable,
        str(DOOMED),
        str(state),
        str(agent_id),
        door.url,
        "/bin/bash",
        "-c",
        script,
        stdout=asyncio.subprocess.PIPE,
    )
    assert runner.stdout
    assert await runner.stdout.readline() == b"launched\n"
    return runner


async def test_an_agent_has_its_environment_and_little_else(
    state: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AG2TRUST_CANARY", "of the runner")
    command = (sys.executable, "-I", "-c", DESCRIBE)

    async with process_runtime(state=state, command=command) as runtime:
        await runtime.launch(launch(environment={"OPENAI_API_KEY": "sk-1"}))
        told = json.loads((await next_exit(runtime)).last_words.splitlines()[-1])

    home = told["folder"]
    environment = {
        name: value
        for name, value in told["environment"].items()
        if name not in {"PWD", "OLDPWD", "SHLVL", "_", "LC_CTYPE"}  # of sh and Python
    }
    assert environment == {
        "HOME": home,
        "LANG": "C.UTF-8",
        "PATH": "/usr/local/bin:/usr/bin:/bin",
        "OPENAI_API_KEY": "sk-1",
    }


async def test_an_agent_begins_in_an_empty_folder_of_its_own(state: Path) -> None:
    command = (sys.executable, "-I", "-c", DESCRIBE)

    async with process_runtime(state=state, command=command) as runtime:
        await runtime.launch(launch())
        told = json.loads((await next_exit(runtime)).last_words.splitlines()[-1])

    assert Path(told["folder"]).is_relative_to(state)
    assert (told["files"], told["mode"]) == ([], 0o700)


async def test_an_agent_leads_a_session_of_its_own(state: Path) -> None:
    command = (sys.executable, "-I", "-c", DESCRIBE)

    async with process_runtime(state=state, command=command) as runtime:
        await runtime.launch(launch())
        told = json.loads((await next_exit(runtime)).last_words.splitlines()[-1])

    assert told["leads"]


async def test_agents_are_reached_on_loopback(running: Running) -> None:
    async with running("true") as runtime:
        assert await runtime.connect(new_id(), ORG, 7) == "127.0.0.1"


async def test_a_secret_that_an_agent_prints_is_masked(running: Running) -> None:
    async with running("echo $OPENAI_API_KEY") as runtime:
        await runtime.launch(
            launch(environment={"OPENAI_API_KEY": KEY}, secrets=frozenset({KEY}))
        )
        exited = await next_exit(runtime)

    assert exited.last_words.splitlines()[-1] == MASK


async def test_what_an_agent_prints_can_be_read_while_it_runs(
    running: Running,
) -> None:
    agent = launch()

    async with running("echo hello; sleep 1000") as runtime:
        await runtime.launch(agent)

        await said(runtime, agent.agent_id, "hello")


@pytest.mark.parametrize(
    ("script", "exit_code", "reason"),
    [
        ("exit 0", 0, ExitReason.EXITED),
        ("exit 3", 3, ExitReason.EXITED),
        ("kill -KILL $$", 137, ExitReason.KILLED),
        ("kill -SEGV $$", 139, ExitReason.KILLED),
    ],
)
async def test_an_exit_is_told(
    running: Running, script: str, exit_code: int, reason: ExitReason
) -> None:
    agent = launch()

    async with running(f"echo goodbye; {script}") as runtime:
        await runtime.launch(agent)
        exited = await next_exit(runtime)

    assert (exited.agent_id, exited.epoch) == (agent.agent_id, 7)
    assert (exited.exit_code, exited.reason) == (exit_code, reason)
    assert "goodbye" in exited.last_words


async def test_a_child_that_keeps_the_output_does_not_hide_the_exit(
    running: Running, door: Door
) -> None:
    async with running(KNOCK + "sleep 1000 & echo $! >&3; exit 4") as runtime:
        await runtime.launch(launch(door=door))
        child = int(await door.hears())
        exited = await next_exit(runtime)

        assert exited.exit_code == 4
        await gone(child)


async def test_an_agent_without_an_init_leaves_nothing(state: Path) -> None:
    missing = state / "no-such-init.sh"

    async with process_runtime(state=state, command=("true",), init=missing) as runtime:
        with pytest.raises(LaunchFailedError, match="no command ran"):
            await runtime.launch(launch())

        assert await runtime.survey() == []
        assert below(state) == {"ledger", "homes"}


async def test_a_refused_environment_leaves_nothing(running: Running) -> None:
    async with running("true") as runtime:
        with pytest.raises(LaunchFailedError, match="OPENAI_API_KEY"):
            await runtime.launch(launch(environment={"OPENAI_API_KEY": "two words"}))

        assert await runtime.survey() == []


async def test_an_agent_that_runs_cannot_be_launched_again(
    running: Running, door: Door
) -> None:
    agent = launch(door=door)

    async with running(WAIT) as runtime:
        await runtime.launch(agent)
        with pytest.raises(LaunchFailedError, match="runs already"):
            await runtime.launch(agent)

        assert await runtime.survey() == [placed(agent.agent_id, is_running=True)]


async def test_an_agent_that_exited_can_be_launched_again(running: Running) -> None:
    agent = launch()

    async with running("exit 1") as runtime:
        await runtime.launch(agent)
        await next_exit(runtime)
        assert await runtime.survey() == [placed(agent.agent_id, is_running=False)]

        await runtime.launch(agent)
        assert (await next_exit(runtime)).agent_id == agent.agent_id


async def test_a_stopped_agent_is_asked_first(running: Running, door: Door) -> None:
    agent = launch(door=door)
    script = KNOCK + "trap 'echo bye >&3; exit 0' TERM; echo up >&3; sleep 1000 & wait"

    async with running(script) as runtime:
        await runtime.launch(agent)
        assert await door.hears() == "up"

        await runtime.stop(agent.agent_id, grace=LONG)

        assert await door.hears() == "bye"
        assert await runtime.survey() == []


async def test_an_agent_that_does_not_listen_is_killed(
    running: Running, door: Door
) -> None:
    agent = launch(door=door)
    script = KNOCK + "trap '' TERM; echo $$ >&3; while :; do sleep 1000; done"

    async with running(script) as runtime:
        await runtime.launch(agent)
        pid = int(await door.hears())

        await runtime.stop(agent.agent_id, grace=timedelta(milliseconds=50))

        assert started_at(pid) is None
        assert await runtime.survey() == []


async def test_the_children_of_a_stopped_agent_end_with_it(
    running: Running, door: Door
) -> None:
    agent = launch(door=door)
    child = "(trap '' TERM; while :; do sleep 1000; done)"

    async with running(KNOCK + f"{child} & echo $! >&3; wait") as runtime:
        await runtime.launch(agent)
        pid = int(await door.hears())

        await runtime.stop(agent.agent_id, grace=LONG)

        await gone(pid)


async def test_stopping_may_be_repeated(running: Running, door: Door) -> None:
    agent = launch(door=door)

    async with running(WAIT) as runtime:
        await runtime.launch(agent)
        await runtime.stop(agent.agent_id, grace=NO_TIME)
        await runtime.stop(agent.agent_id, grace=NO_TIME)

        assert await runtime.survey() == []


async def test_a_stop_that_is_cancelled_is_finished_by_the_next(
    running: Running, door: Door
) -> None:
    agent = launch(door=door)
    script = KNOCK + "trap 'echo asked >&3' TERM; echo $$ >&3; while :; do :; done"

    async with running(script) as runtime:
        await runtime.launch(agent)
        pid = int(await door.hears())
        stop = asyncio.create_task(runtime.stop(agent.agent_id, grace=LONG))
        assert await door.hears() == "asked"

        stop.cancel()
        await asyncio.wait([stop])
        await runtime.stop(agent.agent_id, grace=NO_TIME)

        assert started_at(pid) is None


async def test_a_stop_waits_for_a_launch_and_leaves_nothing(
    running: Running, door: Door
) -> None:
    agent = launch(door=door)

    async with running(WAIT) as runtime:
        async with asyncio.TaskGroup() as group:
            group.create_task(runtime.launch(agent))
            group.create_task(runtime.stop(agent.agent_id, grace=NO_TIME))

        assert await runtime.survey() == []


async def test_a_stop_is_no_exit(running: Running, door: Door) -> None:
    stopped, ended = launch(door=door), launch(door=door)
    script = KNOCK + "echo $$ >&3; sleep 1000"

    async with running(script) as runtime:
        await runtime.launch(ended)
        pid = int(await door.hears())
        await runtime.launch(stopped)
        await runtime.stop(stopped.agent_id, grace=NO_TIME)
        os.kill(pid, signal.SIGKILL)

        assert (await next_exit(runtime)).agent_id == ended.agent_id


async def test_agents_end_with_the_runtime(running: Running, door: Door) -> None:
    async with running(KNOCK + "echo $$ >&3; sleep 1000") as runtime:
        await runtime.launch(launch(door=door))
        pid = int(await door.hears())

    assert started_at(pid) is None


async def test_agents_end_with_a_runner_whose_closing_is_interrupted(
    state: Path, door: Door
) -> None:
    script = KNOCK + "echo $$ >&3; sleep 1000"
    runner = await launched_elsewhere(new_id(), state, door, script)
    pid = int(await door.hears())

    runner.terminate()
    await runner.communicate()

    await gone(pid)


async def test_what_a_killed_runner_left_is_found(
    running: Running, state: Path, door: Door
) -> None:
    agent_id = await left_by_a_killed_runner(state, door, WAIT)

    async with running("true") as runtime:
        assert await runtime.survey() == [placed(agent_id, is_running=True)]
        assert tail(runtime, agent_id) == ""
        await runtime.stop(agent_id, grace=NO_TIME)


async def test_what_a_killed_runner_left_is_stopped_whole(
    running: Running, state: Path, door: Door
) -> None:
    script = KNOCK + "sleep 1000 & echo $! >&3; echo $$ >&3; wait"
    agent_id = await left_by_a_killed_runner(state, door, script)
    pids = [int(await door.hears()), int(await door.hears())]

    async with running("true") as runtime:
        await runtime.stop(agent_id, grace=LONG)

        assert await runtime.survey() == []
    for pid in pids:
        await gone(pid)


async def test_the_end_of_what_a_killed_runner_left_is_told(
    running: Running, state: Path, door: Door
) -> None:
    script = KNOCK + "echo up >&3; read <&3; exit 5"
    agent_id = await left_by_a_killed_runner(state, door, script)
    assert await door.hears() == "up"

    async with running("true") as runtime:
        door.say("end")
        exited = await next_exit(runtime)
        await runtime.stop(agent_id, grace=NO_TIME)

    assert exited == Exited(agent_id, 7, None, ExitReason.VANISHED, "")


async def test_a_process_that_got_an_agents_number_is_left_alone(
    running: Running, state: Path, innocent: subprocess.Popen[bytes]
) -> None:
    agent_id = new_id()
    folder = state / "ledger"
    folder.mkdir(parents=True)
    ProcessLedger(folder).write(Entry(agent_id, ORG, 7, innocent.pid, "boot 1"))

    async with running("true") as runtime:
        assert await runtime.survey() == [placed(agent_id, is_running=False)]
        await runtime.stop(agent_id, grace=NO_TIME)

        assert await runtime.survey() == []
    assert innocent.poll() is None
