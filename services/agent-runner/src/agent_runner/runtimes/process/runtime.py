"""Runs agents as plain processes, for a first try without Docker. NO ISOLATION.

Every agent runs as the runner's own user. It can read whatever that user can: the
spool, the keys of this installation, the memory of other agents. It can reach every
network the host can, and use as much memory as there is: `Launch.resources` is not
enforced. Only the one-machine launcher may choose this runtime by itself, and says so.
"""

import asyncio
import os
import signal
import sys
from collections.abc import AsyncGenerator, AsyncIterator, Coroutine, Iterator, Sequence
from contextlib import aclosing, asynccontextmanager, contextmanager, suppress
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import BinaryIO
from uuid import UUID

import structlog

from agent_runner.runtimes.agent_output import AgentOutput
from agent_runner.runtimes.errors import LaunchFailedError
from agent_runner.runtimes.launch_frame import AGENT_INIT, launch_frame, unready
from agent_runner.runtimes.outputs import Outputs
from agent_runner.runtimes.runtime import Exited, ExitReason, Launch, Placed, Runtime
from agent_runner.runtimes.turns import Turns
from shared.timeouts import timeout

from .homes import remove_home
from .ledger import Entry, ProcessLedger, started_at

__all__ = ["process_runtime"]

log = structlog.get_logger(__name__)

_DEFAULT_AGENT = (sys.executable, "-I", "-m", "ag2trust_agent")
_PATH = "/usr/local/bin:/usr/bin:/bin"
_LOOK_EVERY_SECONDS = 0.1
_KILLED_WITHIN_SECONDS = 5
_SIGNALLED = 128  # what shells add to a signal's number
_PIECE_BYTES = 64 * 1024


@asynccontextmanager
async def process_runtime(
    *, state: Path, command: Sequence[str] = _DEFAULT_AGENT, init: Path = AGENT_INIT
) -> AsyncIterator[Runtime]:
    """Hold a runtime whose agents are processes that run *command*.

    The ledger and the agents' homes lie in *state*, one runner's own folder. Agents
    launched here are killed when the runtime closes, because nobody would read what
    they print; what a killed runner left is found again, and `stop` ends it. Only the
    children of an agent that ended while no runner watched are not found.
    """
    log.warning("process_runtime.opened", isolation="none")
    async with asyncio.TaskGroup() as group:
        runtime = _ProcessRuntime(state, tuple(command), init, group)
        await runtime.open()
        try:
            yield runtime
        finally:
            await runtime.close()


@dataclass(slots=True, eq=False)
class _Agent:
    """A process; *child* and *output* only if it is ours.

    Its end is told unless it was asked for.
    """

    entry: Entry
    child: asyncio.subprocess.Process | None = None
    output: AgentOutput | None = None
    is_stopping: bool = False


