"""A runner for a test to kill: it admits calls without end, spools and ships them.

Arguments: its folder, the URL of NATS, how many calls a second. The spool, its syncing
and its shipping are those of the agent-runner. Its clock steps: after each few hundred
calls it is another day. What it has done it also notes line by line in a journal, which
a test holds against the spool and the count.
"""

import asyncio
import os
import sys
from collections import deque
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from datetime import timedelta
from itertools import count
from pathlib import Path
from uuid import UUID

from ag2trust.testing import BusAs
from agent_runner.proxy.calls import interrupted
from agent_runner.shipping import ship_spool
from agent_runner.spool.spool import Spool
from shared.clock import utc_now
from shared.contracts.base import Service
from shared.contracts.credentials import ProviderType
from shared.contracts.metrics import CallRecord, CallStatus, Usage, UsageSource
from shared.ids import new_id
from shared.lifecycle import background, run_until_signalled
from shared.logs import set_up_logs

__all__ = ["JOURNAL", "SPOOL", "count_settled", "read_journal", "tokens_of"]

SPOOL, JOURNAL = "spool", "journal"

_OPENED, _SETTLED = "opened", "settled"
_ORGANIZATION = UUID(int=1)
_AGENTS = [UUID(int=number) for number in range(100, 120)]
_OPEN_AT_ONCE = 20
_AT_A_TIME = 5
_CALLS_OF_A_CLOCK = 250
_CLOCKS = [timedelta(), timedelta(days=400), timedelta(hours=-3), timedelta(days=-400)]


def tokens_of(call_id: UUID) -> tuple[int, int]:
    """Return input and output of a call: anybody can tell by its id."""
    return call_id.int % 997, call_id.int % 499


class Journal:
    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor

    @classmethod
    @contextmanager
    def appending(cls, path: Path) -> Iterator["Journal"]:
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
        try:
            yield cls(descriptor)
        finally:
            os.close(descriptor)

    def note_opened(self, call_id: UUID) -> None:
        os.write(self._descriptor, f"{_OPENED} {call_id}\n".encode())

    def note_settled(self, call_id: UUID) -> None:
        os.write(self._descriptor, f"{_SETTLED} {call_id}\n".encode())


def read_journal(path: Path) -> tuple[set[UUID], set[UUID]]:
    """Return the calls that were opened, and those of them that were settled."""
    opened, settled = set[UUID](), set[UUID]()
    for line in path.read_text().splitlines():
        act, _, call_id = line.partition(" ")
        (opened if act == _OPENED else settled).add(UUID(call_id))
    return opened, settled


def count_settled(journal: Path) -> int:
    """Count lines; 0 before there is a journal."""
    return journal.read_bytes().count(_SETTLED.encode()) if journal.exists() else 0


async def admit(spool: Spool, journal: Journal, *, each_seconds: float) -> None:
    """Admit calls until cancelled; settle each when some others have begun."""
    in_hand: deque[CallRecord] = deque()
    try:
        for number in count():
            record = _opened(number)
            spool.open_call(record.call_id.bytes, _bytes_of(record))
            journal.note_opened(record.call_id)
            in_hand.append(record)
            if len(in_hand) > _OPEN_AT_ONCE:
                _settle(spool, journal, in_hand.popleft())
            if number % _AT_A_TIME == 0:
                await asyncio.sleep(each_seconds * _AT_A_TIME)
    finally:
        for record in in_hand:
            _settle(spool, journal, record)


def _opened(number: int) -> CallRecord:
    clock = _CLOCKS[number // _CALLS_OF_A_CLOCK % len(_CLOCKS)]
    return CallRecord(
        call_id=new_id(),
        org_id=_ORGANIZATION,
        agent_id=_AGENTS[number % len(_AGENTS)],
        agent_type_id=UUID(int=2),
        provider_id=UUID(int=3),
        provider_type=ProviderType.OPENAI,
        model="gpt-5",
        endpoint="/v1/chat/completions",
        is_streamed=False,
        runner="runner-1",
        request_id=f"request-{number}",
        status=CallStatus.INTERRUPTED,
        started_at=utc_now() + clock,
    )


def _settle(spool: Spool, journal: Journal, opened: CallRecord) -> None:
    input_tokens, output_tokens = tokens_of(opened.call_id)
    settled = opened.model_copy(
        update={
            "status": CallStatus.COMPLETED,
            "http_status": 200,
            "duration_ms": 1 + input_tokens,
            "usage": Usage(input_tokens=input_tokens, output_tokens=output_tokens),
            "usage_source": UsageSource.REPORTED,
        }
    )
    spool.settle(opened.call_id.bytes, _bytes_of(settled))
    journal.note_settled(opened.call_id)


def _bytes_of(record: CallRecord) -> bytes:
    return record.model_dump_json(exclude_none=True).encode()


@asynccontextmanager
async def running(folder: Path, nats_url: str, rate: float) -> AsyncIterator[None]:
    with (
        Spool.open(folder / SPOOL, interrupted=interrupted) as spool,
        Journal.appending(folder / JOURNAL) as journal,
    ):
        async with (
            BusAs(nats_url)(Service.AGENT_RUNNER) as bus,
            background(
                spool.syncing(),
                ship_spool(spool, bus),
                admit(spool, journal, each_seconds=1 / rate),
            ),
        ):
            yield


if __name__ == "__main__":
    set_up_logs("agent-runner", level="warning")
    asyncio.run(
        run_until_signalled(running(Path(sys.argv[1]), sys.argv[2], float(sys.argv[3])))
    )
