"""Lets one thing at a time happen to one agent."""

import asyncio
from uuid import UUID
from weakref import WeakValueDictionary

__all__ = ["Turns"]


class Turns:
    """A lock for every agent, there only while somebody holds it or waits for it."""

    def __init__(self) -> None:
        self._locks: WeakValueDictionary[UUID, asyncio.Lock] = WeakValueDictionary()

    def of(self, agent_id: UUID) -> asyncio.Lock:
        return self._locks.setdefault(agent_id, asyncio.Lock())
