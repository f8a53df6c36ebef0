"""How many attempts ended how, while something is taken away and given back."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

__all__ = ["Outcomes", "trying"]


class Outcomes:
    """Counts by the class of the error, or None where there was none."""

    def __init__(self) -> None:
        self.counts: Counter[type[Exception] | None] = Counter()
        self._news = asyncio.Condition()

    async def note(self, outcome: type[Exception] | None) -> None:
        async with self._news:
            self.counts[outcome] += 1
            self._news.notify_all()

    async def more(self, outcome: type[Exception] | None, *, seconds: float) -> None:
        """Wait for a hundred more of them."""
        goal = self.counts[outcome] + 100
        async with asyncio.timeout(seconds), self._news:
            await self._news.wait_for(lambda: self.counts[outcome] >= goal)


@asynccontextmanager
async def trying(
    attempt: Callable[[], Awaitable[object]], outcomes: Outcomes
) -> AsyncIterator[None]:
    """Make attempts from ten tasks without a pause while the block runs."""

    async def try_on() -> None:
        while True:
            try:
                await attempt()
            except Exception as error:  # noqa: BLE001 - what is raised is the question
                await outcomes.note(type(error))
            else:
                await outcomes.note(None)
            await asyncio.sleep(0)  # an attempt may fail without ever waiting

    async with asyncio.TaskGroup() as group:
        tasks = [group.create_task(try_on()) for _ in range(10)]
        yield
        for task in tasks:
            task.cancel()
