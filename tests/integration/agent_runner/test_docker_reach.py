"""What an agent reaches from inside its container: its runner's port, and nothing else.

Every listener is proven to be one: an ordinary container reaches it, or the host does.
"""

import asyncio
import socket
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest
from aiodocker import DockerError
from aiodocker.containers import DockerContainer

from ag2trust.ports import free_port
from ag2trust.waiting import until
from agent_runner.broker.netlink import commit
from agent_runner.broker.nftables import Table
from agent_runner.runtimes.launch_frame import READY
from agent_runner.runtimes.runtime import Runtime
from shared.ids import new_id

from .docker_lab import ORG, DockerLab
from .door import KNOCK, open_door
from .host_addresses import host_addresses, listening_ports
from .waiting import next_exit, printed

pytestmark = pytest.mark.docker

EVERY_ADDRESS = "0.0.0.0"  # noqa: S104 - that it cannot be reached is what we show
NO_TIME = timedelta()
METADATA = ("169.254.169.248/29", "169.254.169.254")
ELSEWHERE = ("203.0.113.0/29", "203.0.113.1")  # RFC 5737: nobody's on the internet
NAMES = ("198.51.100.0/29", "198.51.100.1")  # likewise
LISTEN_FOR_NAMES = (
    "perl -e '$| = 1; socket(S, 2, 2, 17); bind(S, pack(q(SnNx8), 2, 53, 0)); "
    "print qq(up\\n); while (recv(S, $asked, 512, 0)) { print qq($asked\\n) }'"
)


def knocking(targets: Iterable[str]) -> str:
    """Print those of *targets* that accept a connection; $runner is the door's host."""
    return (
        "runner=${AG2TRUST_AGENT_URL#http://}; runner=${runner%:*}; "
        f"for target in {' '.join(targets)}; do "
        '(timeout 3 bash -c "exec 4<>/dev/tcp/${target%:*}/${target##*:}" '
        '2>/dev/null && echo "${target/$runner/runner}") & '
        "(( ++n % 20 )) || wait; done; wait"
    )


def host_of(url: str) -> str:
    return url.removeprefix("http://").partition(":")[0]


def port_of(url: str) -> int:
    return int(url.rpartition(":")[2])


@pytest.fixture
async def runtime(lab: DockerLab) -> AsyncIterator[Runtime]:
    """Hold a runtime whose broker leaves the host's ports as they are."""
    async with lab.runtime() as runtime:
        yield runtime


@asynccontextmanager
async def ordinary_network(
    lab: DockerLab, subnet: str, host: str
) -> AsyncIterator[str]:
    """Make a network in which *host* is our address; another test may have it now."""
    name = f"{lab.installation}-{host}"
    body = {
        "Name": name,
        "CheckDuplicate": True,
        "IPAM": {"Config": [{"Subnet": subnet, "Gateway": host}]},
        "Labels": {"ag2trust.installation": lab.installation},
    }
    await until(
        "the network", lambda: lab.docker.networks.create(body), not_yet=DockerError
    )
    yield name


async def of_the_host(lab: DockerLab, runtime: Runtime, port: int) -> set[str]:
    """Return what an agent reaches of all that this host listens on.

    Its runner listens at *port*; at another port of the agent's network, and of every
    address, listens somebody else.
    """
    beside = free_port()
    async with open_door(EVERY_ADDRESS) as wild:
        everywhere = {f"{each}:{port_of(wild.url)}" for each in host_addresses()}
        ports = listening_ports() | {port, beside}
        image = await lab.image(
            knocking([*(f"$runner:{each}" for each in ports), *everywhere])
        )
        async with (
            lab.guest(runtime, image, port=port) as guest,
            open_door(host_of(guest.door.url), beside),
        ):
            await runtime.launch(guest.launch)
            words = (await next_exit(runtime)).last_words
    names = {
        f"runner:{port}": "runner",
        f"runner:{beside}": "beside",
        f"runner:{port_of(wild.url)}": "wild",
    }
    reached = set(words.splitlines()) - {READY.decode().strip()}
    return {names.get(each, each) for each in reached}


