"""A balancer in front of the gateways, no cleverer than any other."""

import asyncio
from asyncio import StreamReader, StreamWriter
from collections.abc import Sequence
from contextlib import suppress
from itertools import count

from ..integration.metrics.cable import Cable  # noqa: TID252 - test folders are no packages

__all__ = ["balancer"]

_CONNECT_SECONDS = 1.0


def balancer(backends: Sequence[tuple[str, int]]) -> Cable:
    """Lead each connection to whoever of *backends* is next and can be connected to."""
    turns = count()

    async def dial() -> tuple[StreamReader, StreamWriter]:
        first = next(turns) % len(backends)
        for host, port in (*backends[first:], *backends[:first]):
            with suppress(OSError, TimeoutError):
                async with asyncio.timeout(_CONNECT_SECONDS):
                    return await asyncio.open_connection(host, port)
        raise ConnectionRefusedError

    return Cable(dial)
