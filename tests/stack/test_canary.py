"""A key goes in, and is afterwards looked for everywhere; likewise other secrets.

What a search does not find proves something only if it finds what is there: that is
what the agent's id and its environment are for.
"""

import asyncio
import base64
import json
import os
import secrets
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from itertools import product
from pathlib import Path
from typing import TypeVar

import pytest
import pytest_asyncio

from ag2trust.launched import Place
from ag2trust.operator import Answer, Operator
from ag2trust.waiting import until
from ag2trust_sandbox import ErrorDetail, Sandbox, Step

from .containers import engine
from .following import log_until
from .processes import Process, children_of, every_process
from .searching import BLOCK_BYTES, Needle, files_with, processes_with
from .whole import Whole, new_place, running

pytestmark = [
    pytest.mark.stack,
    pytest.mark.timeout(300),  # there may be a lot to search
    pytest.mark.asyncio(loop_scope="module"),
]

PLACES = ("/dev/shm", "/run", "/tmp", "/var/log")  # noqa: S108 - we only look there
PLACES_OF = {"process": (), "docker": ("/var/lib/containerd", "/var/lib/docker")}
OF_OTHER_TESTS = ("ag2trust-tests-*", "pytest-of-*")  # whose databases are large
Found = TypeVar("Found")
DELIVERIES = ("environment", "sealed")
ENCODINGS: list[Callable[[str], bytes]] = [
    str.encode,
    lambda text: text.encode("utf-16-le"),
    lambda text: text.encode("utf-16-be"),
    lambda text: text.encode().hex().encode(),
    lambda text: text.encode().hex().upper().encode(),
    lambda text: base64.b64encode(text.encode()),
]
AGENT_ENVIRONMENT_IS_READABLE = os.geteuid() == 0  # it makes itself root's to read


@dataclass(frozen=True, slots=True)
class Bait:
    """Texts that are nowhere before the test, each searched for on its own."""

    owner_key: str
    key: str = field(default_factory=lambda: f"sk-canary-{secrets.token_hex(20)}")
    content: str = field(default_factory=lambda: f"content {secrets.token_hex(20)}")
    row: str = field(default_factory=lambda: f"row {secrets.token_hex(20)}")
    log: str = field(default_factory=lambda: f"log-{secrets.token_hex(20)}")


@dataclass(frozen=True, slots=True)
class Use:
    """What an agent was used for, and what was told of it."""

    bait: Bait
    agent_id: str
    agent: Process
    token: str
    answers: str


@dataclass(frozen=True, slots=True)
class Finds:
    """Where each text was: in which files, and in whose environment or command."""

    files: Mapping[str, set[Path]]
    processes: Mapping[str, set[Process]]

    def of(self, delivery: str) -> "Finds":
        """Return where the texts of one way of delivery were."""
        return Finds(_under(delivery, self.files), _under(delivery, self.processes))


@dataclass(frozen=True, slots=True)
class Evidence:
    """*when_stopped* is found in what has changed since the search *while_running*."""

    bait: Bait
    home: Path
    agent: Process
    launcher: int
    token: str
    answers: str
    inspected: str
    delivery: str
    while_running: Finds
    when_stopped: Finds


@pytest.fixture(scope="module", params=DELIVERIES)
def delivery(request: pytest.FixtureRequest) -> str:
    chosen: str = request.param
    return chosen


@pytest.fixture(scope="module")
def evidence(searched: Mapping[str, Evidence], delivery: str) -> Evidence:
    return searched[delivery]


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def searched(runtime: str, sandbox: Sandbox) -> Mapping[str, Evidence]:
    """Use the product well and badly, search, stop it, and search again.

    One stack has an agent for each way of delivery.
    """
    owner_key = f"cust_{secrets.token_hex(20)}"
    since = time.time()
    with new_place() as place:
        async with running(place, runtime, key=owner_key) as whole:
            uses: dict[str, Use] = {}
            for delivery in DELIVERIES:
                others = {use.agent for use in uses.values()}
                bait = Bait(owner_key)
                answers, agent_id = await _use(whole, sandbox, bait, delivery)
                [agent] = {*await _agents(whole, runtime)} - others
                token = _variable(agent, "AG2TRUST_AGENT_TOKEN")
                uses[delivery] = Use(bait, agent_id, agent, token, answers)
                await _told_to_nats(place, agent_id, since)
            inspected = await _inspected(whole) if runtime == "docker" else ""
            needles = {
                f"{delivery} {name}": needle
                for delivery, use in uses.items()
                for name, needle in _needles(use).items()
            }
            folders = [place.home.parent, *map(Path, (*PLACES, *PLACES_OF[runtime]))]
            searched_at = time.time()
            while_running = await _search(needles, folders, since)
        when_stopped = await _search(needles, folders, searched_at)
    return {
        delivery: Evidence(
            bait=use.bait,
            home=place.home,
            agent=use.agent,
            launcher=whole.launcher.pid,
            token=use.token,
            answers=use.answers,
            inspected=inspected,
            delivery=delivery,
            while_running=while_running.of(delivery),
            when_stopped=when_stopped.of(delivery),
        )
        for delivery, use in uses.items()
    }


