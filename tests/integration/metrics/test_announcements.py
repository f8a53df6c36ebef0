"""Public events: told once, later if need be, and never in the way of counting."""

from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path

import pytest

from ag2trust.testing import BusAs, Stack
from ag2trust.waiting import until
from metrics.app import serving
from metrics.settings import Settings
from shared.bus import NatsBus
from shared.contracts.base import Service
from shared.contracts.metrics import (
    CALL_FINISHED,
    INGEST,
    MESSAGE_FINISHED,
    TOOL_CALL_FINISHED,
    CallFinished,
    CallRecord,
    Ingested,
    MessageFinishedEvent,
    MessageRecord,
    ToolCallFinished,
    ToolCallRecord,
)
from shared.ids import new_id

from .conftest import Superuser
from .events_server import EventsServer
from .records import AnyRecord, batch, call, failed_call, message, tool_call

pytestmark = pytest.mark.integration


@pytest.fixture
def events(tmp_path: Path) -> EventsServer:
    return EventsServer(tmp_path)


@pytest.fixture
def settings(stack: Stack, events: EventsServer) -> Settings:
    return stack.settings(Settings, Service.METRICS, nats_url=events.url)


@asynccontextmanager
async def shipping(settings: Settings, events: EventsServer) -> AsyncIterator[NatsBus]:
    """Run the service on *events*; yields a runner's login there."""
    async with serving(settings), BusAs(events.url)(Service.AGENT_RUNNER) as runner:
        yield runner


async def until_announced(superuser: Superuser) -> None:
    await until(
        "everything announced",
        lambda: superuser.fetchval(
            "SELECT bool_and(announced_through = applied_through) FROM sequence"
        ),
    )


def told(records: Sequence[AnyRecord]) -> list[tuple[str, bytes]]:
    return sorted(map(_told, records))


def _told(record: AnyRecord) -> tuple[str, bytes]:
    match record:
        case CallRecord(call_id=call_id, org_id=org_id):
            call_finished = CallFinished(id=call_id, org_id=org_id, call=record)
            return (
                CALL_FINISHED.subject(org_id),
                call_finished.model_dump_json().encode(),
            )
        case MessageRecord(message_id=message_id, org_id=org_id):
            message_finished = MessageFinishedEvent(
                id=message_id, org_id=org_id, message=record
            )
            return (
                MESSAGE_FINISHED.subject(org_id),
                message_finished.model_dump_json().encode(),
            )
        case ToolCallRecord(tool_call_id=tool_call_id, org_id=org_id):
            tool_call_finished = ToolCallFinished(
                id=tool_call_id, org_id=org_id, tool_call=record
            )
            return (
                TOOL_CALL_FINISHED.subject(org_id),
                tool_call_finished.model_dump_json().encode(),
            )


async def test_what_is_told_is_a_cloud_event(
    settings: Settings, events: EventsServer, superuser: Superuser
) -> None:
    records = [call() for _ in range(3)]

    async with (
        events.running(with_jetstream=True),
        shipping(settings, events) as runner,
    ):
        await runner.ask(INGEST, batch(new_id(), records))
        await until_announced(superuser)
        headers = await events.headers()

    assert headers == [
        {
            "Nats-Msg-Id": str(record.call_id),
            "ce-specversion": "1.0",
            "ce-id": str(record.call_id),
            "ce-source": f"/organizations/{record.org_id}",
            "ce-type": "ag2trust.v1.call.finished",
            "content-type": "application/json",
        }
        for record in records
    ]


async def test_every_record_is_told_once_as_it_was_counted(
    settings: Settings, events: EventsServer, superuser: Superuser
) -> None:
    repeated = call()
    records: list[AnyRecord] = [
        repeated,
        failed_call(),
        message(),
        tool_call(),
        repeated,
    ]
    records += [call() for _ in range(300)]

    async with (
        events.running(with_jetstream=True),
        shipping(settings, events) as runner,
    ):
        await runner.ask(INGEST, batch(new_id(), [*records, "{nonsense"]))
        await until_announced(superuser)
        found = await events.events()

    records.remove(repeated)
    assert sorted(found) == told(records)


async def test_an_event_told_again_is_dropped(
    settings: Settings, events: EventsServer, superuser: Superuser
) -> None:
    records: list[AnyRecord] = [call(), message(), tool_call()]

    async with (
        events.running(with_jetstream=True),
        shipping(settings, events) as runner,
    ):
        await runner.ask(INGEST, batch(new_id(), records))
        await until_announced(superuser)
        await superuser.execute("UPDATE sequence SET announced_through = 0")
        await until_announced(superuser)
        found = await events.events()

    assert sorted(found) == told(records)


async def test_what_was_counted_but_not_told_is_told_after_the_next_start(
    settings: Settings, events: EventsServer, superuser: Superuser
) -> None:
    records: list[AnyRecord] = [call(), message(), call()]

    async with (
        events.running(with_jetstream=False),
        shipping(settings, events) as runner,
    ):
        answer = await runner.ask(INGEST, batch(new_id(), records))
    async with events.running(with_jetstream=True), serving(settings):
        await until_announced(superuser)
        found = await events.events()

    assert answer == Ingested(applied_through=3)
    assert sorted(found) == told(records)


async def test_a_missing_jetstream_is_awaited_without_a_restart(
    settings: Settings, events: EventsServer, superuser: Superuser
) -> None:
    record = call()

    async with AsyncExitStack() as service:
        async with events.running(with_jetstream=False):
            runner = await service.enter_async_context(shipping(settings, events))
            await runner.ask(INGEST, batch(new_id(), [record]))
        async with events.running(with_jetstream=True):
            await until_announced(superuser)
            found = await events.events()

    assert found == told([record])
