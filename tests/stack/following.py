"""Following what an agent prints, over the API."""

import asyncio
from contextlib import aclosing

from ag2trust.operator import Operator

__all__ = ["log_until"]

_PATIENCE_SECONDS = 60


async def log_until(operator: Operator, path: str, words: str) -> list[str]:
    """Follow the log at *path* until a line has *words*; return what was told."""
    lines: list[str] = []
    async with (
        asyncio.timeout(_PATIENCE_SECONDS),
        aclosing(operator.followed(f"{path}?follow")) as events,
    ):
        async for name, told in events:
            assert name == "lines"
            lines += told["lines"]
            if any(words in line for line in lines):
                break
    return lines
