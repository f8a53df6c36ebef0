"""Repricings in PostgreSQL: how far each is, and what it has changed."""

from collections import defaultdict
from collections.abc import AsyncIterator, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass, field
from decimal import Decimal
from typing import NamedTuple, Protocol
from uuid import UUID

import asyncpg

from metrics.prices.pricing import Override, PricedCall
from metrics.rollups.rollups import repriced
from shared.contracts.credentials import ProviderType
from shared.contracts.metrics import CallRecord
from shared.contracts.prices import (
    Reprice,
    RepricedModel,
    Repricing,
    RepricingStatus,
    UnpricedReason,
)
from shared.database import Database, Transaction

from .audit import note
from .calls import CALL_COLUMNS
from .fresh_rollups import fold_all_of
from .price_overrides import overrides_of
from .rollups import Turns, hold_organizations, mend_rollups

__all__ = ["Batch", "Change", "PostgresRepricing", "RepricingRepository"]

_FIRST_CALL = UUID(int=0)
_LONGEST_MODEL = 500  # characters; a key of an index must end somewhere
_MODELS_TOLD = 1_000


class Change(NamedTuple):
    call: CallRecord
    before: PricedCall
    after: PricedCall


class Batch(Protocol):
    """The next calls of a repricing, and everything needed to price them."""

    @property
    def calls(self) -> Sequence[tuple[CallRecord, PricedCall]]: ...

    @property
    def overrides(self) -> Sequence[Override]: ...

    async def apply(self, changes: Sequence[Change], *, price_version: str) -> None:
        """Store *changes*, mend the sums, and note that these calls are done."""


class RepricingRepository(Protocol):
    async def add(self, order: Reprice, *, price_version: str) -> Repricing:
        """Store an order; one that is there already stays as it is."""

    async def find(self, org_id: UUID, repricing_id: UUID) -> Repricing | None: ...

    async def running(self) -> list[tuple[UUID, UUID]]:
        """List organization and id of those that are not done, oldest first."""

    def batch(
        self, org_id: UUID, repricing_id: UUID, *, limit: int
    ) -> AbstractAsyncContextManager[Batch | None]:
        """Open a transaction on the next *limit* calls; leaving it commits.

        None of a repricing that is done, or that another process works on.

        Raises `OverflowError`, and nothing is changed, where no column holds a sum.
        """


class PostgresRepricing:
    def __init__(self, database: Database, turns: Turns) -> None:
        self._database = database
        self._turns = turns

    async def add(self, order: Reprice, *, price_version: str) -> Repricing:
        async with self._database.organization(order.org_id) as transaction:
            is_new = await transaction.fetchval(
                """
                INSERT INTO repricing (
                    org_id, id, since, until, price_version, after_started_at,
                    after_call_id
                )
                VALUES ($1, $2, $3, $4, $5, $3, $6)
                ON CONFLICT DO NOTHING
                RETURNING true
                """,
                order.org_id,
                order.repricing_id,
                order.since,
                order.until,
                price_version,
                _FIRST_CALL,
            )
            if is_new:
                await note(
                    transaction,
                    order.org_id,
                    order.actor,
                    act="repricing.started",
                    object_kind="repricing",
                    object_id=order.repricing_id,
                    details=order.model_dump(mode="json", include={"since", "until"}),
                )
            return await _repricing(transaction, order.repricing_id)

    async def find(self, org_id: UUID, repricing_id: UUID) -> Repricing | None:
        async with self._database.organization(org_id) as transaction:
            try:
                return await _repricing(transaction, repricing_id)
            except LookupError:
                return None

    async def running(self) -> list[tuple[UUID, UUID]]:
        async with self._database.sweep_once() as connection:
            rows = await connection.fetch(
                """
                SELECT org_id, id
                FROM repricing
                WHERE status = 'running'
                ORDER BY requested_at
                """
            )
        return [(row["org_id"], row["id"]) for row in rows]

    @asynccontextmanager
    async def batch(
        self, org_id: UUID, repricing_id: UUID, *, limit: int
    ) -> AsyncIterator["PostgresBatch | None"]:
        async with (
            self._turns.of([org_id]),
            _summing_up(org_id),
            self._database.sweep() as transaction,
        ):
            await hold_organizations(transaction, [org_id])
            order = await transaction.fetchrow(
                """
                SELECT org_id, id, until, after_started_at, after_call_id
                FROM repricing
                WHERE org_id = $1
                    AND id = $2
                    AND status = 'running'
                FOR UPDATE SKIP LOCKED
                """,
                org_id,
                repricing_id,
            )
            if order is None:
                yield None
                return
            rows = await _next_calls(transaction, order, limit)
            yield PostgresBatch(
                transaction,
                order,
                calls=[(_call(row), _price_of(row)) for row in rows],
                overrides=await overrides_of(transaction, [org_id]),
                is_last=len(rows) < limit,
            )


