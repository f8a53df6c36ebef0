"""An agent with a message in hand, and what metrics is told of its tools."""

import asyncio
from collections.abc import Sequence
from typing import Any

from pydantic import TypeAdapter
from tests.integration.agent_runner.runner_house import House, Puppet

from shared.contracts.metrics import Ingest, Ingested, Record, ToolCallRecord

__all__ = ["HearingMetrics", "Working", "working"]


class Working:
    """An agent with a message in hand."""

    def __init__(self, puppet: Puppet, message: Any) -> None:
        self.puppet = puppet
        self.message = message

    async def use(self, name: str, **arguments: object) -> tuple[int, Any]:
        call = {"message_id": self.message["message_id"], "arguments": arguments}
        return await self.puppet.post(f"tools/{name}", call)


class HearingMetrics:
    """Takes every record, and keeps those of tool calls."""

    def __init__(self) -> None:
        self.heard: list[ToolCallRecord] = []
        self._news = asyncio.Event()

    @property
    def ends(self) -> list[tuple[str, str, str | None]]:
        return [(each.tool, each.status.value, each.code) for each in self.heard]

    async def ingest(self, batch: Ingest) -> Ingested:
        for each in batch.records:
            record: Record = TypeAdapter(Record).validate_json(each.payload)
            if isinstance(record, ToolCallRecord):
                self.heard.append(record)
        self._news.set()
        through = max((each.sequence for each in batch.records), default=0)
        return Ingested(applied_through=through)

    async def has_heard(self, count: int) -> None:
        async with asyncio.timeout(20):
            while len(self.heard) < count:
                self._news.clear()
                await self._news.wait()


async def working(house: House, tools: Sequence[object], **fields: Any) -> Working:
    agent = await house.make_agent(tools=[*tools], **fields)
    puppet = await house.start(agent.id)
    await house.submit(agent.id, "Look it up")
    return Working(puppet, await puppet.next())
