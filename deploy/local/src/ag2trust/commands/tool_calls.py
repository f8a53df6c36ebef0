"""`ag2trust tool-calls`: every tool call, never what was asked of a tool or given."""

from datetime import datetime
from typing import get_args
from uuid import UUID

import click

from ag2trust_client import Client
from ag2trust_client.models import ToolCall, ToolCallStatus

from .calling import calling
from .formats import milliseconds, moment
from .naming import Names, agent_named, names_of
from .newest import newest
from .output import as_json, show, show_all
from .periods import in_period, period_of
from .tables import Column

__all__ = ["tool_calls"]


@click.group("tool-calls", short_help="Look at tool calls: which, how they ended.")
def tool_calls() -> None:
    """Look at tool calls: which and how they ended, never what was asked or given."""


@tool_calls.command("list")
@click.option("--agent", help="Of this agent.")
@click.option("--message", "message_id", type=click.UUID, help="For this message.")
@click.option("--tool", help="Of this tool, as models call it.")
@click.option(
    "--status", type=click.Choice(get_args(ToolCallStatus)), help="That ended so."
)
@click.option("--code", help="That failed, or was refused, with this code.")
@click.option(
    "--limit",
    type=click.IntRange(min=1),
    default=50,
    show_default=True,
    help="At most so many.",
)
@in_period
@as_json
@calling
async def list_tool_calls(
    client: Client,
    *,
    agent: str | None,
    message_id: UUID | None,
    tool: str | None,
    status: ToolCallStatus | None,
    code: str | None,
    limit: int,
    period: str | None,
    since: datetime | None,
    until: datetime | None,
    is_json: bool,
) -> None:
    """List tool calls that began, those started last first.

    Of the last 24 hours, if neither a period nor a message is told.
    """
    found = await newest(
        client.list_tool_calls,
        limit,
        agent_id=(await agent_named(client, agent)).id if agent else None,
        message_id=message_id,
        tool=tool,
        status=status,
        code=code,
        **period_of(period=period, since=since, until=until),
    )
    names = await names_of(client, "agents")
    show_all(
        found, _columns(names), is_json=is_json, if_none="There are no such tool calls."
    )


@tool_calls.command("show")
@click.argument("tool_call_id", type=click.UUID)
@as_json
@calling
async def show_tool_call(client: Client, *, tool_call_id: UUID, is_json: bool) -> None:
    """Show one tool call, and why it failed if it did."""
    found = await client.get_tool_call(tool_call_id)
    names = await names_of(client, "agents", "agent_types")
    show(found, _facts(found, names), is_json=is_json)


def _columns(names: Names) -> list[Column[ToolCall]]:
    return [
        Column("started", lambda it: moment(it.started_at)),
        Column("agent", lambda it: names.of(it.agent_id)),
        Column("tool", lambda it: it.tool),
        Column("status", lambda it: it.code or it.status),
        Column("took", lambda it: milliseconds(it.duration_ms), right=True),
        Column("tool call", lambda it: str(it.tool_call_id)),
    ]


def _facts(tool_call: ToolCall, names: Names) -> list[tuple[str, str]]:
    why = tool_call.explanation
    return [
        ("tool call", str(tool_call.tool_call_id)),
        ("tool", tool_call.tool),
        ("agent", names.of(tool_call.agent_id)),
        ("agent type", names.of(tool_call.agent_type_id)),
        ("status", tool_call.status),
        *(
            [
                ("code", why.code),
                ("why", why.message),
                ("cause", why.cause),
                ("fix", why.fix),
            ]
            if why
            else []
        ),
        ("started", moment(tool_call.started_at)),
        ("took", milliseconds(tool_call.duration_ms)),
        ("message", str(tool_call.message_id)),
    ]
