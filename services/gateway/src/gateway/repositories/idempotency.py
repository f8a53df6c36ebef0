"""What was asked with an `Idempotency-Key`, in PostgreSQL."""

from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Protocol
from uuid import UUID

from shared.database import Database, Transaction

__all__ = ["Claim", "IdempotencyRepository", "Kept", "PostgresIdempotency"]

_KEPT_FOR = timedelta(hours=24)


@dataclass(frozen=True, slots=True)
class Claim:
    """A request that wants to be done once. *id* tells this try from another.

    *key* is what it has in common with its repeats, *fingerprint* with those that are
    the same request; *object_id* is the id of what it makes, if it is the first.
    """

    id: UUID
    org_id: UUID
    key: bytes
    fingerprint: bytes
    object_id: UUID


@dataclass(frozen=True, slots=True)
class Kept:
    """What is known of a key: whose turn it is, and what was answered already."""

    claim_id: UUID
    fingerprint: bytes
    object_id: UUID
    answer: dict[str, Any] | None


class IdempotencyRepository(Protocol):
    async def claim(self, claim: Claim, *, lasting: timedelta) -> Kept: ...

    async def renew(self, claim: Claim, *, lasting: timedelta) -> None: ...

    async def keep(self, claim: Claim, answer: dict[str, Any]) -> None: ...

    async def release(self, claim: Claim) -> None: ...

    async def forget(self) -> None: ...


class PostgresIdempotency:
    """Time is the database's, so that any number of gateways agree on it."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def claim(self, claim: Claim, *, lasting: timedelta) -> Kept:
        """Take the turn if it is free; return what is known of the key then.

        It is *claim*'s turn if what is returned has its id. The object's id is that of
        the first claim, also when the turn of that one ended without an answer.
        """
        async with self._database.organization(claim.org_id) as transaction:
            await _forget(transaction, claim)
            await _begin(transaction, claim, lasting)
            await _take_over(transaction, claim, lasting)
            row = await transaction.fetchrow(
                """
                SELECT claim, fingerprint, object_id, answer
                FROM idempotency_key
                WHERE org_id = $1 AND id = $2
                """,
                claim.org_id,
                claim.key,
            )
        assert row  # noqa: S101 - for the type checker: it is held
        return Kept(
            claim_id=row["claim"],
            fingerprint=row["fingerprint"],
            object_id=row["object_id"],
            answer=row["answer"],
        )

    async def renew(self, claim: Claim, *, lasting: timedelta) -> None:
        """Stay in turn for longer, unless another try has the turn by now."""
        async with self._database.organization(claim.org_id) as transaction:
            await transaction.execute(
                """
                UPDATE idempotency_key
                SET claimed_until = clock_timestamp() + $4::interval
                WHERE org_id = $1 AND id = $2 AND claim = $3
                """,
                claim.org_id,
                claim.key,
                claim.id,
                lasting,
            )

    async def keep(self, claim: Claim, answer: dict[str, Any]) -> None:
        """Keep the answer for whoever asks again."""
        async with self._database.organization(claim.org_id) as transaction:
            await transaction.execute(
                """
                UPDATE idempotency_key
                SET answer = $4
                WHERE org_id = $1 AND id = $2 AND claim = $3
                """,
                claim.org_id,
                claim.key,
                claim.id,
                answer,
            )

    async def release(self, claim: Claim) -> None:
        """End the turn without an answer: the next may try."""
        await self.renew(claim, lasting=timedelta(0))

    async def forget(self) -> None:
        """Delete what nobody may count on any more."""
        async with self._database.sweep() as transaction:
            await transaction.execute(
                """
                DELETE FROM idempotency_key
                WHERE created_at <= clock_timestamp() - $1::interval
                """,
                _KEPT_FOR,
            )


async def _forget(transaction: Transaction, claim: Claim) -> None:
    """Delete what was kept of the key for long enough."""
    await transaction.execute(
        """
        DELETE FROM idempotency_key
        WHERE org_id = $1
          AND id = $2
          AND created_at <= clock_timestamp() - $3::interval
        """,
        claim.org_id,
        claim.key,
        _KEPT_FOR,
    )


async def _begin(transaction: Transaction, claim: Claim, lasting: timedelta) -> None:
    """Take the first turn, if it is the first; else hold the key, so that it stays."""
    await transaction.execute(
        """
        INSERT INTO idempotency_key AS there (
            org_id, id, fingerprint, object_id, claim, claimed_until
        )
        VALUES ($1, $2, $3, $4, $5, clock_timestamp() + $6::interval)
        ON CONFLICT (org_id, id) DO UPDATE
        SET claim = there.claim
        """,
        claim.org_id,
        claim.key,
        claim.fingerprint,
        claim.object_id,
        claim.id,
        lasting,
    )


async def _take_over(
    transaction: Transaction, claim: Claim, lasting: timedelta
) -> None:
    """Take the turn of one that ended, or died, without an answer."""
    await transaction.execute(
        """
        UPDATE idempotency_key
        SET claim = $3, claimed_until = clock_timestamp() + $4::interval
        WHERE org_id = $1
          AND id = $2
          AND answer IS NULL
          AND claimed_until <= clock_timestamp()
          AND fingerprint = $5
        """,
        claim.org_id,
        claim.key,
        claim.id,
        lasting,
        claim.fingerprint,
    )
