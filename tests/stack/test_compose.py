"""docker-compose.yml: up from nothing, a message, what Docker shows, down and up."""

import asyncio
import json
import re
import secrets
import socket
import ssl
from collections.abc import AsyncIterator
from contextlib import suppress
from dataclasses import dataclass
from http import HTTPStatus
from ipaddress import IPv4Interface
from pathlib import Path
from typing import Any

import aiohttp
import pytest
import pytest_asyncio

from ag2trust.operator import Operator
from ag2trust.provisioning import ROLES
from ag2trust.self_signed import self_signed
from ag2trust_sandbox import Sandbox
from gateway.readiness import DEPENDENCIES
from shared.contracts.base import Service

from .composed import Composed, composed
from .reaching import EVERY_ADDRESS, reached_from
from .runbooks import RETIRING

pytestmark = [
    pytest.mark.docker,
    pytest.mark.stack,
    pytest.mark.timeout(600),
    pytest.mark.asyncio(loop_scope="module"),
]

UNASKED = {Service.AGENT_RUNNER, Service.CREDENTIALS}
PROVIDER_KEY = f"sk-fake-{secrets.token_hex(16)}"

KEY_FILES = """
    */identity.nkey vault/keys/*.nkey vault/api-key master-key/master.key
    postgres/password database/passwords.json
"""


@dataclass(frozen=True, slots=True)
class Running:
    """An installation with one agent, which runs."""

    installation: Composed
    operator: Operator
    agent_id: str

    @property
    def agent(self) -> str:
        return f"/api/agents/{self.agent_id}"


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def running(sandbox: Sandbox) -> AsyncIterator[Running]:
    async with composed() as (installation, operator):
        ids = await operator.running_agent(sandbox.base_url, PROVIDER_KEY)
        yield Running(installation, operator, ids["agent_id"])


async def test_a_message_is_answered_and_counted(running: Running) -> None:
    answer = await running.operator.made(
        f"{running.agent}/messages", {"content": "Hello?"}
    )

    assert answer["content"].endswith("You said: Hello?")
    stats = await running.operator.until(f"{running.agent}/stats", calls=1)
    assert stats["total_tokens"] == answer["usage"]["total_tokens"] > 0


async def test_the_dashboard_is_served_with_the_files_it_names(
    running: Running,
) -> None:
    async with aiohttp.ClientSession(running.installation.gateway_url) as browser:
        async with browser.get("/") as page:
            named = re.findall(r'"(/assets/[^"]+)"', await page.text())
        files = [await _fetched(browser, each) for each in named]

    assert {each.rpartition(".")[2] for each in named} >= {"js", "css"}
    assert all(status == HTTPStatus.OK and length for status, length in files)


async def test_the_first_person_comes_in_by_a_link_of_the_gateways(
    running: Running,
) -> None:
    printed = await running.installation.run(
        *("gateway", "python3", "-m", "gateway.login_link")
    )

    url, _, token = printed.strip().partition("/welcome#")
    assert url == running.installation.gateway_url
    await running.operator.made(
        "/api/invitations/accept",
        {"token": token, "email": "ada@example.com", "password": secrets.token_hex()},
    )


async def test_prometheus_knows_how_the_gateway_does(running: Running) -> None:
    url = await running.installation.url_on_host("prometheus", 9090)

    told = "ag2trust_dependency_up"

    async with aiohttp.ClientSession(url) as prometheus, asyncio.timeout(60):
        found = await _scraped(prometheus, f"{told} and on () min({told}) == 1")

    assert {each["metric"]["dependency"] for each in found} == {*DEPENDENCIES}


async def test_prometheus_knows_how_those_do_that_it_cannot_ask(
    running: Running,
) -> None:
    url = await running.installation.url_on_host("prometheus", 9090)
    told = "ag2trust_process_cpu_seconds_total"

    async with aiohttp.ClientSession(url) as prometheus, asyncio.timeout(60):
        found = await _scraped(
            prometheus,
            f"count by (service) ({told}) and on () count(count by (service) ({told}))"
            f" == {len(UNASKED)}",
        )

    services = {each["metric"]["service"] for each in found}
    assert services == UNASKED


async def test_docker_shows_no_secret(running: Running) -> None:
    made = await running.installation.vault(
        f"grep --only-matching --no-filename --extended-regexp '[A-Za-z0-9_-]{{32,}}' "
        f"{' '.join(KEY_FILES.split())}"
    )
    secrets_made = set(made.split())

    shown = json.dumps(await running.installation.containers())

    assert len(secrets_made) == len(Service) + len(ROLES) + len(
        ("api key", "master key", "superuser's password")
    )
    assert [it for it in {*secrets_made, PROVIDER_KEY} if it in shown] == []
    assert "AG2TRUST_GATEWAY_SETTINGS_FILE" in shown
    assert f'"ag2trust.agent": "{running.agent_id}"' in shown


async def test_ports_are_published_on_loopback_alone(running: Running) -> None:
    containers = await running.installation.containers()

    published = {
        (binding["HostIp"], binding["HostPort"])
        for container in containers
        for bindings in container["NetworkSettings"]["Ports"].values()
        for binding in bindings or ()
    }

    ours = running.installation
    ports = (ours.gateway_port, ours.nats_port, ours.prometheus_port)
    assert published == {("127.0.0.1", str(port)) for port in ports}


