"""One audit of what four services keep."""

from typing import Any

import pytest

from ag2trust.operator import Operator
from ag2trust_sandbox import Sandbox

pytestmark = pytest.mark.integration


async def test_the_acts_of_all_services_are_one_list_newest_first(
    operator: Operator, sandbox: Sandbox, provider_key: str
) -> None:
    ids = await operator.running_agent(sandbox.base_url, provider_key)
    await operator.made("/api/api-keys", {"name": "second"})
    price = {
        "provider_type": "openai",
        "model": "sandbox-echo",
        "effective_from": "2026-01-01T00:00:00Z",
        "usd_per_million_tokens": {"input": "1", "output": "2"},
    }
    priced = await operator.ask("PUT", "/api/prices", price)

    told = await operator.all_of("/api/audit")
    paged = await _in_pages(operator, of=3)

    assert priced.status == 200
    assert {each["service"] for each in told} == {
        "credentials",
        "gateway",
        "agent_runner",
        "metrics",
    }
    acts = {(each["service"], each["act"]) for each in told}
    assert acts >= {
        ("credentials", "provider.created"),
        ("credentials", "lease.granted"),
        ("agent_runner", "agent.started"),
        ("gateway", "api_key.created"),
    }
    assert [each["id"] for each in told] == sorted(
        (each["id"] for each in told), reverse=True
    )
    assert paged == told
    assert {each["object_id"] for each in told} >= set(ids.values())


async def _in_pages(operator: Operator, *, of: int) -> list[dict[str, Any]]:
    told: list[dict[str, Any]] = []
    query = f"?limit={of}"
    while True:
        page = (await operator.ask("GET", f"/api/audit{query}")).body
        told += page["data"]
        if page["next_cursor"] is None:
            return told
        query = f"?limit={of}&cursor={page['next_cursor']}"
