"""What a ledger says of an agent."""

from dataclasses import dataclass
from uuid import UUID

__all__ = ["Placed"]


@dataclass(frozen=True, slots=True)
class Placed:
    """An entry of the ledger: something of this agent is here, running or not."""

    agent_id: UUID
    org_id: UUID
    epoch: int
    is_running: bool
