"""From a configuration of LiteLLM's proxy to a manifest, and what is lost on the way.

LiteLLM's documentation, "Proxy Config.yaml": `model_list` holds deployments, each a
`model_name` that callers say and `litellm_params`, whose `model` is
`<provider>/<model>`; `os.environ/NAME` stands for a variable. Several deployments of
one name share its load; `router_settings.fallbacks` names what comes after one.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, get_args

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from ag2trust_client.models import ProviderType

from .manifest import ManifestError

__all__ = ["Imported", "imported"]

_VARIABLE = "os.environ/"
_NO_SLUG = re.compile(r"[^a-z0-9]+")
_TYPES = frozenset(get_args(ProviderType))
_OPENAI_MODELS = ("gpt-", "o1", "o3", "o4", "chatgpt-", "text-embedding-")
_ANTHROPIC_MODELS = ("claude-",)
_SECRETS = (
    "api_key",
    "aws_access_key_id",
    "aws_secret_access_key",
    "aws_session_token",
)
_SECTIONS = ("litellm_settings", "router_settings")
_UNDERSTOOD = {
    "model",
    "api_base",
    "base_url",
    "aws_region_name",
    "rpm",
    "tpm",
    "temperature",
    "max_tokens",
    *_SECRETS,
}


class _Deployment(BaseModel):
    model_config = ConfigDict(extra="ignore", protected_namespaces=())

    model_name: str
    litellm_params: dict[str, Any]


class _Config(BaseModel):
    """What is not read is left over in *model_extra*."""

    model_config = ConfigDict(extra="allow", protected_namespaces=())

    model_list: list[_Deployment] = Field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Imported:
    """*manifest* is what `read_manifest` reads; *notes* say what is not in it."""

    manifest: Mapping[str, Any]
    notes: list[str] = field(default_factory=list)


def imported(text: str) -> Imported:
    """Raise `ManifestError` for what is no configuration of LiteLLM."""
    try:
        config = _Config.model_validate(yaml.safe_load(text) or {})
    except (yaml.YAMLError, ValidationError) as error:
        raise ManifestError("This is no configuration of LiteLLM's proxy.") from error
    if not config.model_list:
        raise ManifestError("There is no model_list, so nothing to import.")
    reading = _Reading()
    for deployment in config.model_list:
        reading.add(deployment)
    reading.add_fallbacks(config.model_extra or {})
    return Imported(reading.manifest(), reading.notes)


class _Reading:
    """Gathers providers and agent types, deployment by deployment."""

    def __init__(self) -> None:
        self.notes: list[str] = []
        self._providers: dict[str, dict[str, Any]] = {}
        self._agent_types: dict[str, dict[str, Any]] = {}

    def manifest(self) -> dict[str, Any]:
        return {
            "providers": [*self._providers.values()],
            "agent_types": [*self._agent_types.values()],
        }

    def add(self, deployment: _Deployment) -> None:
        params, name = deployment.litellm_params, deployment.model_name
        kind, model = _kind_and_model(str(params.get("model", "")))
        if kind is None:
            self.notes.append(f"{name}: {params.get('model')} is of no provider type.")
            return
        slug = _slug(name)
        self._note_unknown(name, params)
        target = {"provider": self._provider(name, kind, params), "model": model}
        if slug in self._agent_types:
            self._fall_back(slug, target)
            return
        self._agent_types[slug] = {
            "slug": slug,
            "name": name,
            **target,
            **{it: params[it] for it in ("temperature", "max_tokens") if it in params},
        }

    def add_fallbacks(self, rest: Mapping[str, Any]) -> None:
        """Read both sections that may name fallbacks; note what else there is."""
        for section, settings in rest.items():
            if section not in _SECTIONS or not isinstance(settings, dict):
                self.notes.append(f"{section} is left out.")
                continue
            for pairs in settings.get("fallbacks") or []:
                for name, others in pairs.items():
                    self._fall_back_to(name, others)
            left = settings.keys() - {"fallbacks"}
            self.notes.extend(f"{section}.{each} is left out." for each in sorted(left))

    def _fall_back_to(self, name: str, others: list[str]) -> None:
        for other in others:
            target = self._agent_types.get(_slug(other))
            if target is None or _slug(name) not in self._agent_types:
                self.notes.append(f"{name}: the fallback {other} is left out.")
                continue
            self._fall_back(
                _slug(name), {each: target[each] for each in ("provider", "model")}
            )

    def _fall_back(self, slug: str, target: dict[str, Any]) -> None:
        """Add a fallback; a deployment that shared the load comes after the first."""
        self._agent_types[slug].setdefault("fallbacks", []).append(target)

    def _provider(self, name: str, kind: str, params: Mapping[str, Any]) -> str:
        """Return the name of the provider for *params*, made if there is none such."""
        provider = {
            "type": kind,
            **_given("base_url", params.get("api_base") or params.get("base_url")),
            **_given("aws_region", params.get("aws_region_name")),
            **self._secrets(name, kind, params),
            **_limits(params),
        }
        for known, there in self._providers.items():
            if {**there, "name": None} == {**provider, "name": None}:
                return known
        new = kind if kind not in self._providers else f"{kind}-{_slug(name)}"
        self._providers[new] = {"name": new, **provider}
        return new

    def _secrets(
        self, name: str, kind: str, params: Mapping[str, Any]
    ) -> dict[str, Any]:
        """Say where secrets are; one that stands in the file does not come along."""
        found: dict[str, Any] = {}
        for each in _SECRETS:
            value = params.get(each)
            if isinstance(value, str) and value.startswith(_VARIABLE):
                found[each] = {"env": value.removeprefix(_VARIABLE)}
            elif value:
                found[each] = {"prompt": True}
                self.notes.append(
                    f"{name}: its {each} stands in the file. It is asked for instead; "
                    "replace it at the provider, for whoever read the file has it."
                )
        return found or _usual_secrets(kind)

    def _note_unknown(self, name: str, params: Mapping[str, Any]) -> None:
        for each in sorted(params.keys() - _UNDERSTOOD):
            self.notes.append(f"{name}: {each} is left out.")


def _kind_and_model(said: str) -> tuple[str | None, str]:
    """Tell the provider type; without a prefix, by the model's name."""
    prefix, slash, model = said.partition("/")
    if slash and prefix in _TYPES:
        return prefix, model.removeprefix("converse/")
    if said.startswith(_OPENAI_MODELS) and not slash:
        return "openai", said
    if said.startswith(_ANTHROPIC_MODELS) and not slash:
        return "anthropic", said
    return None, said


def _usual_secrets(kind: str) -> dict[str, Any]:
    if kind == "bedrock":
        return {
            "aws_access_key_id": {"env": "AWS_ACCESS_KEY_ID"},
            "aws_secret_access_key": {"env": "AWS_SECRET_ACCESS_KEY"},
        }
    return {"api_key": {"env": f"{kind.upper()}_API_KEY"}}


def _limits(params: Mapping[str, Any]) -> dict[str, Any]:
    """Limit the provider as LiteLLM limits the deployment."""
    limits = {
        **_given("requests_per_minute", params.get("rpm")),
        **_given("tokens_per_minute", params.get("tpm")),
    }
    return {"limits": limits} if limits else {}


def _given(name: str, value: Any) -> dict[str, Any]:
    return {} if value is None else {name: value}


def _slug(name: str) -> str:
    return _NO_SLUG.sub("-", name.lower()).strip("-")[:63] or "model"
