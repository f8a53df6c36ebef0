"""Finding things by what people call them, or by their id."""

import os
from collections.abc import AsyncIterator, Callable
from contextlib import suppress
from dataclasses import dataclass
from typing import IO, Any, Literal, Protocol, TypeVar
from uuid import UUID

import click

from ag2trust_client import Client, ForbiddenError, every
from ag2trust_client.models import (
    Agent,
    AgentType,
    ApiKeyView,
    Budget,
    McpServer,
    Provider,
    Webhook,
)

__all__ = [
    "Kind",
    "Names",
    "NotThereError",
    "agent_named",
    "agent_type_named",
    "api_key_named",
    "budget_named",
    "mcp_server_named",
    "names_of",
    "provider_named",
    "webhook_named",
]


class NotThereError(click.ClickException):
    exit_code = os.EX_NOINPUT

    def show(self, file: IO[Any] | None = None) -> None:
        """Say it as a gateway's refusals are said."""
        click.echo(f"ag2trust: {self.format_message()}", file=file, err=True)


class _Named(Protocol):
    @property
    def id(self) -> UUID: ...
    @property
    def name(self) -> str: ...


Kind = Literal["agents", "agent_types", "mcp_servers", "providers"]
NamedT = TypeVar("NamedT", bound=_Named)


async def provider_named(client: Client, name: str) -> Provider:
    return await _one(name, "provider", every(client.list_providers))


async def agent_type_named(client: Client, name: str) -> AgentType:
    """Find it by its slug, its name or its id."""
    types = every(client.list_agent_types)
    return await _one(name, "agent type", types, also=lambda each: each.slug)


async def agent_named(client: Client, name: str) -> Agent:
    return await _one(name, "agent", every(client.list_agents))


async def api_key_named(client: Client, name: str) -> ApiKeyView:
    return await _one(name, "API key", every(client.list_api_keys))


async def webhook_named(client: Client, name: str) -> Webhook:
    return await _one(name, "webhook", every(client.list_webhooks))


async def mcp_server_named(client: Client, name: str) -> McpServer:
    return await _one(name, "MCP server", every(client.list_mcp_servers))


async def budget_named(client: Client, name: str) -> Budget:
    return await _one(name, "budget", every(client.list_budgets))


@dataclass(frozen=True, slots=True)
class Names:
    """What ids are called; an id of what is gone is told as it is."""

    by_id: dict[str, str]

    def of(self, id_: UUID | str) -> str:
        return self.by_id.get(str(id_), str(id_))


async def names_of(client: Client, *kinds: Kind) -> Names:
    """Learn what all things of these *kinds* are called, agent types by their slug.

    What the key may not see keeps its id.
    """
    lists: dict[Kind, AsyncIterator[_Named]] = {
        "agents": every(client.list_agents),
        "agent_types": every(client.list_agent_types),
        "mcp_servers": every(client.list_mcp_servers),
        "providers": every(client.list_providers),
    }
    by_id: dict[str, str] = {}
    for kind in kinds:
        with suppress(ForbiddenError):
            async for each in lists[kind]:
                by_id[str(each.id)] = _called(each)
    return Names(by_id)


def _called(thing: _Named) -> str:
    return thing.slug if isinstance(thing, AgentType) else thing.name


def _nothing(_: object) -> str | None:
    return None


async def _one(
    wanted: str,
    kind: str,
    things: AsyncIterator[NamedT],
    *,
    also: Callable[[NamedT], str | None] = _nothing,
) -> NamedT:
    async for each in things:
        if wanted in {each.name, str(each.id), also(each)}:
            return each
    raise NotThereError(f"There is no {kind} {wanted!r}.")
