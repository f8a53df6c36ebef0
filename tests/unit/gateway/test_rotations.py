"""`POST /providers/{id}/rotate`, restarts of agent types, and the jobs they are."""

from typing import Any
from uuid import UUID

import pytest
from aiohttp import ClientSession

from gateway.access.permissions import Permission, Role
from shared.bus import answer
from shared.contracts.agent_types import (
    GET_AGENT_TYPE,
    MODELS_IN_USE,
    UPDATE_AGENT_TYPE,
    ModelsInUse,
)
from shared.contracts.base import Empty
from shared.contracts.credentials import GET_PROVIDER, ProviderPatch, ProviderType
from shared.contracts.credentials import submission_binding as binding
from shared.contracts.rotations import DISCARD_SECRET, STAGE_SECRET
from shared.errors import ProviderIncompleteError, ProviderNotFoundError
from shared.identity import Identity

from .fakes import FakeApiKeys, FakeJobs, Neighbours
from .objects import AGENT_TYPE, ELSEWHERE, ORGANIZATION, PROVIDER, SOME_ID

ROTATE = f"/api/providers/{SOME_ID}/rotate"
SECRET = "sk-a-new-key-of-the-provider"
TO_ANOTHER = {"to_provider_id": str(ELSEWHERE)}
ANOTHER = PROVIDER.model_copy(update={"id": ELSEWHERE, "name": "Another"})


async def _posted(
    client: ClientSession, path: str, body: object = None, **headers: str
) -> tuple[int, dict[str, Any], str | None]:
    async with client.post(path, json=body, headers=headers) as response:
        return (
            response.status,
            await response.json(),
            response.headers.get("Location"),
        )


async def test_a_new_secret_is_staged_sealed_before_its_job_begins(
    client: ClientSession,
    neighbours: Neighbours,
    credentials: Identity,
    jobs: FakeJobs,
) -> None:
    neighbours.answer(STAGE_SECRET, Empty())

    status, job, location = await _posted(client, ROTATE, {"api_key": f" {SECRET}"})

    question = neighbours.question(STAGE_SECRET)
    opened = credentials.sealing_key.open(
        question.sealed, info=binding(ORGANIZATION, SOME_ID)
    )
    patch = ProviderPatch.model_validate_json(opened)
    assert status == 202
    assert location == f"/api/jobs/{job['id']}"
    assert question.rotation_id == UUID(job["id"])
    assert patch.model_fields_set == {"api_key"}
    assert [step["name"] for step in job["steps"]] == ["test", "switch", "restart"]
    assert SECRET not in str(jobs.jobs)


async def test_a_secret_that_no_job_will_use_is_dropped(
    client: ClientSession, neighbours: Neighbours, jobs: FakeJobs
) -> None:
    neighbours.answer(DISCARD_SECRET, Empty())

    async def stage(_: object) -> Empty:
        jobs.busy.add(SOME_ID)
        return Empty()

    neighbours.bus.serve(answer(STAGE_SECRET, stage))

    status, body, _ = await _posted(client, ROTATE, {"api_key": SECRET})

    assert (status, body["error_code"]) == (409, "JOB_RUNNING")
    assert neighbours.question(DISCARD_SECRET).provider_id == SOME_ID


async def test_while_a_job_works_on_a_provider_no_secret_is_taken(
    client: ClientSession, neighbours: Neighbours, jobs: FakeJobs
) -> None:
    jobs.busy.add(SOME_ID)

    status, body, _ = await _posted(client, ROTATE, {"api_key": SECRET})

    assert (status, body["error_code"]) == (409, "JOB_RUNNING")
    assert neighbours.subjects == []


async def test_another_provider_takes_the_place_and_the_old_one_goes(
    client: ClientSession, neighbours: Neighbours
) -> None:
    neighbours.answer(GET_PROVIDER, PROVIDER, ANOTHER)

    status, job, _ = await _posted(client, ROTATE, TO_ANOTHER | {"delete_old": True})

    assert status == 202
    assert [step["name"] for step in job["steps"]] == [
        "test",
        "retire",
        "move",
        "restart",
        "delete",
    ]


async def test_bedrock_is_tested_with_a_model_of_the_old_provider(
    client: ClientSession, neighbours: Neighbours
) -> None:
    bedrock = {"type": ProviderType.BEDROCK}
    neighbours.answer(
        GET_PROVIDER,
        PROVIDER.model_copy(update=bedrock),
        ANOTHER.model_copy(update=bedrock),
    )
    neighbours.answer(MODELS_IN_USE, ModelsInUse(models=["anthropic.claude"]))

    _, job, _ = await _posted(client, ROTATE, TO_ANOTHER)

    assert job["model"] == "anthropic.claude"


