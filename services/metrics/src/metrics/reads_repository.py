"""What was counted, read from PostgreSQL within one organization."""

from datetime import datetime
from typing import Protocol
from uuid import UUID

from shared.contracts.metrics import Call
from shared.contracts.usage import AgentStats
from shared.database import Database

__all__ = ["PostgresReads", "ReadsRepository"]


class ReadsRepository(Protocol):
    async def agent_stats(
        self,
        org_id: UUID,
        agent_id: UUID,
        *,
        since: datetime | None,
        until: datetime | None,
    ) -> AgentStats: ...

    async def calls(
        self,
        org_id: UUID,
        *,
        agent_id: UUID | None,
        below: UUID | None,
        limit: int,
    ) -> list[Call]:
        """List at most *limit* calls, newest first, with ids below *below*."""

    async def call(self, org_id: UUID, call_id: UUID) -> Call | None: ...


class PostgresReads:
    def __init__(self, database: Database) -> None:
        self._database = database

    async def agent_stats(
        self,
        org_id: UUID,
        agent_id: UUID,
        *,
        since: datetime | None,
        until: datetime | None,
    ) -> AgentStats:
        """Sum up, in one statement and hence of one moment, *since* ≤ time < *until*.

        Tokens that were not reported add nothing; times that were not measured stay
        out of the means and percentiles (`percentile_cont`: interpolated). No call
        has a price yet.
        """
        async with self._database.organization(org_id) as transaction:
            [row] = await transaction.fetch(
                """
                WITH agent_call AS (
                    SELECT
                        count(*) AS calls,
                        count(*) FILTER (WHERE status = 'failed') AS errors,
                        count(*) FILTER (WHERE status = 'cancelled')
                            AS cancelled_calls,
                        count(*) FILTER (WHERE status = 'interrupted')
                            AS interrupted_calls,
                        coalesce(sum(input_tokens), 0)::bigint AS input_tokens,
                        coalesce(sum(cached_input_tokens), 0)::bigint
                            AS cached_input_tokens,
                        coalesce(sum(output_tokens), 0)::bigint AS output_tokens,
                        coalesce(sum(reasoning_tokens), 0)::bigint
                            AS reasoning_tokens,
                        avg(duration_ms)::float8 AS average_response_time_ms,
                        percentile_cont(0.5) WITHIN GROUP (ORDER BY duration_ms)
                            AS p50_response_time_ms,
                        percentile_cont(0.95) WITHIN GROUP (ORDER BY duration_ms)
                            AS p95_response_time_ms,
                        avg(time_to_first_token_ms)::float8
                            AS average_time_to_first_token_ms
                    FROM call
                    WHERE agent_id = $1
                        AND started_at >= coalesce($2, '-infinity'::timestamptz)
                        AND started_at < coalesce($3, 'infinity'::timestamptz)
                ),
                agent_message AS (
                    SELECT
                        count(*) AS messages_processed,
                        avg(duration_ms)::float8 AS message_duration_ms
                    FROM message
                    WHERE agent_id = $1
                        AND status = 'completed'
                        AND finished_at >= coalesce($2, '-infinity'::timestamptz)
                        AND finished_at < coalesce($3, 'infinity'::timestamptz)
                )
                SELECT
                    calls,
                    errors,
                    errors::float8 / NULLIF(calls, 0) AS error_rate,
                    cancelled_calls,
                    interrupted_calls,
                    input_tokens,
                    cached_input_tokens,
                    output_tokens,
                    reasoning_tokens,
                    input_tokens + cached_input_tokens + output_tokens AS total_tokens,
                    average_response_time_ms,
                    p50_response_time_ms,
                    p95_response_time_ms,
                    average_time_to_first_token_ms,
                    calls AS unpriced_calls,
                    messages_processed,
                    message_duration_ms,
                    now() AS as_of
                FROM agent_call
                CROSS JOIN agent_message
                """,
                agent_id,
                since,
                until,
            )
        return AgentStats.model_validate(
            {**row, "agent_id": agent_id, "since": since, "until": until}
        )

    async def calls(
        self,
        org_id: UUID,
        *,
        agent_id: UUID | None,
        below: UUID | None,
        limit: int,
    ) -> list[Call]:
        async with self._database.organization(org_id) as transaction:
            rows = await transaction.fetch(
                """
                SELECT *
                FROM counted_call
                WHERE ($1::uuid IS NULL OR agent_id = $1)
                    AND ($2::uuid IS NULL OR call_id < $2)
                ORDER BY call_id DESC
                LIMIT $3
                """,
                agent_id,
                below,
                limit,
            )
        return [Call.model_validate(dict(row)) for row in rows]

    async def call(self, org_id: UUID, call_id: UUID) -> Call | None:
        async with self._database.organization(org_id) as transaction:
            row = await transaction.fetchrow(
                """
                SELECT *
                FROM counted_call
                WHERE call_id = $1
                """,
                call_id,
            )
        return None if row is None else Call.model_validate(dict(row))