async def test_of_its_host_an_agent_reaches_the_runners_port_alone(
    lab: DockerLab,
) -> None:
    port = free_port()

    async with lab.runtime(agent_port=port) as runtime:
        assert await of_the_host(lab, runtime, port) == {"runner"}


async def test_whose_ports_are_not_closed_is_reached_at_all_of_them(
    lab: DockerLab, runtime: Runtime
) -> None:
    """The negative control: the ports of the agent's own network, and no others."""
    reached = await of_the_host(lab, runtime, free_port())

    assert reached >= {"runner", "beside", "wild"}
    assert not {each for each in reached if each[0].isdigit()}


async def test_closed_ports_stay_closed_when_the_broker_is_away(lab: DockerLab) -> None:
    """And are found so by the next one; with the last agent they open again."""
    agent_id = new_id()
    async with lab.runtime(agent_port=free_port()) as runtime:
        await runtime.connect(agent_id, ORG, 1)
    assert are_closed(lab)

    async with lab.runtime(agent_port=free_port()) as runtime:
        await runtime.stop(agent_id, grace=NO_TIME)

    assert not are_closed(lab)


async def test_rules_that_somebody_flushed_are_back_with_the_next_agent(
    lab: DockerLab,
) -> None:
    async with lab.runtime(agent_port=free_port()) as runtime:
        await runtime.connect(new_id(), ORG, 1)
        assert are_closed(lab)
        assert not are_closed(lab)

        await runtime.connect(new_id(), ORG, 1)

        assert are_closed(lab)


async def test_packets_to_closed_ports_are_counted_for_the_agent_that_sent_them(
    lab: DockerLab,
) -> None:
    """And those to its runner's port are not."""
    port = free_port()
    image = await lab.image(knocking(["$runner:1"]))
    quiet = await lab.image(f"{KNOCK} echo here >&3; sleep 1000")

    async with (
        lab.runtime(agent_port=port) as runtime,
        lab.guest(runtime, image, port=port) as curious,
        lab.guest(runtime, quiet, port=port) as other,
    ):
        await runtime.launch(other.launch)
        assert await other.door.hears() == "here"
        await runtime.launch(curious.launch)
        await next_exit(runtime)
        refused = await runtime.refused()

    assert refused.keys() == {curious.id}
    assert refused[curious.id] > 0


async def test_where_no_ports_are_closed_nothing_is_counted(
    lab: DockerLab, runtime: Runtime
) -> None:
    image = await lab.image(knocking(["$runner:1"]))
    async with lab.guest(runtime, image) as curious:
        await runtime.launch(curious.launch)
        await next_exit(runtime)

        assert await runtime.refused() == {}


def are_closed(lab: DockerLab) -> bool:
    """Say whether there was a table of rules: it is gone after this."""
    table = Table(f"ag2trust-{lab.installation}-runner-1")
    try:
        commit([table.gone()])
    except FileNotFoundError:
        return False
    return True


async def test_an_agent_reaches_no_datagram_socket_of_its_host(lab: DockerLab) -> None:
    async with datagrams() as ear:
        assert await first_datagram(lab, ear) == b"agent"
        assert await first_datagram(lab, ear, agent_port=free_port()) == b"test"


class Ear(asyncio.DatagramProtocol):
    """Hears datagrams to any address of this host, in the order they came."""

    def __init__(self) -> None:
        self.port = 0
        self.heard: asyncio.Queue[bytes] = asyncio.Queue()

    def datagram_received(self, data: bytes, addr: object) -> None:
        del addr
        self.heard.put_nowait(data)


@asynccontextmanager
async def datagrams() -> AsyncIterator[Ear]:
    loop = asyncio.get_running_loop()
    transport, ear = await loop.create_datagram_endpoint(Ear, (EVERY_ADDRESS, 0))
    ear.port = transport.get_extra_info("sockname")[1]
    try:
        yield ear
    finally:
        transport.close()