def _needles(use: Use) -> dict[str, Needle]:
    return {
        "key": Needle.of(use.bait.key),
        "owner_key": Needle.of(use.bait.owner_key),
        "token": Needle.of(use.token or "a token that only root may read"),
        "content": Needle.as_written(use.bait.content),
        "row": Needle.as_written(use.bait.row),
        "log": Needle.as_written(use.bait.log),
        "agent": Needle.as_written(use.agent_id),
    }


async def _use(
    whole: Whole, sandbox: Sandbox, bait: Bait, delivery: str
) -> tuple[str, str]:
    """Return all answers, and the agent's id."""
    operator = whole.operator
    ids = await operator.running_agent(
        sandbox.base_url, bait.key, name=delivery, delivery=delivery
    )
    agent = f"/api/agents/{ids['agent_id']}"
    await operator.ask(
        "PATCH", f"/api/agent-types/{ids['agent_type_id']}", {"system_prompt": bait.row}
    )
    provider = f"/api/providers/{ids['provider_id']}"
    sandbox.play(
        Step(),
        Step(content=("Your key is ", bait.key[:15], bait.key[15:], ".")),
        Step(
            status=401,
            headers={"x-request-id": bait.key},
            error=ErrorDetail(message=f"Incorrect key: {bait.key}.", code=bait.key),
        ),
    )
    said = [
        await operator.ask("POST", f"{agent}/messages", {"content": bait.content})
        for _ in range(3)
    ]
    await operator.until(f"{agent}/stats", calls=3)
    submission = {"name": delivery, "type": "openai", "api_key": bait.key}
    refused = [
        await operator.ask("POST", "/api/providers", submission),
        await operator.ask("POST", "/api/providers", {**submission, "type": "none"}),
        await operator.ask("POST", "/api/providers", {**submission, "api_key": [1]}),
        await operator.ask("POST", "/api/providers", bait.key),
        await operator.ask("PATCH", provider, {"base_url": "http://127.0.0.1:1/v1"}),
        await operator.ask("PATCH", provider, {"enabled": bait.key}),
        await operator.ask("GET", f"/api/agents/{bait.key}"),
        await operator.ask("GET", f"/api/calls?agent_id={bait.key}"),
        await operator.ask("GET", "/api/providers", X_API_Key=bait.key),
        await operator.ask("GET", "/api/providers", X_Request_Id=bait.log),
    ]
    assert {answer.status for answer in refused} == {200, 401, 404, 409, 422}
    probed = await _probe(operator, sandbox, bait, provider)
    await _speak_badly(whole, f"X-API-Key: {bait.key}{'.' * 10_000}", f"x {bait.key}")
    read = [
        await operator.ask("GET", path)
        for path in (
            *("/readyz", "/api/providers", "/api/agent-types", "/api/agents"),
            *("/api/calls", "/api/api-keys", provider, agent),
            *(f"{agent}/logs", f"{agent}/stats"),
            *(f"/api/messages/{answer.body['message_id']}" for answer in said),
        )
    ]
    assert {answer.status for answer in read} == {200}
    last = said[-1].body["message_id"]
    followed = await log_until(operator, f"{agent}/logs", f"message_id={last}")
    told = [*said, *refused, *probed, *read, followed]
    return json.dumps([repr(each) for each in told]), ids["agent_id"]


async def _probe(
    operator: Operator, sandbox: Sandbox, bait: Bait, provider: str
) -> list[Answer]:
    """Have the provider called for us, kept and on trial, in vain and not."""
    trial = {"type": "openai", "base_url": sandbox.base_url, "api_key": bait.key}
    asked = (
        ("POST", "/api/providers/test", trial),
        ("POST", f"{provider}/test", {"model": "sandbox-echo"}),
        ("GET", f"{provider}/models", None),
    )
    told = [await operator.ask(*each) for each in asked]
    for each in asked:
        error = ErrorDetail(message=f"Incorrect key: {bait.key}.", code=bait.key)
        sandbox.play(Step(status=401, error=error))
        told.append(await operator.ask(*each))
    assert [each.status for each in told] == [200, 200, 200, 200, 200, 502]
    return told


async def _told_to_nats(place: Place, agent_id: str, since: float) -> None:
    """Wait for what is told of the agent's calls after they were counted."""
    needles = {"agent": Needle.as_written(agent_id)}
    kept = [place.home / "data" / "nats"]
    await until(
        f"{agent_id} in a file of NATS",
        lambda: files_with(needles, kept, since=since)["agent"],
    )


async def _speak_badly(whole: Whole, *headers: str) -> None:
    """Send what is no HTTP, to the gateway and to the runner's proxy."""
    for port, header in product(
        [whole.place.gateway_port, whole.place.proxy_port], headers
    ):
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(f"GET / HTTP/1.1\r\n{header}\r\n\r\n".encode())
        assert b" 400 " in await reader.readline()
        writer.close()


async def _agents(whole: Whole, runtime: str) -> list[Process]:
    """Find the agents' processes without looking for what they hold."""
    if runtime == "process":
        return children_of(whole.place.pid_of("agent_runner"))
    async with engine(whole.installation) as docker:
        containers = await docker.containers()
    pids = {each["State"]["Pid"] for each in containers}
    return [it for it in every_process() if it.pid in pids]


