"""`ag2trust run`, started, stopped, killed and started again as a whole."""

import asyncio
import json
import os
import re
import select
import signal
import socket
import stat
import sys
from asyncio.subprocess import PIPE
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import aiohttp
import pytest
import pytest_asyncio

from ag2trust.launched import Launched, Place, launched, launching
from ag2trust.ports import free_port
from ag2trust.quick_folder import quick_folder
from ag2trust.readiness import until_ready

from ...stack.searching import (  # noqa: TID252 - no package
    Needle,
    files_with,
    processes_with,
)

pytestmark = [pytest.mark.stack, pytest.mark.asyncio(loop_scope="module")]

BOOTSTRAP_KEY = "cust_" + "B00tstrap" * 4
CHILDREN = ["postgres", "nats", "credentials", "gateway", "agent_runner", "metrics"]


@dataclass(frozen=True, slots=True)
class End:
    """How a launcher that was to end did, and what outlived it."""

    exit_code: int
    left: list[str]


@dataclass(frozen=True, slots=True)
class Starts:
    """What three starts of one home said and were answered, the first key given.

    The first person came in by the second start's link. Each start ended in a way of
    its own.
    """

    place: Place
    statuses: list[int]
    links: list[str | None]
    accepted: list[int]
    environments: list[str]
    screens: str
    ends: dict[str, End]
    said_at_impatience: str
    side_by_side: list[int]


@pytest.fixture
def place() -> Iterator[Place]:
    with quick_folder() as folder:
        yield Place(folder / "home")


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def starts(running: Launched) -> AsyncIterator[Starts]:
    with quick_folder() as folder:
        place = Place(folder / "home")
        ends: dict[str, End] = {}
        async with launched(place, AG2TRUST_BOOTSTRAP_API_KEY=BOOTSTRAP_KEY) as first:
            environments = [_environment_of(place.pid_of(name)) for name in CHILDREN]
            statuses = [await _status(place, BOOTSTRAP_KEY)]
            links = [await _link_on(first)]
            log = place.logged("postgres")
            ends["impatience"] = await _ended_impatiently(first)
            said_at_impatience = place.logged("postgres").removeprefix(log)
        async with launched(place) as second:
            statuses.append(await _status(place, BOOTSTRAP_KEY))
            links.append(await _link_on(second))
            accepted = [await _accept(place, each) for each in (*links, links[-1])]
            ends["SIGKILL"] = await _killed(second)
        async with launched(place) as third:
            statuses.append(await _status(place, BOOTSTRAP_KEY))
            links.append(await _link_on(third))
            side_by_side = await _statuses_beside(place, running.place)
            ends["hanging"] = await _ended(third, lambda: _hang_and_stop(third))
        yield Starts(
            place=place,
            statuses=statuses,
            links=links,
            accepted=accepted,
            environments=environments,
            screens="".join(it.screen for it in (first, second, third)),
            ends=ends,
            said_at_impatience=said_at_impatience,
            side_by_side=side_by_side,
        )


@pytest.fixture(scope="module")
def used(starts: Starts) -> Place:
    """Provide a home that is not new, to be started and left as it was, at rest."""
    return starts.place


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def running() -> AsyncIterator[Launched]:
    """Run one stack for all tests that find a stack running and leave it so.

    At their end it is asked to stop, and leaves no child.
    """
    with quick_folder() as folder:
        async with launched(Place(folder / "home")) as launcher:
            yield launcher
            end = await _ended(launcher, lambda: launcher.send(signal.SIGTERM))
            assert end == End(0, left=[])


async def _status(place: Place, key: str) -> int:
    url = f"{place.gateway_url}/api/providers"
    async with (
        aiohttp.ClientSession(headers={"X-API-Key": key}) as http,
        http.get(url) as response,
    ):
        return response.status


async def _statuses_beside(place: Place, other: Place) -> list[int]:
    """Return what is said by *place* to its key and the other's, and by the other."""
    return [
        await _status(place, BOOTSTRAP_KEY),
        await _status(place, other.api_key),
        await _status(other, other.api_key),
    ]


async def _ended(launcher: Launched, end: Callable[[], None]) -> End:
    """Have a launcher end well, which takes 15 s at most, even if its children hang."""
    with _watching(launcher.place) as children:
        end()
        return End(await launcher.ended(seconds=15), _still_there(children))


async def _ended_impatiently(launcher: Launched) -> End:
    """Ctrl-C, which all of the group are sent, and five times more."""
    with _watching(launcher.place) as children:
        os.killpg(launcher.pid, signal.SIGINT)
        await launcher.says("Stopping")
        for _ in range(5):
            os.killpg(launcher.pid, signal.SIGINT)
        return End(await launcher.ended(), _still_there(children))


async def _killed(launcher: Launched) -> End:
    """Kill a launcher, which says nothing to its children any more."""
    with _watching(launcher.place) as children:
        launcher.send(signal.SIGKILL)
        left = _still_there(children, seconds=30)
        return End(await launcher.ended(), left)


