"""Price overrides in PostgreSQL, with the audit entry of each change."""

from collections.abc import Collection
from typing import Protocol
from uuid import UUID

import asyncpg

from metrics.prices.pricing import Override
from metrics.prices.rates import Rate, Rates
from shared.contracts.base import Actor
from shared.contracts.credentials import ProviderType
from shared.contracts.prices import (
    PriceOverride,
    PriceOverrideSubmission,
    TokenPrices,
)
from shared.database import Database, Transaction
from shared.twins import wait_for_twins

from .audit import note

__all__ = [
    "PostgresPriceOverrides",
    "PriceOverridesRepository",
    "overrides_of",
]

_COLUMNS = """
    org_id, id, version, provider_type, model, provider_id, effective_from,
    effective_to, input, output, cached_input, cache_write_5m, cache_write_1h,
    created_at, updated_at
"""


class PriceOverridesRepository(Protocol):
    async def newest(
        self, org_id: UUID, *, below: UUID | None, limit: int
    ) -> list[PriceOverride]:
        """List at most *limit* overrides, newest first, with ids below *below*."""

    async def find(self, org_id: UUID, override_id: UUID) -> PriceOverride | None: ...

    async def all(self, org_id: UUID) -> list[Override]: ...

    async def put(
        self,
        org_id: UUID,
        override_id: UUID,
        submission: PriceOverrideSubmission,
        *,
        actor: Actor,
    ) -> PriceOverride:
        """Add an override, or replace the one of the same reach and beginning.

        One that says the same already stays as it is, and is not audited again.
        """

    async def remove(self, org_id: UUID, override_id: UUID, *, actor: Actor) -> bool:
        """Return whether it was there."""


class PostgresPriceOverrides:
    def __init__(self, database: Database) -> None:
        self._database = database

    async def newest(
        self, org_id: UUID, *, below: UUID | None, limit: int
    ) -> list[PriceOverride]:
        async with self._database.organization(org_id) as transaction:
            rows = await transaction.fetch(
                f"""
                SELECT {_COLUMNS}
                FROM price_override
                WHERE $1::uuid IS NULL OR id < $1
                ORDER BY id DESC
                LIMIT $2
                """,  # noqa: S608 - our own columns
                below,
                limit,
            )
        return [_override(row) for row in rows]

    async def find(self, org_id: UUID, override_id: UUID) -> PriceOverride | None:
        async with self._database.organization(org_id) as transaction:
            row = await transaction.fetchrow(
                f"SELECT {_COLUMNS} FROM price_override WHERE id = $1",  # noqa: S608 - our own columns
                override_id,
            )
        return None if row is None else _override(row)

    async def all(self, org_id: UUID) -> list[Override]:
        async with self._database.organization(org_id) as transaction:
            return await overrides_of(transaction, [org_id])

    async def put(
        self,
        org_id: UUID,
        override_id: UUID,
        submission: PriceOverrideSubmission,
        *,
        actor: Actor,
    ) -> PriceOverride:
        prices = submission.usd_per_million_tokens
        async with self._database.organization(org_id) as transaction:
            await wait_for_twins(transaction, override_id)
            row = await transaction.fetchrow(
                f"""
                INSERT INTO price_override AS there (
                    org_id, id, provider_type, model, provider_id, effective_from,
                    effective_to, input, output, cached_input, cache_write_5m,
                    cache_write_1h
                )
                VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)
                ON CONFLICT ON CONSTRAINT price_override_unique DO UPDATE
                SET
                    version = there.version + 1,
                    effective_to = excluded.effective_to,
                    input = excluded.input,
                    output = excluded.output,
                    cached_input = excluded.cached_input,
                    cache_write_5m = excluded.cache_write_5m,
                    cache_write_1h = excluded.cache_write_1h,
                    updated_at = now()
                WHERE (
                    there.effective_to, there.input, there.output,
                    there.cached_input, there.cache_write_5m, there.cache_write_1h
                ) IS DISTINCT FROM (
                    excluded.effective_to, excluded.input, excluded.output,
                    excluded.cached_input, excluded.cache_write_5m,
                    excluded.cache_write_1h
                )
                RETURNING {_COLUMNS}
                """,  # noqa: S608 - our own columns
                org_id,
                override_id,
                submission.provider_type,
                submission.model,
                submission.provider_id,
                submission.effective_from,
                submission.effective_to,
                prices.input,
                prices.output,
                prices.cached_input,
                prices.cache_write_5m,
                prices.cache_write_1h,
            )
            if row is None:
                return await _same(transaction, submission)
            put = _override(row)
            await note(
                transaction,
                org_id,
                actor,
                act="price.put",
                object_kind="price_override",
                object_id=put.id,
                details=put.model_dump(mode="json", exclude={"id"}),
            )
        return put

    async def remove(self, org_id: UUID, override_id: UUID, *, actor: Actor) -> bool:
        async with self._database.organization(org_id) as transaction:
            row = await transaction.fetchrow(
                f"DELETE FROM price_override WHERE id = $1 RETURNING {_COLUMNS}",  # noqa: S608 - our own columns
                override_id,
            )
            if row is None:
                return False
            await note(
                transaction,
                org_id,
                actor,
                act="price.deleted",
                object_kind="price_override",
                object_id=override_id,
                details=_override(row).model_dump(mode="json", exclude={"id"}),
            )
        return True


async def overrides_of(
    transaction: Transaction, org_ids: Collection[UUID]
) -> list[Override]:
    """Read all overrides of these organizations, for pricing."""
    rows = await transaction.fetch(
        f"SELECT {_COLUMNS} FROM price_override WHERE org_id = ANY($1)",  # noqa: S608 - our own columns
        list(org_ids),
    )
    return [
        Override(
            id=row["id"],
            version=row["version"],
            org_id=row["org_id"],
            provider_type=ProviderType(row["provider_type"]),
            model=row["model"],
            provider_id=row["provider_id"],
            effective_from=row["effective_from"],
            effective_to=row["effective_to"],
            rates=_rates(row),
        )
        for row in rows
    ]


async def _same(
    transaction: Transaction, submission: PriceOverrideSubmission
) -> PriceOverride:
    [row] = await transaction.fetch(
        f"""
        SELECT {_COLUMNS}
        FROM price_override
        WHERE provider_type = $1
            AND model = $2
            AND provider_id IS NOT DISTINCT FROM $3
            AND effective_from = $4
        """,  # noqa: S608 - our own columns
        submission.provider_type,
        submission.model,
        submission.provider_id,
        submission.effective_from,
    )
    return _override(row)


def _rates(row: "asyncpg.Record") -> Rates:
    def rate(name: str) -> Rate | None:
        return None if row[name] is None else Rate(row[name])

    return Rates(
        input=Rate(row["input"]),
        output=Rate(row["output"]),
        cached_input=rate("cached_input"),
        cache_write_5m=rate("cache_write_5m"),
        cache_write_1h=rate("cache_write_1h"),
    )


def _override(row: "asyncpg.Record") -> PriceOverride:
    fields = dict(row)
    prices = TokenPrices(**{name: fields[name] for name in TokenPrices.model_fields})
    others = {name: fields[name] for name in fields.keys() - TokenPrices.model_fields}
    del others["org_id"]
    return PriceOverride(**others, usd_per_million_tokens=prices)
