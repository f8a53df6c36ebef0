"""Use cases of uses: an agent comes to depend on providers and MCP servers, or not."""

from collections.abc import Sequence
from uuid import UUID

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
        """Take the uses; an agent that is tried again and again claims them once."""
        async with self._database.organization(question.org_id) as transaction:
            if await _advance(transaction, question, agent_name=question.agent_name):
                await _set(
                    transaction,
                    question,
                    "use.claimed",
                    provider_ids=question.provider_ids,
                    server_ids=question.mcp_server_ids,
                )
        return Empty()

    async def release(self, question: ReleaseUses) -> Empty:
        """Drop the uses; the generation is kept, to refuse a claim that comes late."""
        async with self._database.organization(question.org_id) as transaction:
            if await _advance(transaction, question, agent_name=None):
                await _set(
                    transaction,
                    question,
                    "use.released",
                    provider_ids=(),
                    server_ids=(),
                )
        return Empty()


async def _set(
    transaction: Transaction,
    question: ClaimUses | ReleaseUses,
    act: str,
    *,
    provider_ids: Sequence[UUID],
    server_ids: Sequence[UUID],
) -> None:
    """Set what the agent uses, and note the act if that was not so before."""
    are_new = [
        await repository.set_uses(
            transaction,
            org_id=question.org_id,
            agent_id=question.agent_id,
            provider_ids=provider_ids,
        ),
        await set_mcp_uses(
            transaction,
            org_id=question.org_id,
            agent_id=question.agent_id,
            server_ids=server_ids,
        ),
    ]
    if any(are_new):
        await _note(transaction, question, act)


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
