from datetime import UTC, datetime, timedelta

from aiohttp import ClientSession

from shared.contracts.agent_runner import GET_AGENT
from shared.contracts.metrics import AGENT_STATS
from shared.errors import AgentNotFoundError

from .fakes import Neighbours
from .objects import AGENT, NOON, ORGANIZATION, SOME_ID, STATS

ONE = f"/api/agents/{SOME_ID}/stats"


async def test_the_statistics_of_an_agent_are_since_its_creation(
    client: ClientSession, neighbours: Neighbours
) -> None:
    neighbours.answer(GET_AGENT, AGENT)
    neighbours.answer(AGENT_STATS, STATS)

    async with client.get(ONE) as response:
        body = await response.json()

    assert response.status == 200
    assert body["total_tokens"] == 30
    assert body["average_response_time_ms"] == 120.5
    assert body["messages_processed"] == 1
    assert body["errors"] == 0
    assert body["from"] == "2026-01-01T12:00:00Z"
    assert body["to"] is None
    assert body["as_of"] == "2026-01-01T12:00:00Z"
    question = neighbours.question(AGENT_STATS)
    assert question.org_id == ORGANIZATION
    assert question.agent_id == SOME_ID
    assert (question.since, question.until) == (None, None)


async def test_a_period_ends_now(client: ClientSession, neighbours: Neighbours) -> None:
    neighbours.answer(GET_AGENT, AGENT)
    neighbours.answer(AGENT_STATS, STATS)

    async with client.get(f"{ONE}?period=24h") as response:
        assert response.status == 200

    question = neighbours.question(AGENT_STATS)
    assert question.since == NOON - timedelta(hours=24)
    assert question.until == NOON


async def test_times_of_any_zone_are_asked_for_in_utc(
    client: ClientSession, neighbours: Neighbours
) -> None:
    neighbours.answer(GET_AGENT, AGENT)
    neighbours.answer(AGENT_STATS, STATS)
    times = {"from": "2026-01-01T02:00:00+02:00", "to": "2026-01-02T00:00:00.5Z"}

    async with client.get(ONE, params=times) as response:
        assert response.status == 200

    question = neighbours.question(AGENT_STATS)
    assert question.since == datetime(2026, 1, 1, tzinfo=UTC)
    assert question.until == datetime(2026, 1, 2, microsecond=500_000, tzinfo=UTC)


async def test_an_agent_that_nobody_has_is_not_found_though_metrics_would_answer(
    client: ClientSession, neighbours: Neighbours
) -> None:
    neighbours.answer(GET_AGENT, AgentNotFoundError("There is no such agent."))
    neighbours.answer(AGENT_STATS, STATS)

    async with client.get(ONE) as response:
        assert response.status == 404
        assert (await response.json())["error_code"] == "AGENT_NOT_FOUND"
