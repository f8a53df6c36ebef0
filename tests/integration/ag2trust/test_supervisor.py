"""What ends is named and started again; what never came up is not."""

import asyncio
import os
import signal
import sys
from pathlib import Path

import pytest

from ag2trust.child import Command
from ag2trust.errors import HomeUnusableError, ServerFailedError
from ag2trust.leftovers import Children, end_leftovers
from ag2trust.screen import Screen
from ag2trust.supervisor import Supervisor

ENDURES = "import signal; signal.pause()"
REPORTS = (
    "import os, signal, socket; "
    "link = socket.create_connection(('127.0.0.1', {port})); "
    "link.sendall(b'%d\\n' % os.getpid()); signal.pause()"
)
IGNORES_SIGTERM = (
    "import signal; signal.signal(signal.SIGTERM, signal.SIG_IGN); "
    "print('deaf', flush=True); signal.pause(); signal.pause()"
)


class HeardScreen(Screen):
    """A screen that a test can wait for."""

    def __init__(self) -> None:
        self.lines: asyncio.Queue[str] = asyncio.Queue()

    def say(self, text: str = "") -> None:
        self.lines.put_nowait(text)


@pytest.fixture
def screen() -> HeardScreen:
    return HeardScreen()


@pytest.fixture
def supervisor(tmp_path: Path, screen: HeardScreen) -> Supervisor:
    return Supervisor(Children(tmp_path / "children.json"), screen)


def _python(code: str, folder: Path) -> Command:
    return Command(
        name="worker",
        arguments=(sys.executable, "-c", code),
        environment={"PATH": os.defpath},
        log=folder / "worker.log",
    )


async def test_a_child_that_is_killed_is_named_and_replaced(
    tmp_path: Path, supervisor: Supervisor, screen: HeardScreen
) -> None:
    arrivals: asyncio.Queue[bytes] = asyncio.Queue()

    async def meet(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await arrivals.put(await reader.readline())
        writer.close()
        await writer.wait_closed()

    async with await asyncio.start_server(meet, "127.0.0.1", 0) as server:
        port = server.sockets[0].getsockname()[1]
        command = _python(REPORTS.format(port=port), tmp_path)
        async with (
            asyncio.timeout(20),
            supervisor.keeping(command, stop_seconds=5) as kept,
        ):
            first = int(await arrivals.get())
            kept.is_up()

            os.kill(first, signal.SIGKILL)

            assert int(await arrivals.get()) != first
            said = await screen.lines.get()
            assert "worker ended (SIGKILL) and is started again" in said


async def test_a_child_that_never_comes_up_ends_the_start_with_its_last_words(
    tmp_path: Path, supervisor: Supervisor
) -> None:
    command = _python("import sys; sys.exit('the sky is falling')", tmp_path)

    with pytest.raises(ExceptionGroup) as failed:
        async with supervisor.keeping(command, stop_seconds=5):
            await asyncio.Event().wait()

    assert failed.group_contains(
        ServerFailedError, match=r"worker cannot start\.\n    the sky is falling"
    )


async def test_a_child_that_is_deaf_is_ended_all_the_same(
    tmp_path: Path, supervisor: Supervisor
) -> None:
    command = _python(IGNORES_SIGTERM, tmp_path)

    async with supervisor.keeping(command, stop_seconds=0.2) as kept:
        await kept.ready(lambda _: "deaf" in command.log.read_text())

    assert await kept.child.ended() == -signal.SIGKILL


async def test_a_child_sees_the_environment_it_was_given_and_no_more(
    tmp_path: Path, supervisor: Supervisor, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AG2TRUST_BOOTSTRAP_API_KEY", "cust_secret")
    command = _python(
        f"import os; print(dict(os.environ), flush=True); {ENDURES}", tmp_path
    )

    async with supervisor.keeping(command, stop_seconds=5) as kept:
        await kept.ready(lambda _: "}" in command.log.read_text())

    assert "cust_secret" not in command.log.read_text()
    assert "'PATH'" in command.log.read_text()


async def test_what_a_launcher_left_behind_is_ended_by_the_next(
    tmp_path: Path, supervisor: Supervisor
) -> None:
    async with supervisor.keeping(_python(ENDURES, tmp_path), stop_seconds=5) as kept:
        await kept.ready(lambda _: True)
        kept.may_end()

        assert await end_leftovers(tmp_path / "children.json") == ["worker"]

        assert await kept.child.ended() < 0


@pytest.mark.parametrize("damaged", ["", "[", "{}{}", '[{"name": "worker"}]', "7"])
async def test_a_damaged_list_of_children_is_told(tmp_path: Path, damaged: str) -> None:
    file = tmp_path / "children.json"
    file.write_text(damaged)

    with pytest.raises(HomeUnusableError, match=r"children\.json is damaged"):
        await end_leftovers(file)


async def test_another_process_with_the_number_of_a_child_is_left_alone(
    tmp_path: Path,
) -> None:
    file = tmp_path / "children.json"
    children = Children(file)
    children.note("worker", os.getpid(), signal.SIGTERM)
    file.write_text(file.read_text().replace('"birth": "', '"birth": "another-boot'))

    assert await end_leftovers(file) == []
