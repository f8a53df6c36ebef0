"""Alerts in PostgreSQL: one open row per condition, and what has been told of it."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Protocol
from uuid import UUID

import asyncpg

from shared.contracts.alerts import (
    Alert,
    AlertEvidence,
    AlertRuleName,
    AlertsQuestion,
    AlertStatus,
    AlertSubject,
)
from shared.contracts.base import Actor
from shared.database import Database
from shared.ids import new_id

from .audit import note

__all__ = ["AlertsRepository", "Condition", "PostgresAlerts", "Untold"]

_COLUMNS = """
    org_id, id, rule, subject_kind, subject_key, message, evidence, opened_at,
    last_seen_at, resolved_at, silenced_until, opening_told
"""

_TOLD_AT_ONCE = 100


@dataclass(frozen=True, slots=True)
class Condition:
    """What holds now of a subject, by a rule."""

    rule: AlertRuleName
    subject: AlertSubject
    message: str
    evidence: AlertEvidence


@dataclass(frozen=True, slots=True)
class Untold:
    """An alert whose resolution, or already its opening, nobody has been told of."""

    org_id: UUID
    alert: Alert
    opening_told: bool


class AlertsRepository(Protocol):
    async def disabled(self, org_id: UUID) -> set[AlertRuleName]: ...

    async def note_conditions(
        self, org_id: UUID, conditions: Sequence[Condition], *, now: datetime
    ) -> None:
        """Open an alert for each condition that has none, and renew the others."""

    async def resolve(
        self,
        org_id: UUID,
        rules: Collection[AlertRuleName],
        *,
        now: datetime,
        unseen_for: timedelta,
    ) -> None:
        """Resolve the alerts of *rules* that were seen last *unseen_for* ago or more.

        Or will be: a clock was put forward, and back. One that somebody changes right
        now is left for the next time. Of one that was silenced from beginning to end
        nobody is ever told.
        """

    async def untold(self, *, now: datetime) -> list[Untold]:
        """List, oldest first, some of what is to be told; not what is silenced."""

    async def note_told(self, told: Collection[Untold]) -> None: ...

    async def newest(
        self, question: AlertsQuestion, *, below: UUID | None, limit: int
    ) -> list[Alert]: ...

    async def find(self, org_id: UUID, alert_id: UUID) -> Alert | None: ...

    async def silence(
        self, org_id: UUID, alert_id: UUID, *, until: datetime | None, actor: Actor
    ) -> Alert | None:
        """Return the alert as it is now; None if there is none."""

    async def enable(
        self, org_id: UUID, rule: AlertRuleName, *, enabled: bool, actor: Actor
    ) -> None: ...


class PostgresAlerts:
    """Whoever changes several alerts takes them by what they are about.

    Or does not wait for any: so no two processes wait for one another.
    """

    def __init__(self, database: Database) -> None:
        self._database = database

    async def disabled(self, org_id: UUID) -> set[AlertRuleName]:
        async with self._database.organization(org_id) as transaction:
            rows = await transaction.fetch(
                "SELECT name FROM alert_rule WHERE NOT enabled"
            )
        return {AlertRuleName(row["name"]) for row in rows}

    async def note_conditions(
        self, org_id: UUID, conditions: Sequence[Condition], *, now: datetime
    ) -> None:
        async with self._database.organization(org_id) as transaction:
            await transaction.executemany(
                """
                INSERT INTO alert (
                    org_id, id, rule, subject_kind, subject_key, message, evidence,
                    opened_at, last_seen_at, silenced_until
                )
                SELECT
                    $1, $2, $3, $4, $5, $6, $7, $8, $8,
                    (
                        SELECT max(silenced_until)
                        FROM alert
                        WHERE rule = $3
                            AND subject_kind = $4
                            AND subject_key = $5
                            AND silenced_until > $8
                    )
                ON CONFLICT (org_id, rule, subject_kind, subject_key)
                    WHERE resolved_at IS NULL
                DO UPDATE SET
                    message = excluded.message,
                    evidence = excluded.evidence,
                    last_seen_at = greatest(alert.opened_at, excluded.last_seen_at)
                """,
                [
                    (
                        *(org_id, new_id(), each.rule),
                        *(each.subject.kind, each.subject.key, each.message),
                        *(each.evidence.model_dump(mode="json"), now),
                    )
                    for each in sorted(conditions, key=_of_what)
                ],
            )

    async def resolve(
        self,
        org_id: UUID,
        rules: Collection[AlertRuleName],
        *,
        now: datetime,
        unseen_for: timedelta,
    ) -> None:
        async with self._database.organization(org_id) as transaction:
            await transaction.execute(
                """
                WITH ended AS (
                    SELECT id
                    FROM alert
                    WHERE resolved_at IS NULL
                        AND rule = ANY($1::text[])
                        AND last_seen_at NOT BETWEEN $2::timestamptz - $3::interval
                            AND $2::timestamptz + $3::interval
                    FOR UPDATE SKIP LOCKED
                )
                UPDATE alert
                SET resolved_at = greatest(now(), last_seen_at),
                    opening_told = opening_told
                        OR coalesce(silenced_until > now(), false),
                    resolution_told = NOT opening_told
                        AND coalesce(silenced_until > now(), false)
                FROM ended
                WHERE alert.id = ended.id
                """,
                list(rules),
                now,
                unseen_for,
            )

    async def untold(self, *, now: datetime) -> list[Untold]:
        async with self._database.sweep() as transaction:
            rows = await transaction.fetch(
                f"""
                SELECT {_COLUMNS}
                FROM alert
                WHERE (NOT opening_told AND coalesce(silenced_until <= $1, true))
                    OR (
                        opening_told
                        AND resolved_at IS NOT NULL
                        AND NOT resolution_told
                    )
                ORDER BY opened_at
                LIMIT $2
                """,  # noqa: S608 - our own columns
                now,
                _TOLD_AT_ONCE,
            )
        return [Untold(row["org_id"], _alert(row), row["opening_told"]) for row in rows]

    async def note_told(self, told: Collection[Untold]) -> None:
        async with self._database.sweep() as transaction:
            await transaction.executemany(
                """
                UPDATE alert
                SET opening_told = true,
                    resolution_told = $3
                WHERE org_id = $1
                    AND id = $2
                """,
                [
                    (each.org_id, each.alert.id, each.alert.resolved_at is not None)
                    for each in sorted(told, key=_of_whose)
                ],
            )

    async def newest(
        self, question: AlertsQuestion, *, below: UUID | None, limit: int
    ) -> list[Alert]:
        async with self._database.organization(question.org_id) as transaction:
            rows = await transaction.fetch(
                f"""
                SELECT {_COLUMNS}
                FROM alert
                WHERE ($1::uuid IS NULL OR id < $1)
                    AND ($2::boolean IS NULL OR (resolved_at IS NULL) = $2)
                    AND ($3::text IS NULL OR rule = $3)
                ORDER BY id DESC
                LIMIT $4
                """,  # noqa: S608 - our own columns
                below,
                question.status and question.status is AlertStatus.OPEN,
                question.rule,
                limit,
            )
        return [_alert(row) for row in rows]

    async def find(self, org_id: UUID, alert_id: UUID) -> Alert | None:
        async with self._database.organization(org_id) as transaction:
            row = await transaction.fetchrow(
                f"SELECT {_COLUMNS} FROM alert WHERE id = $1",  # noqa: S608 - our own columns
                alert_id,
            )
        return None if row is None else _alert(row)

    async def silence(
        self, org_id: UUID, alert_id: UUID, *, until: datetime | None, actor: Actor
    ) -> Alert | None:
        async with self._database.organization(org_id) as transaction:
            row = await transaction.fetchrow(
                f"""
                UPDATE alert
                SET silenced_until = $2
                WHERE id = $1
                RETURNING {_COLUMNS}
                """,  # noqa: S608 - our own columns
                alert_id,
                until,
            )
            if row is None:
                return None
            alert = _alert(row)
            await note(
                transaction,
                org_id,
                actor,
                act="alert.silenced",
                object_kind="alert",
                object_id=alert_id,
                details=alert.model_dump(mode="json", include={"silenced_until"}),
            )
        return alert

    async def enable(
        self, org_id: UUID, rule: AlertRuleName, *, enabled: bool, actor: Actor
    ) -> None:
        async with self._database.organization(org_id) as transaction:
            await transaction.execute(
                """
                INSERT INTO alert_rule (org_id, name, enabled)
                VALUES ($1, $2, $3)
                ON CONFLICT (org_id, name) DO UPDATE
                SET enabled = $3,
                    updated_at = now()
                """,
                org_id,
                rule,
                enabled,
            )
            await note(
                transaction,
                org_id,
                actor,
                act="alert_rule.updated",
                object_kind="alert_rule",
                object_id=org_id,
                details={"name": rule, "enabled": enabled},
            )


def _of_what(told: Condition | Alert) -> tuple[str, str, str]:
    return told.rule, told.subject.kind, told.subject.key


def _of_whose(untold: Untold) -> tuple[UUID, tuple[str, str, str], UUID]:
    return untold.org_id, _of_what(untold.alert), untold.alert.id


def _alert(row: asyncpg.Record) -> Alert:
    resolved_at: datetime | None = row["resolved_at"]
    evidence: dict[str, Any] = row["evidence"]
    return Alert(
        id=row["id"],
        rule=row["rule"],
        subject=AlertSubject(kind=row["subject_kind"], key=row["subject_key"]),
        status=AlertStatus.RESOLVED if resolved_at else AlertStatus.OPEN,
        message=row["message"],
        evidence=AlertEvidence.model_validate(evidence),
        opened_at=row["opened_at"],
        last_seen_at=row["last_seen_at"],
        resolved_at=resolved_at,
        silenced_until=row["silenced_until"],
    )
