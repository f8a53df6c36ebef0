"""Services go on while the schema of the next version comes to their tables."""

import asyncio
from http import HTTPStatus

import pytest

from ag2trust.operator import Operator
from ag2trust.testing import Stack
from ag2trust_sandbox import Sandbox

pytestmark = pytest.mark.integration

ADDED = """
DO $$
DECLARE
    each record;
BEGIN
    FOR each IN
        SELECT c.oid::regclass AS name
        FROM pg_class c
        JOIN pg_namespace n ON n.oid = c.relnamespace
        WHERE n.nspname IN ('agent_runner', 'credentials', 'gateway', 'metrics')
            AND c.relkind IN ('r', 'p')
            AND NOT c.relispartition
    LOOP
        EXECUTE format('ALTER TABLE %s ADD COLUMN of_the_next_version text', each.name);
    END LOOP;
END
$$
"""
AT_ONCE = 10
LISTS = (
    *("agents", "agent-types", "alerts", "api-keys", "audit", "budgets", "calls"),
    *("mcp-servers", "providers", "runners", "threads", "users", "webhooks"),
)


async def test_who_is_asked_while_columns_come_goes_on(
    operator: Operator, stack: Stack, sandbox: Sandbox, provider_key: str
) -> None:
    ids = await operator.running_agent(sandbox.base_url, provider_key)
    agent = f"/api/agents/{ids['agent_id']}"
    before = await asked_at_once(operator)
    assert before == {HTTPStatus.OK}

    superuser = await stack.connect()
    await superuser.execute(ADDED)
    await superuser.close()
    after = await asked_at_once(operator)

    assert after == {HTTPStatus.OK}
    answer = await operator.made(f"{agent}/messages", {"content": "And now?"})
    assert answer["content"].endswith("You said: And now?")
    await operator.until(f"{agent}/stats", calls=1)


async def asked_at_once(operator: Operator) -> set[int]:
    """Ask for every list; so often that each connection of a pool has its turn."""
    asking = (operator.ask("GET", f"/api/{each}") for each in LISTS * AT_ONCE)
    return {each.status for each in await asyncio.gather(*asking)}
