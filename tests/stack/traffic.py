"""Messages sent steadily, whatever happens, and what became of each."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from itertools import count, cycle
from typing import Any

import aiohttp

from ag2trust.operator import Operator
from ag2trust.waiting import until
from shared.lifecycle import background

__all__ = ["Traffic", "flowing"]

_SECONDS_BETWEEN = 0.3  # half as many as two agents answer
_ACCEPTED = 202


@dataclass
class Traffic:
    """What was asked of *agents* in turn; *accepted* maps a message's id to its text.

    A question that met a dead service is only counted: nobody said "accepted".
    """

    operator: Operator
    agents: list[str]
    accepted: dict[str, str] = field(default_factory=dict)
    refused: int = 0

    async def flow(self) -> None:
        """Send until cancelled."""
        for agent, number in zip(cycle(self.agents), count(), strict=False):
            await self._send(agent, f"Message {number}")
            await asyncio.sleep(_SECONDS_BETWEEN)

    async def ends(self, *, seconds: float) -> list[dict[str, Any]]:
        """Wait for the end of each accepted message; return them as they are then."""
        return [await self._end_of(each, seconds=seconds) for each in self.accepted]

    async def _send(self, agent: str, content: str) -> None:
        body = {"content": content, "wait": False}
        try:
            answer = await self.operator.ask(
                "POST", f"/api/agents/{agent}/messages", body
            )
        except aiohttp.ClientError:
            self.refused += 1
            return
        if answer.status == _ACCEPTED:
            self.accepted[answer.body["message_id"]] = content
        else:
            self.refused += 1

    async def _end_of(self, message_id: str, *, seconds: float) -> dict[str, Any]:
        path = f"/api/messages/{message_id}"
        answer = await until(
            f"the end of {path}",
            lambda: self.operator.ask("GET", path),
            lambda answer: answer.body["finished_at"],
            seconds=seconds,
            first_pause=_SECONDS_BETWEEN,
        )
        ended: dict[str, Any] = answer.body
        return ended


@asynccontextmanager
async def flowing(operator: Operator, *agents: str) -> AsyncIterator[Traffic]:
    """Send messages to *agents* during the block."""
    traffic = Traffic(operator, list(agents))
    async with background(traffic.flow()):
        yield traffic
