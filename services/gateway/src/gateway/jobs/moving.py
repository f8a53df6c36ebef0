"""What changes of an agent type when another provider takes its one's place. Pure."""

from uuid import UUID

from shared.contracts.agent_runner import AgentType, AgentTypePatch

__all__ = ["moved", "names"]


def names(agent_type: AgentType, provider_id: UUID) -> bool:
    """Say whether an agent type asks this provider, first or later."""
    return agent_type.provider_id == provider_id


def moved(agent_type: AgentType, *, old: UUID, new: UUID) -> AgentTypePatch | None:
    """Return the change that puts *new* in place of *old*; None if there is none."""
    if not names(agent_type, old):
        return None
    return AgentTypePatch(provider_id=new)