@asynccontextmanager
async def _summing_up(org_id: UUID) -> AsyncIterator[None]:
    try:
        yield
    except asyncpg.NumericValueOutOfRangeError as error:
        raise OverflowError(f"No column holds a sum of {org_id}.") from error


class PostgresBatch:
    """Calls of a repricing whose row this transaction holds."""

    def __init__(
        self,
        transaction: Transaction,
        order: "asyncpg.Record",
        *,
        calls: Sequence[tuple[CallRecord, PricedCall]],
        overrides: Sequence[Override],
        is_last: bool,
    ) -> None:
        self._transaction = transaction
        self._order = order
        self._is_last = is_last
        self.calls = calls
        self.overrides = overrides

    async def apply(self, changes: Sequence[Change], *, price_version: str) -> None:
        if changes:
            await self._store(changes)
            await fold_all_of(self._transaction, self._order["org_id"])
            await mend_rollups(self._transaction, repriced(changes))
            await self._tell(changes)
        await self._advance(price_version)

    async def _store(self, changes: Sequence[Change]) -> None:
        await self._transaction.execute(
            """
            UPDATE call
            SET
                cost = after.cost,
                price_version = after.price_version,
                unpriced_reason = after.unpriced_reason
            FROM unnest(
                $1::uuid[], $2::timestamptz[], $3::numeric[], $4::text[], $5::text[]
            ) AS after (call_id, started_at, cost, price_version, unpriced_reason)
            WHERE call.call_id = after.call_id
                AND call.started_at = after.started_at
            """,
            [each.call.call_id for each in changes],
            [each.call.started_at for each in changes],
            [each.after.cost for each in changes],
            [each.after.price_version for each in changes],
            [each.after.unpriced_reason for each in changes],
        )

    async def _tell(self, changes: Sequence[Change]) -> None:
        by_model: dict[tuple[ProviderType, str], _Told] = defaultdict(_Told)
        for each in changes:
            by_model[each.call.provider_type, each.call.model].add(each)
        await self._transaction.executemany(
            """
            INSERT INTO repriced_model AS told (
                org_id, repricing_id, provider_type, model, calls_changed,
                newly_priced, newly_unpriced, cost_before, cost_after
            )
            VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)
            ON CONFLICT (org_id, repricing_id, provider_type, model) DO UPDATE
            SET
                calls_changed = told.calls_changed + excluded.calls_changed,
                newly_priced = told.newly_priced + excluded.newly_priced,
                newly_unpriced = told.newly_unpriced + excluded.newly_unpriced,
                cost_before = told.cost_before + excluded.cost_before,
                cost_after = told.cost_after + excluded.cost_after
            """,
            [
                (
                    self._order["org_id"],
                    self._order["id"],
                    provider_type,
                    model[:_LONGEST_MODEL],
                    told.calls_changed,
                    told.newly_priced,
                    told.newly_unpriced,
                    told.cost_before,
                    told.cost_after,
                )
                for (provider_type, model), told in by_model.items()
            ],
        )

    async def _advance(self, price_version: str) -> None:
        last = self.calls[-1][0] if self.calls else None
        await self._transaction.execute(
            """
            UPDATE repricing
            SET
                after_started_at = coalesce($3, after_started_at),
                after_call_id = coalesce($4, after_call_id),
                calls_examined = calls_examined + $5,
                price_version = $6,
                status = CASE WHEN $7 THEN 'completed' ELSE status END,
                finished_at = CASE WHEN $7 THEN now() END
            WHERE org_id = $1
                AND id = $2
            """,
            self._order["org_id"],
            self._order["id"],
            last.started_at if last else None,
            last.call_id if last else None,
            len(self.calls),
            price_version,
            self._is_last,
        )


