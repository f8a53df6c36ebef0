"""Messages without an end: soon after one is answered, its sender sends the next."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from itertools import count
from typing import Any

from ag2trust.operator import Operator
from ag2trust.waiting import until

__all__ = ["Steady", "steadily"]

_SENDERS = 2
_PAUSE_SECONDS = 0.15
_GOES_ON_SECONDS = 90.0
_ENDS_SECONDS = 180.0
_ANSWERED_SECONDS = 0.05  # sooner there is no end to be seen


@dataclass
class Steady:
    """What was asked of *agents*; *accepted* maps a message's id to its text.

    *ended* has each message as it was when it ended.
    """

    operator: Operator
    agents: Sequence[str]
    accepted: dict[str, str] = field(default_factory=dict)
    ended: dict[str, dict[str, Any]] = field(default_factory=dict)
    is_over: bool = False
    _answered: Counter[str] = field(default_factory=Counter)
    _changed: asyncio.Condition = field(default_factory=asyncio.Condition)

    async def goes_on(self) -> None:
        """Return once each agent has answered what it was sent after this call."""
        wanted = {each: self._answered[each] + _SENDERS + 1 for each in self.agents}
        async with asyncio.timeout(_GOES_ON_SECONDS), self._changed:
            await self._changed.wait_for(
                lambda: all(self._answered[it] >= wanted[it] for it in wanted)
            )

    async def flow(self, agent: str, sender: int) -> None:
        """Send and wait for the answer, again and again; end with an answer."""
        for number in count():
            if self.is_over:
                return
            await self.exchange(agent, f"{sender}, {number}")
            await asyncio.sleep(_PAUSE_SECONDS)

    async def exchange(self, agent: str, content: str) -> None:
        """Send a message and wait for its end."""
        answer = await self.operator.ask(
            "POST", f"/api/agents/{agent}/messages", {"content": content, "wait": False}
        )
        assert answer.status == 202, answer.body
        message_id = answer.body["message_id"]
        self.accepted[message_id] = content
        self.ended[message_id] = await self._end_of(message_id)
        async with self._changed:
            self._answered[agent] += 1
            self._changed.notify_all()

    async def _end_of(self, message_id: str) -> dict[str, Any]:
        path = f"/api/messages/{message_id}"

        async def message() -> dict[str, Any]:
            answer = await self.operator.ask("GET", path)
            assert answer.status == 200, f"accepted, and then {answer.body}"
            found: dict[str, Any] = answer.body
            return found

        return await until(
            f"the end of {path}",
            message,
            lambda found: found["finished_at"],
            seconds=_ENDS_SECONDS,
            first_pause=_ANSWERED_SECONDS,
        )


@asynccontextmanager
async def steadily(operator: Operator, agents: Sequence[str]) -> AsyncIterator[Steady]:
    """Keep *agents* busy during the block; leave it when all is answered."""
    traffic = Steady(operator, agents)
    async with asyncio.TaskGroup() as senders:
        for agent in agents:
            for sender in range(_SENDERS):
                senders.create_task(traffic.flow(agent, sender))
        yield traffic
        traffic.is_over = True
