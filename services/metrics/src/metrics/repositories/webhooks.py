"""Webhooks in PostgreSQL: who is told of what."""

from datetime import datetime, timedelta
from uuid import UUID

import asyncpg

from shared.contracts.base import Question
from shared.contracts.webhooks import (
    CreateWebhook,
    UpdateWebhook,
    Webhook,
    WebhookQuestion,
)
from shared.database import Database, Transaction
from shared.errors import (
    ConflictError,
    NameTakenError,
    PreconditionFailedError,
    WebhookNotFoundError,
)

from .audit import note

__all__ = ["PostgresWebhooks"]

_MOST = 50
_ROOM = 2660  # what the advisory locks are about
_PIECE = 10_000
# The stream's clock says when an event happened, ours when a webhook was made: without
# it, what happens right after could count as before.
_CLOCK_TOLERANCE = timedelta(seconds=30)
_BEING_DELETED = "It is being deleted."

_SELECT = """
SELECT
    w.id, w.name, w.origin, w.events, w.enabled, w.disabled_reason, w.version,
    w.created_at, w.updated_at,
    (
        SELECT count(*)
        FROM delivery d
        WHERE d.org_id = w.org_id AND d.webhook_id = w.id AND d.status = 'pending'
    ) AS waiting
FROM webhook w
"""


class PostgresWebhooks:
    def __init__(self, database: Database) -> None:
        self._database = database

    async def wanted_events(self) -> frozenset[str]:
        """Tell which events any webhook asks for."""
        async with self._database.sweep_once() as connection:
            rows = await connection.fetch(
                "SELECT DISTINCT unnest(events) AS event FROM webhook WHERE enabled"
            )
        return frozenset(row["event"] for row in rows)

    async def newest(
        self, org_id: UUID, *, below: UUID | None, limit: int
    ) -> list[Webhook]:
        async with self._database.organization(org_id) as transaction:
            rows = await transaction.fetch(
                f"""
                {_SELECT}
                WHERE $1::uuid IS NULL OR w.id < $1
                ORDER BY w.id DESC
                LIMIT $2
                """,
                below,
                limit,
            )
        return [_webhook(row) for row in rows]

    async def one(self, org_id: UUID, webhook_id: UUID) -> Webhook:
        """Find one. Raises `WebhookNotFoundError`."""
        async with self._database.organization(org_id) as transaction:
            return await _found(transaction, webhook_id)

    async def require(self, org_id: UUID, webhook_id: UUID) -> None:
        """Raise `WebhookNotFoundError` if there is none; nothing is counted."""
        async with self._database.organization(org_id) as transaction:
            if not await transaction.fetchval(
                "SELECT true FROM webhook WHERE id = $1", webhook_id
            ):
                raise _not_found(webhook_id)

    async def require_place(self, question: CreateWebhook) -> None:
        """Raise what `add` would as things are: `NameTakenError`, `ConflictError`."""
        async with self._database.organization(question.org_id) as transaction:
            await _require_room(transaction, question)
            if await transaction.fetchval(
                """
                SELECT true
                FROM webhook
                WHERE name = $1
                    AND NOT EXISTS (SELECT FROM webhook WHERE id = $2)
                """,
                question.name,
                question.webhook_id,
            ):
                raise _name_taken(question.name)

    async def add(self, question: CreateWebhook, *, now: datetime) -> Webhook:
        """Add a webhook, unless it is there already.

        Raises `NameTakenError`, and `ConflictError` for too many.
        """
        try:
            async with self._database.organization(question.org_id) as transaction:
                await _require_room(transaction, question)
                is_new = await transaction.fetchval(
                    """
                    INSERT INTO webhook (
                        org_id, id, name, origin, events, enabled, enabled_at,
                        created_at, updated_at
                    )
                    VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $8)
                    ON CONFLICT (org_id, id) DO NOTHING
                    RETURNING true
                    """,
                    question.org_id,
                    question.webhook_id,
                    question.name,
                    question.origin,
                    question.events,
                    question.enabled,
                    now - _CLOCK_TOLERANCE,
                    now,
                )
                webhook = await _found(transaction, question.webhook_id)
                if is_new:
                    await _note(transaction, question, webhook, "webhook.created")
        except asyncpg.UniqueViolationError as error:
            raise _name_taken(question.name) from error
        return webhook

    async def change(self, question: UpdateWebhook, *, now: datetime) -> Webhook:
        """Change what was given; to enable one forgets why it was disabled.

        Raises `WebhookNotFoundError`, `NameTakenError` and `PreconditionFailedError`.
        """
        patch = question.patch
        try:
            async with self._database.organization(question.org_id) as transaction:
                await _require_version(transaction, question)
                await transaction.execute(
                    """
                    UPDATE webhook
                    SET name = coalesce($2, name),
                        events = coalesce($3, events),
                        enabled = coalesce($4, enabled),
                        enabled_at =
                            CASE WHEN $4 AND NOT enabled THEN $5 ELSE enabled_at END,
                        disabled_reason =
                            CASE WHEN $4 IS NULL THEN disabled_reason END,
                        failures = CASE WHEN $4 THEN 0 ELSE failures END,
                        version = version + 1,
                        updated_at = $5
                    WHERE id = $1
                    """,
                    question.webhook_id,
                    patch.name,
                    patch.events,
                    patch.enabled,
                    now,
                )
                webhook = await _found(transaction, question.webhook_id)
                await _note(transaction, question, webhook, "webhook.updated")
        except asyncpg.UniqueViolationError as error:
            raise _name_taken(patch.name) from error
        return webhook

    async def remove(self, question: WebhookQuestion) -> None:
        """Remove one, and all its deliveries. Raises `WebhookNotFoundError`.

        They are removed in pieces that each end well within a statement's time; whoever
        is stopped in between has a webhook that is off, and may be removed again.
        """
        await self._disable(question)
        while await self._removed_deliveries(question) == _PIECE:
            pass
        async with self._database.organization(question.org_id) as transaction:
            webhook = await _found(transaction, question.webhook_id)
            if not await transaction.fetchval(
                "DELETE FROM webhook WHERE id = $1 RETURNING true", webhook.id
            ):
                raise _not_found(webhook.id)
            await _note(transaction, question, webhook, "webhook.deleted")

    async def _disable(self, question: WebhookQuestion) -> None:
        async with self._database.organization(question.org_id) as transaction:
            await transaction.execute(
                """
                UPDATE webhook
                SET enabled = false, disabled_reason = $2, version = version + 1,
                    updated_at = now()
                WHERE id = $1 AND enabled
                """,
                question.webhook_id,
                _BEING_DELETED,
            )

    async def _removed_deliveries(self, question: WebhookQuestion) -> int:
        """Remove some, and count them."""
        async with self._database.organization(question.org_id) as transaction:
            removed: int = await transaction.fetchval(
                """
                WITH removed AS (
                    DELETE FROM delivery
                    WHERE id IN (
                        SELECT id
                        FROM delivery
                        WHERE webhook_id = $1
                        LIMIT $2
                        FOR UPDATE SKIP LOCKED
                    )
                    RETURNING id
                )
                SELECT count(*) FROM removed
                """,
                question.webhook_id,
                _PIECE,
            )
        return removed