class _ProcessRuntime(Runtime):
    def __init__(
        self,
        state: Path,
        command: tuple[str, ...],
        init: Path,
        group: asyncio.TaskGroup,
    ) -> None:
        self._ledger = ProcessLedger(state / "ledger")
        self._folders = (state / "ledger", state / "homes")
        self._homes = state / "homes"
        self._command = command
        self._init = init
        self._group = group
        self._agents: dict[UUID, _Agent] = {}
        self._outputs = Outputs()
        self._exits: asyncio.Queue[Exited] = asyncio.Queue()
        self._turns = Turns()
        self._tasks: set[asyncio.Task[None]] = set()

    async def open(self) -> None:
        """Begin to watch what an earlier process of this runner left running."""
        for folder in self._folders:
            await asyncio.to_thread(
                folder.mkdir, mode=0o700, parents=True, exist_ok=True
            )
        for entry in await asyncio.to_thread(self._ledger.entries):
            if await _is_running(entry):
                self._watch(_Agent(entry))

    async def close(self) -> None:
        launched = [agent for agent in self._agents.values() if agent.child]
        for agent in launched:
            # All at once and before any wait, which a second cancellation would cut.
            agent.is_stopping = True
            _kill(agent)
        for agent in launched:
            await self.stop(agent.entry.agent_id, grace=timedelta())
        for task in self._tasks:
            task.cancel()

    async def check_image(self, image: str) -> None:
        """Know of none: other runners may."""
        del image

    async def connect(self, agent_id: UUID, org_id: UUID, epoch: int) -> str:
        """Return the loopback address: processes share the host's network."""
        del agent_id, org_id, epoch
        return "127.0.0.1"

    async def launch(self, launch: Launch) -> None:
        frame = launch_frame(launch.environment)
        async with self._turns.of(launch.agent_id):
            await self._clear(launch.agent_id)
            try:
                with _translated():
                    self._watch(await self._start(launch, frame))
            except BaseException:
                await self._erase(launch.agent_id)
                raise

    async def stop(self, agent_id: UUID, *, grace: timedelta) -> None:
        async with self._turns.of(agent_id):
            if agent := self._agents.get(agent_id):
                agent.is_stopping = True
                await _end(agent, grace)
                # Not before: a stop that is cancelled leaves it to the next one.
                del self._agents[agent_id]
            await self._erase(agent_id)

    async def survey(self) -> list[Placed]:
        entries = await asyncio.to_thread(self._ledger.entries)
        return [
            Placed(
                agent_id=entry.agent_id,
                org_id=entry.org_id,
                epoch=entry.epoch,
                is_running=await _is_running(entry),
            )
            for entry in entries
        ]

    async def refused(self) -> dict[UUID, int]:
        """Return nothing: nothing is closed to processes."""
        return {}

    async def exits(self) -> AsyncIterator[Exited]:
        while True:
            yield await self._exits.get()

    def output(self, agent_id: UUID) -> AgentOutput | None:
        return self._outputs.of(agent_id)

    async def _clear(self, agent_id: UUID) -> None:
        """Make room for a launch: what has ended goes, what runs refuses it."""
        entry = await asyncio.to_thread(self._ledger.read, agent_id)
        if entry and await _is_running(entry):
            raise LaunchFailedError(f"Agent {agent_id} runs already.")
        self._agents.pop(agent_id, None)
        await self._erase(agent_id)

    async def _erase(self, agent_id: UUID) -> None:
        home = self._homes / str(agent_id)
        await asyncio.to_thread(remove_home, home)
        await asyncio.to_thread(self._ledger.remove, agent_id)

    async def _start(self, launch: Launch, frame: bytes) -> _Agent:
        home = self._homes / str(launch.agent_id)
        await asyncio.to_thread(home.mkdir, mode=0o700)
        child, printed = await self._spawn_init(home)
        output = AgentOutput(launch.secrets)
        self._outputs.keep(launch.agent_id, output)
        self._spawn(_listen(printed, output))
        agent = _Agent(_entry(launch, child.pid), child, output)
        try:
            # In the ledger before it has its environment: an init whose runner dies
            # in between reads the end of its input, and ends too.
            await asyncio.to_thread(self._ledger.write, agent.entry)
            await _hand_over(frame, child, output)
        except BaseException:
            await _end(agent, timedelta())
            raise
        return agent

    async def _spawn_init(
        self, home: Path
    ) -> tuple[asyncio.subprocess.Process, BinaryIO]:
        """Start the init; return it with what it and its children print to.

        The pipe is ours and not asyncio's, whose `wait` waits for the end of output
        too, and so for children that outlive the agent.
        """
        reading, writing = os.pipe()
        printed = os.fdopen(reading, "rb", buffering=0)
        try:
            child = await asyncio.create_subprocess_exec(
                "/bin/sh",
                str(self._init),
                *self._command,
                stdin=asyncio.subprocess.PIPE,
                stdout=writing,
                stderr=writing,
                cwd=home,
                env={"PATH": _PATH, "HOME": str(home), "LANG": "C.UTF-8"},
                start_new_session=True,
            )
        except BaseException:
            printed.close()
            raise
        finally:
            os.close(writing)
        return child, printed

    def _watch(self, agent: _Agent) -> None:
        self._agents[agent.entry.agent_id] = agent
        self._spawn(self._tell_exit(agent))

    async def _tell_exit(self, agent: _Agent) -> None:
        code = await _ended(agent)
        # Its children end with it. The group keeps its number until it is empty.
        await _signal_group(agent.entry, signal.SIGKILL)
        last_words = await agent.output.final_text() if agent.output else ""
        if not agent.is_stopping and self._agents.get(agent.entry.agent_id) is agent:
            self._exits.put_nowait(_exited(agent.entry, code, last_words))

    def _spawn(self, job: Coroutine[None, None, None]) -> None:
        task = self._group.create_task(job)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)


