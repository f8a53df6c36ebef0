"""What an agent reaches of the machine that runs the whole product for it."""

import socket
from collections.abc import AsyncIterator
from ipaddress import IPv4Interface
from typing import Any

import pytest
import pytest_asyncio

from ag2trust_sandbox import Sandbox

from .containers import engine
from .listening import listening_addresses
from .processes import descendants_of
from .reaching import EVERY_ADDRESS, reached_from
from .whole import Whole, new_place, running

pytestmark = [
    pytest.mark.docker,
    pytest.mark.stack,
    pytest.mark.timeout(300),
    pytest.mark.asyncio(loop_scope="module"),
]

PROVIDER_KEY = "sk-of-a-test-1234"


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def whole(sandbox: Sandbox) -> AsyncIterator[Whole]:
    with new_place() as place:
        async with running(place, "docker") as whole:
            await whole.operator.running_agent(sandbox.base_url, PROVIDER_KEY)
            yield whole


async def agent(whole: Whole) -> dict[str, Any]:
    async with engine(whole.installation) as docker:
        [container] = await docker.containers()
    return container


async def test_nothing_listens_beyond_loopback_and_the_networks_of_agents(
    whole: Whole,
) -> None:
    [network] = (await agent(whole))["NetworkSettings"]["Networks"].values()
    subnet = IPv4Interface(f"{network['IPAddress']}/{network['IPPrefixLen']}").network
    place = whole.place

    listening = listening_addresses(descendants_of(whole.launcher.pid))

    assert {("127.0.0.1", place.gateway_port), (str(subnet[1]), place.proxy_port)} <= (
        listening
    )
    beyond = {each for each in listening if each[0] != "127.0.0.1"}
    assert beyond == {(str(subnet[1]), place.proxy_port)}


async def test_an_agent_reaches_its_runner_and_nothing_else_of_the_machine(
    whole: Whole,
) -> None:
    container = await agent(whole)
    [network] = container["NetworkSettings"]["Networks"].values()
    subnet = f"{network['IPAddress']}/{network['IPPrefixLen']}"
    host = IPv4Interface(subnet).network[1]
    runner = f"{host}:{whole.place.proxy_port}"
    nats_port = int((whole.place.home / "nats-port").read_text())
    servers = [
        f"{address}:{port}"
        for address in (host, "172.17.0.1")
        for port in (whole.place.gateway_port, nats_port, 5432)
    ]

    with socket.create_server((EVERY_ADDRESS, 0)) as anybody:
        servers.append(f"{host}:{anybody.getsockname()[1]}")
        reached = await reached_from(container["Id"], runner, *servers)

    assert reached == [runner]
