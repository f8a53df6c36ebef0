"""Deliveries in PostgreSQL: what is to be told, what is due, and what came of it."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

import asyncpg

from shared.contracts.webhooks import (
    DeliveriesQuestion,
    Delivery,
    DeliveryAttempt,
    DeliveryStatus,
    ReplayDeliveries,
)
from shared.database import Database, Transaction
from shared.errors import DeliveryNotFoundError, WebhookNotFoundError
from shared.ids import new_id

from .audit import note

__all__ = ["Due", "Happened", "Outcome", "PostgresDeliveries"]

_COLUMNS = """
    id, webhook_id, event_id, event, status, attempts, created_at, due_at
"""

_ATTEMPTS_KEPT = 10
_PIECE = 10_000
_BEFORE_ALL = UUID(int=0)


@dataclass(frozen=True, slots=True)
class Happened:
    """An event as receivers are told of it; *kept_at* is when the stream took it."""

    org_id: UUID
    event_id: str
    event: str
    kept_at: datetime
    body: str


@dataclass(frozen=True, slots=True)
class Due:
    """A delivery that is ours to try until *claimed_until*.

    *failures* are those since it was last begun.
    """

    org_id: UUID
    id: UUID
    webhook_id: UUID
    body: str
    failures: int
    attempts: list[Any]
    claimed_until: datetime


@dataclass(frozen=True, slots=True)
class Outcome:
    """What an attempt makes of its delivery, and of the webhook if it is disabled."""

    attempt: DeliveryAttempt
    status: DeliveryStatus
    failures: int = 0
    due_at: datetime | None = None
    disabled_reason: str | None = None


class PostgresDeliveries:
    def __init__(self, database: Database) -> None:
        self._database = database

    async def add(self, happened: Sequence[Happened]) -> None:
        """Queue each event for every webhook that asks for it, once.

        A webhook is told of what happens after it was made, while it is enabled. One
        that is being deleted meanwhile is waited for, and told nothing.
        """
        async with self._database.sweep() as transaction:
            wanted = await _wanted(transaction, happened)
            await transaction.executemany(
                """
                INSERT INTO delivery (
                    org_id, id, webhook_id, event_id, event, body, due_at
                )
                SELECT org_id, $3, id, $4, $5, $6, now()
                FROM webhook
                WHERE org_id = $1 AND id = $2
                FOR KEY SHARE
                ON CONFLICT (org_id, webhook_id, event_id) DO NOTHING
                """,
                wanted,
            )

    async def claim(
        self,
        *,
        now: datetime,
        until: datetime,
        busy: Sequence[UUID],
        waiting: Sequence[UUID],
        each: int,
        webhooks: int,
        limit: int,
    ) -> list[Due]:
        """Take what is due of webhooks that are neither *busy* nor *waiting*.

        That is up to *each* of a webhook, oldest first, or one if its last attempt
        failed; no other process takes them before *until*. The fewer webhooks of an
        organization are busy, the sooner is its turn; more than so many *webhooks* of
        it never are.
        """
        async with self._database.sweep() as transaction:
            rows = await transaction.fetch(
                """
                WITH turn AS (
                    SELECT org_id, id, failures, random() AS chance,
                        row_number() OVER (
                            PARTITION BY org_id
                            ORDER BY id <> ALL ($3::uuid[]), random()
                        ) AS place
                    FROM webhook w
                    WHERE enabled
                        AND id <> ALL ($4::uuid[])
                        AND (
                            id = ANY ($3::uuid[])
                            OR EXISTS (
                                SELECT
                                FROM delivery
                                WHERE org_id = w.org_id
                                    AND webhook_id = w.id
                                    AND status = 'pending'
                                    AND due_at <= $1
                            )
                        )
                ),
                due AS (
                    SELECT d.org_id, d.id
                    FROM turn w
                    CROSS JOIN LATERAL (
                        SELECT org_id, id
                        FROM delivery
                        WHERE org_id = w.org_id
                            AND webhook_id = w.id
                            AND status = 'pending'
                            AND due_at <= $1
                        ORDER BY due_at
                        LIMIT CASE WHEN w.failures = 0 THEN $5::integer ELSE 1 END
                        FOR UPDATE SKIP LOCKED
                    ) d
                    WHERE w.id <> ALL ($3::uuid[])
                        AND w.place <= $6
                    ORDER BY w.place, w.chance
                    LIMIT $7
                )
                UPDATE delivery d
                SET due_at = $2
                FROM due
                WHERE d.org_id = due.org_id AND d.id = due.id
                RETURNING
                    d.org_id, d.id, d.webhook_id, d.body, d.failures, d.attempts,
                    d.due_at AS claimed_until
                """,
                now,
                until,
                list(busy),
                list(waiting),
                each,
                webhooks,
                limit,
            )
        return [Due(**row) for row in rows]

    async def hand_back(self, batch: Sequence[Due], *, due_at: datetime) -> None:
        """Let those that are still ours be taken again; in order, as `replay` does."""
        async with self._database.sweep() as transaction:
            await transaction.executemany(
                """
                UPDATE delivery
                SET due_at = $4
                WHERE org_id = $1 AND id = $2 AND status = 'pending' AND due_at = $3
                """,
                sorted(
                    (due.org_id, due.id, due.claimed_until, due_at) for due in batch
                ),
            )

    async def note(self, due: Due, outcome: Outcome) -> Delivery | None:
        """Keep what came of an attempt.

        None, and nothing is kept, if the delivery is ours no more: replayed, taken by
        another process when our time was over, or gone with its webhook.
        """
        async with self._database.organization(due.org_id) as transaction:
            await _hold_receiver(transaction, due.webhook_id)
            row = await _note_outcome(transaction, due, outcome)
            if row is None:
                return None
            await _note_receiver(transaction, due.webhook_id, outcome)
        return _delivery(row)

    async def add_test(
        self, happened: Happened, webhook_id: UUID, until: datetime
    ) -> Due:
        """Add a delivery that is ours to try *until* then.

        Raises `WebhookNotFoundError` if the webhook was deleted meanwhile.
        """
        try:
            async with self._database.organization(happened.org_id) as transaction:
                [row] = await transaction.fetch(
                    """
                    INSERT INTO delivery (
                        org_id, id, webhook_id, event_id, event, body, due_at
                    )
                    VALUES ($1, $2, $3, $4, $5, $6, $7)
                    RETURNING
                        org_id, id, webhook_id, body, failures, attempts,
                        due_at AS claimed_until
                    """,
                    happened.org_id,
                    new_id(),
                    webhook_id,
                    happened.event_id,
                    happened.event,
                    happened.body,
                    until,
                )
        except asyncpg.ForeignKeyViolationError as error:
            raise WebhookNotFoundError(
                f"There is no webhook {webhook_id} any more."
            ) from error
        return Due(**row)

    async def newest(
        self, question: DeliveriesQuestion, *, below: UUID | None, limit: int
    ) -> list[Delivery]:
        async with self._database.organization(question.org_id) as transaction:
            rows = await transaction.fetch(
                f"""
                SELECT {_COLUMNS}
                FROM delivery
                WHERE webhook_id = $1
                    AND ($2::uuid IS NULL OR id < $2)
                    AND ($3::text IS NULL OR status = $3)
                ORDER BY id DESC
                LIMIT $4
                """,  # noqa: S608 - our own columns
                question.webhook_id,
                below,
                question.status,
                limit,
            )
        return [_delivery(row) for row in rows]

    async def replay(self, question: ReplayDeliveries, *, now: datetime) -> int:
        """Begin deliveries again, and count them; one that is pending is due now.

        In pieces that each end well within a statement's time, in their order; whoever
        is stopped in between has begun some, and may ask again.

        Raises `DeliveryNotFoundError`, and begins none, if one that is named is not
        there.
        """
        await self._require_all(question)
        replayed, after = 0, _BEFORE_ALL
        while begun := await self._begin_again(question, after=after, now=now):
            replayed += len(begun)
            after = max(begun)
        async with self._database.organization(question.org_id) as transaction:
            await note(
                transaction,
                question.org_id,
                question.actor,
                act="webhook.replayed",
                object_kind="webhook",
                object_id=question.webhook_id,
                details={"deliveries": replayed},
            )
        return replayed

    async def _require_all(self, question: ReplayDeliveries) -> None:
        async with self._database.organization(question.org_id) as transaction:
            missing = await transaction.fetchval(
                """
                SELECT named.id
                FROM unnest($2::uuid[]) AS named (id)
                WHERE NOT EXISTS (
                    SELECT
                    FROM delivery
                    WHERE delivery.id = named.id
                        AND webhook_id = $1
                )
                LIMIT 1
                """,
                question.webhook_id,
                question.delivery_ids,
            )
        if missing is not None:
            raise DeliveryNotFoundError(
                f"The webhook {question.webhook_id} has no delivery {missing}."
            )

    async def _begin_again(
        self, question: ReplayDeliveries, *, after: UUID, now: datetime
    ) -> list[UUID]:
        async with self._database.organization(question.org_id) as transaction:
            rows = await transaction.fetch(
                """
                WITH chosen AS (
                    SELECT id
                    FROM delivery
                    WHERE webhook_id = $1
                        AND id > $5
                        AND (
                            id = ANY ($2::uuid[])
                            OR (status = 'failed' AND created_at >= $3)
                        )
                    ORDER BY id
                    LIMIT $6
                    FOR UPDATE
                )
                UPDATE delivery d
                SET status = 'pending', failures = 0, due_at = $4
                FROM chosen
                WHERE d.id = chosen.id
                RETURNING d.id
                """,
                question.webhook_id,
                question.delivery_ids,
                question.failed_since,
                now,
                after,
                _PIECE,
            )
        return [row["id"] for row in rows]


async def _wanted(
    transaction: Transaction, happened: Sequence[Happened]
) -> list[tuple[Any, ...]]:
    """Pair events with the webhooks that are to be told of them."""
    webhooks = await transaction.fetch(
        """
        SELECT org_id, id, events, enabled_at
        FROM webhook
        WHERE enabled AND org_id = ANY ($1::uuid[])
        """,
        list({each.org_id for each in happened}),
    )
    return [
        (each.org_id, webhook["id"], new_id(), each.event_id, each.event, each.body)
        for each in happened
        for webhook in webhooks
        if webhook["org_id"] == each.org_id
        and each.event in webhook["events"]
        and webhook["enabled_at"] <= each.kept_at
    ]


async def _hold_receiver(transaction: Transaction, webhook_id: UUID) -> None:
    """Lock the webhook before its delivery, as whoever deletes it does."""
    await transaction.execute(
        "SELECT FROM webhook WHERE id = $1 FOR NO KEY UPDATE", webhook_id
    )


async def _note_outcome(
    transaction: Transaction, due: Due, outcome: Outcome
) -> asyncpg.Record | None:
    attempt = outcome.attempt.model_dump(mode="json")
    return await transaction.fetchrow(
        f"""
        UPDATE delivery
        SET status = $2, failures = $3, due_at = $4, attempts = $5
        WHERE id = $1 AND status = 'pending' AND due_at = $6
        RETURNING {_COLUMNS}
        """,  # noqa: S608 - our own columns
        due.id,
        outcome.status,
        outcome.failures,
        outcome.due_at,
        [*due.attempts, attempt][-_ATTEMPTS_KEPT:],
        due.claimed_until,
    )


async def _note_receiver(
    transaction: Transaction, webhook_id: UUID, outcome: Outcome
) -> None:
    if outcome.status is DeliveryStatus.DELIVERED:
        await transaction.execute(
            "UPDATE webhook SET failures = 0 WHERE id = $1 AND failures > 0", webhook_id
        )
        return
    await transaction.execute(
        """
        UPDATE webhook
        SET failures = failures + 1,
            enabled = enabled AND $2::text IS NULL,
            disabled_reason = coalesce($2, disabled_reason),
            version = version + ($2::text IS NOT NULL)::integer,
            updated_at = CASE WHEN $2::text IS NULL THEN updated_at ELSE now() END
        WHERE id = $1
        """,
        webhook_id,
        outcome.disabled_reason,
    )


def _delivery(row: asyncpg.Record) -> Delivery:
    return Delivery(
        id=row["id"],
        webhook_id=row["webhook_id"],
        event_id=row["event_id"],
        event=row["event"],
        status=row["status"],
        attempts=[DeliveryAttempt.model_validate(each) for each in row["attempts"]],
        created_at=row["created_at"],
        next_attempt_at=row["due_at"],
    )