def _entry(launch: Launch, pid: int) -> Entry:
    return Entry(
        agent_id=launch.agent_id,
        org_id=launch.org_id,
        epoch=launch.epoch,
        pid=pid,
        started_at=started_at(pid) or "",
    )


async def _hand_over(
    frame: bytes, child: asyncio.subprocess.Process, output: AgentOutput
) -> None:
    if child.stdin is None:
        raise TypeError("the init was started without a pipe to its input")
    # An init that is gone already is told of by its exit code.
    with suppress(BrokenPipeError, ConnectionResetError):
        child.stdin.write(frame)
        await child.stdin.drain()
    child.stdin.close()
    if not await output.is_ready():
        raise unready(await child.wait(), output.text())


async def _listen(printed: BinaryIO, output: AgentOutput) -> None:
    reader = asyncio.StreamReader()
    transport, _ = await asyncio.get_running_loop().connect_read_pipe(
        lambda: asyncio.StreamReaderProtocol(reader), printed
    )
    try:
        async with aclosing(_pieces(reader)) as pieces:
            await output.listen(pieces)
    finally:
        transport.close()


async def _pieces(
    reader: asyncio.StreamReader,
) -> AsyncGenerator[tuple[int, bytes], None]:
    while data := await reader.read(_PIECE_BYTES):
        yield 1, data


def _kill(agent: _Agent) -> None:
    """Kill the process group of a child that was not waited for, and so is there."""
    if agent.child and agent.child.returncode is None:
        with suppress(ProcessLookupError, PermissionError):
            os.killpg(agent.entry.pid, signal.SIGKILL)


async def _end(agent: _Agent, grace: timedelta) -> None:
    """End the agent's whole process group, if it is still there."""
    if not await _is_running(agent.entry):
        return
    await _signal_group(agent.entry, signal.SIGTERM)
    await _ended_within(agent, grace.total_seconds())
    await _signal_group(agent.entry, signal.SIGKILL)
    await _ended_within(agent, _KILLED_WITHIN_SECONDS)


async def _ended_within(agent: _Agent, seconds: float) -> None:
    with suppress(TimeoutError):
        async with timeout(seconds):
            await _ended(agent)


async def _ended(agent: _Agent) -> int | None:
    """Wait for the end; return the exit code, negative for a signal, if it is ours."""
    if agent.child:
        return await agent.child.wait()
    while await _is_running(agent.entry):  # noqa: ASYNC110 - not our child to wait for
        await asyncio.sleep(_LOOK_EVERY_SECONDS)
    return None


async def _is_running(entry: Entry) -> bool:
    return await asyncio.to_thread(lambda: entry.is_running)


async def _signal_group(entry: Entry, number: signal.Signals) -> None:
    if await asyncio.to_thread(lambda: entry.number_is_reused):
        return
    # macOS says EPERM of a group whose members have all ended.
    with suppress(ProcessLookupError, PermissionError):
        os.killpg(entry.pid, number)


@contextmanager
def _translated() -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise LaunchFailedError(
            f"The agent's process could not be made: {error.strerror}."
        ) from error


def _exited(entry: Entry, code: int | None, last_words: str) -> Exited:
    return Exited(
        agent_id=entry.agent_id,
        epoch=entry.epoch,
        exit_code=code if code is None or code >= 0 else _SIGNALLED - code,
        reason=_reason(code),
        last_words=last_words,
    )


def _reason(code: int | None) -> ExitReason:
    if code is None:
        return ExitReason.VANISHED
    return ExitReason.KILLED if code < 0 else ExitReason.EXITED
