"""The options by which a command names the tools of an agent type."""

from collections.abc import Callable
from typing import Any, Literal, TypeVar, get_args

import click

from ag2trust_client import Client
from ag2trust_client.models import (
    AgentType,
    CurrentTimeToolInput,
    HttpRequestToolInput,
    McpServerToolsInput,
)

from .naming import Names, mcp_server_named

__all__ = [
    "ToolName",
    "mcp_tools_named",
    "tool_options",
    "tools_named",
    "tools_told",
]

ToolName = Literal["current_time", "http_request"]
HttpMethod = Literal["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE"]
CommandT = TypeVar("CommandT", bound=Callable[..., Any])


def tool_options(command: CommandT) -> CommandT:
    """Add the options whose values `tools_named` and `mcp_tools_named` read."""
    for option in (
        click.option(
            "--mcp",
            multiple=True,
            metavar="SERVER[:TOOL,...]",
            help="Approved tools of an MCP server; all unless named. Repeatable.",
        ),
        click.option(
            "--tool-method",
            multiple=True,
            type=click.Choice(get_args(HttpMethod), case_sensitive=False),
            help="Which http_request may use; GET unless given. Repeatable.",
        ),
        click.option(
            "--tool-host",
            multiple=True,
            metavar="HOST",
            help="Which http_request may ask, as *.example.com. Repeatable.",
        ),
        click.option(
            "--tool",
            multiple=True,
            type=click.Choice(get_args(ToolName)),
            help="What its agents may have the runner do. Repeatable.",
        ),
    ):
        command = option(command)
    return command


def tools_named(
    tool: tuple[ToolName, ...], tool_host: tuple[str, ...], tool_method: tuple[str, ...]
) -> list[CurrentTimeToolInput | HttpRequestToolInput]:
    """Read the options; without any there are no tools."""
    if (tool_host or tool_method) and "http_request" not in tool:
        raise click.UsageError("--tool-host and --tool-method say how http_request is.")
    told: dict[str, Any] = {}
    if tool_host:
        told["hosts"] = [*tool_host]
    if tool_method:
        told["methods"] = [*tool_method]
    return [
        HttpRequestToolInput(name=name, **told)
        if name == "http_request"
        else CurrentTimeToolInput(name=name)
        for name in tool
    ]


async def mcp_tools_named(
    client: Client, mcp: tuple[str, ...]
) -> list[McpServerToolsInput]:
    """Read `--mcp`: a server by its name, and which of its tools."""
    found = []
    for each in mcp:
        name, _, tools = each.partition(":")
        server = await mcp_server_named(client, name)
        found.append(
            McpServerToolsInput(
                name="mcp",
                server_id=server.id,
                tools=tools.split(",") if tools else None,
            )
        )
    return found


def tools_told(agent_type: AgentType, names: Names) -> list[str]:
    """Say each tool in a word or a few, an MCP server by its name."""
    told: list[str] = []
    for tool in agent_type.tools:
        if tool.name == "current_time":
            told.append(tool.name)
        elif tool.name == "mcp":
            server = names.of(tool.server_id)
            told.append(f"{tool.name} ({server}; {_tools_of(tool.tools)})")
        else:
            hosts = ", ".join(tool.hosts) if tool.hosts else "any host"
            told.append(f"{tool.name} ({', '.join(tool.methods)}; {hosts})")
    return told


def _tools_of(tools: list[str] | None) -> str:
    return "every approved tool" if tools is None else ", ".join(tools)
