"""Jobs in PostgreSQL: one works at each, and a gateway that died is followed."""

import asyncio
from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest
import pytest_asyncio
from pydantic import SecretStr
from tests.unit.gateway.jobs.world import NEW, OLD, World, job_of

from ag2trust.waiting import until
from gateway.access.permissions import Role
from gateway.access.principals import Principal
from gateway.jobs.jobs import Jobs
from gateway.jobs.planning import steps_of
from gateway.jobs.steps import Steps
from gateway.jobs.worker import Worker
from gateway.repositories.audit import PostgresAudit
from gateway.repositories.jobs import ClaimedJob, PostgresJobs
from gateway.settings import Settings
from shared.bus import answer
from shared.contracts.base import Empty
from shared.contracts.credentials import ProviderPatch
from shared.contracts.jobs import Job, JobKind, JobStatus
from shared.contracts.probes import PROBE_PROVIDER, ProbeProvider, ProbeResult
from shared.contracts.rotations import STAGE_SECRET
from shared.database import Database, connect_database
from shared.errors import JobNotFoundError, JobRunningError
from shared.identity import Identity
from shared.ids import new_id
from shared.migrations import migrate
from shared.testing import FakeBus

from .conftest import Superuser

pytestmark = pytest.mark.integration

LONG = timedelta(minutes=5)
OVER = timedelta(0)


@pytest_asyncio.fixture
async def database(settings: Settings) -> AsyncIterator[Database]:
    await migrate(settings, "gateway.migrations")
    async with connect_database(settings) as connected:
        yield connected


@pytest.fixture
def jobs(database: Database) -> PostgresJobs:
    return PostgresJobs(database)


@pytest_asyncio.fixture
async def org_id(database: Database, superuser: Superuser) -> UUID:
    del database  # its tables are there
    organization = new_id()
    await superuser.execute(
        "INSERT INTO organization (id, name, created_at) VALUES ($1, 'one', now())",
        organization,
    )
    return organization


def rotation(**facts: Any) -> Job:
    kind = JobKind.PROVIDER_ROTATION
    steps = steps_of(kind, moves=True, delete_old=True)
    ids = {"provider_id": OLD, "to_provider_id": NEW, "delete_old": True}
    return job_of(kind, steps, **ids | facts)


def advanced(job: Job, **facts: Any) -> Job:
    return job.model_copy(update={"version": job.version + 1, **facts})


async def test_of_many_gateways_one_works_at_a_job(
    jobs: PostgresJobs, org_id: UUID
) -> None:
    await jobs.add(org_id, rotation())

    claims = await asyncio.gather(
        *(jobs.claim(new_id(), lasting=LONG, limit=10) for _ in range(10))
    )

    assert sorted(map(len, claims)) == [0] * 9 + [1]


async def test_a_gateway_whose_claim_has_ended_writes_nothing_any_more(
    jobs: PostgresJobs, org_id: UUID
) -> None:
    job = await jobs.add(org_id, rotation())
    slow, next_one = new_id(), new_id()
    await jobs.claim(slow, lasting=OVER, limit=1)
    taken = await jobs.claim(next_one, lasting=LONG, limit=1)

    is_kept = await jobs.keep(slow, org_id, advanced(job))
    await jobs.release(slow, job.id)

    assert [each.job for each in taken] == [job]
    assert is_kept is False
    assert await jobs.one(org_id, job.id) == job
    assert await jobs.claim(new_id(), lasting=LONG, limit=1) == []


@pytest.mark.parametrize(
    "written",
    [{"kind": "provider.merge"}, {"steps": [{"name": "merge"}]}, {"steps": None}],
)
async def test_a_job_that_a_newer_version_wrote_holds_up_no_other(
    jobs: PostgresJobs,
    database: Database,
    org_id: UUID,
    written: dict[str, Any],
) -> None:
    newer = await jobs.add(org_id, rotation())
    known = await jobs.add(org_id, rotation(provider_id=new_id(), to_provider_id=None))
    async with database.sweep() as transaction:
        await transaction.execute(
            "UPDATE job SET job = job || $2 WHERE id = $1", newer.id, written
        )
    worker = new_id()

    rounds = [await jobs.claim(worker, lasting=LONG, limit=1) for _ in range(3)]

    assert [each.job for claimed in rounds for each in claimed] == [known]
    assert await _claims(database) == {newer.id: None, known.id: worker}


async def test_a_renewed_claim_is_nobody_elses(
    jobs: PostgresJobs, org_id: UUID
) -> None:
    await jobs.add(org_id, rotation())
    worker = new_id()
    await jobs.claim(worker, lasting=OVER, limit=1)

    await jobs.renew(worker, lasting=LONG)

    assert await jobs.claim(new_id(), lasting=LONG, limit=1) == []


async def test_a_job_that_ended_is_taken_until_its_end_was_told(
    jobs: PostgresJobs, org_id: UUID
) -> None:
    job = await jobs.add(org_id, rotation())
    dead, heir = new_id(), new_id()
    await jobs.claim(dead, lasting=OVER, limit=1)
    ended = advanced(job, status=JobStatus.COMPLETED)
    assert await jobs.keep(dead, org_id, ended)

    [taken] = await jobs.claim(heir, lasting=OVER, limit=1)
    await jobs.note_told(heir, org_id, ended)

    assert (taken.job, taken.told_version) == (ended, 0)
    assert await jobs.claim(new_id(), lasting=LONG, limit=1) == []


