"""The use case of telling: what was counted and committed becomes a public event."""

import asyncio
from collections.abc import Sequence

from metrics.repositories.announcements import AnnouncementsRepository
from shared.bus import Bus
from shared.contracts.metrics import (
    CALL_FINISHED,
    MESSAGE_FINISHED,
    CallFinished,
    CallRecord,
    MessageFinishedEvent,
    MessageRecord,
)

__all__ = ["Announcer"]


class Announcer:
    """Publishes what was counted, at least once; an event's id drops its repeats."""

    def __init__(self, repository: AnnouncementsRepository, bus: Bus) -> None:
        self._repository = repository
        self._bus = bus

    async def announce(self) -> None:
        """Publish all that was counted and not yet announced.

        Raises `UnavailableError` while PostgreSQL or the event stream cannot be
        reached; the next call begins with what was not noted as announced.
        """
        while backlogs := await self._repository.backlogs():
            for backlog in backlogs:
                await self._publish(await self._repository.records(backlog))
                await self._repository.note_announced(backlog)

    async def _publish(self, records: Sequence[CallRecord | MessageRecord]) -> None:
        """Publish all at once and wait for each, also when one of them fails."""
        outcomes = await asyncio.gather(
            *map(self._publish_one, records), return_exceptions=True
        )
        for outcome in outcomes:
            if outcome is not None:
                raise outcome

    async def _publish_one(self, record: CallRecord | MessageRecord) -> None:
        match record:
            case CallRecord(call_id=call_id, org_id=org_id):
                await self._bus.publish(
                    CALL_FINISHED,
                    CallFinished(id=call_id, org_id=org_id, call=record),
                )
            case MessageRecord(message_id=message_id, org_id=org_id):
                await self._bus.publish(
                    MESSAGE_FINISHED,
                    MessageFinishedEvent(id=message_id, org_id=org_id, message=record),
                )
