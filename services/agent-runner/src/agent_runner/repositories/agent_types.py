"""Agent types in PostgreSQL: the row, and its versions that never change."""

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any
from uuid import UUID

import asyncpg
from pydantic import TypeAdapter

from agent_runner.limits.budget import in_measure
from shared.contracts.agent_types import (
    AgentLimits,
    AgentRuntime,
    AgentType,
    AgentTypeSubmission,
    CredentialDelivery,
    OnAckOnly,
    Resources,
)
from shared.contracts.limits import AgentTypeBudget, BudgetMode, BudgetPeriod
from shared.contracts.routes import Fallback, Residency
from shared.contracts.tools import Tool
from shared.database import Database, Transaction
from shared.errors import (
    AgentTypeInUseError,
    AgentTypeNotFoundError,
    ConflictError,
    NameTakenError,
)
from shared.twins import wait_for_twins

__all__ = [
    "AGENT_TYPE_COLUMNS",
    "add_agent_type",
    "add_agent_type_version",
    "agent_type",
    "agent_type_of",
    "agent_types",
    "keep_agent_type",
    "limits_of",
    "models_in_use",
    "remove_agent_type",
]

AGENT_TYPE_COLUMNS = """
    t.id, t.name, t.slug, t.fallbacks, t.residency, t.limits, t.created_at,
    t.updated_at, v.version, v.use_case, v.labels, v.provider_id, v.model,
    v.allowed_models,
    v.system_prompt, v.temperature, v.max_tokens, v.resources, v.on_ack_only,
    v.provider_features, v.runtime, v.runner_labels, v.credential_delivery, v.image,
    v.tools,
    (SELECT to_jsonb(b) FROM budget b WHERE b.agent_type_id = t.id) AS budget
"""
"""A version `v` of the type `t`, for `agent_type_of`."""

_AGENTS_NAMED = 100
_TOOLS: TypeAdapter[list[Tool]] = TypeAdapter(list[Tool])


async def add_agent_type(
    transaction: Transaction,
    *,
    org_id: UUID,
    agent_type_id: UUID,
    submission: AgentTypeSubmission,
    at: datetime,
) -> bool:
    """Add version 1; *agent_type_id* added before is left as it is: False."""
    await wait_for_twins(transaction, agent_type_id)
    try:
        added = await transaction.fetchval(
            """
            INSERT INTO agent_type (
                id, org_id, name, slug, version, fallbacks, created_at, updated_at
            )
            VALUES ($1, $2, $3, $4, 0, '[]', $5, $5)
            ON CONFLICT (id) DO NOTHING
            RETURNING id
            """,
            agent_type_id,
            org_id,
            submission.name,
            submission.slug,
            at,
        )
    except asyncpg.UniqueViolationError as error:
        raise _taken(error, submission) from error
    if added is None:
        return False
    await add_agent_type_version(
        transaction,
        org_id=org_id,
        agent_type_id=agent_type_id,
        submission=submission,
        after_version=0,
        at=at,
    )
    return True