@pytest.mark.parametrize(
    "changes",
    [
        {"id": SOME_ID},
        {"type": ProviderType.ANTHROPIC},
        {"enabled": False},
        {"is_retiring": True},
    ],
)
async def test_a_provider_that_cannot_take_the_place_is_refused(
    client: ClientSession,
    neighbours: Neighbours,
    jobs: FakeJobs,
    changes: dict[str, Any],
) -> None:
    neighbours.answer(GET_PROVIDER, PROVIDER, ANOTHER.model_copy(update=changes))

    status, body, _ = await _posted(client, ROTATE, TO_ANOTHER)

    assert (status, body["error_code"]) == (422, "VALIDATION_FAILED")
    assert body["details"]["fields"][0]["field"] == "to_provider_id"
    assert jobs.jobs == {}


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"api_key": SECRET, **TO_ANOTHER},
        {"api_key": SECRET, "delete_old": True},
        {"delete_old": True},
        {"to_provider_id": "another"},
        {"api_key": SECRET, "name": "x"},
    ],
)
async def test_what_says_neither_or_both_is_refused(
    client: ClientSession, neighbours: Neighbours, body: dict[str, Any]
) -> None:
    status, said, _ = await _posted(client, ROTATE, body)

    assert (status, said["error_code"]) == (422, "VALIDATION_FAILED")
    assert neighbours.subjects == []
    assert SECRET not in str(said)


async def test_what_credentials_refuses_is_refused_and_begins_no_job(
    client: ClientSession, neighbours: Neighbours, jobs: FakeJobs
) -> None:
    neighbours.answer(STAGE_SECRET, ProviderIncompleteError("It needs more."))

    status, body, _ = await _posted(client, ROTATE, {"aws_session_token": "token"})

    assert (status, body["error_code"]) == (422, "PROVIDER_INCOMPLETE")
    assert jobs.jobs == {}


async def test_the_same_request_sent_again_is_the_same_job(
    client: ClientSession, neighbours: Neighbours, jobs: FakeJobs
) -> None:
    neighbours.answer(STAGE_SECRET, Empty())
    key = {"Idempotency-Key": "once"}

    first = await _posted(client, ROTATE, {"api_key": SECRET}, **key)
    second = await _posted(client, ROTATE, {"api_key": SECRET}, **key)

    assert first == second
    assert len(jobs.jobs) == 1


async def test_a_key_for_providers_alone_may_not_move_agents(
    client: ClientSession, api_keys: FakeApiKeys
) -> None:
    api_keys.give("cust_" + "n" * 40, Role.OWNER)
    api_keys.narrow(api_keys.keys[-1].id, frozenset({Permission.PROVIDERS_WRITE}))

    status, body, _ = await _posted(
        client, ROTATE, {"api_key": SECRET}, **{"X-API-Key": "cust_" + "n" * 40}
    )

    assert (status, body["error_code"]) == (403, "FORBIDDEN")


async def test_a_change_with_rolling_restart_is_answered_with_its_job(
    client: ClientSession, neighbours: Neighbours
) -> None:
    neighbours.answer(UPDATE_AGENT_TYPE, AGENT_TYPE)
    neighbours.answer(GET_AGENT_TYPE, AGENT_TYPE)

    async with client.patch(
        f"/api/v1/agent-types/{SOME_ID}?restart=rolling", json={"model": "gpt-4o"}
    ) as response:
        job = await response.json()

    assert response.status == 202
    assert response.headers["Location"] == f"/api/v1/jobs/{job['id']}"
    assert job["kind"] == "agent_type.restart"


async def test_a_type_that_a_job_restarts_is_not_changed_for_another(
    client: ClientSession, neighbours: Neighbours, jobs: FakeJobs
) -> None:
    jobs.busy.add(SOME_ID)

    async with client.patch(
        f"/api/agent-types/{SOME_ID}?restart=rolling", json={"model": "gpt-4o"}
    ) as response:
        body = await response.json()

    assert (response.status, body["error_code"]) == (409, "JOB_RUNNING")
    assert neighbours.subjects == []


async def test_jobs_are_listed_and_told_one_by_one(
    client: ClientSession, neighbours: Neighbours
) -> None:
    neighbours.answer(GET_AGENT_TYPE, AGENT_TYPE)
    _, job, _ = await _posted(client, f"/api/agent-types/{SOME_ID}/restart")

    async with client.get("/api/jobs") as response:
        listed = await response.json()
    async with client.get(f"/api/jobs/{job['id']}") as response:
        told = await response.json()

    assert listed == {"data": [job], "next_cursor": None}
    assert told == job


async def test_a_provider_that_is_not_there_cannot_be_rotated(
    client: ClientSession, neighbours: Neighbours
) -> None:
    neighbours.answer(STAGE_SECRET, ProviderNotFoundError("There is none."))

    status, body, _ = await _posted(client, ROTATE, {"api_key": SECRET})

    assert (status, body["error_code"]) == (404, "PROVIDER_NOT_FOUND")
