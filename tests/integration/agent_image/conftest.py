"""The default agent's image, in a container like those that the runner makes."""

import random
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv4Network
from uuid import uuid4

import aiodocker
import pytest
from aiodocker import Docker, DockerError
from aiodocker.containers import DockerContainer
from aiodocker.docker import DockerNetwork
from aiodocker.types import JSONObject
from tests.unit.agent.fakes import KEY, TOKEN, FakeModelServer, FakeRunner, listening

from ag2trust.agent_image import ensure_agent_image

Running = Callable[[], AbstractAsyncContextManager[DockerContainer]]

MEMORY_BYTES = 256 * 1024 * 1024
LABELS = {"ag2trust.test": "agent-image"}
FIRST = IPv4Address("10.208.0.0")
NETWORK_SIZE = 8


@dataclass(frozen=True, slots=True)
class Network:
    """A network of one agent, in which this machine has the address *gateway*."""

    id: str
    gateway: str


@pytest.fixture
async def docker() -> AsyncIterator[Docker]:
    async with aiodocker.Docker() as docker:
        yield docker


@pytest.fixture
async def image() -> str:
    return await ensure_agent_image(progress=print)


@pytest.fixture
async def network(docker: Docker) -> AsyncIterator[Network]:
    made, gateway = await free_network(docker)
    yield Network(made.id, gateway)
    await made.delete()


@pytest.fixture
def runner() -> FakeRunner:
    return FakeRunner()


@pytest.fixture
def models() -> FakeModelServer:
    return FakeModelServer()


@pytest.fixture
def running(
    docker: Docker,
    image: str,
    network: Network,
    runner: FakeRunner,
    models: FakeModelServer,
) -> Running:
    """Run the agent while the block runs, with the fakes on its network's gateway."""

    @asynccontextmanager
    async def run() -> AsyncIterator[DockerContainer]:
        async with (
            listening(runner.app(), network.gateway) as runner_url,
            listening(models.app(), network.gateway) as model_url,
        ):
            environment = {
                "AG2TRUST_AGENT_URL": runner_url,
                "AG2TRUST_AGENT_TOKEN": TOKEN,
                "OPENAI_API_KEY": KEY,
                "OPENAI_BASE_URL": f"{model_url}/a/{TOKEN}/openai/v1",
            }
            config = container_config(image, network, environment)
            container = await docker.containers.run(config)
            try:
                yield container
            finally:
                await container.delete(force=True)

    return run


def container_config(
    image: str, network: Network, environment: dict[str, str]
) -> JSONObject:
    """Say what an agent's container is, but for the secrets.

    These are fake, and so may stand in Docker's own files.
    """
    return {
        "Image": image,
        "Labels": LABELS,
        "Env": [f"{name}={value}" for name, value in environment.items()],
        "HostConfig": {
            "NetworkMode": network.id,
            "Dns": ["127.0.0.1"],
            "ReadonlyRootfs": True,
            "Tmpfs": {"/tmp": "rw,noexec,nosuid,nodev,size=16m"},  # noqa: S108
            "CapDrop": ["ALL"],
            "SecurityOpt": ["no-new-privileges"],
            "Memory": MEMORY_BYTES,
            "MemorySwap": MEMORY_BYTES,
            "NanoCpus": 500_000_000,
            "PidsLimit": 64,
            "RestartPolicy": {"Name": "no"},
            "LogConfig": {"Type": "json-file"},
        },
    }


async def free_network(docker: Docker) -> tuple[DockerNetwork, str]:
    """Make an internal network of eight addresses; give it and the gateway's."""
    for number in random.sample(range(1 << 16), 20):
        addresses = IPv4Network((int(FIRST) + NETWORK_SIZE * number, 29))
        pool = {"Subnet": str(addresses), "Gateway": str(addresses[1])}
        config = {
            "Name": f"ag2trust-test-{uuid4().hex}",
            "Labels": LABELS,
            "Internal": True,
            "EnableIPv6": False,
            "IPAM": {"Config": [pool]},
        }
        try:
            return await docker.networks.create(config), pool["Gateway"]
        except DockerError:  # taken by another network
            continue
    raise AssertionError("twenty networks of twenty were taken")
