"""A lab on this machine's Docker engine."""

from collections.abc import AsyncIterator

import pytest

from .docker_lab import DockerLab, docker_lab


@pytest.fixture
async def lab() -> AsyncIterator[DockerLab]:
    async with docker_lab() as lab:
        yield lab
