"""What calls cost, from an unknown model to its price, and what was used by whom."""

import csv
import io
from datetime import UTC, datetime, timedelta
from typing import Any

import aiohttp
import pytest

from ag2trust.operator import Operator
from ag2trust_sandbox import Sandbox, Step, Usage

from .whole import Whole

pytestmark = [pytest.mark.stack, pytest.mark.asyncio(loop_scope="module")]

MODEL = "sandbox-echo"
TOKENS = Usage(prompt_tokens=1_500, cached_tokens=500, completion_tokens=200)
PRICES = {"input": 2, "cached_input": 1, "output": 10}
COST = (1_000 * 2 + 500 * 1 + 200 * 10) / 1_000_000


@pytest.fixture(scope="module")
def runtime() -> str:
    return "process"


async def test_a_call_without_a_price_gets_one_by_an_override_and_a_repricing(
    whole: Whole, sandbox: Sandbox, provider_key: str
) -> None:
    operator = whole.operator
    ids = await operator.running_agent(sandbox.base_url, provider_key)
    agent = f"/api/agents/{ids['agent_id']}"
    sandbox.play(Step(usage=TOKENS))
    await operator.made(f"{agent}/messages", {"content": "Hello?"})
    unpriced = await operator.until(f"{agent}/stats", calls=1, messages_processed=1)

    override = await put_price(operator, ids["provider_id"])
    repricing = await reprice_the_last_hour(operator)
    priced = await operator.until(f"{agent}/stats", unpriced_calls=0)

    assert (unpriced["cost_usd"], unpriced["unpriced_calls"]) == (None, 1)
    assert priced["cost_usd"] == pytest.approx(COST)
    assert priced["total_tokens"] == 1_700
    assert priced["cached_input_tokens"] == 500
    assert repricing["calls_changed"] == 1
    assert repricing["cost_usd_after"] == pytest.approx(COST)
    [changed] = repricing["models"]
    assert (changed["model"], changed["newly_priced"]) == (MODEL, 1)
    [call] = await operator.all_of("/api/calls")
    assert call["price_version"] == f"override-{override['id']}.1"
    await assert_every_read_tells_the_same(whole, ids)


async def put_price(operator: Operator, provider_id: str) -> Any:
    answer = await operator.ask(
        "PUT",
        "/api/prices",
        {
            "provider_type": "openai",
            "provider_id": provider_id,
            "model": MODEL,
            "effective_from": "2026-01-01T00:00:00Z",
            "usd_per_million_tokens": PRICES,
        },
    )
    assert answer.status == 200
    return answer.body


async def reprice_the_last_hour(operator: Operator) -> Any:
    now = datetime.now(UTC)
    period = {
        "from": (now - timedelta(hours=1)).isoformat(),
        "to": (now + timedelta(hours=1)).isoformat(),
    }
    ordered = await operator.ask("POST", "/api/prices/reprice", period)
    assert ordered.status == 202
    return await operator.until(ordered.headers["Location"], status="completed")


async def assert_every_read_tells_the_same(whole: Whole, ids: dict[str, Any]) -> None:
    usage, ask = "/api/stats/usage", whole.operator.ask
    summary = (await ask("GET", f"{usage}/summary")).body
    days = (await ask("GET", f"{usage}/timeline?interval=day&tz=Asia/Kolkata")).body
    rows = {
        "agent_id": (await ask("GET", f"{usage}/by-agent")).body["data"],
        "agent_type_id": (await ask("GET", f"{usage}/by-agent-type")).body["data"],
        "provider_id": (await ask("GET", f"{usage}/by-provider")).body["data"],
        "model": (await ask("GET", f"{usage}/by-model")).body["data"],
        "use_case": (await ask("GET", f"{usage}/by-use-case")).body["data"],
    }
    [exported] = await export(whole)

    assert summary["cost_usd"] == pytest.approx(COST)
    assert sum(each["calls"] for each in days["data"]) == 1
    keys = {**ids, "model": MODEL, "use_case": None}
    for name, [row] in rows.items():
        assert row[name] == keys[name]
        assert row["cost_usd"] == pytest.approx(COST)
        assert (row["calls"], row["total_tokens"]) == (1, 1_700)
    assert exported["agent_id"] == ids["agent_id"]
    assert float(exported["cost_usd"]) == pytest.approx(COST)


async def export(whole: Whole) -> list[dict[str, str]]:
    async with (
        aiohttp.ClientSession(headers={"X-API-Key": whole.key}) as session,
        session.get(f"{whole.place.gateway_url}/api/stats/export.csv") as response,
    ):
        return list(csv.DictReader(io.StringIO(await response.text())))
