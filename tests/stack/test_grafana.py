"""Each query of the Grafana dashboard, asked of a real Prometheus after traffic."""

import json
import math
import time
from collections.abc import AsyncIterator, Mapping
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
import yaml

from ag2trust.waiting import until
from ag2trust_sandbox import ErrorCode, ErrorDetail, Sandbox, Step, Usage
from ag2trust_sandbox.script import ToolCall

from .prometheus import Prometheus, running_prometheus
from .whole import Whole, new_place, running

pytestmark = [
    pytest.mark.stack,
    pytest.mark.timeout(300),
    pytest.mark.asyncio(loop_scope="module"),
]

DEPLOY = Path(__file__).parents[2] / "deploy"
DASHBOARD = DEPLOY / "grafana.json"
ALERTS = DEPLOY / "prometheus-alerts.yml"
# Grafana's is four scrapes at least; all that this test puts in lies in this one.
RATE_INTERVAL = "5m"

PRICED, UNPRICED, UNREACHABLE = "gpt-4o-mini", "sandbox-echo", "sandbox-error-503"
TOO_LONG = Step(
    status=400, error=ErrorDetail(code=ErrorCode.CONTEXT_LENGTH_EXCEEDED.value)
)
ROUNDS = 2
CALLS_A_ROUND, MESSAGES_A_ROUND = 5, 4
TARGETS = 2
OPENAI = {"gen_ai_provider_name": "openai"}
PRICED_MODEL = {**OPENAI, "gen_ai_request_model": PRICED}
UNPRICED_MODEL = {**OPENAI, "gen_ai_request_model": UNPRICED}
RUNNER = {"process": "runner-1"}

MAY_BE_0 = "Age of the oldest record not counted yet by runner"

