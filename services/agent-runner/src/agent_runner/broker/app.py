"""Where the parts of the launch broker meet. Read this first."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from agent_runner.runtimes.launch_frame import AGENT_INIT

from .body import Owner, Volume
from .broker import Broker, Terms
from .engine import engine_at
from .listener import listening
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
    async with engine_at(settings.docker_socket, owner) as engine:
        broker = Broker(engine, terms)
        async with listening(settings.socket, broker, peer_uid=settings.peer_uid):
            yield
