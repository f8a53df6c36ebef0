"""Which agents of a type could take a message, as PostgreSQL knows them."""

from uuid import UUID

from shared.database import Transaction
from shared.errors import AgentTypeNotFoundError, ThreadNotFoundError

__all__ = ["agent_type_named", "least_busy", "takes_messages", "thread_agent"]


async def agent_type_named(transaction: Transaction, slug: str) -> UUID:
    """Find a type by its *slug*. Raises `AgentTypeNotFoundError`."""
    agent_type_id: UUID | None = await transaction.fetchval(
        "SELECT id FROM agent_type WHERE slug = $1", slug
    )
    if agent_type_id is None:
        raise AgentTypeNotFoundError(f'There is no agent type "{slug}".')
    return agent_type_id


async def thread_agent(
    transaction: Transaction, thread_id: UUID, *, agent_type_id: UUID
) -> UUID:
    """Return whose thread it is, and be the agent gone; locks the thread.

    Raises `ThreadNotFoundError` if no agent of this type ever spoke in it.
    """
    agent_id: UUID | None = await transaction.fetchval(
        """
        SELECT t.agent_id
        FROM thread t
        WHERE t.id = $1 AND EXISTS (
            SELECT 1
            FROM message m
            WHERE m.thread_id = t.id AND m.agent_type_id = $2
        )
        FOR UPDATE
        """,
        thread_id,
        agent_type_id,
    )
    if agent_id is None:
        raise ThreadNotFoundError(f"The agent type has no thread {thread_id}.")
    return agent_id


async def takes_messages(
    transaction: Transaction, agent_id: UUID, *, agent_type_id: UUID
) -> bool:
    """Say whether an agent is of the type and is to run."""
    found = await transaction.fetchval(
        """
        SELECT id
        FROM agent
        WHERE id = $1 AND agent_type_id = $2
          AND desired_state = 'running'
        """,
        agent_id,
        agent_type_id,
    )
    return found is not None


async def least_busy(transaction: Transaction, agent_type_id: UUID) -> UUID | None:
    """Choose who runs before who is about to, and who has the least to do."""
    agent_id: UUID | None = await transaction.fetchval(
        """
        SELECT a.id
        FROM agent a
        LEFT JOIN message m
            ON m.agent_id = a.id AND m.status IN ('queued', 'running')
        WHERE a.agent_type_id = $1
          AND a.desired_state = 'running'
        GROUP BY a.id, a.status
        ORDER BY a.status <> 'running', count(m.id), a.id
        LIMIT 1
        """,
        agent_type_id,
    )
    return agent_id