async def add_agent_type_version(
    transaction: Transaction,
    *,
    org_id: UUID,
    agent_type_id: UUID,
    submission: AgentTypeSubmission,
    after_version: int,
    at: datetime,
    needs_restart: bool = True,
) -> None:
    """Make *submission* the newest version of the type, if it still follows.

    Agents of older versions are to be restarted if it *needs_restart*.
    """
    try:
        version = await transaction.fetchval(
            """
            UPDATE agent_type
            SET name = $2,
                slug = $3,
                version = version + 1,
                updated_at = $4,
                fallbacks = $6,
                residency = $7,
                limits = $9,
                restart_version =
                    CASE WHEN $8 THEN NULL ELSE COALESCE(restart_version, version) END
            WHERE id = $1 AND version = $5
            RETURNING version
            """,
            agent_type_id,
            submission.name,
            submission.slug,
            at,
            after_version,
            [each.model_dump(mode="json") for each in submission.fallbacks],
            submission.residency and submission.residency.model_dump(mode="json"),
            needs_restart,
            submission.limits.model_dump(),
        )
    except asyncpg.UniqueViolationError as error:
        raise _taken(error, submission) from error
    if version is None:
        raise ConflictError("Somebody else has just changed this agent type.")
    await transaction.execute(
        """
        INSERT INTO agent_type_version (
            agent_type_id, version, org_id, use_case, labels, provider_id, model,
            allowed_models, system_prompt, temperature, max_tokens, resources,
            on_ack_only, provider_features, runtime, runner_labels, credential_delivery,
            image, tools
        )
        VALUES (
            $1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17,
            $18, $19
        )
        """,
        agent_type_id,
        version,
        org_id,
        submission.use_case,
        submission.labels,
        submission.provider_id,
        submission.model,
        submission.allowed_models or [submission.model],
        submission.system_prompt,
        submission.temperature,
        submission.max_tokens,
        submission.resources.model_dump(),
        submission.on_ack_only,
        sorted(set(submission.provider_features)),
        submission.runtime,
        submission.runner_labels,
        submission.credential_delivery or CredentialDelivery.ENVIRONMENT,
        submission.image,
        [each.model_dump(mode="json") for each in submission.tools],
    )


async def agent_type(
    transaction: Transaction, agent_type_id: UUID, version: int | None = None
) -> AgentType:
    """Read one version of a type, the newest unless *version* names another."""
    row = await transaction.fetchrow(
        f"""
        SELECT {AGENT_TYPE_COLUMNS}
        FROM agent_type t
        JOIN agent_type_version v
          ON v.agent_type_id = t.id AND v.version = COALESCE($2, t.version)
        WHERE t.id = $1
        """,  # noqa: S608 - our own column list
        agent_type_id,
        version,
    )
    if row is None:
        raise _missing(agent_type_id)
    return agent_type_of(row)


async def agent_types(
    transaction: Transaction, *, before: UUID | None, limit: int
) -> list[AgentType]:
    """List newest versions, newest type first, those older than *before*."""
    rows = await transaction.fetch(
        f"""
        SELECT {AGENT_TYPE_COLUMNS}
        FROM agent_type t
        JOIN agent_type_version v ON v.agent_type_id = t.id AND v.version = t.version
        WHERE $1::uuid IS NULL OR t.id < $1
        ORDER BY t.id DESC
        LIMIT $2
        """,  # noqa: S608 - our own column list
        before,
        limit,
    )
    return [agent_type_of(row) for row in rows]


async def limits_of(
    database: Database, org_id: UUID, agent_type_id: UUID
) -> tuple[AgentLimits, int]:
    """Read what the tools of a type's agents may do now, and in which version."""
    async with database.organization(org_id) as transaction:
        row = await transaction.fetchrow(
            """
            SELECT limits, version
            FROM agent_type
            WHERE id = $1
            """,
            agent_type_id,
        )
    if row is None:
        raise _missing(agent_type_id)
    return AgentLimits.model_validate(row["limits"]), row["version"]


async def models_in_use(transaction: Transaction, provider_id: UUID) -> list[str]:
    """List the models that types may ask a provider for, also as a fallback.

    Those of newest and running versions.
    """
    rows = await transaction.fetch(
        """
        SELECT unnest(v.allowed_models) AS model
        FROM agent_type t
        JOIN agent_type_version v ON v.agent_type_id = t.id
        WHERE v.provider_id = $1
          AND (
              v.version = t.version
              OR EXISTS (
                  SELECT 1
                  FROM agent a
                  WHERE a.agent_type_id = t.id
                    AND a.agent_type_version = v.version
                    AND a.desired_state = 'running'
              )
          )
        UNION
        SELECT fallback ->> 'model' AS model
        FROM agent_type t
        CROSS JOIN LATERAL jsonb_array_elements(t.fallbacks) AS fallback
        WHERE fallback ->> 'provider_id' = $1::uuid::text
        ORDER BY model
        """,
        provider_id,
    )
    return [row["model"] for row in rows]


