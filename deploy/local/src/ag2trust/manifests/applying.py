"""Doing what a plan says, through the API."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from pydantic import SecretStr

from ag2trust_client import Client, every
from ag2trust_client.models import (
    AgentPatch,
    AgentSubmission,
    AgentTypePatch,
    AgentTypeSubmission,
    BudgetPatch,
    BudgetScopeInput,
    BudgetSubmission,
    ProviderPatch,
    ProviderSubmission,
)

from .manifest import SECRET_FIELDS, AgentWish, SecretSource, Wish, with_provider_ids
from .planning import Change, State

__all__ = ["Applying", "Ids", "read_state"]

SecretOf = Callable[[str, str, SecretSource], SecretStr]
"""Gets a secret: of which provider, of which field, and where it is."""


@dataclass(frozen=True, slots=True)
class Ids:
    """What names, and slugs of agent types, stand for; grows as things are added."""

    providers: dict[str, UUID] = field(default_factory=dict)
    agent_types: dict[str, UUID] = field(default_factory=dict)
    agents: dict[str, UUID] = field(default_factory=dict)
    budgets: dict[str, UUID] = field(default_factory=dict)

    def scope(self, said: Mapping[str, str | None]) -> dict[str, Any]:
        """Put the id of whose a budget is where its name was."""
        kind, name = said["kind"], said["name"]
        by_kind = {
            "provider": self.providers,
            "agent_type": self.agent_types,
            "agent": self.agents,
        }
        ids = by_kind.get(kind or "", {})
        return {"kind": kind, "id": ids[name] if name else None}


async def read_state(client: Client) -> tuple[State, Ids]:
    """Read all that there is."""
    providers = [each async for each in every(client.list_providers)]
    types = [each async for each in every(client.list_agent_types)]
    agents = [each async for each in every(client.list_agents)]
    budgets = [each async for each in every(client.list_budgets)]
    names = {str(each.id): each.name for each in providers}
    slugs = {each.id: each.slug for each in types}
    called = {
        **slugs,
        **{each.id: each.name for each in providers},
        **{each.id: each.name for each in agents},
    }
    state = State(
        providers={each.name: each.model_dump(mode="json") for each in providers},
        agent_types={
            each.slug: _with_names(
                each.model_dump(mode="json", exclude={"budget": {"id"}}), names
            )
            for each in types
        },
        agents={
            each.name: {
                **each.model_dump(mode="json"),
                "type": slugs.get(each.agent_type_id),
            }
            for each in agents
        },
        budgets={
            each.name: {
                **each.model_dump(mode="json"),
                "scope": {
                    "kind": each.scope.kind,
                    "name": _called(each.scope.id, called),
                },
            }
            for each in budgets
        },
    )
    ids = Ids(
        providers={each.name: each.id for each in providers},
        agent_types={each.slug: each.id for each in types},
        agents={each.name: each.id for each in agents},
        budgets={each.name: each.id for each in budgets},
    )
    return state, ids


class Applying:
    """Makes changes one after another; each is whole before the next begins."""

    def __init__(self, client: Client, ids: Ids, *, secret_of: SecretOf) -> None:
        self._client = client
        self._ids = ids
        self._secret_of = secret_of

    async def make(self, change: Change) -> None:
        match change.kind, change.wish:
            case "provider", Wish() as wish:
                await self._provider(change, wish)
            case "agent type", Wish() as wish:
                await self._agent_type(change, wish)
            case "budget", Wish() as wish:
                await self._budget(change, wish)
            case _, AgentWish() as agent:
                await self._agent(change, agent)
            case _:
                raise TypeError(change)

    async def _provider(self, change: Change, wish: Wish) -> None:
        told: dict[str, Any] = {
            each.field: each.after
            for each in change.differences
            if each.field not in SECRET_FIELDS
        }
        told |= {
            each.field: self._secret_of(wish.key, each.field, wish.secrets[each.field])
            for each in change.differences
            if each.field in SECRET_FIELDS
        }
        if change.verb == "add":
            made = await self._client.create_provider(ProviderSubmission(**told))
            self._ids.providers[made.name] = made.id
        else:
            await self._client.update_provider(
                self._ids.providers[wish.key], ProviderPatch(**told)
            )

    async def _agent_type(self, change: Change, wish: Wish) -> None:
        fields = {each.field: each.after for each in change.differences}
        told = with_provider_ids(fields, self._ids.providers)
        if change.verb == "add":
            made = await self._client.create_agent_type(AgentTypeSubmission(**told))
            self._ids.agent_types[made.slug] = made.id
        else:
            await self._client.update_agent_type(
                self._ids.agent_types[wish.key], AgentTypePatch(**told)
            )

    async def _budget(self, change: Change, wish: Wish) -> None:
        told = {each.field: each.after for each in change.differences}
        if change.verb == "add":
            scope = BudgetScopeInput(**self._ids.scope(told.pop("scope")))
            body = BudgetSubmission(**told, scope=scope)
            await self._client.create_budget(body)
        else:
            await self._client.update_budget(
                self._ids.budgets[wish.key], BudgetPatch(**told)
            )

    async def _agent(self, change: Change, wish: AgentWish) -> None:
        type_id = self._ids.agent_types[wish.type]
        match change.verb:
            case "add":
                body = AgentSubmission(name=wish.name, agent_type_id=type_id)
                made = await self._client.create_agent(body)
                self._ids.agents[made.name] = made.id
            case "change":
                await self._client.update_agent(
                    self._ids.agents[wish.name], AgentPatch(agent_type_id=type_id)
                )
            case "start":
                await self._client.start_agent(self._ids.agents[wish.name])
            case "stop":
                await self._client.stop_agent(self._ids.agents[wish.name])


def _called(thing: UUID | None, names: Mapping[UUID, str]) -> str | None:
    """Name whose a budget is; what is gone is told by its id."""
    return names.get(thing, str(thing)) if thing else None


def _with_names(value: Any, names: Mapping[str, str]) -> Any:
    """Tell providers by their names, as manifests do."""
    match value:
        case dict():
            return dict(_with_name(*each, names) for each in value.items())
        case list():
            return [_with_names(each, names) for each in value]
        case _:
            return value


def _with_name(name: str, value: Any, names: Mapping[str, str]) -> tuple[str, Any]:
    if name == "provider_id":
        return "provider", names.get(value, value)
    return name, _with_names(value, names) if isinstance(value, list) else value
