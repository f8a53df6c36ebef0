"""What each service may say and hear on NATS, derived from the contracts.

A subject that no contract names cannot be used by anyone.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from types import ModuleType
from typing import Any

from . import (
    agent_runner,
    agent_types,
    alerts,
    audit_verification,
    conversations,
    credential_events,
    credentials,
    gateway,
    held_providers,
    jobs,
    limits,
    master_key,
    mcp_servers,
    mcp_tools,
    measurements,
    metrics,
    probes,
    restarts,
    rotations,
    runners,
    webhook_secrets,
    webhooks,
)
from .base import Endpoint, Service, Signal, Topic
from .webhooks import WEBHOOKS_CONSUMER

__all__ = ["Permissions", "permissions_of"]

_MODULES: tuple[ModuleType, ...] = (
    credentials,
    credential_events,
    held_providers,
    webhook_secrets,
    mcp_servers,
    mcp_tools,
    master_key,
    audit_verification,
    agent_runner,
    agent_types,
    conversations,
    runners,
    probes,
    metrics,
    alerts,
    webhooks,
    gateway,
    jobs,
    restarts,
    rotations,
    limits,
    measurements,
)
_EVENTS_API = ("INFO", "CREATE", "UPDATE")
_READING_API = ("CREATE", "DELETE", "MSG.NEXT")
_TAKING = (
    f"$JS.API.CONSUMER.CREATE.EVENTS.{WEBHOOKS_CONSUMER}",
    f"$JS.API.CONSUMER.MSG.NEXT.EVENTS.{WEBHOOKS_CONSUMER}",
    f"$JS.ACK.EVENTS.{WEBHOOKS_CONSUMER}.>",
)


@dataclass(frozen=True, slots=True)
class Permissions:
    """Subjects a login may publish to and subscribe to; replies come on top."""

    publish: tuple[str, ...]
    subscribe: tuple[str, ...]


def permissions_of(service: Service) -> Permissions:
    publish = {
        *(_pattern(each.subject) for each in _endpoints() if service in each.askers),
        *(each.of("*") for each in _signals() if service is each.sender),
        *(each.subject("*") for each in _topics() if service is each.publisher),
    }
    if service is Service.METRICS:
        publish |= {f"$JS.API.STREAM.{verb}.EVENTS" for verb in _EVENTS_API}
        publish |= set(_TAKING)
    if service is Service.GATEWAY:
        publish |= {f"$JS.API.CONSUMER.{verb}.EVENTS.>" for verb in _READING_API}
    subscribe = {
        f"{service.inbox_prefix}.>",
        *(_pattern(each.subject) for each in _endpoints() if _is_of(each, service)),
        *(each.of("*") for each in _signals() if service in each.hearers),
    }
    return Permissions(tuple(sorted(publish)), tuple(sorted(subscribe)))


def _endpoints() -> list[Endpoint[Any, Any]]:
    return [each for each in _values() if isinstance(each, Endpoint)]


def _signals() -> list[Signal[Any]]:
    return [each for each in _values() if isinstance(each, Signal)]


def _topics() -> list[Topic[Any]]:
    return [each for each in _values() if isinstance(each, Topic)]


def _values() -> Iterator[object]:
    for module in _MODULES:
        yield from vars(module).values()


def _is_of(endpoint: Endpoint[Any, Any], service: Service) -> bool:
    return endpoint.subject.startswith(f"{service}.")


def _pattern(subject: str) -> str:
    return subject.replace("{runner}", "*")
