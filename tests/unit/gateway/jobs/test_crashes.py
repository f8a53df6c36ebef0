"""A gateway dies at every question of a job, and another one brings it to its end."""

from collections import Counter
from collections.abc import Callable

from tests.unit.gateway.fakes import FakeJobs
from tests.unit.gateway.objects import ORGANIZATION

from gateway.jobs.planning import steps_of
from shared.contracts.agent_runner import AgentStatus
from shared.contracts.jobs import AgentProgress, Job, JobKind, JobStatus

from .world import NEW, OLD, REFUSED, World, job_of

ROTATION = JobKind.PROVIDER_ROTATION
Prepared = Callable[[], tuple[World, Job]]
Check = Callable[[World, Job], None]


def moving() -> tuple[World, Job]:
    world = World()
    world.populate(types=2, agents_each=2)
    steps = steps_of(ROTATION, moves=True, delete_old=True)
    return world, job_of(
        ROTATION, steps, provider_id=OLD, to_provider_id=NEW, delete_old=True
    )


def in_place() -> tuple[World, Job]:
    world = World()
    world.populate(types=1, agents_each=3)
    steps = steps_of(ROTATION, moves=False, delete_old=False)
    return world, job_of(ROTATION, steps, provider_id=OLD)


def restarting() -> tuple[World, Job]:
    world = World()
    world.populate(types=1, agents_each=3)
    kind = JobKind.AGENT_TYPE_RESTART
    steps = steps_of(kind, moves=False, delete_old=False)
    return world, job_of(kind, steps, agent_type_id=next(iter(world.types)))


def failing() -> tuple[World, Job]:
    """Let the new key fail when agents are on their way to it already."""
    world, job = moving()
    world.broken = {next(iter(world.agents))}
    world.passes = 1
    return world, job


async def _ended(world: World, jobs: FakeJobs, job: Job) -> Job:
    """Let gateways work one after another, until the job has ended."""
    await jobs.add(ORGANIZATION, job)
    while True:
        left = await world.until_ended_or_dead(jobs, job.id)
        if left.status is not JobStatus.RUNNING:
            return left


async def _every_crash(prepared: Prepared, check: Check) -> int:
    """Try a crash before and after every question there is; return how many."""
    world, job = prepared()
    check(world, await _ended(world, FakeJobs(), job))
    questions = world.asked
    for crash_at in range(1, questions + 1):
        for after_acting in (False, True):
            world, job = prepared()
            world.crash_at, world.after_acting = crash_at, after_acting
            check(world, await _ended(world, FakeJobs(), job))
            assert world.is_dead is False
            assert world.asked > crash_at or crash_at == questions
    return questions


def _all_run_new(world: World) -> None:
    told = [world._told(agent) for agent in world.agents.values()]
    assert {agent.status for agent in told} == {AgentStatus.RUNNING}
    assert not any(agent.restart_required for agent in told)


async def test_a_move_comes_to_its_end_with_each_thing_done_once() -> None:
    def check(world: World, ended: Job) -> None:
        assert ended.status is JobStatus.COMPLETED
        assert OLD not in world.providers
        assert {kind.provider_id for kind in world.types.values()} == {NEW}
        assert (world.done["moved"], world.done["restarted"]) == (2, 4)
        assert world.done["deleted"] == 1
        assert world.most_between <= 2
        _all_run_new(world)

    assert await _every_crash(moving, check) > 20


async def test_a_new_secret_comes_into_place_with_each_thing_done_once() -> None:
    def check(world: World, ended: Job) -> None:
        assert ended.status is JobStatus.COMPLETED
        assert world.providers[OLD].credential.version == 2
        assert (world.done["switched"], world.done["restarted"]) == (1, 3)
        _all_run_new(world)

    assert await _every_crash(in_place, check) > 10


async def test_a_rolling_restart_restarts_everybody_once() -> None:
    def check(world: World, ended: Job) -> None:
        assert ended.status is JobStatus.COMPLETED
        assert world.incarnations == [2, 2, 2]
        assert world.most_between <= 2

    assert await _every_crash(restarting, check) > 8


async def test_a_key_that_fails_on_the_way_leaves_all_as_it_was() -> None:
    def check(world: World, ended: Job) -> None:
        assert ended.status is JobStatus.ROLLED_BACK
        assert ended.explanation == REFUSED
        assert world.providers[OLD].is_retiring is False
        assert {kind.provider_id for kind in world.types.values()} == {OLD}
        assert {world._runs_with(it) for it in world.agents.values()} == {OLD}
        assert {it.status for it in world.agents.values()} == {AgentStatus.RUNNING}

    assert await _every_crash(failing, check) > 20


async def test_without_the_record_of_its_way_a_job_would_do_things_twice() -> None:
    """Show that the tests above would notice."""
    world, job = restarting()
    await _ended(world, FakeJobs(), job)
    questions, restarts = world.asked, []

    for crash_at in range(1, questions + 1):
        world, job = restarting()
        world.crash_at = crash_at
        jobs = FakeJobs(forgets=True)
        await _ended(world, jobs, job)
        restarts.append(world.done["restarted"])

    assert max(restarts) > 3


async def test_an_agent_that_does_not_come_up_is_skipped_and_listed() -> None:
    world, job = moving()
    world.broken = {next(iter(world.agents))}

    ended = await _ended(world, FakeJobs(), job)

    agents = ended.agents or []
    skipped = [it for it in agents if it.progress is AgentProgress.SKIPPED]
    assert ended.status is JobStatus.COMPLETED
    assert [(it.id, it.explanation) for it in skipped] == [
        (agent_id, REFUSED) for agent_id in world.broken
    ]
    assert sum(it.progress is AgentProgress.RESTARTED for it in agents) == 3


async def test_a_restart_that_another_start_overtook_is_asked_for_again() -> None:
    """As of a runner that was killed, and starts what ran with the old provider."""
    world, job = moving()
    world.overtaken = Counter({next(iter(world.agents)): 2})

    ended = await _ended(world, FakeJobs(), job)

    assert ended.status is JobStatus.COMPLETED
    assert {it.progress for it in ended.agents or []} == {AgentProgress.RESTARTED}
    assert OLD not in world.providers
    _all_run_new(world)


async def test_an_agent_whose_restarts_are_always_overtaken_is_skipped() -> None:
    world, job = restarting()
    always = next(iter(world.agents))
    world.overtaken = Counter({always: 1_000_000})

    ended = await _ended(world, FakeJobs(), job)

    skipped = {
        it.id: it.explanation.code
        for it in ended.agents or []
        if it.progress is AgentProgress.SKIPPED and it.explanation
    }
    assert ended.status is JobStatus.COMPLETED
    assert skipped == {always: "STALE_GENERATION"}


async def test_each_step_is_told_in_public_once() -> None:
    world, job = moving()

    ended = await _ended(world, FakeJobs(), job)

    told = [event for _, event in world.bus.published]
    ids = [event.id for event in told]
    assert len(set(ids)) == len(ids) == ended.version
    assert {subject.rpartition("events.")[2] for subject, _ in world.bus.published} == {
        f"{ORGANIZATION}.job.advanced"
    }
