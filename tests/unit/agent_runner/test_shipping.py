import asyncio
from pathlib import Path

from agent_runner.shipping import ship_spool
from agent_runner.spool.spool import Spool
from shared.bus import answer
from shared.contracts.metrics import INGEST, Ingest, Ingested
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
        call_id = new_id()
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
        call_id = new_id()
        spool.open_call(call_id, b"{}")
        spool.settle(call_id, b"{}")
        spool.sync()
        shipping = asyncio.create_task(ship_spool(spool, bus))

        async with asyncio.timeout(20):
            await counted.wait()

        shipping.cancel()
        await asyncio.wait([shipping])

    assert shipping.cancelled()
