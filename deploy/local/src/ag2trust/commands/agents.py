"""`ag2trust agents`: what runs, and what it is told to do."""

import asyncio
import json
from collections.abc import Awaitable, Callable
from datetime import datetime
from uuid import UUID

import click

from ag2trust_client import Client, every
from ag2trust_client.models import Agent, AgentStatus, AgentSubmission, NewAgent

from .calling import calling
from .formats import ago, moment, word
from .naming import Names, agent_named, agent_type_named, names_of
from .output import as_json, progress, said, say, say_json, show, show_all
from .tables import Column

__all__ = ["agents"]

_LOOK_AGAIN_SECONDS = 0.2
_SETTLED: frozenset[AgentStatus] = frozenset(
    {"running", "ack_only", "stopped", "error"}
)


@click.group()
def agents() -> None:
    """See agents; add, start, stop and delete them."""


_wait = click.option(
    "--wait/--no-wait", default=True, help="Wait until it is done; on by default."
)


@agents.command("list")
@as_json
@calling
async def list_agents(client: Client, *, is_json: bool) -> None:
    """List the agents."""
    found = [each async for each in every(client.list_agents)]
    show_all(
        found,
        _columns(await names_of(client, "agent_types")),
        is_json=is_json,
        if_none="There are no agents yet; `ag2trust agents add` adds one.",
    )


@agents.command("show")
@click.argument("name")
@as_json
@calling
async def show_agent(client: Client, *, name: str, is_json: bool) -> None:
    """Show the agent NAME."""
    agent = await agent_named(client, name)
    _tell(agent, await names_of(client, "agent_types"), is_json=is_json)


@agents.command("add")
@click.argument("name")
@click.option("--type", "slug", required=True, help="Its agent type, by slug.")
@click.option("--start", is_flag=True, help="Start it at once.")
@_wait
@as_json
@calling
async def add_agent(
    client: Client, *, name: str, slug: str, start: bool, wait: bool, is_json: bool
) -> None:
    """Add an agent called NAME, stopped unless told to start.

    One of an external type gets a token, which is shown here and never again.
    """
    kind = await agent_type_named(client, slug)
    made = await client.create_agent(
        AgentSubmission(name=name, agent_type_id=kind.id, start=start)
    )
    agent: Agent | NewAgent = made
    if start and wait and not made.is_external:
        agent = await _settled(client, made.id)
    _tell(agent, Names({str(kind.id): kind.slug}), is_json=is_json)


def _order(
    verb: str, does: str, ask: Callable[[Client, UUID], Awaitable[Agent]]
) -> None:
    @agents.command(verb, help=does)
    @click.argument("name")
    @_wait
    @as_json
    @calling
    async def order(client: Client, *, name: str, wait: bool, is_json: bool) -> None:
        found = await agent_named(client, name)
        agent = await ask(client, found.id)
        if wait and not agent.is_external:
            before = found.started_at if verb == "restart" else None
            agent = await _settled(client, agent.id, before=before)
        _tell(agent, await names_of(client, "agent_types"), is_json=is_json)


_order(
    "start",
    "Start the agent NAME; one that runs is left alone.",
    lambda client, agent_id: client.start_agent(agent_id),
)
_order(
    "stop",
    "Stop the agent NAME; what it has in hand is queued again.",
    lambda client, agent_id: client.stop_agent(agent_id),
)
_order(
    "restart",
    "Restart the agent NAME, with the newest version of its type.",
    lambda client, agent_id: client.restart_agent(agent_id),
)


