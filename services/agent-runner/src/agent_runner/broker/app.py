"""Where the parts of the launch broker meet. Read this first."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from agent_runner.runtimes.launch_frame import AGENT_INIT
from shared.lifecycle import background

from .body import Owner, Volume
from .broker import Broker, Terms
from .engine import DockerEngine, engine_at
from .host_ports import HostPorts
from .listener import listening
from .orphaned import end_when_orphaned
from .settings import Settings

__all__ = ["serving"]


@asynccontextmanager
async def serving(settings: Settings) -> AsyncIterator[None]:
    """Serve one runner while the block runs, whether Docker answers yet or not."""
    owner = Owner(installation=settings.installation, runner=settings.runner)
    volume = settings.init_volume
    terms = Terms(
        owner=owner,
        network_range=settings.agent_networks,
        init=Volume(volume) if volume else AGENT_INIT,
        images=settings.images,
        container_runtime=settings.container_runtime,
    )
    async with (
        engine_at(settings.docker_socket, owner) as engine,
        closed_ports(settings, engine) as ports,
    ):
        broker = Broker(engine, terms, ports)
        async with (
            listening(settings.socket, broker, peer_uid=settings.peer_uid) as hung_up,
            background(end_when_orphaned(broker, hung_up)),
        ):
            yield


@asynccontextmanager
async def closed_ports(
    settings: Settings, engine: DockerEngine
) -> AsyncIterator[HostPorts | None]:
    """Hold the host's ports closed to agents, if the settings ask for it."""
    if settings.agent_port is None:
        yield None
        return
    name = f"ag2trust-{settings.installation}-{settings.runner}"
    ports = HostPorts(name, port=settings.agent_port, bridges=engine.bridges)
    await ports.start()
    try:
        yield ports
    finally:
        await ports.end()