async def keep_agent_type(transaction: Transaction, agent_type_id: UUID) -> None:
    """Let nobody remove a type before the transaction ends.

    Raises `AgentTypeNotFoundError`.
    """
    kept = await transaction.fetchval(
        "SELECT id FROM agent_type WHERE id = $1 FOR KEY SHARE", agent_type_id
    )
    if kept is None:
        raise _missing(agent_type_id)


async def remove_agent_type(transaction: Transaction, agent_type_id: UUID) -> None:
    """Remove a type that no agent has; the database refuses any other."""
    if agents := await _agents_of(transaction, agent_type_id):
        raise _in_use(agents)
    try:
        removed = await transaction.fetchval(
            "DELETE FROM agent_type WHERE id = $1 RETURNING id", agent_type_id
        )
    except asyncpg.ForeignKeyViolationError as error:  # of an agent made just then
        raise _in_use([]) from error
    if removed is None:
        raise _missing(agent_type_id)


async def _agents_of(
    transaction: Transaction, agent_type_id: UUID
) -> list[dict[str, str]]:
    rows = await transaction.fetch(
        """
        SELECT id, name
        FROM agent
        WHERE agent_type_id = $1
        ORDER BY name
        LIMIT $2
        """,
        agent_type_id,
        _AGENTS_NAMED,
    )
    return [{"id": str(row["id"]), "name": row["name"]} for row in rows]


def _in_use(agents: Iterable[Mapping[str, str]]) -> AgentTypeInUseError:
    return AgentTypeInUseError(
        "Agents of this type exist; delete or reassign them first.",
        details={"agents": [dict(each) for each in agents]},
    )


def _missing(agent_type_id: UUID) -> AgentTypeNotFoundError:
    return AgentTypeNotFoundError(f"There is no agent type {agent_type_id}.")


def _taken(
    error: asyncpg.UniqueViolationError, submission: AgentTypeSubmission
) -> NameTakenError:
    if error.constraint_name == "agent_type_slug_unique":
        return NameTakenError(
            f'An agent type has the slug "{submission.slug}" already.'
        )
    return NameTakenError(f'An agent type is named "{submission.name}" already.')


def agent_type_of(row: asyncpg.Record) -> AgentType:
    """Read a type from a row that has `AGENT_TYPE_COLUMNS`."""
    return AgentType(
        id=row["id"],
        version=row["version"],
        name=row["name"],
        slug=row["slug"],
        use_case=row["use_case"],
        labels=row["labels"],
        provider_id=row["provider_id"],
        model=row["model"],
        allowed_models=row["allowed_models"],
        fallbacks=[Fallback.model_validate(each) for each in row["fallbacks"]],
        residency=row["residency"] and Residency.model_validate(row["residency"]),
        system_prompt=row["system_prompt"],
        temperature=row["temperature"],
        max_tokens=row["max_tokens"],
        tools=_TOOLS.validate_python(row["tools"]),
        resources=Resources.model_validate(row["resources"]),
        limits=AgentLimits.model_validate(row["limits"]),
        budget=row["budget"] and _budget_of(row["budget"]),
        on_ack_only=OnAckOnly(row["on_ack_only"]),
        provider_features=row["provider_features"],
        runtime=AgentRuntime(row["runtime"]) if row["runtime"] else None,
        runner_labels=row["runner_labels"],
        credential_delivery=CredentialDelivery(row["credential_delivery"]),
        image=row["image"],
        created_at=row["created_at"],
        updated_at=row["updated_at"],
    )


def _budget_of(row: Mapping[str, Any]) -> AgentTypeBudget:
    amount, is_in_dollars = row["amount"], row["is_in_dollars"]
    return AgentTypeBudget(
        id=UUID(row["id"]),
        name=row["name"],
        tokens=None if is_in_dollars else amount,
        usd=in_measure(amount, is_in_dollars=True) if is_in_dollars else None,
        period=BudgetPeriod(row["period"]),
        time_zone=row["time_zone"],
        mode=BudgetMode(row["mode"]),
        warn_at_percent=row["warn_at_percent"],
    )
