"""The use case of telling: what was counted and committed becomes a public event."""

from collections.abc import Sequence
from dataclasses import replace

from metrics.repositories.announcements import AnnouncementsRepository, Backlog
from shared.bus import Bus
from shared.contracts.metrics import (
    CALL_FINISHED,
    MESSAGE_FINISHED,
    TOOL_CALL_FINISHED,
    CallFinished,
    CallRecord,
    MessageFinishedEvent,
    MessageRecord,
    Record,
    ToolCallFinished,
    ToolCallRecord,
)

from .just_counted import JustCounted

__all__ = ["Announcer"]


class Announcer:
    """Publishes what was counted, at least once; an event's id drops its repeats."""

    def __init__(
        self, repository: AnnouncementsRepository, bus: Bus, just_counted: JustCounted
    ) -> None:
        self._repository = repository
        self._bus = bus
        self._just_counted = just_counted

    async def announce(self) -> None:
        """Publish all that was counted and not yet announced.

        Raises `UnavailableError` while PostgreSQL or the event stream cannot be
        reached; the next call begins with what was not noted as announced.
        """
        while backlogs := await self._repository.backlogs():
            for backlog in backlogs:
                told, records = await self._first_of(backlog)
                await self._publish(records)
                await self._repository.note_announced(told)

    async def _first_of(self, backlog: Backlog) -> tuple[Backlog, Sequence[Record]]:
        """Take what is still in memory, or read all."""
        through, records = self._just_counted.take(
            backlog.source, after=backlog.after, through=backlog.through
        )
        if through > backlog.after:
            return replace(backlog, through=through), records
        return backlog, await self._repository.records(backlog)

    async def _publish(self, records: Sequence[Record]) -> None:
        calls: list[CallFinished] = []
        messages: list[MessageFinishedEvent] = []
        tool_calls: list[ToolCallFinished] = []
        for record in records:
            match record:
                case CallRecord(call_id=id, org_id=org_id):
                    calls.append(CallFinished(id=id, org_id=org_id, call=record))
                case MessageRecord(message_id=id, org_id=org_id):
                    messages.append(
                        MessageFinishedEvent(id=id, org_id=org_id, message=record)
                    )
                case ToolCallRecord(tool_call_id=id, org_id=org_id):
                    tool_calls.append(
                        ToolCallFinished(id=id, org_id=org_id, tool_call=record)
                    )
        await self._bus.publish_all(CALL_FINISHED, calls)
        await self._bus.publish_all(MESSAGE_FINISHED, messages)
        await self._bus.publish_all(TOOL_CALL_FINISHED, tool_calls)
