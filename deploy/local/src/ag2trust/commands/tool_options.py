"""The options by which a command names the tools of an agent type."""

from collections.abc import Callable
from contextlib import suppress
from typing import Any, Literal, TypeVar, get_args

import click

from ag2trust_client import Client, ForbiddenError
from ag2trust_client.models import (
    AgentType,
    CurrentTimeToolInput,
    HttpRequestToolInput,
    McpServer,
    McpServerToolsInput,
    McpTool,
)

from .naming import Names, mcp_server_named
from .output import said

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
    """Read `--mcp`: a server by its name, and which of its tools.

    Tools that agents will not have as things are may be named, and are told of.
    """
    found = []
    for each in mcp:
        name, _, listed = each.partition(":")
        server = await mcp_server_named(client, name)
        tools = listed.split(",") if listed else None
        if tools:
            with suppress(ForbiddenError):
                await _warn_of_missing(client, server, tools)
        found.append(McpServerToolsInput(name="mcp", server_id=server.id, tools=tools))
    return found


async def _warn_of_missing(client: Client, server: McpServer, tools: list[str]) -> None:
    known = await client.list_mcp_tools(server.id)
    by_name = {each.name: each for each in known.data}
    for name in tools:
        if name in by_name:
            warning = _warning_of(server.name, by_name[name])
        elif known.explanation is None:
            warning = f"{server.name} has no tool {name}."
        else:
            warning = f"{server.name} does not answer, and no {name} of it is approved."
        if warning:
            said(warning)


def _warning_of(server: str, tool: McpTool) -> str | None:
    match tool.status:
        case "approved":
            return None
        case "gone":
            return f"{server} has no tool {tool.name} any more."
        case "unusable":
            return f"{tool.name} of {server} cannot be approved. {tool.problem}"
        case "new" | "changed":
            return (
                f"No agent has {tool.name} of {server} until it is approved:"
                f" ag2trust mcp-servers approve {server} {tool.name}"
            )


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
