"""A question from the gateway to metrics, with words of the tests' own."""

import asyncio
from dataclasses import replace
from datetime import timedelta

from shared.bus import NatsBus
from shared.contracts import metrics
from shared.contracts.base import Endpoint, Message

__all__ = ["ECHO", "Words", "deadline_of", "echo", "forever", "size_limit"]


class Words(Message):
    text: str = ""


ECHO = Endpoint(
    metrics.AGENT_STATS.subject,
    Words,
    Words,
    askers=metrics.AGENT_STATS.askers,
)


async def echo(words: Words) -> Words:
    return words


async def forever() -> None:
    await asyncio.Event().wait()


def deadline_of(seconds: float) -> Endpoint[Words, Words]:
    return replace(ECHO, deadline=timedelta(seconds=seconds))


def size_limit(bus: NatsBus) -> int:
    """Characters of a `Words` that the bus just carries."""
    overhead = len(Words().model_dump_json())
    return bus._client.max_payload - 512 - overhead
