"""Waits for what a runtime tells, and for what an agent prints, with a limit."""

import asyncio
from uuid import UUID

from ag2trust.waiting import until
from agent_runner.runtimes.launch_frame import READY
from agent_runner.runtimes.runtime import Exited, Resources, Runtime

from .docker_lab import DockerLab

__all__ = ["next_exit", "printed", "said", "tail"]

_RESOURCES = Resources()

_WITHIN_SECONDS = 60


async def next_exit(runtime: Runtime) -> Exited:
    async with asyncio.timeout(_WITHIN_SECONDS):
        return await anext(aiter(runtime.exits()))


async def printed(
    lab: DockerLab, runtime: Runtime, image: str, resources: Resources = _RESOURCES
) -> list[str]:
    """Run an agent of *image* to its end; return the lines of its command.

    Docker's two streams keep their own order, so the init's line may come anywhere.
    """
    async with lab.guest(runtime, image, resources=resources) as guest:
        await runtime.launch(guest.launch)
        exited = await next_exit(runtime)
    init = READY.decode().strip()
    return [line for line in exited.last_words.splitlines() if line != init]


def tail(runtime: Runtime, agent_id: UUID) -> str:
    """Return what an agent printed last; '' if nobody listens to it."""
    output = runtime.output(agent_id)
    return output.text() if output else ""


async def said(runtime: Runtime, agent_id: UUID, words: str) -> None:
    """Wait until the agent's tail has *words*."""
    await until(
        repr(words), lambda: tail(runtime, agent_id), lambda printed: words in printed
    )