async def first_datagram(lab: DockerLab, ear: Ear, **settings: Any) -> bytes:
    """Have an agent send one, send one ourselves after it, return what came first."""
    image = await lab.image(
        f"{KNOCK} echo here >&3; read -r port <&3; "
        "runner=${AG2TRUST_AGENT_URL#http://}; "
        "echo -n agent >/dev/udp/${runner%:*}/$port; echo sent >&3; sleep 1000"
    )
    ear.heard = asyncio.Queue()
    async with (
        lab.runtime(**settings) as runtime,
        lab.guest(runtime, image, port=settings.get("agent_port", 0)) as guest,
    ):
        await runtime.launch(guest.launch)
        assert await guest.door.hears() == "here"
        guest.door.say(str(ear.port))
        assert await guest.door.hears() == "sent"
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as ours:
            ours.sendto(b"test", ("127.0.0.1", ear.port))
        return await ear.heard.get()


async def test_metadata_and_the_internet_are_out_of_reach(
    lab: DockerLab, runtime: Runtime
) -> None:
    """Played by networks of this host, which other containers reach."""
    async with (
        ordinary_network(lab, *METADATA),
        ordinary_network(lab, *ELSEWHERE),
        open_door(METADATA[1]) as metadata,
        open_door(ELSEWHERE[1]) as elsewhere,
    ):
        targets = [each.url.removeprefix("http://") for each in (metadata, elsewhere)]
        image = await lab.image(knocking(targets))

        assert await printed(lab, runtime, image) == []
        assert sorted(await lab.plain(image)) == sorted(targets)


async def test_one_agent_does_not_reach_another(
    lab: DockerLab, runtime: Runtime
) -> None:
    """Neither what listens in its container, nor its runner's address for it."""
    listening = await lab.image(
        f"{KNOCK} perl -e 'socket(S,2,1,6); bind(S, pack(q(SnNx8),2,7000,0)); "
        "listen(S,9); system(q(echo up >&3)); sleep 1000'"
    )
    async with lab.guest(runtime, listening) as other:
        await runtime.launch(other.launch)
        assert await other.door.hears() == "up"
        [network] = (await lab.shown(other.id))["NetworkSettings"]["Networks"].values()
        address = network["IPAddress"]
        image = await lab.image(
            knocking([f"{address}:7000", other.door.url.removeprefix("http://")])
        )

        assert await printed(lab, runtime, image) == []
        _, writer = await asyncio.open_connection(address, 7000)
        writer.close()


async def test_an_agent_finds_no_names(lab: DockerLab, runtime: Runtime) -> None:
    """Docker asks nobody on its behalf, which it does for an ordinary container."""
    canary = f"canary{uuid4().hex}"
    image = await lab.image(
        f"(exec 3<>/dev/tcp/{canary}.example/80) && echo found; cat /etc/resolv.conf"
    )

    async with ordinary_network(lab, *NAMES) as network:
        names = await started(lab, await lab.image(LISTEN_FOR_NAMES), network)
        address = await address_of(names, network)
        lines = await printed(lab, runtime, image)
        asked_by_agent = await names.log(stdout=True)
        impatient = {"Dns": [address], "DnsOptions": ["timeout:1", "attempts:1"]}
        await lab.plain(image, NetworkMode=network, **impatient)
        asked_in_all = await names.log(stdout=True)

    assert "found" not in lines
    assert not [line for line in lines if line.startswith("search")]
    assert canary not in "".join(asked_by_agent)
    assert canary in "".join(asked_in_all)


async def started(lab: DockerLab, image: str, network: str) -> DockerContainer:
    """Start an ordinary container, and wait for its first words."""
    container = await lab.docker.containers.create(
        {
            "Image": image,
            "Labels": {"ag2trust.installation": lab.installation},
            "HostConfig": {"NetworkMode": network},
        }
    )
    await container.start()
    await until("its first words", lambda: container.log(stdout=True))
    return container


async def address_of(container: DockerContainer, network: str) -> str:
    shown = await container.show()
    return str(shown["NetworkSettings"]["Networks"][network]["IPAddress"])


async def test_an_agent_has_no_address_but_one(
    lab: DockerLab, runtime: Runtime
) -> None:
    """Of IPv6 none, not even the link's own."""
    image = await lab.image("cat /proc/net/if_inet6; grep -c : /proc/net/dev")

    assert await printed(lab, runtime, image) == ["2"]  # loopback, and its network
