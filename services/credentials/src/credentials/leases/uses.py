"""Use cases of uses: an agent comes to depend on providers and MCP servers, or not."""

from pydantic import JsonValue

from credentials.repositories import uses as repository
from credentials.repositories.audit import note
from credentials.repositories.mcp_servers import set_mcp_uses
from shared.contracts.base import Empty
from shared.contracts.credentials import ClaimUses, ReleaseUses
from shared.database import Database, Transaction

__all__ = ["Uses"]


class Uses:
    """A repeat of the last claim or release changes nothing; an earlier one is refused.

    Raises `StaleGenerationError`, and `ProviderGoneError` or `McpServerGoneError` for a
    claim of what is not there.
    """

    def __init__(self, database: Database) -> None:
        self._database = database

    async def claim(self, question: ClaimUses) -> Empty:
        async with self._database.organization(question.org_id) as transaction:
            if await _advance(transaction, question, agent_name=question.agent_name):
                await repository.set_uses(
                    transaction,
                    org_id=question.org_id,
                    agent_id=question.agent_id,
                    provider_ids=question.provider_ids,
                )
                await set_mcp_uses(
                    transaction,
                    org_id=question.org_id,
                    agent_id=question.agent_id,
                    server_ids=question.mcp_server_ids,
                )
                await _note(transaction, question, "use.claimed")
        return Empty()

    async def release(self, question: ReleaseUses) -> Empty:
        """Drop the uses; the generation is kept, to refuse a claim that comes late."""
        async with self._database.organization(question.org_id) as transaction:
            if await _advance(transaction, question, agent_name=None):
                await repository.set_uses(
                    transaction,
                    org_id=question.org_id,
                    agent_id=question.agent_id,
                    provider_ids=[],
                )
                await set_mcp_uses(
                    transaction,
                    org_id=question.org_id,
                    agent_id=question.agent_id,
                    server_ids=[],
                )
                await _note(transaction, question, "use.released")
        return Empty()


async def _advance(
    transaction: Transaction,
    question: ClaimUses | ReleaseUses,
    *,
    agent_name: str | None,
) -> bool:
    return await repository.advance(
        transaction,
        org_id=question.org_id,
        agent_id=question.agent_id,
        generation=question.generation,
        agent_name=agent_name,
    )


async def _note(
    transaction: Transaction, question: ClaimUses | ReleaseUses, act: str
) -> None:
    providers: list[JsonValue] = []
    servers: list[JsonValue] = []
    if isinstance(question, ClaimUses):
        providers += map(str, question.provider_ids)
        servers += map(str, question.mcp_server_ids)
    facts: dict[str, JsonValue] = {
        "generation": question.generation,
        "provider_ids": providers,
    }
    if servers:
        facts["mcp_server_ids"] = servers
    await note(
        transaction,
        org_id=question.org_id,
        actor=question.actor,
        act=act,
        object_kind="agent",
        object_id=question.agent_id,
        details=facts,
    )