@agents.command("logs", short_help="Show the last lines that NAME wrote.")
@click.argument("name")
@click.option("--follow", "-f", is_flag=True, help="Go on with what it writes.")
@as_json
@calling
async def logs(client: Client, *, name: str, follow: bool, is_json: bool) -> None:
    """Show the last lines that the agent NAME wrote, secrets masked.

    With --follow it goes on until the agent is deleted, or Ctrl-C; with --json each
    line is a string of its own then.
    """
    agent = await agent_named(client, name)
    if follow:
        await _follow(client, agent, is_json=is_json)
        return
    told = await client.get_agent_logs(agent.id)
    if is_json:
        say_json(told.lines)
    elif told.lines:
        say("\n".join(told.lines))
    else:
        said(f"{agent.name} has written nothing yet.")


async def _follow(client: Client, agent: Agent, *, is_json: bool) -> None:
    async for heard in client.followed_logs(agent.id):
        if heard.has_skipped:
            said("(Lines are missing here.)")
        for line in heard.lines:
            say(json.dumps(line, ensure_ascii=False) if is_json else line)
    said(f"{agent.name} is deleted.")


@agents.command("replace-token", short_help="Give an external agent another token.")
@click.argument("name")
@as_json
@calling
async def replace_token(client: Client, *, name: str, is_json: bool) -> None:
    """Give the external agent NAME another token, which is shown here and never again.

    The one before counts no more.
    """
    agent = await agent_named(client, name)
    made = await client.replace_agent_token(agent.id)
    pairs = [("token", word(made.agent_token)), *_addresses(made.base_urls)]
    show(made, pairs, is_json=is_json)


@agents.command("delete")
@click.argument("name")
@calling
async def delete_agent(client: Client, *, name: str) -> None:
    """Stop the agent NAME and delete it."""
    agent = await agent_named(client, name)
    with progress() as tell:
        tell(f"Stopping {agent.name}")
        await client.delete_agent(agent.id)
    said(f"{agent.name} is deleted.")


async def _settled(
    client: Client, agent_id: UUID, *, before: datetime | None = None
) -> Agent:
    """Wait until an agent is on its way no more; not for what began at *before*."""
    with progress() as tell:
        while True:
            agent = await client.get_agent(agent_id)
            is_as_before = agent.status == "running" and agent.started_at == before
            if agent.status in _SETTLED and not (is_as_before or _is_to_go(agent)):
                return agent
            tell(f"{agent.name} is {agent.status}")
            await asyncio.sleep(_LOOK_AGAIN_SECONDS)


def _is_to_go(agent: Agent) -> bool:
    """Tell one that stopped, or runs, and is soon to be the other."""
    if agent.desired_state == "running":
        return agent.status == "stopped"
    return agent.status in {"running", "ack_only"}


def _columns(names: Names) -> list[Column[Agent]]:
    return [
        Column("name", lambda it: it.name),
        Column("type", lambda it: names.of(it.agent_type_id)),
        Column("status", _status),
        Column("started", lambda it: ago(it.started_at)),
        Column("runner", lambda it: "external" if it.is_external else word(it.runner)),
        Column(
            "reason", lambda it: it.status_reason.message if it.status_reason else ""
        ),
    ]


def _status(agent: Agent) -> str:
    return f"{agent.status}, restart needed" if agent.restart_required else agent.status


def _tell(agent: Agent | NewAgent, names: Names, *, is_json: bool) -> None:
    reason = agent.status_reason
    pairs = [
        ("name", agent.name),
        ("id", str(agent.id)),
        ("type", names.of(agent.agent_type_id)),
        ("status", agent.status),
        *([("reason", reason.message), ("fix", reason.fix)] if reason else []),
        ("restart needed", word(agent.restart_required)),
        ("runner", "external" if agent.is_external else word(agent.runner)),
        ("started", moment(agent.started_at)),
        *_addresses(agent.base_urls),
    ]
    if isinstance(agent, NewAgent) and agent.agent_token:
        pairs.append(("token", agent.agent_token))
    show(agent, pairs, is_json=is_json)


def _addresses(urls: object) -> list[tuple[str, str]]:
    kinds = ("openai", "anthropic", "bedrock")
    return [(kind, getattr(urls, kind)) for kind in kinds] if urls else []
