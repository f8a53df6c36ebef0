"""What an agent reaches of the machine that runs the whole product for it."""

import socket
from collections.abc import Mapping
from ipaddress import IPv4Interface, IPv4Network
from typing import Any

import pytest
import pytest_asyncio

from ag2trust_sandbox import Sandbox

from .containers import engine
from .listening import listening_addresses
from .processes import descendants_of
from .reaching import EVERY_ADDRESS, reached_from
from .whole import Whole

pytestmark = [
    pytest.mark.docker,
    pytest.mark.stack,
    pytest.mark.timeout(300),
    pytest.mark.asyncio(loop_scope="module"),
]

PROVIDER_KEY = "sk-of-a-test-1234"


@pytest.fixture(scope="module")
def runtime() -> str:
    return "docker"


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def agent(whole: Whole, sandbox: Sandbox) -> Mapping[str, Any]:
    """Return the container of an agent that runs, as `docker inspect` shows it."""
    ids = await whole.operator.running_agent(sandbox.base_url, PROVIDER_KEY)
    async with engine(whole.installation) as docker:
        containers = await docker.containers()
    [own] = [it for it in containers if _agent_of(it) == ids["agent_id"]]
    return own


def _agent_of(container: Mapping[str, Any]) -> str:
    agent_id: str = container["Config"]["Labels"]["ag2trust.agent"]
    return agent_id


def _network_of(container: Mapping[str, Any]) -> IPv4Interface:
    """Return the container's address in the one network that it is in."""
    [network] = container["NetworkSettings"]["Networks"].values()
    return IPv4Interface(f"{network['IPAddress']}/{network['IPPrefixLen']}")


async def _doors_for_agents(whole: Whole) -> set[tuple[str, int]]:
    """Return the proxy's address in each network of the installation."""
    async with engine(whole.installation) as docker:
        networks = await docker.networks()
    subnets = [
        IPv4Network(it["Subnet"]) for each in networks for it in each["IPAM"]["Config"]
    ]
    return {(str(each[1]), whole.place.proxy_port) for each in subnets}


async def test_nothing_listens_beyond_loopback_and_the_networks_of_agents(
    whole: Whole, agent: Mapping[str, Any]
) -> None:
    place = whole.place
    door = (str(_network_of(agent).network[1]), place.proxy_port)

    listening = listening_addresses(descendants_of(whole.launcher.pid))

    assert {("127.0.0.1", place.gateway_port), door} <= listening
    beyond = {each for each in listening if each[0] != "127.0.0.1"}
    assert beyond <= await _doors_for_agents(whole)


async def test_an_agent_reaches_its_runner_and_nothing_else_of_the_machine(
    whole: Whole, agent: Mapping[str, Any]
) -> None:
    host = _network_of(agent).network[1]
    runner = f"{host}:{whole.place.proxy_port}"
    nats_port = int((whole.place.home / "nats-port").read_text())
    servers = [
        f"{address}:{port}"
        for address in (host, "172.17.0.1")
        for port in (whole.place.gateway_port, nats_port, 5432)
    ]

    with socket.create_server((EVERY_ADDRESS, 0)) as anybody:
        servers.append(f"{host}:{anybody.getsockname()[1]}")
        reached = await reached_from(agent["Id"], runner, *servers)

    assert reached == [runner]