async def _inspected(whole: Whole) -> str:
    async with engine(whole.installation) as docker:
        return json.dumps([*await docker.containers(), *await docker.networks()])


def _variable(process: Process, name: str) -> str:
    """Return '' if we may not read the environment."""
    _, _, after = process.told.partition(f"{name}=".encode())
    return after.partition(b"\0")[0].decode()


async def _search(
    needles: Mapping[str, Needle], folders: list[Path], since: float
) -> Finds:
    def search() -> Finds:
        others = [it for place in PLACES for it in _folders_of_other_tests(Path(place))]
        files = files_with(needles, folders, since=since, passing_by=others)
        return Finds(files, processes_with(needles))

    return await asyncio.to_thread(search)


def _folders_of_other_tests(place: Path) -> Iterator[Path]:
    for pattern in OF_OTHER_TESTS:
        yield from place.glob(pattern)


def _under(delivery: str, found: Mapping[str, set[Found]]) -> dict[str, set[Found]]:
    return {
        name.removeprefix(f"{delivery} "): where
        for name, where in found.items()
        if name.startswith(f"{delivery} ")
    }


async def test_while_an_agent_runs_the_key_is_where_it_is_delivered_and_nowhere_else(
    evidence: Evidence,
) -> None:
    """In its environment; sealed, in the memory of its runner alone."""
    found = evidence.while_running

    assert found.files["key"] == set()
    is_there = evidence.delivery == "environment" and AGENT_ENVIRONMENT_IS_READABLE
    assert found.processes["key"] == ({evidence.agent} if is_there else set())


async def test_when_all_has_stopped_the_key_is_nowhere(evidence: Evidence) -> None:
    found = evidence.when_stopped

    assert found.files["key"] == set()
    assert found.processes["key"] == set()


async def test_no_answer_shows_the_key(evidence: Evidence) -> None:
    assert not Needle.of(evidence.bait.key).is_in(evidence.answers.encode())
    assert "Your key is [secret]." in evidence.answers


@pytest.mark.parametrize("secret", ["key", "token"])
async def test_docker_shows_no_secret(
    evidence: Evidence, runtime: str, secret: str
) -> None:
    texts = {"key": evidence.bait.key, "token": evidence.token or "unreadable"}

    assert not Needle.of(texts[secret]).is_in(evidence.inspected.encode())
    assert ("ag2trust.agent" in evidence.inspected) == (runtime == "docker")


async def test_an_agents_token_is_in_its_environment_and_nowhere_else(
    evidence: Evidence,
) -> None:
    in_its_agent = {evidence.agent} if AGENT_ENVIRONMENT_IS_READABLE else set()

    assert evidence.while_running.processes["token"] == in_its_agent
    assert evidence.while_running.files["token"] == set()
    assert evidence.when_stopped.files["token"] == set()


async def test_a_given_first_key_stays_in_the_variable_it_was_given_in(
    evidence: Evidence,
) -> None:
    holders = {it.pid for it in evidence.while_running.processes["owner_key"]}

    assert holders == {evidence.launcher}
    assert evidence.while_running.files["owner_key"] == set()
    assert evidence.when_stopped.files["owner_key"] == set()


async def test_what_a_message_says_is_in_the_database_alone(evidence: Evidence) -> None:
    found = evidence.while_running.files["content"]

    assert {_place(path) for path in found} == {"postgres"}
    assert {_place(path) for path in evidence.when_stopped.files["content"]} <= {
        "postgres"
    }


async def test_the_search_finds_a_row_and_a_line_of_a_log(evidence: Evidence) -> None:
    found = evidence.while_running.files

    assert {_place(path) for path in found["row"]} == {"postgres"}
    assert evidence.home / "logs" / "gateway.log" in found["log"]


async def test_the_search_looks_wherever_the_product_keeps_something(
    evidence: Evidence, runtime: str
) -> None:
    places = {_place(path) for path in evidence.while_running.files["agent"]}

    docker = {"docker"} if runtime == "docker" and os.geteuid() == 0 else set()
    assert places >= {"postgres", "nats", "spool", "logs"} | docker


def _place(path: Path) -> str:
    """Name the part of the product that wrote the file."""
    for name in ("postgres", "nats", "logs", "docker", "spool"):
        if name in path.parts:
            return name
    return str(path)


@pytest.mark.parametrize("encode", ENCODINGS)
@pytest.mark.parametrize("before", range(3))
async def test_the_search_finds_a_text_however_it_is_written(
    tmp_path: Path, encode: Callable[[str], bytes], before: int
) -> None:
    """Among other text, and across the border of what is read at once."""
    text = f"sk-{secrets.token_hex(16)}"
    file = tmp_path / "file"
    with file.open("wb") as written:
        written.seek(BLOCK_BYTES - 20)
        written.write(encode("?" * before + text + "?"))

    found = files_with({"it": Needle.of(text)}, [tmp_path], since=time.time())

    assert found == {"it": {file}}