# What each panel shows of that traffic: series that are there, and above 0 but for one,
# which is 0 whenever it is told between two records.
SHOWN: Mapping[str, list[dict[str, str]]] = {
    "Calls": [{}],
    "Tokens": [{}],
    "Cost": [{}],
    "Calls without a price": [{}],
    "Messages": [{}],
    "Dependencies up": [{}],
    "Calls a second by end": [{"status": "completed"}, {"status": "failed"}],
    "Calls a second by model": [PRICED_MODEL, UNPRICED_MODEL],
    "Failures a second by code": [{**OPENAI, "error_type": "CONTEXT_TOO_LONG"}],
    "Duration of calls, 95th percentile": [PRICED_MODEL, UNPRICED_MODEL],
    "Time to first token, 95th percentile": [PRICED_MODEL, UNPRICED_MODEL],
    "Failovers a second": [{}],
    "Tokens a second by kind": [{"kind": "input"}, {"kind": "output"}],
    "Dollars an hour by model": [PRICED_MODEL],
    "Calls without a price by model": [UNPRICED_MODEL],
    "Messages a second by end": [{"status": "completed"}, {"status": "failed"}],
    "Tool calls a second by end": [{"tool": "current_time", "status": "completed"}],
    "Agents and their connections by runner": [RUNNER],
    MAY_BE_0: [RUNNER],
    "Answers a second by status": [
        {"http_response_status_code": "200"},
        {"http_response_status_code": "404"},
    ],
    "Duration of answers, 95th percentile by route": [
        {"http_route": "/api/agents/{id}/messages"}
    ],
    "Requests in progress": [{}],
    "Questions on the bus a second by answer": [
        {"service": "credentials", "code": "OK"},
        {"service": "agent_runner", "code": "OK"},
    ],
    "Processor": [{"service": "credentials"}, {"job": "gateway"}, {"job": "metrics"}],
    "Memory": [{"service": "credentials"}, {"job": "gateway"}, {"job": "metrics"}],
}


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def stack() -> AsyncIterator[Whole]:
    with new_place() as place:
        async with running(place, "process") as whole:
            yield whole


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def prometheus(
    stack: Whole, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[Prometheus]:
    targets = {
        "gateway": stack.place.gateway_url.removeprefix("http://"),
        "metrics": f"127.0.0.1:{stack.place.metrics_port}",
    }
    folder = tmp_path_factory.mktemp("prometheus")
    async with running_prometheus(folder, targets) as running_beside:
        yield running_beside


def panels() -> dict[str, list[str]]:
    """Return the queries of each panel, by its title."""
    board = json.loads(DASHBOARD.read_text())
    return {
        panel["title"]: [target["expr"] for target in panel["targets"]]
        for panel in board["panels"]
        if panel["type"] != "row"
    }


class Traffic:
    """Agents that have answers, tools, failures and a failover."""

    def __init__(self, stack: Whole, sandbox: Sandbox, agents: dict[str, str]) -> None:
        self._operator = stack.operator
        self._sandbox = sandbox
        self._agents = agents

    @classmethod
    async def prepared(cls, stack: Whole, sandbox: Sandbox) -> "Traffic":
        operator, url = stack.operator, sandbox.base_url
        spare = await operator.made(
            "/api/providers",
            {"name": "spare", "type": "openai", "base_url": url, "api_key": "sk-spare"},
        )
        types: dict[str, dict[str, Any]] = {
            "priced": {"model": PRICED, "tools": ["current_time"]},
            "moving": {
                "model": UNREACHABLE,
                "fallbacks": [{"provider_id": spare["id"], "model": UNPRICED}],
            },
        }
        agents = {
            name: (
                await operator.running_agent(url, f"sk-{name}-key", name=name, **wanted)
            )["agent_id"]
            for name, wanted in types.items()
        }
        return cls(stack, sandbox, agents)

    async def send(self) -> None:
        used = Usage(prompt_tokens=7, completion_tokens=3)
        await self._say("priced", "completed", Step(usage=used))
        tools = (ToolCall(name="current_time"),)
        await self._say("priced", "completed", Step(tool_calls=tools), Step())
        await self._say("priced", "failed", TOO_LONG)
        await self._say("moving", "completed")
        missing = await self._operator.ask(
            "GET", "/api/agents/00000000-0000-7000-8000-000000000000"
        )
        assert missing.status == 404

    async def _say(self, name: str, status: str, *steps: Step) -> None:
        self._sandbox.play(*steps)
        answer = await self._operator.made(
            f"/api/agents/{self._agents[name]}/messages", {"content": "Hello?"}
        )
        assert answer["status"] == status, answer


async def until_seen(prometheus: Prometheus, *, rounds: int, since: float) -> None:
    """Wait until all of so many rounds is in Prometheus; the last ended at *since*."""
    wanted = (rounds * CALLS_A_ROUND, rounds * MESSAGES_A_ROUND, rounds, True)

    async def seen() -> tuple[float, float, float, bool]:
        return (
            await total(prometheus, "Calls"),
            await total(prometheus, "Messages"),
            await tool_calls(prometheus),
            await have_answered(prometheus, since=since),
        )

    await until(
        f"round {rounds}, which is {wanted}", seen, lambda found: found == wanted
    )


async def tool_calls(prometheus: Prometheus) -> float:
    found = await prometheus.asked("sum(ag2trust_tool_calls_total)")
    return found[0][1] if found else math.nan


async def have_answered(prometheus: Prometheus, *, since: float) -> bool:
    """Say whether Prometheus has asked both of its targets *since*, and was told."""
    asked = await prometheus.asked("timestamp(process_cpu_seconds_total)")
    return len(asked) == TARGETS and all(at >= since for _, at in asked)


async def until_shown(
    prometheus: Prometheus, title: str, wanted: list[dict[str, str]]
) -> None:
    await until(
        f"{wanted} in {title!r}",
        lambda: shown(prometheus, title),
        lambda found: all(
            is_among(found, labels, may_be_0=title == MAY_BE_0) for labels in wanted
        ),
    )


def is_among(
    found: list[tuple[dict[str, str], float]],
    labels: dict[str, str],
    *,
    may_be_0: bool = False,
) -> bool:
    return any(
        labels.items() <= has.items() and (value > 0 or may_be_0)
        for has, value in found
    )


async def shown(
    prometheus: Prometheus, title: str
) -> list[tuple[dict[str, str], float]]:
    """Return what a panel shows, the series of all of its queries."""
    return [
        series
        for query in panels()[title]
        for series in await prometheus.asked(
            query.replace("$__rate_interval", RATE_INTERVAL)
        )
    ]


async def total(prometheus: Prometheus, title: str) -> float:
    found = await shown(prometheus, title)
    return found[0][1] if found else math.nan


async def test_every_panel_is_looked_at() -> None:
    assert set(panels()) == set(SHOWN)


async def test_every_panel_shows_what_was_put_in(
    stack: Whole, sandbox: Sandbox, prometheus: Prometheus
) -> None:
    traffic = await Traffic.prepared(stack, sandbox)
    for done in range(1, ROUNDS + 1):  # a rate is of what was seen to change
        await traffic.send()
        await until_seen(prometheus, rounds=done, since=time.time())

    for title, wanted in SHOWN.items():
        await until_shown(prometheus, title, wanted)
    usage = (await stack.operator.ask("GET", "/api/stats/usage/summary")).body
    assert usage["calls"] == ROUNDS * CALLS_A_ROUND
    assert await total(prometheus, "Tokens") == usage["total_tokens"]
    assert await total(prometheus, "Cost") == pytest.approx(float(usage["cost_usd"]))
    assert await total(prometheus, "Calls without a price") == usage["unpriced_calls"]
    assert await total(prometheus, "Messages") == ROUNDS * MESSAGES_A_ROUND
    assert await total(prometheus, "Dependencies up") == 1


async def test_the_alerts_are_silent_while_all_is_well_and_can_tell(
    prometheus: Prometheus,
) -> None:
    await until_shown(prometheus, MAY_BE_0, [RUNNER])
    [group] = yaml.safe_load(ALERTS.read_text())["groups"]
    alerts = {rule["alert"]: rule["expr"] for rule in group["rules"]}
    behind = alerts["CountingIsBehind"]

    silent = {name: await prometheus.asked(each) for name, each in alerts.items()}
    at_once = await prometheus.asked(behind.replace("> 60", ">= 0"))

    assert silent == {"CountingIsBehind": [], "CountingIsNotTold": []}
    assert is_among(at_once, RUNNER, may_be_0=True)
