"""Use cases of uses: an agent comes to depend on providers, or ceases to."""

from credentials.repositories import uses as repository
from credentials.repositories.audit import note
from shared.contracts.base import Empty
from shared.contracts.credentials import ClaimUses, ReleaseUses
from shared.database import Database, Transaction

__all__ = ["Uses"]


class Uses:
    """A repeat of the last claim or release changes nothing; an earlier one is refused.

    Raises `StaleGenerationError`, and `ProviderGoneError` for a claim of a provider
    that is not there.
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
    claimed = question.provider_ids if isinstance(question, ClaimUses) else []
    await note(
        transaction,
        org_id=question.org_id,
        actor=question.actor,
        act=act,
        object_kind="agent",
        object_id=question.agent_id,
        details={
            "generation": question.generation,
            "provider_ids": [str(each) for each in claimed],
        },
    )
