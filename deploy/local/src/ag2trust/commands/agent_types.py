"""`ag2trust agent-types`: what agents are made from."""

from typing import Any, get_args

import click

from ag2trust_client import Client, every
from ag2trust_client.models import (
    AgentRuntime,
    AgentType,
    AgentTypePatch,
    AgentTypeSubmission,
    CredentialDelivery,
    Job,
)

from .budget_options import budget_given, budget_options, budget_told
from .calling import calling
from .formats import moment, word
from .jobs import follow
from .naming import Names, agent_type_named, names_of, provider_named
from .numbers import FiniteRange
from .output import as_json, said, show, show_all
from .tables import Column
from .tool_options import (
    ToolName,
    mcp_tools_named,
    tool_options,
    tools_named,
    tools_told,
)

__all__ = ["agent_types"]


@click.group("agent-types")
def agent_types() -> None:
    """See and change agent types, which agents are made from."""


@agent_types.command("list")
@as_json
@calling
async def list_agent_types(client: Client, *, is_json: bool) -> None:
    """List the agent types."""
    found = [each async for each in every(client.list_agent_types)]
    show_all(
        found,
        _columns(await names_of(client, "providers")),
        is_json=is_json,
        if_none="There are no agent types yet; `ag2trust agent-types add` adds one.",
    )


@agent_types.command("show")
@click.argument("slug")
@as_json
@calling
async def show_agent_type(client: Client, *, slug: str, is_json: bool) -> None:
    """Show the agent type SLUG."""
    found = await agent_type_named(client, slug)
    await _tell(client, found, is_json=is_json)


@agent_types.command("add")
@click.argument("slug")
@click.option("--provider", required=True, help="Whose models it uses, by name.")
@click.option("--model", required=True, help="Which model it calls.")
@click.option("--name", help="What people call it; else its slug.")
@click.option("--system-prompt", help="What its agents are told first.")
@click.option("--use-case", help="What it is for.")
@click.option("--max-tokens", type=click.IntRange(min=1), help="Of one answer.")
@click.option("--temperature", type=FiniteRange(0, 2), help="Of its answers.")
@click.option(
    "--runtime",
    type=click.Choice(get_args(AgentRuntime)),
    help="What its agents run in; else whatever the runner has.",
)
@click.option(
    "--credential-delivery",
    type=click.Choice(get_args(CredentialDelivery)),
    help="Where the key is: sealed keeps it out of the agent.",
)
@budget_options
@tool_options
@as_json
@calling
async def add_agent_type(
    client: Client,
    /,
    *,
    slug: str,
    provider: str,
    name: str | None,
    tool: tuple[ToolName, ...],
    tool_host: tuple[str, ...],
    tool_method: tuple[str, ...],
    mcp: tuple[str, ...],
    is_json: bool,
    **given: Any,
) -> None:
    """Add an agent type with the slug SLUG."""
    used = await provider_named(client, provider)
    given["budget"] = budget_given(given)
    told = {key: value for key, value in given.items() if value is not None}
    body = AgentTypeSubmission(
        slug=slug,
        name=name or slug,
        provider_id=used.id,
        tools=[
            *tools_named(tool, tool_host, tool_method),
            *await mcp_tools_named(client, mcp),
        ],
        **told,
    )
    made = await client.create_agent_type(body)
    await _tell(client, made, is_json=is_json)