@dataclass(slots=True)
class _Told:
    """What is told of one model's changes."""

    calls_changed: int = 0
    newly_priced: int = 0
    newly_unpriced: int = 0
    cost_before: Decimal = field(default=Decimal(0))
    cost_after: Decimal = field(default=Decimal(0))

    def add(self, change: Change) -> None:
        before, after = change.before.cost, change.after.cost
        self.calls_changed += 1
        self.newly_priced += before is None and after is not None
        self.newly_unpriced += before is not None and after is None
        self.cost_before += before or 0
        self.cost_after += after or 0


async def _next_calls(
    transaction: Transaction, order: "asyncpg.Record", limit: int
) -> list["asyncpg.Record"]:
    return await transaction.fetch(
        f"""
        SELECT {CALL_COLUMNS}
        FROM counted_call
        WHERE org_id = $1
            AND started_at < $2
            AND started_at >= $3
            AND (started_at, call_id) > ($3, $4)
        ORDER BY started_at, call_id
        LIMIT $5
        """,  # noqa: S608 - our own columns
        order["org_id"],
        order["until"],
        order["after_started_at"],
        order["after_call_id"],
        limit,
    )


def _call(row: "asyncpg.Record") -> CallRecord:
    return CallRecord.model_validate(dict(row))


def _price_of(row: "asyncpg.Record") -> PricedCall:
    reason = row["unpriced_reason"]
    return PricedCall(
        row["cost_usd"],
        row["price_version"] or "",
        None if reason is None else UnpricedReason(reason),
    )


async def _repricing(transaction: Transaction, repricing_id: UUID) -> Repricing:
    """Read an order and what it has changed; raise `LookupError` if there is none."""
    row = await transaction.fetchrow(
        """
        SELECT id, status, since, until, price_version, calls_examined, requested_at,
               finished_at
        FROM repricing
        WHERE id = $1
        """,
        repricing_id,
    )
    if row is None:
        raise LookupError(repricing_id)
    models = [
        RepricedModel(
            provider_type=each["provider_type"],
            model=each["model"],
            calls_changed=each["calls_changed"],
            newly_priced=each["newly_priced"],
            newly_unpriced=each["newly_unpriced"],
            cost_usd_before=each["cost_before"],
            cost_usd_after=each["cost_after"],
        )
        for each in await transaction.fetch(
            """
            SELECT provider_type, model, calls_changed, newly_priced, newly_unpriced,
                   cost_before, cost_after
            FROM repriced_model
            WHERE repricing_id = $1
            ORDER BY calls_changed DESC, provider_type, model
            LIMIT $2
            """,
            repricing_id,
            _MODELS_TOLD,
        )
    ]
    return Repricing(
        id=row["id"],
        status=RepricingStatus(row["status"]),
        since=row["since"],
        until=row["until"],
        price_version=row["price_version"] or "",
        calls_examined=row["calls_examined"],
        calls_changed=sum(each.calls_changed for each in models),
        cost_usd_before=sum((each.cost_usd_before for each in models), Decimal(0)),
        cost_usd_after=sum((each.cost_usd_after for each in models), Decimal(0)),
        models=models,
        requested_at=row["requested_at"],
        finished_at=row["finished_at"],
    )
