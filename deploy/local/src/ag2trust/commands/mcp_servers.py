"""`ag2trust mcp-servers`: where tools of agents come from, and which are approved."""

import json
import sys

import click
from pydantic import SecretStr

from ag2trust_client import Client, every
from ag2trust_client.models import (
    McpApproval,
    McpServer,
    McpServerPatch,
    McpServerSubmission,
    McpTool,
    McpTools,
    McpToolShown,
    McpWithdrawal,
)

from .calling import calling
from .formats import word
from .naming import mcp_server_named
from .output import as_json, said, say, show, show_all
from .tables import Column

__all__ = ["mcp_servers"]

_APPROVABLE = ("new", "changed")


@click.group("mcp-servers")
def mcp_servers() -> None:
    """Have agents use tools of MCP servers, as you have approved them."""


@mcp_servers.command("list")
@as_json
@calling
async def list_servers(client: Client, *, is_json: bool) -> None:
    """List the MCP servers."""
    found = [each async for each in every(client.list_mcp_servers)]
    show_all(
        found,
        _COLUMNS,
        is_json=is_json,
        if_none="There are no MCP servers yet; `ag2trust mcp-servers add` adds one.",
    )


@mcp_servers.command("add")
@click.argument("name")
@click.argument("server_url", metavar="URL")
@click.option("--no-token", is_flag=True, help="The server takes anyone.")
@as_json
@calling
async def add_server(
    client: Client, *, name: str, server_url: str, no_token: bool, is_json: bool
) -> None:
    """Add the MCP server NAME at URL, where it speaks streamable HTTP.

    Models know its tools as NAME__tool. Its token is asked for, or read from standard
    input.
    """
    token = None if no_token else _asked_for_token()
    body = McpServerSubmission(name=name, url=server_url, token=token)
    server = await client.create_mcp_server(body)
    show(server, _pairs(server), is_json=is_json)


@mcp_servers.command("token")
@click.argument("name")
@click.option("--none", "is_none", is_flag=True, help="Take its token away.")
@calling
async def replace_token(client: Client, *, name: str, is_none: bool) -> None:
    """Give the MCP server NAME another token; agents need no restart."""
    server = await mcp_server_named(client, name)
    token = None if is_none else _asked_for_token()
    await client.update_mcp_server(server.id, McpServerPatch(token=token))
    how = "without a token" if is_none else "with another token"
    said(f"{server.name} is asked {how} from now on.")


@mcp_servers.command("tools")
@click.argument("name")
@as_json
@calling
async def list_tools(client: Client, *, name: str, is_json: bool) -> None:
    """Ask the MCP server NAME for its tools, and say which are approved."""
    tools = await _tools(client, await mcp_server_named(client, name), warn=not is_json)
    failed = tools.explanation is not None
    if tools.data or is_json or not failed:
        show_all(
            tools.data, _TOOLS, is_json=is_json, if_none="The MCP server has no tools."
        )
    if failed:
        raise click.exceptions.Exit(1)


@mcp_servers.command("approve")
@click.argument("name")
@click.argument("tools", metavar="[TOOL]...", nargs=-1)
@click.option("--yes", is_flag=True, help="Do not ask.")
@calling
async def approve(
    client: Client, *, name: str, tools: tuple[str, ...], yes: bool
) -> None:
    """Read what is new or has changed at the MCP server NAME, and approve it.

    Without a TOOL all are shown that could be approved. Models are told what you read
    here, so read it as you would read a system prompt.
    """
    server = await mcp_server_named(client, name)
    found = (await _tools(client, server, warn=True)).data
    chosen = _chosen(found, tools)
    if not chosen:
        said("Nothing is new or has changed.")
        return
    for each in chosen:
        say(_read(each))
    if not yes:
        click.confirm(f"Approve {_counted(chosen)}?", abort=True, err=True)
    shown = [
        McpToolShown(name=each.name, fingerprint=each.fingerprint or "")
        for each in chosen
    ]
    await client.approve_mcp_tools(server.id, McpApproval(tools=shown))
    said(f"Approved {_counted(chosen)}.")


@mcp_servers.command("withdraw")
@click.argument("name")
@click.argument("tools", metavar="TOOL...", nargs=-1, required=True)
@calling
async def withdraw(client: Client, *, name: str, tools: tuple[str, ...]) -> None:
    """Take the approval of each TOOL of the MCP server NAME back, at once."""
    server = await mcp_server_named(client, name)
    await client.withdraw_mcp_tools(server.id, McpWithdrawal(tools=[*tools]))
    said(f"No agent has {', '.join(tools)} of {server.name} any more.")


@mcp_servers.command("delete")
@click.argument("name")
@calling
async def delete_server(client: Client, *, name: str) -> None:
    """Delete the MCP server NAME with its token and all approvals."""
    server = await mcp_server_named(client, name)
    await client.delete_mcp_server(server.id)
    said(f"{server.name} is deleted.")


async def _tools(client: Client, server: McpServer, *, warn: bool) -> McpTools:
    tools = await client.list_mcp_tools(server.id)
    if warn and tools.explanation is not None:
        said(f"{tools.explanation.message} {tools.explanation.fix}")
    return tools


def _chosen(found: list[McpTool], names: tuple[str, ...]) -> list[McpTool]:
    by_name = {each.name: each for each in found}
    if missing := [name for name in names if name not in by_name]:
        raise click.UsageError(f"The server has no tool {missing[0]}.")
    for name in names:
        if problem := by_name[name].problem:
            raise click.UsageError(f"{name} cannot be approved. {problem}")
    return [
        each
        for each in found
        if each.status in _APPROVABLE and (not names or each.name in names)
    ]


def _read(tool: McpTool) -> str:
    """Write out all that would be approved, or what has changed of it."""
    head = f"── {tool.name}, which models know as {tool.told_as}: {tool.status}"
    if tool.diff:
        return "\n".join([head, *tool.diff, ""])
    if tool.definition is None:
        return head
    schema = json.dumps(tool.definition.input_schema, indent=2, ensure_ascii=False)
    return f"{head}\n{tool.definition.description}\n{schema}\n"


def _counted(tools: list[McpTool]) -> str:
    return "one tool" if len(tools) == 1 else f"{len(tools)} tools"


def _asked_for_token() -> SecretStr:
    """Ask for it unseen; without a terminal it is a line of standard input."""
    if sys.stdin.isatty():
        return SecretStr(click.prompt("Token", hide_input=True, err=True).strip())
    line = sys.stdin.readline().strip()
    if not line:
        raise click.UsageError(
            "There is no token: give it as a line of standard input, or say --no-token."
        )
    return SecretStr(line)


def _token(server: McpServer) -> str:
    return server.token_hint or word(server.has_token)


def _pairs(server: McpServer) -> list[tuple[str, str]]:
    return [
        ("name", server.name),
        ("URL", server.url),
        ("token", _token(server)),
        ("MCP server", str(server.id)),
    ]


def _about(tool: McpTool) -> str:
    if tool.problem is not None:
        return tool.problem
    text = "" if tool.definition is None else tool.definition.description
    return text.strip().partition("\n")[0][:80]


_COLUMNS = [
    Column[McpServer]("name", lambda it: it.name),
    Column[McpServer]("URL", lambda it: it.url),
    Column[McpServer]("token", _token),
]
_TOOLS = [
    Column[McpTool]("tool", lambda it: it.name),
    Column[McpTool]("status", lambda it: it.status),
    Column[McpTool]("models know it as", lambda it: it.told_as),
    Column[McpTool]("what it does", _about),
]