@pytest.mark.parametrize("concerned", [OLD, NEW])
async def test_no_two_jobs_work_on_the_same_thing(
    jobs: PostgresJobs, org_id: UUID, concerned: UUID
) -> None:
    first = await jobs.add(org_id, rotation())

    with pytest.raises(JobRunningError) as refused:
        await jobs.add(org_id, rotation(provider_id=concerned, to_provider_id=None))

    assert refused.value.details == {"job_id": str(first.id)}


async def test_of_jobs_that_begin_at_once_one_begins(
    jobs: PostgresJobs, org_id: UUID
) -> None:
    begun = await asyncio.gather(
        *(jobs.add(org_id, rotation()) for _ in range(8)), return_exceptions=True
    )

    assert sum(isinstance(each, Job) for each in begun) == 1
    assert sum(isinstance(each, JobRunningError) for each in begun) == 7


async def test_what_a_job_that_ended_worked_on_is_free(
    jobs: PostgresJobs, org_id: UUID
) -> None:
    job = await jobs.add(org_id, rotation())
    worker = new_id()
    await jobs.claim(worker, lasting=LONG, limit=1)
    await jobs.keep(worker, org_id, advanced(job, status=JobStatus.FAILED))

    await jobs.require_free(org_id, [OLD])
    other = await jobs.add(org_id, rotation())

    assert [each.id for each in await jobs.newest(org_id, before=None, limit=9)] == [
        other.id,
        job.id,
    ]


async def test_a_job_that_was_begun_before_is_the_answer(
    jobs: PostgresJobs, org_id: UUID
) -> None:
    job = rotation()

    assert await jobs.add(org_id, job) == await jobs.add(org_id, job) == job


async def test_a_rotation_that_is_asked_for_again_is_told_as_it_is(
    jobs: PostgresJobs, org_id: UUID
) -> None:
    bus, who = FakeBus(), Principal(org_id, "user", new_id(), Role.OWNER)
    bus.serve(answer(STAGE_SECRET, _empty))
    credentials = Identity.generate().public
    asked_for = Jobs(bus, jobs, wake=lambda: None, credentials=credentials)
    job_id, secret = new_id(), ProviderPatch(api_key=SecretStr("sk-new"))

    first, again = [
        await asked_for.rotate_secret(who, job_id, OLD, secret, model=None)
        for _ in range(2)
    ]

    assert again == first


async def test_a_gateway_that_stood_still_works_at_its_job_once(
    database: Database, org_id: UUID
) -> None:
    jobs, bus, is_over = _OverSoon(database), FakeBus(), asyncio.Event()
    tests = 0

    async def probe(_: ProbeProvider) -> ProbeResult:
        nonlocal tests
        tests += 1
        await is_over.wait()
        return ProbeResult(ok=True)

    bus.serve(answer(PROBE_PROVIDER, probe))
    worker = Worker(jobs, bus, Steps(bus))
    await jobs.add(org_id, rotation())

    async def has_looked_again() -> bool:
        worker.woken.set()
        return tests > 0 and jobs.looks > 9

    async with asyncio.TaskGroup() as group:
        working = group.create_task(worker.run())
        await until("a look behind the end of the claim", has_looked_again)
        working.cancel()

    assert tests == 1


async def test_another_organization_sees_no_job(
    jobs: PostgresJobs, org_id: UUID
) -> None:
    job = await jobs.add(org_id, rotation())

    with pytest.raises(JobNotFoundError):
        await jobs.one(new_id(), job.id)
    assert await jobs.newest(new_id(), before=None, limit=9) == []


async def test_a_gateway_dies_at_every_question_and_the_next_one_goes_on(
    jobs: PostgresJobs, database: Database, superuser: Superuser, org_id: UUID
) -> None:
    """Let one gateway die after another, each after one question more than the last."""
    world = World(org_id=org_id)
    world.populate(types=1, agents_each=2)
    job = await jobs.add(org_id, rotation())
    deaths = 0

    while (await jobs.one(org_id, job.id)).status is JobStatus.RUNNING:
        world.crash_at = world.asked + 1 + deaths
        world.after_acting = deaths % 2 == 1
        await world.until_ended_or_dead(jobs, job.id)
        deaths += world.is_dead
        await superuser.execute("UPDATE job SET claimed_until = now()")

    ended = await jobs.one(org_id, job.id)
    acts = await PostgresAudit(database).entries(org_id, before=None, limit=9)
    assert deaths > 5
    assert ended.status is JobStatus.COMPLETED
    assert OLD not in world.providers
    assert (world.done["moved"], world.done["restarted"]) == (1, 2)
    assert {each.act for each in acts} == {
        "provider_rotation.started",
        "provider_rotation.completed",
    }


class _OverSoon(PostgresJobs):
    """Claims end before they are renewed, as those of a gateway that stands still."""

    looks = 0

    async def claim(self, worker: UUID, **wanted: Any) -> list[ClaimedJob]:
        self.looks += 1
        return await super().claim(worker, **wanted | {"lasting": OVER})


async def _empty(_: object) -> Empty:
    return Empty()


async def _claims(database: Database) -> dict[UUID, UUID | None]:
    """Tell who works at each job."""
    async with database.sweep() as transaction:
        rows = await transaction.fetch("SELECT id, claim FROM job")
    return {row["id"]: row["claim"] for row in rows}
