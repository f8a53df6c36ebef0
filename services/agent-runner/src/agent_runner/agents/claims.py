"""Claiming what an agent is about to use: always before it may run."""

from dataclasses import dataclass
from uuid import UUID

from agent_runner.repositories import agent_types as types_repository
from agent_runner.repositories import agents as repository
from shared.bus import Bus
from shared.contracts.agent_runner import Agent
from shared.contracts.agent_types import AgentType
from shared.contracts.base import Question
from shared.contracts.credentials import CLAIM_USES, ClaimUses
from shared.database import Database, Transaction

__all__ = ["Claim", "Claims"]


@dataclass(frozen=True, slots=True)
class Claim:
    """What an agent may run from now on, unless a later *generation* overtakes it."""

    agent_type: AgentType
    generation: int


class Claims:
    def __init__(self, *, database: Database, bus: Bus) -> None:
        self._database = database
        self._bus = bus

    async def claim(self, question: Question, agent: Agent) -> Claim:
        """Claim the uses of the newest version of its type, and of what still runs.

        Raises `ProviderGoneError`, `McpServerGoneError`, and what asking the
        credentials service raises.
        """
        async with self._database.organization(question.org_id) as transaction:
            newest = await types_repository.agent_type(transaction, agent.agent_type_id)
            running = await _running_type(transaction, agent)
            generation = await repository.begin_claim(transaction, agent.id)
        await self._bus.ask(
            CLAIM_USES,
            ClaimUses(
                org_id=question.org_id,
                actor=question.actor,
                agent_id=agent.id,
                agent_name=agent.name,
                provider_ids=sorted(_providers(newest, running)),
                mcp_server_ids=sorted(_mcp_servers(newest, running)),
                generation=generation,
            ),
        )
        return Claim(newest, generation)


async def _running_type(transaction: Transaction, agent: Agent) -> AgentType | None:
    """Read the version that still runs: until the restart it uses its provider."""
    running = await repository.running_version(transaction, agent.id)
    return await types_repository.agent_type(transaction, *running) if running else None


def _providers(*types: AgentType | None) -> set[UUID]:
    return {
        provider_id
        for each in types
        if each is not None
        for provider_id in each.provider_ids
    }


def _mcp_servers(*types: AgentType | None) -> set[UUID]:
    return {
        server_id
        for each in types
        if each is not None
        for server_id in each.mcp_server_ids
    }
