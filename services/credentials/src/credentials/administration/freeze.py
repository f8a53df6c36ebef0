"""The freeze: one call, and no secret of the installation is opened until another.

It is a refusal (403), not an outage: nothing is gained by asking again, and somebody
has to unfreeze. Secrets are still sealed, so keys can be replaced meanwhile.
"""

from uuid import UUID

import structlog

from credentials.repositories import freeze as repository
from credentials.repositories.audit import note
from shared.clock import to_the_second
from shared.contracts.base import Empty, Explanation, Question
from shared.database import Database, Transaction
from shared.errors import CredentialsFrozenError

__all__ = ["Freeze", "require_thawed"]

log = structlog.get_logger(__name__)

_INSTALLATION = UUID(int=0)


class Freeze:
    """The switch, and the gate that every opening of a secret passes (`vault`)."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def require_open(self) -> None:
        """Raise `CredentialsFrozenError` while all is frozen."""
        async with self._database.sweep() as transaction:
            await require_thawed(transaction)

    async def freeze(self, question: Question) -> Empty:
        async with self._database.organization(question.org_id) as transaction:
            if await repository.set_frozen(transaction, question.actor):
                await _note(transaction, question, "installation.frozen")
                log.warning("installation.frozen", actor=question.actor.id)
        return Empty()

    async def unfreeze(self, question: Question) -> Empty:
        async with self._database.organization(question.org_id) as transaction:
            if await repository.set_unfrozen(transaction):
                await _note(transaction, question, "installation.unfrozen")
                log.warning("installation.unfrozen", actor=question.actor.id)
        return Empty()


async def require_thawed(transaction: Transaction) -> None:
    """Raise `CredentialsFrozenError` if *transaction* sees that all is frozen."""
    frozen = await repository.frozen(transaction)
    if frozen is None:
        return
    message = "The credentials are frozen: no secret is opened until they are unfrozen."
    explanation = Explanation(
        code=CredentialsFrozenError.code,
        message=message,
        cause=f"An owner froze the installation at {to_the_second(frozen.at)}.",
        fix="When it is safe again, let an owner unfreeze it; agents then go on.",
        retryable=False,
    )
    raise CredentialsFrozenError(
        message, details={"explanation": explanation.model_dump(mode="json")}
    )


async def _note(transaction: Transaction, question: Question, act: str) -> None:
    await note(
        transaction,
        org_id=question.org_id,
        actor=question.actor,
        act=act,
        object_kind="installation",
        object_id=_INSTALLATION,
        details={},
    )