@agent_types.command("change", short_help="Change the agent type SLUG.")
@click.argument("slug")
@click.option("--provider", help="Whose models it uses, by name.")
@click.option("--restart", is_flag=True, help="Restart its agents, one after another.")
@click.option("--model", help="Which model it calls.")
@click.option("--name", help="What people call it.")
@click.option("--system-prompt", help="What its agents are told first.")
@click.option("--max-tokens", type=click.IntRange(min=1), help="Of one answer.")
@click.option("--temperature", type=FiniteRange(0, 2), help="Of its answers.")
@click.option("--no-budget", is_flag=True, help="Remove its budget.")
@click.option("--no-tools", is_flag=True, help="Take all tools away.")
@budget_options
@tool_options
@as_json
@calling
async def change_agent_type(
    client: Client,
    /,
    *,
    slug: str,
    provider: str | None,
    restart: bool,
    no_budget: bool,
    no_tools: bool,
    tool: tuple[ToolName, ...],
    tool_host: tuple[str, ...],
    tool_method: tuple[str, ...],
    mcp: tuple[str, ...],
    is_json: bool,
    **given: Any,
) -> None:
    """Change the agent type SLUG: running agents keep the version they started with.

    With --restart they get the new one, in a job that is waited for. Tools that are
    named take the place of those it has; a budget holds at once.
    """
    found = await agent_type_named(client, slug)
    given["budget"] = budget_given(given, found.budget)
    if no_budget and given["budget"]:
        raise click.UsageError("Say how the budget is, or --no-budget, not both.")
    told = {key: value for key, value in given.items() if value is not None}
    if no_budget:
        told["budget"] = None
    if provider:
        told["provider_id"] = (await provider_named(client, provider)).id
    if no_tools and (tool or mcp):
        raise click.UsageError("Say --tool or --mcp, or --no-tools, not both.")
    tools = [
        *tools_named(tool, tool_host, tool_method),
        *await mcp_tools_named(client, mcp),
    ]
    if tools or no_tools:
        told["tools"] = tools
    if not told:
        raise click.UsageError("There is nothing to change.")
    changed = await client.update_agent_type(
        found.id,
        AgentTypePatch(**told),
        restart="rolling" if restart else None,
        if_match=str(found.version),
    )
    if isinstance(changed, Job):
        await follow(client, changed, is_json=is_json)
    else:
        await _tell(client, changed, is_json=is_json)


@agent_types.command("delete")
@click.argument("slug")
@calling
async def delete_agent_type(client: Client, *, slug: str) -> None:
    """Delete the agent type SLUG, if no agent has it."""
    found = await agent_type_named(client, slug)
    await client.delete_agent_type(found.id)
    said(f"{found.slug} is deleted.")


def _columns(names: Names) -> list[Column[AgentType]]:
    return [
        Column("slug", lambda it: it.slug),
        Column("name", lambda it: it.name),
        Column("provider", lambda it: names.of(it.provider_id)),
        Column("model", lambda it: it.model),
        Column("runtime", lambda it: word(it.runtime)),
        Column("delivery", lambda it: it.credential_delivery),
        Column("version", lambda it: str(it.version), right=True),
    ]


async def _tell(client: Client, agent_type: AgentType, *, is_json: bool) -> None:
    names = await names_of(client, "providers", "mcp_servers")
    resources = agent_type.resources
    pairs = [
        ("slug", agent_type.slug),
        ("name", agent_type.name),
        ("id", str(agent_type.id)),
        ("version", str(agent_type.version)),
        ("provider", names.of(agent_type.provider_id)),
        ("model", agent_type.model),
        ("allowed models", word(agent_type.allowed_models)),
        ("fallbacks", word(_fallbacks(agent_type, names))),
        ("system prompt", word(agent_type.system_prompt)),
        ("temperature", word(agent_type.temperature)),
        ("max tokens", word(agent_type.max_tokens)),
        ("runtime", agent_type.runtime or "the runner's"),
        ("image", agent_type.image or "the default"),
        ("delivery", agent_type.credential_delivery),
        (
            "resources",
            f"{resources.memory_mb} MB, {resources.cpus:g} CPU, {resources.pids} pids",
        ),
        ("tools", word(tools_told(agent_type, names))),
        ("limits", word(agent_type.limits.model_dump(exclude_none=True))),
        ("budget", budget_told(agent_type.budget)),
        ("use case", word(agent_type.use_case)),
        ("labels", word(agent_type.labels)),
        ("changed", moment(agent_type.updated_at)),
    ]
    show(agent_type, pairs, is_json=is_json)


def _fallbacks(agent_type: AgentType, names: Names) -> list[str]:
    fallbacks = agent_type.fallbacks
    return [f"{it.model} of {names.of(it.provider_id)}" for it in fallbacks]
