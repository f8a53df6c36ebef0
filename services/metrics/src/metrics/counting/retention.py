"""The use case of keeping: days are made before they are needed, and dropped after."""

from datetime import timedelta

import structlog

from metrics.repositories.retention import RetentionRepository

__all__ = ["Retention"]

log = structlog.get_logger(__name__)

_DAYS_AHEAD = 7


class Retention:
    """Keeps calls, messages and tool calls *calls_kept*, minutes *minutes_kept*.

    Minutes are what they sum up to in one; sums of more stay.
    """

    def __init__(
        self,
        repository: RetentionRepository,
        *,
        calls_kept: timedelta,
        minutes_kept: timedelta,
    ) -> None:
        self._repository = repository
        self._calls_kept = calls_kept
        self._minutes_kept = minutes_kept

    async def make_days(self) -> None:
        """Make the days that come; before the first call is counted, and then ahead."""
        await self._repository.make_days(ahead=_DAYS_AHEAD, kept=self._calls_kept.days)

    async def keep(self) -> None:
        """Make the days that come; drop what is kept no longer.

        Days last: raises `UnavailableError` where they are in use, and then they stay.
        """
        await self.make_days()
        messages = await self._repository.drop_messages(kept=self._calls_kept)
        tool_calls = await self._repository.drop_tool_calls(kept=self._calls_kept)
        minutes = await self._repository.drop_minutes(kept=self._minutes_kept)
        days = await self._repository.drop_days(kept=self._calls_kept.days)
        log.debug(
            "retention.kept",
            days_dropped=days,
            messages_dropped=messages,
            tool_calls_dropped=tool_calls,
            minutes_dropped=minutes,
        )
