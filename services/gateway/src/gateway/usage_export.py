"""Usage as a table for spreadsheets: a row for each bucket of time and each key."""

import csv
import io
from collections.abc import AsyncIterator
from datetime import timedelta

import structlog
from aiohttp import web

from shared.bus import Bus
from shared.contracts.metrics import USAGE_BY
from shared.contracts.usage import (
    Dimension,
    UsageBucket,
    UsageByQuestion,
    UsageFigures,
    UsageRow,
    UsageTimeline,
    UsageTimelineQuestion,
)
from shared.errors import AppError
from shared.timeouts import timeout

__all__ = ["stream_usage"]

log = structlog.get_logger(__name__)

_ROWS_AT_ONCE = 1000
_READ_WITHIN = timedelta(seconds=30)
_FIGURES = tuple(UsageFigures.model_fields)
_SEEMS_A_FORMULA = ("=", "+", "-", "@", "\t", "\r")


async def stream_usage(
    request: web.Request,
    bus: Bus,
    timeline: UsageTimeline,
    question: UsageTimelineQuestion,
    *,
    by: Dimension,
    name: str,
    read_within: timedelta = _READ_WITHIN,
) -> web.StreamResponse:
    """Stream a row for each bucket of *timeline* and each key of *by* used in it.

    What fails on the way breaks the connection: half a table must not look whole. Nor
    is it kept up for who takes nothing for as long as *read_within*.
    """
    response = web.StreamResponse(
        headers={
            "Content-Type": "text/csv; charset=utf-8",
            "Content-Disposition": f'attachment; filename="usage-by-{name}.csv"',
        }
    )
    try:
        await response.prepare(request)
        await response.write(_line(["starts_at", "ends_at", name, *_FIGURES]))
        async for cells in _table(bus, timeline, question, by):
            async with timeout(read_within.total_seconds()):
                await response.write(_line(cells))
    except AppError as error:
        log.warning("export.broken", reason=error.message)
        _hang_up(request)
    except (TimeoutError, ConnectionError):
        log.info("export.left")
        _hang_up(request)
    return response


def _hang_up(request: web.Request) -> None:
    if request.transport is not None:
        request.transport.abort()


async def _table(
    bus: Bus, timeline: UsageTimeline, question: UsageTimelineQuestion, by: Dimension
) -> AsyncIterator[list[object]]:
    for bucket in timeline.data:
        if bucket.calls or bucket.messages_processed:
            async for row in _rows(bus, question, bucket, by):
                yield _cells(bucket, row)


async def _rows(
    bus: Bus, question: UsageTimelineQuestion, bucket: UsageBucket, by: Dimension
) -> AsyncIterator[UsageRow]:
    cursor: str | None = None
    while True:
        table = await bus.ask(
            USAGE_BY,
            UsageByQuestion(
                org_id=question.org_id,
                actor=question.actor,
                dimension=by,
                since=bucket.starts_at,
                until=bucket.ends_at,
                limit=_ROWS_AT_ONCE,
                cursor=cursor,
            ),
        )
        for row in table.data:
            yield row
        cursor = table.next_cursor
        if cursor is None:
            return


def _cells(bucket: UsageBucket, row: UsageRow) -> list[object]:
    times = bucket.model_dump(mode="json", include={"starts_at", "ends_at"})
    figures = row.model_dump(include=set(_FIGURES))
    return [
        times["starts_at"],
        times["ends_at"],
        _harmless(row.key),
        *(figures[name] for name in _FIGURES),
    ]


def _harmless(text: str) -> str:
    """Keep a spreadsheet from reckoning with a name (OWASP, "CSV Injection")."""
    return f"'{text}" if text.startswith(_SEEMS_A_FORMULA) else text


def _line(cells: list[object]) -> bytes:
    """Write one line (RFC 4180); what is not known is an empty cell."""
    line = io.StringIO()
    csv.writer(line).writerow(cells)
    return line.getvalue().encode()
