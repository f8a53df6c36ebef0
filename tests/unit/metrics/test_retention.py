"""What is kept no longer goes, whatever else is in use right now."""

from dataclasses import dataclass, field
from datetime import timedelta

import pytest

from metrics.counting.retention import Retention
from shared.errors import UnavailableError

DAY = timedelta(days=1)


@dataclass
class DaysInUse:
    """A repository whose days somebody reads; it keeps what else was dropped."""

    dropped: set[str] = field(default_factory=set)

    async def make_days(self, *, ahead: int, kept: int) -> None: ...

    async def drop_days(self, *, kept: int) -> int:
        raise UnavailableError(f"The calls of {kept} days are in use right now.")

    async def drop_messages(self, *, kept: timedelta) -> int:
        self.dropped.add(f"messages of {kept.days} days")
        return 0

    async def drop_tool_calls(self, *, kept: timedelta) -> int:
        self.dropped.add(f"tool calls of {kept.days} days")
        return 0

    async def drop_minutes(self, *, kept: timedelta) -> int:
        self.dropped.add(f"minutes of {kept.days} days")
        return 0


async def test_days_in_use_keep_nothing_else_from_being_dropped() -> None:
    repository = DaysInUse()
    retention = Retention(repository, calls_kept=10 * DAY, minutes_kept=2 * DAY)

    with pytest.raises(UnavailableError):
        await retention.keep()

    assert repository.dropped == {
        "messages of 10 days",
        "tool calls of 10 days",
        "minutes of 2 days",
    }
