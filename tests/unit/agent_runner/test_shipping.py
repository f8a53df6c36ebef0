import asyncio
from pathlib import Path
from typing import cast
from uuid import UUID

from tests.unit.metrics.fakes import FakeLedgerRepository

from agent_runner.repositories.outbox import OutboxRepository
from agent_runner.shipping import ship_outbox, ship_spool
from agent_runner.spool.spool import Spool
from metrics.counting.just_counted import JustCounted
from metrics.counting.ledger import Ledger
from shared.bus import answer
from shared.contracts.metrics import INGEST, Ingest, Ingested, IngestRecord
from shared.errors import AppError
from shared.ids import new_id
from shared.testing import FakeBus


async def test_how_far_metrics_has_come_is_told(tmp_path: Path) -> None:
    heard: asyncio.Queue[int] = asyncio.Queue()

    async def ingest(question: Ingest) -> Ingested:
        return Ingested(applied_through=len(question.records))

    bus = FakeBus()
    bus.serve(answer(INGEST, ingest))
    with Spool.open(tmp_path / "spool", interrupted=lambda _, opened: opened) as spool:
        call_id = new_id().bytes
        spool.open_call(call_id, b"{}")
        spool.settle(call_id, b"{}")
        spool.sync()
        shipping = asyncio.create_task(ship_spool(spool, bus, counted=heard.put_nowait))

        async with asyncio.timeout(20):
            told = [await heard.get(), await heard.get()]

        shipping.cancel()
        await asyncio.wait([shipping])

    assert told == [0, 1]


async def test_a_fault_of_metrics_stops_no_runner(tmp_path: Path) -> None:
    counted = asyncio.Event()
    faults = [AppError()]

    async def ingest(question: Ingest) -> Ingested:
        if faults:
            raise faults.pop()
        if question.records:
            counted.set()
        return Ingested(applied_through=len(question.records))

    bus = FakeBus()
    bus.serve(answer(INGEST, ingest))
    with Spool.open(tmp_path / "spool", interrupted=lambda _, opened: opened) as spool:
        call_id = new_id().bytes
        spool.open_call(call_id, b"{}")
        spool.settle(call_id, b"{}")
        spool.sync()
        shipping = asyncio.create_task(ship_spool(spool, bus))

        async with asyncio.timeout(20):
            await counted.wait()

        shipping.cancel()
        await asyncio.wait([shipping])

    assert shipping.cancelled()


class Outbox:
    """Two records are left of many: metrics has counted the others."""

    async def source(self) -> UUID:
        return new_id()

    async def read(self, after: int, *, limit: int) -> list[IngestRecord]:
        del limit
        left = [IngestRecord(sequence=each, payload="{}") for each in (701, 702)]
        return [each for each in left if each.sequence > after]

    async def forget(self, through: int) -> None: ...


async def test_metrics_that_were_set_back_hear_what_is_left_of_an_outbox() -> None:
    ledger = Ledger(FakeLedgerRepository(), JustCounted())
    counted = asyncio.Event()

    async def ingest(question: Ingest) -> Ingested:
        await asyncio.sleep(0)  # as any question does, or nothing else could go on
        answered = await ledger.ingest(question)
        if answered.applied_through == 702:
            counted.set()
        return answered

    bus = FakeBus()
    bus.serve(answer(INGEST, ingest))
    shipping = asyncio.create_task(ship_outbox(cast("OutboxRepository", Outbox()), bus))

    async with asyncio.timeout(20):
        await counted.wait()

    shipping.cancel()
    await asyncio.wait([shipping])
