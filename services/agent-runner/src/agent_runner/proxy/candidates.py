"""Whom a call may be sent to, one after another, and the request made for each."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from uuid import UUID

from agent_runner.callers import ModelCaller
from agent_runner.residency import Destination, violation
from shared.contracts.agent_types import AgentType
from shared.contracts.credentials import LeasedCredential, ProviderType
from shared.errors import (
    ResidencyViolatedError,
    UnavailableError,
    WireFormatMismatchError,
)

from .breaker import Circuit
from .large_bodies import LARGE_BODY_BYTES, LargeBodies
from .translation.formats import format_to, translated
from .wire_format import Asked, WireFormat

__all__ = ["Leg", "circuits_of", "in_order", "leg_to", "require_residency"]

Change = Callable[[Asked], Asked]


@dataclass(frozen=True, slots=True)
class Leg:
    """A call as it goes to one provider."""

    credential: LeasedCredential
    wire_format: WireFormat
    asked: Asked


def circuits_of(agent_type: AgentType, model: str) -> Sequence[Circuit]:
    """Name who may be asked: the provider for *model*, then the fallbacks."""
    first = (agent_type.provider_id, model)
    if not agent_type.fallbacks:
        return (first,)
    others = [(each.provider_id, each.model) for each in agent_type.fallbacks]
    return (first, *(each for each in others if each != first))


def in_order(
    circuits: Sequence[Circuit], *, admits: Callable[[Circuit], bool]
) -> Iterator[Circuit]:
    """Give those first that their breakers admit; the others only after them."""
    left_alone = []
    for circuit in circuits:
        if admits(circuit):
            yield circuit
        else:
            left_alone.append(circuit)
    yield from left_alone


async def leg_to(
    circuit: Circuit,
    agent: ModelCaller,
    wire_format: WireFormat,
    asked: Asked,
    *,
    large_bodies: LargeBodies,
) -> Leg:
    """Make a call ready for a provider and its model.

    Raises `WireFormatMismatchError`, `TranslationRefusedError`,
    `ResidencyViolatedError`, and `UnavailableError` for a provider that takes no calls.
    """
    provider_id, model = circuit
    credential = await _credential(agent, provider_id)
    translates = credential.type is not wire_format.provider_type
    if translates and wire_format.provider_type is not ProviderType.OPENAI:
        raise WireFormatMismatchError(
            f"The provider is of the type {credential.type}, whose wire format is not"
            " this path's."
        )
    if not credential.enabled:
        raise UnavailableError("The provider is disabled by its operator.")
    require_residency(agent.agent_type, credential, model)
    if translates:
        max_tokens = agent.agent_type.max_tokens
        change: Change = partial(translated, credential.type, model, max_tokens)
        wire_format = format_to(credential.type)
    elif model == asked.request.model:
        return Leg(credential, wire_format, asked)
    else:
        change = partial(wire_format.asked_for, model)
    return Leg(credential, wire_format, await _changed(asked, change, large_bodies))


async def _credential(agent: ModelCaller, provider_id: UUID) -> LeasedCredential:
    """Give what is held; a lease that is swapped meanwhile is the next call's."""
    if provider_id == agent.agent_type.provider_id:
        return agent.lease.credential
    lease = await agent.lease_of(provider_id)
    if lease is None:
        raise UnavailableError("The provider of a fallback is not ready.")
    return lease.credential


def require_residency(
    agent_type: AgentType, credential: LeasedCredential, model: str
) -> None:
    if agent_type.residency is None:
        return
    destination = Destination(
        credential.type, credential.base_url, credential.aws_region, model
    )
    if problem := violation(agent_type.residency, destination):
        raise ResidencyViolatedError(
            f"The agent type's residency forbids this provider and model: it {problem}."
        )


async def _changed(asked: Asked, change: Change, large_bodies: LargeBodies) -> Asked:
    if len(asked.request.body) < LARGE_BODY_BYTES:
        return change(asked)
    return await large_bodies.run(change, asked)