async def test_an_agent_reaches_its_runner_and_nothing_else_of_the_host(
    running: Running,
) -> None:
    containers = await running.installation.containers()
    [agent] = (it for it in containers if "ag2trust.agent" in it["Config"]["Labels"])
    [network] = _networks(agent)
    subnet = f"{network['IPAddress']}/{network['IPPrefixLen']}"
    host = IPv4Interface(subnet).network[1]
    runner = f"{host}:{running.installation.proxy_port}"
    everywhere = {
        str(host),
        *(it["Gateway"] for each in containers for it in _networks(each)),
        *(it["IPAddress"] for each in containers for it in _networks(each)),
    } - {"", network["IPAddress"]}
    ours = (running.installation.gateway_port, running.installation.nats_port)
    servers = [
        f"{it}:{port}" for it in everywhere for port in (*ours, 8080, 4222, 5432)
    ]

    with socket.create_server((EVERY_ADDRESS, 0)) as anybody:
        servers += [f"{it}:{anybody.getsockname()[1]}" for it in everywhere]
        reached = await reached_from(agent["Id"], runner, *servers)

    assert len(everywhere) >= len(("host", "inside", "outside", "nats", "gateway"))
    assert reached == [runner]


async def test_the_broker_alone_holds_dockers_socket(running: Running) -> None:
    containers = await running.installation.containers()

    holders = {
        _service(container)
        for container in containers
        for mount in container["Mounts"]
        if "docker.sock" in mount["Source"]
    }

    assert holders == {"broker"}


async def test_the_runner_is_not_root_and_the_broker_can_do_little_as_root(
    running: Running,
) -> None:
    containers = {
        _service(each): each for each in await running.installation.containers()
    }

    runner, broker = containers["agent-runner"], containers["broker"]
    assert runner["Config"]["User"] == "65532:65532"
    assert not runner["HostConfig"]["CapAdd"]
    assert broker["HostConfig"]["CapAdd"] == ["NET_ADMIN"]
    for each in (runner, broker):
        assert each["HostConfig"]["CapDrop"] == ["ALL"]
        assert each["HostConfig"]["ReadonlyRootfs"]


@pytest.mark.torture  # a second start finds everything in test_second_start.py
async def test_down_and_up_finds_everything_also_under_a_new_master_key(
    running: Running,
) -> None:
    """The old one is retired meanwhile, as the runbook says."""
    counted = (await running.operator.ask("GET", f"{running.agent}/stats")).body[
        "calls"
    ]
    providers = await running.operator.all_of("/api/providers")
    before = (await running.operator.ask("GET", "/api/master-key")).body

    await running.installation.down()
    left = await running.installation.containers()
    await running.installation.typed(RETIRING)
    await running.installation.up()

    assert left == []
    assert await running.operator.all_of("/api/providers") == providers
    await running.operator.until(running.agent, status="running")
    answer = await running.operator.made(
        f"{running.agent}/messages", {"content": "Still there?"}
    )
    assert answer["content"].endswith("You said: Still there?")
    await running.operator.until(f"{running.agent}/stats", calls=counted + 1)
    after = (await running.operator.ask("GET", "/api/master-key")).body
    assert after["master_key_id"] != before["master_key_id"]
    assert after["data_keys"][before["master_key_id"]] == 1


@pytest.mark.torture
async def test_a_backup_is_restored_where_nothing_is_and_served_over_tls(
    running: Running, tmp_path: Path
) -> None:
    """Not one volume is left, and the overlay for TLS is put on what comes back."""
    ours, backup, keys = running.installation, tmp_path / "backup", tmp_path / "keys"
    counted = (await running.operator.ask("GET", f"{running.agent}/stats")).body[
        "calls"
    ]
    providers = await running.operator.all_of("/api/providers")
    tls = tmp_path / "tls"
    tls.mkdir()
    certificate, _ = self_signed(tls)

    await ours.script("backup.sh", str(backup))
    await ours.script("copy-keys.sh", str(keys))
    await ours.down_with_volumes()
    await ours.script("restore.sh", str(backup), str(keys))
    await ours.up_with_tls(tls)

    assert await running.operator.all_of("/api/providers") == providers
    await running.operator.until(running.agent, status="running")
    answer = await running.operator.made(
        f"{running.agent}/messages", {"content": "Restored?"}
    )
    assert answer["content"].endswith("You said: Restored?")
    await running.operator.until(f"{running.agent}/stats", calls=counted + 1)
    trusting = ssl.create_default_context(cafile=certificate)
    people = f"https://127.0.0.1:{ours.https_port}/healthz"
    agents = f"https://127.0.0.1:{ours.external_port}/openai/v1/models"
    statuses = [await _status(each, trusting) for each in (people, agents)]
    assert statuses == [HTTPStatus.OK, HTTPStatus.UNAUTHORIZED]


async def _status(url: str, trusting: ssl.SSLContext) -> int:
    async with aiohttp.ClientSession() as client, client.get(url, ssl=trusting) as got:
        return got.status


async def _fetched(browser: aiohttp.ClientSession, path: str) -> tuple[int, int]:
    """Return the status of a file, and how many bytes it has."""
    async with browser.get(path) as file:
        return file.status, len(await file.read())


async def _scraped(prometheus: aiohttp.ClientSession, query: str) -> list[Any]:
    """Wait until there are samples, and return the latest of each series."""
    while True:
        with suppress(aiohttp.ClientError):
            async with prometheus.get("/api/v1/query", params={"query": query}) as told:
                found: list[Any] = (await told.json())["data"]["result"]
                if found:
                    return found
        await asyncio.sleep(0.2)


def _service(container: dict[str, Any]) -> str:
    """Return '' for an agent."""
    return str(container["Config"]["Labels"].get("com.docker.compose.service", ""))


def _networks(container: dict[str, Any]) -> list[dict[str, Any]]:
    return [*container["NetworkSettings"]["Networks"].values()]
