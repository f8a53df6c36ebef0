"""What a manifest says: providers, agent types, agents and budgets to be."""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Literal
from uuid import UUID

import yaml
from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    ValidationError,
    ValidationInfo,
    field_validator,
)
from pydantic_core import PydanticCustomError

from ag2trust_client.models import (
    AgentTypeSubmission,
    BudgetSubmission,
    ProviderSubmission,
    ScopeKind,
)
from shared.wrong_values import what_is_wrong

__all__ = [
    "SECRET_FIELDS",
    "AgentWish",
    "Manifest",
    "ManifestError",
    "SecretSource",
    "Wish",
    "providers_in",
    "read_manifest",
    "with_provider_ids",
]

SECRET_FIELDS = (
    "api_key",
    "aws_access_key_id",
    "aws_secret_access_key",
    "aws_session_token",
)


class ManifestError(Exception):
    """The message has a line for each place that is wrong."""


class _Said(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)


class SecretSource(_Said):
    """Where a secret is: in the variable *env*, or it is asked for."""

    env: str | None = None
    prompt: Literal[True] | None = None


class AgentWish(_Said):
    """An agent; *state* says whether it shall run, and is left alone if not said."""

    name: str
    type: str
    state: Literal["running", "stopped"] | None = None


class ScopeWish(_Said):
    """Whose calls a budget counts: of a thing by its *name*, or slug, or all."""

    kind: ScopeKind
    name: str | None = Field(default=None, validate_default=True)

    @field_validator("name")
    @classmethod
    def _names_one_thing(cls, value: str | None, field: ValidationInfo) -> str | None:
        kind = field.data.get("kind")
        if kind and (value is None) is not (kind == "organization"):
            raise PydanticCustomError(
                "scope", "must name one thing, or none for the organization"
            )
        return value


class _Document(_Said):
    providers: list[dict[str, Any]] = Field(default_factory=list)
    agent_types: list[dict[str, Any]] = Field(default_factory=list)
    agents: list[AgentWish] = Field(default_factory=list)
    budgets: list[dict[str, Any]] = Field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Wish:
    """A provider or budget, known by its name, or an agent type, known by its slug.

    *fields* are the API's own, but a provider is told by its name: `provider` for
    `provider_id`. *secrets* says where each secret is.
    """

    key: str
    fields: Mapping[str, Any]
    secrets: Mapping[str, SecretSource]


@dataclass(frozen=True, slots=True)
class Manifest:
    providers: tuple[Wish, ...]
    agent_types: tuple[Wish, ...]
    agents: tuple[AgentWish, ...]
    budgets: tuple[Wish, ...] = ()


def read_manifest(text: str) -> Manifest:
    """Raise `ManifestError` for what is no manifest; it is whole or not taken."""
    try:
        document = _Document.model_validate(yaml.safe_load(text) or {})
    except yaml.YAMLError as error:
        raise ManifestError(f"This is no YAML: {error}") from error
    except ValidationError as error:
        raise ManifestError(_places(error)) from error
    providers = [_provider(n, each) for n, each in enumerate(document.providers)]
    types = [_agent_type(n, each) for n, each in enumerate(document.agent_types)]
    _require_different("provider", [each.key for each in providers])
    _require_different("agent type", [each.key for each in types])
    _require_different("agent", [each.name for each in document.agents])
    budgets = [_budget(n, each) for n, each in enumerate(document.budgets)]
    _require_different("budget", [each.key for each in budgets])
    return Manifest(
        tuple(providers), tuple(types), tuple(document.agents), tuple(budgets)
    )


def providers_in(value: Any) -> Iterator[str]:
    """Give the names of providers that an agent type's fields name.

    They stand in it and in its lists; labels are anybody's.
    """
    match value:
        case dict():
            for name, each in value.items():
                if name == "provider":
                    yield str(each)
                elif isinstance(each, list):
                    yield from providers_in(each)
        case list():
            for each in value:
                yield from providers_in(each)
        case _:
            return


def with_provider_ids(value: Any, ids: Mapping[str, UUID]) -> Any:
    """Put ids where names of providers are."""
    match value:
        case dict():
            return dict(_with_id(*each, ids) for each in value.items())
        case list():
            return [with_provider_ids(each, ids) for each in value]
        case _:
            return value


def _with_id(name: str, value: Any, ids: Mapping[str, UUID]) -> tuple[str, Any]:
    if name == "provider":
        return "provider_id", ids[str(value)]
    return name, with_provider_ids(value, ids) if isinstance(value, list) else value


def _provider(index: int, said: dict[str, Any]) -> Wish:
    secrets = {name: said[name] for name in SECRET_FIELDS if name in said}
    place = f"providers.{index}"
    sources = {name: _source(f"{place}.{name}", it) for name, it in secrets.items()}
    told = {name: each for name, each in said.items() if name not in secrets}
    whole = _valid(place, ProviderSubmission, told)
    fields = whole.model_dump(mode="json", exclude_unset=True)
    return Wish(fields["name"], fields, sources)


def _agent_type(index: int, said: dict[str, Any]) -> Wish:
    fields = {"name": said.get("slug", ""), **said}
    any_ids = dict.fromkeys(providers_in(fields), UUID(int=0))
    whole = with_provider_ids(fields, any_ids)
    _valid(f"agent_types.{index}", AgentTypeSubmission, whole)
    return Wish(fields["slug"], fields, {})


def _budget(index: int, said: dict[str, Any]) -> Wish:
    """Read a budget; its scope names a thing as people do, or nothing: everything."""
    place = f"budgets.{index}"
    try:
        scope = ScopeWish.model_validate(said.get("scope", {"kind": "organization"}))
    except ValidationError as error:
        raise ManifestError(_places(error, f"{place}.scope.")) from error
    any_id = UUID(int=0) if scope.name else None
    whole = {**said, "scope": {"kind": scope.kind, "id": any_id}}
    _valid(place, BudgetSubmission, whole)
    return Wish(said["name"], {**said, "scope": scope.model_dump()}, {})


def _source(place: str, said: Any) -> SecretSource:
    """Read where a secret is; one that is in the file itself is refused."""
    if not isinstance(said, dict):
        raise ManifestError(
            f"{place}: A secret has no place in a file; say {{env: NAME}}, or "
            "{prompt: true}."
        )
    try:
        return SecretSource.model_validate(said)
    except ValidationError as error:
        raise ManifestError(_places(error, f"{place}.")) from error


def _valid(place: str, model: type[BaseModel], fields: dict[str, Any]) -> BaseModel:
    try:
        return model.model_validate(fields)
    except ValidationError as error:
        raise ManifestError(_places(error, f"{place}.")) from error


def _require_different(kind: str, keys: list[str]) -> None:
    for key, times in Counter(keys).items():
        if times > 1:
            raise ManifestError(f"There are {times} times the {kind} {key!r}.")


def _places(error: ValidationError, before: str = "") -> str:
    return "\n".join(
        f"{_place(before, each['loc'])}: {what_is_wrong(each)}"
        for each in error.errors()
    )


def _place(before: str, loc: Iterable[int | str]) -> str:
    """Name a place as people write it: a provider by its name, not by an id."""
    names = ("provider" if each == "provider_id" else str(each) for each in loc)
    return f"{before}{'.'.join(names)}".strip(".") or "manifest"
