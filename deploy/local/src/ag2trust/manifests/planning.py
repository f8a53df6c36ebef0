"""What is to do so that all is as a manifest says, before anything is done."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from .manifest import AgentWish, Manifest, ManifestError, Wish, providers_in

__all__ = ["Change", "Difference", "State", "plan_of"]

Kind = Literal["provider", "agent type", "agent", "budget"]
Verb = Literal["add", "change", "start", "stop"]

_FIXED_OF_BUDGETS = frozenset({"scope", "period", "time_zone"})
_NO_AMOUNT = {"tokens": None, "usd": None}
_WHOLE = frozenset({"labels", "runner_labels"})


@dataclass(frozen=True, slots=True)
class Difference:
    """*before* is None of what is new; of a secret *after* says where it is."""

    field: str
    before: Any
    after: Any


@dataclass(frozen=True, slots=True)
class Change:
    """One thing to do; *wish* is what for."""

    verb: Verb
    kind: Kind
    key: str
    wish: Wish | AgentWish
    differences: tuple[Difference, ...] = ()


@dataclass(frozen=True, slots=True)
class State:
    """What there is: providers and agents by name, types by slug, as the API tells.

    Of agent types, providers are told by their names, of agents the type by its slug,
    and of budgets whose they are by its name: as in a manifest.
    """

    providers: Mapping[str, Mapping[str, Any]]
    agent_types: Mapping[str, Mapping[str, Any]]
    agents: Mapping[str, Mapping[str, Any]]
    budgets: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)


def plan_of(
    manifest: Manifest, state: State, *, replaces_secrets: bool = False
) -> list[Change]:
    """List what is to do, in order; raises `ManifestError` for what cannot be done."""
    _require_known(manifest, state)
    return [
        *_providers(manifest, state, replaces_secrets=replaces_secrets),
        *_agent_types(manifest, state),
        *_agents(manifest, state),
        *_budgets(manifest, state),
    ]


def _require_known(manifest: Manifest, state: State) -> None:
    providers = {*state.providers, *(each.key for each in manifest.providers)}
    types = {*state.agent_types, *(each.key for each in manifest.agent_types)}
    for wish in manifest.agent_types:
        for name in providers_in(wish.fields):
            if name not in providers:
                raise ManifestError(
                    f"The agent type {wish.key!r} wants a provider {name!r}; there is "
                    "none, here or there."
                )
    for agent in manifest.agents:
        if agent.type not in types:
            raise ManifestError(
                f"The agent {agent.name!r} wants a type {agent.type!r}; there is none, "
                "here or there."
            )
    agents = {*state.agents, *(each.name for each in manifest.agents)}
    known = {"provider": providers, "agent_type": types, "agent": agents}
    for wish in manifest.budgets:
        kind, name = wish.fields["scope"]["kind"], wish.fields["scope"]["name"]
        if kind in known and name not in known[kind]:
            raise ManifestError(
                f"The budget {wish.key!r} is of {name!r}; there is no such "
                f"{kind.replace('_', ' ')}, here or there."
            )


def _providers(
    manifest: Manifest, state: State, *, replaces_secrets: bool
) -> Iterator[Change]:
    for wish in manifest.providers:
        there = state.providers.get(wish.key)
        if there is None:
            yield Change("add", "provider", wish.key, wish, _all_of(wish))
            continue
        _require_same(wish, there)
        kept = set() if replaces_secrets else set(there["credential"]["fields"])
        differences = (*_differences(wish.fields, there), *_secrets(wish, kept))
        if differences:
            yield Change("change", "provider", wish.key, wish, differences)


def _require_same(wish: Wish, there: Mapping[str, Any]) -> None:
    if wish.fields["type"] != there["type"]:
        raise ManifestError(
            f"The provider {wish.key!r} is of type {there['type']!r}, which cannot "
            "change; give the other one another name."
        )


def _agent_types(manifest: Manifest, state: State) -> Iterator[Change]:
    for wish in manifest.agent_types:
        there = state.agent_types.get(wish.key)
        if there is None:
            yield Change("add", "agent type", wish.key, wish, _all_of(wish))
        elif differences := tuple(_differences(wish.fields, there)):
            yield Change("change", "agent type", wish.key, wish, differences)


def _agents(manifest: Manifest, state: State) -> Iterator[Change]:
    for wish in manifest.agents:
        there = state.agents.get(wish.name)
        if there is None:
            yield Change("add", "agent", wish.name, wish, (_new("type", wish.type),))
        elif there["type"] != wish.type:
            moved = Difference("type", there["type"], wish.type)
            yield Change("change", "agent", wish.name, wish, (moved,))
        state_now = there["desired_state"] if there else "stopped"
        if wish.state not in {None, state_now}:
            verb: Verb = "start" if wish.state == "running" else "stop"
            yield Change(verb, "agent", wish.name, wish)


def _budgets(manifest: Manifest, state: State) -> Iterator[Change]:
    for wish in manifest.budgets:
        there = state.budgets.get(wish.key)
        if there is None:
            yield Change("add", "budget", wish.key, wish, _all_of(wish))
            continue
        differences = tuple(_differences(wish.fields, there))
        fixed = sorted({each.field for each in differences} & _FIXED_OF_BUDGETS)
        if fixed:
            raise ManifestError(
                f"The {fixed[0]} of the budget {wish.key!r} cannot change; give the "
                "other one another name."
            )
        if differences:
            yield Change("change", "budget", wish.key, wish, differences)


def _all_of(wish: Wish) -> tuple[Difference, ...]:
    said = (_new(name, value) for name, value in wish.fields.items())
    return (*said, *_secrets(wish, set()))


def _secrets(wish: Wish, kept: set[str]) -> Iterator[Difference]:
    for name, source in wish.secrets.items():
        if name not in kept:
            where = f"(from {source.env})" if source.env else "(asked for)"
            yield Difference(name, None, where)


def _differences(
    wanted: Mapping[str, Any], there: Mapping[str, Any]
) -> Iterator[Difference]:
    """Compare what is said; what a manifest does not name is left as it is."""
    for name, value in wanted.items():
        now = there.get(name)
        whole = _completed(name, value, now)
        if whole != now:
            yield Difference(name, now, whole)


def _completed(name: str, value: Any, now: Any) -> Any:
    """Complete an object that is told in part; labels are told as a whole.

    So is how much a budget allows: in tokens or in dollars. Tools may be told by their
    names alone, and an address ends in no slash.
    """
    if name == "tools" and isinstance(now, list):
        return [_completed_tool(each, now) for each in value]
    if name == "base_url":
        return value.rstrip("/")
    if isinstance(value, dict) and isinstance(now, dict) and name not in _WHOLE:
        return {**now, **(_NO_AMOUNT if name == "budget" else {}), **value}
    return value


def _completed_tool(told: Any, now: list[dict[str, Any]]) -> dict[str, Any]:
    """Complete a tool with what that of the same name, and MCP server, has now."""
    tool = {"name": told} if isinstance(told, str) else told
    same = (
        each
        for each in now
        if (each["name"], each.get("server_id"))
        == (tool["name"], tool.get("server_id"))
    )
    whole = {**next(same, {}), **tool}
    if hosts := whole.get("hosts"):
        whole["hosts"] = [each.lower() for each in hosts]
    return whole


def _new(name: str, value: Any) -> Difference:
    return Difference(name, None, value)