async def _found(transaction: Transaction, webhook_id: UUID) -> Webhook:
    row = await transaction.fetchrow(f"{_SELECT} WHERE w.id = $1", webhook_id)
    if row is None:
        raise _not_found(webhook_id)
    return _webhook(row)


async def _require_room(transaction: Transaction, question: CreateWebhook) -> None:
    """Count the others, while nobody else of the organization adds one."""
    await transaction.execute(
        "SELECT pg_advisory_xact_lock($1, hashtext($2))", _ROOM, str(question.org_id)
    )
    others = await transaction.fetchval(
        "SELECT count(*) FROM webhook WHERE id <> $1", question.webhook_id
    )
    if others >= _MOST:
        raise ConflictError(f"An organization may have {_MOST} webhooks.")


async def _require_version(transaction: Transaction, question: UpdateWebhook) -> None:
    version = await transaction.fetchval(
        "SELECT version FROM webhook WHERE id = $1 FOR UPDATE", question.webhook_id
    )
    if version is None:
        raise _not_found(question.webhook_id)
    if question.if_version not in {None, version}:
        raise PreconditionFailedError(
            f"The webhook is at version {version}, not {question.if_version}."
        )


async def _note(
    transaction: Transaction, question: Question, webhook: Webhook, act: str
) -> None:
    await note(
        transaction,
        question.org_id,
        question.actor,
        act=act,
        object_kind="webhook",
        object_id=webhook.id,
        details=webhook.model_dump(
            mode="json", include={"name", "origin", "events", "enabled"}
        ),
    )


def _webhook(row: asyncpg.Record) -> Webhook:
    return Webhook.model_validate(dict(row))


def _name_taken(name: str | None) -> NameTakenError:
    return NameTakenError(f"There is a webhook named {name} already.")


def _not_found(webhook_id: UUID) -> WebhookNotFoundError:
    return WebhookNotFoundError(f"There is no webhook {webhook_id}.")