def _hang_and_stop(launcher: Launched) -> None:
    for name in CHILDREN:
        os.kill(launcher.place.pid_of(name), signal.SIGSTOP)
    launcher.send(signal.SIGTERM)


@contextmanager
def _watching(place: Place) -> Iterator[dict[str, int]]:
    """Hold a pidfd of every child: other than a pid, it never means another process."""
    watched = {name: os.pidfd_open(place.pid_of(name)) for name in CHILDREN}
    try:
        yield watched
    finally:
        for each in watched.values():
            os.close(each)


def _still_there(watched: dict[str, int], *, seconds: float = 0) -> list[str]:
    """Return the names of those that have not ended, each waited for so long."""
    return [
        name
        for name, pidfd in watched.items()
        if not select.select([pidfd], [], [], seconds)[0]
    ]


def _environment_of(pid: int) -> str:
    return Path(f"/proc/{pid}/environ").read_text()


async def test_the_first_key_is_in_its_file_and_opens_the_api(
    running: Launched,
) -> None:
    place = running.place

    status = await _status(place, place.api_key)

    assert status == 200
    assert stat.S_IMODE((place.home / "api-key").stat().st_mode) == 0o600


async def test_the_first_key_is_in_its_file_alone(running: Launched) -> None:
    place = running.place
    needle = {"key": Needle.of(place.api_key)}

    files = files_with(needle, [place.home], since=0)
    processes = processes_with(needle)

    assert files["key"] == {place.home / "api-key"}
    assert processes["key"] == set()


async def test_a_later_start_finds_everything(starts: Starts) -> None:
    """The last one comes after a launcher that was killed."""
    assert starts.statuses == [200, 200, 200]


async def test_a_given_first_key_is_kept_by_nobody(starts: Starts) -> None:
    assert not [each for each in starts.environments if BOOTSTRAP_KEY in each]
    assert not _files_with(BOOTSTRAP_KEY, starts.place.home)
    assert BOOTSTRAP_KEY not in starts.screens


async def test_the_first_person_comes_in_by_the_link_on_the_screen(
    starts: Starts,
) -> None:
    _, first, again = starts.accepted

    assert (first, again) == (201, 404)
    assert starts.links[-1] is None


async def test_each_start_has_a_new_link_until_somebody_came(starts: Starts) -> None:
    old, new, _ = starts.links

    assert starts.accepted[:2] == [404, 201]
    for link in (old, new):
        token = str(link).partition("#")[2]
        assert token
        assert not _files_with(token, starts.place.home)


def _files_with(text: str, folder: Path) -> list[Path]:
    files = (each for each in folder.rglob("*") if each.is_file())
    return [each for each in files if text.encode() in each.read_bytes()]


async def _link_on(launcher: Launched) -> str | None:
    await launcher.says("Ctrl-C stops everything")
    found = re.search(r"http://\S+/welcome#\S+", launcher.screen)
    return found[0] if found else None


async def _accept(place: Place, link: str | None) -> int:
    assert link, "no link on the screen"
    body = {
        "token": link.partition("#")[2],
        "email": "ada@example.com",
        "password": "a long enough password",
    }
    url = f"{place.gateway_url}/api/invitations/accept"
    async with aiohttp.ClientSession() as http, http.post(url, json=body) as response:
        return response.status


# SIGTERM ends the stack that tests share, and Ctrl-C comes impatiently, every day.
@pytest.mark.torture
@pytest.mark.parametrize("signum", [signal.SIGHUP, signal.SIGINT])
async def test_a_signal_stops_every_child(used: Place, signum: signal.Signals) -> None:
    async with launched(used) as launcher:
        end = await _ended(launcher, lambda: launcher.send(signum))

    assert end == End(0, left=[])


async def test_an_impatient_ctrl_c_stops_every_child_in_order(starts: Starts) -> None:
    assert starts.ends["impatience"] == End(0, left=[])
    assert "received fast shutdown request" in starts.said_at_impatience
    assert "database system is shut down" in starts.said_at_impatience


async def test_children_that_hang_are_down_within_15_s_all_the_same(
    starts: Starts,
) -> None:
    assert starts.ends["hanging"] == End(0, left=[])


async def test_a_stop_in_the_middle_of_a_start_leaves_nothing(used: Place) -> None:
    async with launching(used) as launcher:
        await launcher.says("isolates nothing")

        launcher.send(signal.SIGTERM)

        assert await launcher.ended() == 0
    assert json.loads((used.home / "children.json").read_text()) == []


async def test_no_child_outlives_a_killed_launcher(starts: Starts) -> None:
    end = starts.ends["SIGKILL"]

    assert end == End(-signal.SIGKILL, left=[]), starts.place.logged(*end.left)


