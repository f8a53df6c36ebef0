from datetime import timedelta

import pytest
from aiohttp import ClientSession

from gateway.access.permissions import Role
from shared.contracts.base import Actor
from shared.contracts.master_key import (
    FREEZE,
    GET_MASTER_KEY,
    GET_REWRAP,
    START_REWRAP,
    UNFREEZE,
    MasterKeyState,
    Rewrap,
    RewrapStatus,
)
from shared.contracts.metrics import GET_REPRICING
from shared.errors import (
    JobNotFoundError,
    MasterKeyUnavailableError,
    RepricingNotFoundError,
)

from .conftest import Client
from .fakes import FakeApiKeys, Neighbours
from .objects import NOON, ORGANIZATION, SOME_ID

ADMIN_KEY = "cust_" + "a" * 40
REWRAP = Rewrap(
    id=SOME_ID,
    status=RewrapStatus.RUNNING,
    master_key_id="local:0123456789abcdef",
    total=10,
    rewrapped=4,
    unreadable=0,
    remaining=6,
    started_at=NOON,
    finished_at=None,
)
FROZEN = MasterKeyState(
    master_key_id="local:0123456789abcdef",
    data_keys={"local:0123456789abcdef": 10},
    frozen_at=NOON + timedelta(minutes=1),
    frozen_by=Actor(kind="api_key", id="key-1"),
    rewrap=None,
)
THAWED = FROZEN.model_copy(update={"frozen_at": None, "frozen_by": None})


async def test_a_rewrap_is_started_as_a_job(
    client: ClientSession, neighbours: Neighbours
) -> None:
    neighbours.answer(START_REWRAP, REWRAP)

    async with client.post("/api/master-key/rewrap") as response:
        body = await response.json()

    question = neighbours.question(START_REWRAP)
    assert response.status == 202
    assert response.headers["Location"] == f"/api/jobs/{SOME_ID}"
    assert body["kind"] == "master_key.rewrap"
    assert (body["status"], body["total"], body["rewrapped"]) == ("running", 10, 4)
    assert question.org_id == ORGANIZATION
    assert question.rewrap_id != SOME_ID


async def test_a_job_is_told_by_its_id(
    client: ClientSession, neighbours: Neighbours
) -> None:
    neighbours.answer(GET_REWRAP, REWRAP)

    async with client.get(f"/api/v1/jobs/{SOME_ID}") as response:
        body = await response.json()

    assert response.status == 200
    assert body["remaining"] == 6
    assert neighbours.question(GET_REWRAP).rewrap_id == SOME_ID


@pytest.mark.parametrize("job_id", ["none", str(SOME_ID)])
async def test_a_job_that_is_none_is_not_found(
    client: ClientSession, neighbours: Neighbours, job_id: str
) -> None:
    neighbours.answer(GET_REWRAP, JobNotFoundError("There is no such job."))
    neighbours.answer(GET_REPRICING, RepricingNotFoundError("There is none."))

    async with client.get(f"/api/jobs/{job_id}") as response:
        body = await response.json()

    assert response.status == 404
    assert body["error_code"] == "JOB_NOT_FOUND"


async def test_a_rewrap_is_told_to_who_may_see_the_master_key(
    stranger: Client, neighbours: Neighbours, api_keys: FakeApiKeys
) -> None:
    api_keys.give("cust_" + "a" * 40, Role.ADMIN)
    neighbours.answer(GET_REWRAP, REWRAP)
    neighbours.answer(GET_REPRICING, RepricingNotFoundError("There is none."))

    async with stranger.get(
        f"/api/jobs/{SOME_ID}", headers={"X-API-Key": "cust_" + "a" * 40}
    ) as response:
        body = await response.json()

    assert body["error_code"] == "JOB_NOT_FOUND"
    assert GET_REWRAP.subject not in neighbours.subjects


async def test_a_freeze_and_its_end_tell_the_state(
    client: ClientSession, neighbours: Neighbours
) -> None:
    neighbours.answer(FREEZE, FROZEN)
    neighbours.answer(UNFREEZE, THAWED)
    neighbours.answer(GET_MASTER_KEY, THAWED)

    async with client.post("/api/master-key/freeze") as response:
        frozen = await response.json()
    async with client.post("/api/master-key/unfreeze") as response:
        thawed = await response.json()
    async with client.get("/api/master-key") as response:
        state = await response.json()

    assert frozen["frozen_at"] == "2026-01-01T12:01:00Z"
    assert frozen["frozen_by"] == {"kind": "api_key", "id": "key-1"}
    assert thawed["frozen_at"] is None
    assert state == thawed
    assert state["data_keys"] == {"local:0123456789abcdef": 10}


async def test_a_master_key_that_cannot_be_asked_is_told_with_when_to_come_back(
    client: ClientSession, neighbours: Neighbours
) -> None:
    neighbours.answer(
        START_REWRAP, MasterKeyUnavailableError("Away.", retry_after_seconds=30)
    )

    async with client.post("/api/master-key/rewrap") as response:
        body = await response.json()

    assert response.status == 503
    assert body["error_code"] == "MASTER_KEY_UNAVAILABLE"
    assert response.headers["Retry-After"] == "30"


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "/api/master-key"),
        ("POST", "/api/master-key/rewrap"),
        ("POST", "/api/master-key/freeze"),
        ("POST", "/api/master-key/unfreeze"),
    ],
)
async def test_only_an_owner_touches_what_is_of_the_whole_installation(
    stranger: Client,
    api_keys: FakeApiKeys,
    neighbours: Neighbours,
    method: str,
    path: str,
) -> None:
    api_keys.give(ADMIN_KEY, Role.ADMIN)

    async with stranger.request(
        method, path, headers={"X-API-Key": ADMIN_KEY}
    ) as response:
        body = await response.json()

    assert response.status == 403
    assert body["error_code"] == "FORBIDDEN"
    assert not neighbours.asked
