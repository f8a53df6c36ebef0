import pytest
from aiohttp import ClientSession

from shared.contracts.agent_types import AgentRuntime
from shared.contracts.base import Page
from shared.contracts.runners import (
    DRAIN_RUNNER,
    GET_RUNNER,
    LIST_RUNNERS,
    UNDRAIN_RUNNER,
    Runner,
    RunnerStatus,
)
from shared.errors import RunnerNotFoundError

from .fakes import Neighbours
from .objects import NOON, ORGANIZATION, SOME_ID

RUNNER = Runner(
    id=SOME_ID,
    name="runner-1",
    status=RunnerStatus.READY,
    runtime=AgentRuntime.DOCKER,
    capacity=50,
    labels={"zone": "eu"},
    agents=7,
    started_at=NOON,
    renewed_at=NOON,
)
ONE = f"/api/runners/{SOME_ID}"


async def test_runners_are_listed(
    client: ClientSession, neighbours: Neighbours
) -> None:
    neighbours.answer(LIST_RUNNERS, Page(data=[RUNNER]))

    async with client.get("/api/runners") as response:
        body = await response.json()

    assert response.status == 200
    assert body["data"][0]["name"] == "runner-1"
    assert body["data"][0]["agents"] == 7


async def test_a_runner_is_shown(client: ClientSession, neighbours: Neighbours) -> None:
    neighbours.answer(GET_RUNNER, RUNNER)

    async with client.get(ONE) as response:
        body = await response.json()

    assert response.status == 200
    assert (body["status"], body["labels"]) == ("ready", {"zone": "eu"})


async def test_a_runner_is_drained_and_taken_back(
    client: ClientSession, neighbours: Neighbours
) -> None:
    draining = RUNNER.model_copy(update={"status": RunnerStatus.DRAINING})
    neighbours.answer(DRAIN_RUNNER, draining)
    neighbours.answer(UNDRAIN_RUNNER, RUNNER)

    async with client.post(f"{ONE}/drain") as drained:
        body = await drained.json()
    async with client.post(f"{ONE}/undrain") as undrained:
        pass

    assert (drained.status, body["status"]) == (202, "draining")
    assert undrained.status == 200
    question = neighbours.question(DRAIN_RUNNER)
    assert (question.runner_id, question.org_id) == (SOME_ID, ORGANIZATION)


@pytest.mark.parametrize("runner_id", ["runner-1", str(SOME_ID)])
async def test_a_runner_that_is_none_is_not_found(
    client: ClientSession, neighbours: Neighbours, runner_id: str
) -> None:
    neighbours.answer(DRAIN_RUNNER, RunnerNotFoundError("There is no such runner."))

    async with client.post(f"/api/runners/{runner_id}/drain") as response:
        body = await response.json()

    assert response.status == 404
    assert body["error_code"] == "RUNNER_NOT_FOUND"
