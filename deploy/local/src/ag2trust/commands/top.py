"""`ag2trust top`: which agents call models, as they do."""

import asyncio
import json
import sys
from collections import Counter
from collections.abc import Mapping
from dataclasses import asdict, replace
from datetime import UTC, datetime, timedelta
from typing import Any

import click

from ag2trust_client import Client, every

from .calling import calling
from .formats import counted, milliseconds, number, percent
from .naming import Names
from .numbers import FiniteRange
from .output import as_json, say_table
from .recent_calls import RecentCall, RecentCalls, Row
from .tables import Column

__all__ = ["top"]

_CALL = "call.finished"
_SPAN = timedelta(minutes=1)
_CLEAR = "\x1b[H\x1b[2J\x1b[3J"
_TOKENS = (
    "input_tokens",
    "cached_input_tokens",
    "cache_write_5m_tokens",
    "cache_write_1h_tokens",
    "output_tokens",
)
_COLUMNS = [
    Column[Row]("agent", lambda it: it.agent),
    Column[Row]("calls", lambda it: number(it.calls), right=True),
    Column[Row]("errors", lambda it: percent(it.errors / it.calls), right=True),
    Column[Row]("tokens", lambda it: number(it.tokens), right=True),
    Column[Row]("average", lambda it: milliseconds(it.average_ms), right=True),
    Column[Row]("models", lambda it: it.models),
]


@click.command(short_help="Show, live, which agents call models.")
@click.option(
    "--interval",
    type=FiniteRange(min=0.1),
    default=2,
    show_default=True,
    help="Seconds between two looks.",
)
@click.option("--count", type=click.IntRange(min=1), help="End after so many looks.")
@as_json
@calling
async def top(
    client: Client, *, interval: float, count: int | None, is_json: bool
) -> None:
    """Show, live, which agents called models in the last minute.

    With --json each look is a line of its own. Ctrl-C ends it.
    """
    recent = RecentCalls()
    listening = asyncio.create_task(_listen(client, recent))
    try:
        await _fill(client, recent)
        looks = 0
        while count is None or looks < count:
            if looks:
                await asyncio.wait({listening}, timeout=interval)
            if listening.done():
                listening.result()
            await _look(client, recent, is_json=is_json)
            looks += 1
    finally:
        listening.cancel()
        await asyncio.wait({listening})


async def _listen(client: Client, recent: RecentCalls) -> None:
    async for event in client.events():
        if event.name == _CALL and isinstance(call := event.body["call"], dict):
            recent.add(_told(call))


async def _fill(client: Client, recent: RecentCalls) -> None:
    """Begin with what ended before anybody listened."""
    since = datetime.now(UTC) - _SPAN
    async for call in every(client.list_calls, from_=since):
        recent.add(_told(call.model_dump(mode="json")))


def _told(call: Mapping[str, Any]) -> RecentCall:
    started = datetime.fromisoformat(call["started_at"])
    took = call["duration_ms"]
    return RecentCall(
        id=call["call_id"],
        agent=call["agent_id"],
        model=call["model"],
        failed=call["status"] == "failed",
        tokens=sum(call["usage"][name] or 0 for name in _TOKENS),
        duration_ms=took,
        ended_at=started + timedelta(milliseconds=took or 0),
    )


async def _look(client: Client, recent: RecentCalls, *, is_json: bool) -> None:
    now = datetime.now(UTC)
    agents = [each async for each in every(client.list_agents)]
    names = Names({str(each.id): each.name for each in agents})
    rows = [_named(row, names) for row in recent.rows(now)]
    states = Counter[str](each.status for each in agents)
    if is_json:
        _say_line(now, states, rows)
        return
    if sys.stdout.isatty():
        click.echo(_CLEAR, nl=False)
    click.echo(_headline(now, states, rows))
    if rows:
        click.echo()
        say_table(_COLUMNS, rows)
        click.echo()


def _named(row: Row, names: Names) -> Row:
    return replace(row, agent=names.of(row.agent))


def _headline(now: datetime, states: Counter[str], rows: list[Row]) -> str:
    told = ", ".join(f"{count} {state}" for state, count in states.most_common())
    calls, tokens = sum(row.calls for row in rows), sum(row.tokens for row in rows)
    return (
        f"{now.astimezone():%H:%M:%S}   agents: {told or 'none'}   "
        f"last minute: {counted(calls, 'call')}, {counted(tokens, 'token')}"
    )


def _say_line(now: datetime, states: Counter[str], rows: list[Row]) -> None:
    line = {"at": now.isoformat(), "agents": states, "rows": [*map(asdict, rows)]}
    click.echo(json.dumps(line))
