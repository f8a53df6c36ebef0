"""Waits for what a runtime tells, with a limit."""

import asyncio
from uuid import UUID

from agent_runner.runtimes.runtime import Exited, Runtime

__all__ = ["next_exit", "said"]

_WITHIN_SECONDS = 30


async def next_exit(runtime: Runtime) -> Exited:
    async with asyncio.timeout(_WITHIN_SECONDS):
        return await anext(aiter(runtime.exits()))


async def said(runtime: Runtime, agent_id: UUID, words: str) -> None:
    """Wait until the agent's tail has *words*; nothing announces what is printed."""
    async with asyncio.timeout(_WITHIN_SECONDS):
        while words not in await runtime.tail(agent_id):  # noqa: ASYNC110 see above
            await asyncio.sleep(0)
