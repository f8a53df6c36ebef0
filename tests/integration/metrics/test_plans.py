"""What PostgreSQL plans to do for reads, in tables that no service sweeps meanwhile."""

import pytest

from .conftest import Superuser

pytestmark = [pytest.mark.integration, pytest.mark.usefixtures("schema")]


@pytest.mark.parametrize(
    ("condition", "finds"),
    [
        ("model::name = 'gpt-5'::text::name", True),
        ("left(model, 500) = 'gpt-5'", False),
        ("code = left('TIMEOUT', 500)", True),
        ("explanation ->> 'code' = 'TIMEOUT'", False),
    ],
    ids=["model", "not leakproof", "code", "not a column"],
)
async def test_an_index_finds_a_model_or_code_if_row_level_security_lets_it(
    superuser: Superuser, condition: str, *, finds: bool
) -> None:
    """Without other indexes, for so few calls any is as good."""
    await superuser.execute(
        """
        DROP INDEX call_by_time, call_by_agent, call_by_agent_type, call_by_provider,
            call_not_completed;
        SET enable_seqscan = off;
        SET ROLE metrics
        """
    )

    plan = await superuser.fetch(f"EXPLAIN SELECT FROM call WHERE {condition}")

    conditions = [row[0] for row in plan if "Index Cond" in row[0]]
    assert any("model" in each or "code" in each for each in conditions) is finds
