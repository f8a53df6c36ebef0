"""What changes of an agent type when another provider takes its one's place. Pure."""

from uuid import UUID

from shared.contracts.agent_types import AgentType, AgentTypePatch
from shared.contracts.jobs import JobAgentType
from shared.contracts.routes import Fallback

__all__ = ["found_type", "moved", "moved_back", "names"]


def names(agent_type: AgentType, provider_id: UUID) -> bool:
    """Say whether an agent type asks this provider, first or as a fallback."""
    return provider_id in agent_type.provider_ids


def found_type(agent_type: AgentType) -> JobAgentType:
    """Note a type as it is before it is moved."""
    return JobAgentType(
        id=agent_type.id,
        name=agent_type.name,
        provider_id=agent_type.provider_id,
        fallbacks=agent_type.fallbacks,
    )


def moved(agent_type: AgentType, *, old: UUID, new: UUID) -> AgentTypePatch | None:
    """Return the change that puts *new* in place of *old*; None if there is none.

    A fallback that would be named twice then is named once.
    """
    provider_id = _instead(agent_type.provider_id, old, new)
    fallbacks: list[Fallback] = []
    taken = {Fallback(provider_id=provider_id, model=agent_type.model)}
    for each in agent_type.fallbacks:
        fallback = each.model_copy(
            update={"provider_id": _instead(each.provider_id, old, new)}
        )
        if fallback not in taken:
            taken.add(fallback)
            fallbacks.append(fallback)
    return _patch(agent_type, provider_id, fallbacks)


def moved_back(
    agent_type: AgentType, before: JobAgentType, *, old: UUID, new: UUID
) -> AgentTypePatch | None:
    """Return the change that undoes `moved`; None for what somebody changed since."""
    noted = {"provider_id": before.provider_id, "fallbacks": before.fallbacks}
    change = moved(agent_type.model_copy(update=noted), old=old, new=new)
    if change is None or _patch(agent_type, *_routes_after(change, before)):
        return None
    return _patch(agent_type, before.provider_id, before.fallbacks)


def _routes_after(
    change: AgentTypePatch, before: JobAgentType
) -> tuple[UUID, list[Fallback]]:
    fallbacks = change.fallbacks
    return (
        change.provider_id or before.provider_id,
        before.fallbacks if fallbacks is None else fallbacks,
    )


def _patch(
    agent_type: AgentType, provider_id: UUID, fallbacks: list[Fallback]
) -> AgentTypePatch | None:
    """Name only what changes: a fallback holds without a restart."""
    changes: dict[str, object] = {}
    if provider_id != agent_type.provider_id:
        changes["provider_id"] = provider_id
    if fallbacks != agent_type.fallbacks:
        changes["fallbacks"] = fallbacks
    return AgentTypePatch.model_validate(changes) if changes else None


def _instead(provider_id: UUID, old: UUID, new: UUID) -> UUID:
    return new if provider_id == old else provider_id
