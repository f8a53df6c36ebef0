"""The default agent's image, built when it is not there."""

import io
import os
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

import aiohttp
from aiodocker import Docker, DockerError

from shared.timeouts import timeout

from .agent_image_context import agent_image_tag, assemble_context
from .errors import LaunchError
from .python_base_image import ensure_base_image, has_image

__all__ = [
    "PYTHON_IMAGE",
    "EngineError",
    "agent_image_tag",
    "ensure_agent_image",
]

PYTHON_IMAGE = "python:3.11-slim-bookworm"

_ANSWER_SECONDS = 30
_BUILD_SECONDS = 600


class EngineError(LaunchError):
    """The container engine cannot be reached, or did not do what it was asked."""

    exit_code = os.EX_UNAVAILABLE


async def ensure_agent_image(
    *,
    base_image: str = PYTHON_IMAGE,
    docker_url: str | None = None,
    progress: Callable[[str], None],
) -> str:
    """Build the default agent's image unless the engine has it; give its tag.

    *docker_url* None looks where the docker command looks. *progress* gets a line for
    each thing that takes a while. Raises `EngineError`, `BaseImageError` and
    `PackagesError`, each a `LaunchError` that says what to do.
    """
    tag = agent_image_tag(base_image)
    async with _engine(docker_url) as docker:
        if not await has_image(docker, tag):
            base = await ensure_base_image(docker, base_image, progress=progress)
            await _build(docker, tag, base, progress)
    return tag


@asynccontextmanager
async def _engine(url: str | None) -> AsyncIterator[Docker]:
    timeout = aiohttp.ClientTimeout(total=_ANSWER_SECONDS)
    try:
        docker = Docker(url, timeout=timeout)
    except (DockerError, ValueError) as error:
        raise EngineError(f"No container engine was found: {error}") from error
    try:
        async with docker:
            yield docker
    except (DockerError, TimeoutError) as error:
        raise EngineError(f"The container engine failed: {error}") from error


async def _build(
    docker: Docker, tag: str, base: str, progress: Callable[[str], None]
) -> None:
    progress("Downloading the agent's packages")
    info = await docker.system.info()
    context = await assemble_context(str(info["Architecture"]))
    progress(f"Building {tag}")
    async with timeout(_BUILD_SECONDS):
        await docker.images.build(
            fileobj=io.BytesIO(context),
            encoding="identity",
            tag=tag,
            buildargs={"PYTHON_IMAGE": base},
            forcerm=True,
        )
    if not await has_image(docker, tag):  # a stream that broke off is no error there
        raise EngineError(f"The container engine did not finish building {tag}.")