@pytest.mark.parametrize(
    "name",
    [
        *("postgres", "nats", "gateway"),
        # These are killed every day, too, amid messages: in tests/stack.
        *(
            pytest.param(name, marks=pytest.mark.torture)
            for name in ("credentials", "agent_runner", "metrics")
        ),
    ],
)
async def test_what_is_killed_is_named_and_back(running: Launched, name: str) -> None:
    place = running.place

    os.kill(place.pid_of(name), signal.SIGKILL)

    await running.says(f"{name} ended (SIGKILL) and is started again")
    await until_ready(place.gateway_url, seconds=60)
    assert await _status(place, place.api_key) == 200


async def test_two_homes_run_side_by_side(starts: Starts) -> None:
    with_its_key, with_the_others_key, of_the_other = starts.side_by_side

    assert (with_its_key, with_the_others_key, of_the_other) == (200, 401, 200)


async def test_a_second_launcher_of_one_home_is_refused(running: Launched) -> None:
    place = running.place

    async with launching(place) as second:
        assert await second.ended() == os.EX_UNAVAILABLE

    assert f"in use by another launcher (process {running.pid})" in second.screen
    assert await _status(place, place.api_key) == 200


@pytest.mark.parametrize(
    ("which", "variable"),
    [("gateway", "AG2TRUST_GATEWAY_PORT"), ("proxy", "AG2TRUST_PROXY_PORT")],
)
async def test_a_port_in_use_is_named_before_anything_is_made(
    place: Place, which: str, variable: str
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
        async with launching(place, **{variable: str(port)}) as launcher:
            assert await launcher.ended() == os.EX_UNAVAILABLE

    assert f"Port {port}, wanted by the {which}" in launcher.screen
    assert variable in launcher.screen
    assert not (place.home / "data" / "postgres").exists()


async def test_an_unknown_variable_is_refused_in_one_sentence(place: Place) -> None:
    async with launching(place, AG2TRUST_GATEWAY_PROT="8081") as launcher:
        assert await launcher.ended() == os.EX_CONFIG

    assert launcher.screen == "ag2trust: AG2TRUST_GATEWAY_PROT is not a setting\n"
    assert not place.home.exists()


async def test_a_home_that_cannot_be_made_is_refused(place: Place) -> None:
    place.home.touch()

    async with launching(place) as launcher:
        assert await launcher.ended() == os.EX_CANTCREAT

    assert "AG2TRUST_HOME" in launcher.screen
    assert "Traceback" not in launcher.screen


async def test_a_service_that_cannot_start_ends_it_all_with_its_words(
    used: Place,
) -> None:
    with _spoilt(used.home / "keys" / "master.key"):
        async with launching(used) as launcher:
            assert await launcher.ended(seconds=60) == os.EX_SOFTWARE

    assert "credentials cannot start" in launcher.screen
    assert "hexadecimal" in launcher.screen
    assert "Traceback" not in launcher.screen
    assert json.loads((used.home / "children.json").read_text()) == []


@contextmanager
def _spoilt(key: Path) -> Iterator[None]:
    whole = key.read_text()
    key.write_text("not a key")
    try:
        yield
    finally:
        key.write_text(whole)


async def test_the_lines_of_the_readme_lead_to_an_answer(running: Launched) -> None:
    """Type what the README says, at this home, the sandbox on a port of its own."""
    place = running.place
    port = str(free_port())
    ours = f"API={place.gateway_url}/api KEY=$(cat {place.home / 'api-key'})"
    lines = re.sub(r"^API=.*", ours, _readme(), flags=re.MULTILINE)
    lines = lines.replace(".venv/bin/python", sys.executable).replace("8091", port)
    script = lines.replace("_sandbox &", f"_sandbox --port {port} &") + "\nkill %1"

    shell = await asyncio.create_subprocess_exec(
        *("bash", "-m", "-c", script), stdout=PIPE, stderr=PIPE
    )
    output, errors = await shell.communicate()

    answers = output.decode()
    assert '"status":"completed"' in answers, (output, errors)
    assert "You said: Hello! Who are you?" in answers
    assert "PROVIDER_IN_USE" in answers
    assert '"desired_state":"stopped"' in answers


async def test_the_lines_on_the_screen_are_the_readmes(running: Launched) -> None:
    place = running.place

    await running.says("Ctrl-C stops everything")

    said = running.screen.partition("in another terminal:")[2]
    first, *lines = _commands(said.partition("Ctrl-C stops")[0])
    assert first == f"API={place.gateway_url}/api KEY=$(cat {place.home / 'api-key'})"
    assert f"{sys.executable} -m ag2trust_sandbox &" in lines
    assert {each.replace(sys.executable, ".venv/bin/python") for each in lines} <= {
        *_commands(_readme())
    }


def _readme() -> str:
    """Return the lines that the README wants typed while the stack runs."""
    text = (Path(__file__).resolve().parents[3] / "README.md").read_text()
    return text.partition("in another terminal:\n\n```sh\n")[2].partition("```")[0]


def _commands(lines: str) -> list[str]:
    """Return a command a line, without remarks."""
    joined = lines.replace("\n  ", " ")
    said = [re.sub(r"(^|\s)\s*#.*", "", each) for each in joined.splitlines()]
    return [each for each in said if each]
