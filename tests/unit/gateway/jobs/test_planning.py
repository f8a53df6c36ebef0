"""Whatever comes out of its steps, a job goes through them in order, or goes back."""

from collections.abc import Sequence
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.unit.gateway.objects import ELSEWHERE, NOON, SOME_ID

from gateway.jobs.planning import (
    Away,
    Done,
    Hindered,
    Outcome,
    Refused,
    Unfinished,
    after,
    current_step,
    pause_after,
    steps_of,
)
from shared.contracts.base import Actor, Explanation
from shared.contracts.jobs import Job, JobKind, JobStatus, StepName, StepStatus

REASON = Explanation(
    code="INVALID_API_KEY", message="No.", cause="A key.", fix="Mend.", retryable=False
)
UNDOES = {
    StepName.RETIRE: StepName.REINSTATE,
    StepName.MOVE: StepName.MOVE_BACK,
    StepName.RESTART: StepName.RESTART_BACK,
}


def job_of(*, moves: bool, delete_old: bool = False) -> Job:
    return Job(
        id=SOME_ID,
        kind=JobKind.PROVIDER_ROTATION,
        provider_id=SOME_ID,
        to_provider_id=ELSEWHERE if moves else None,
        delete_old=delete_old,
        steps=steps_of(JobKind.PROVIDER_ROTATION, moves=moves, delete_old=delete_old),
        actor=Actor(kind="api_key", id="somebody"),
        started_at=NOON,
    )


RESTART = job_of(moves=False).model_copy(
    update={
        "kind": JobKind.AGENT_TYPE_RESTART,
        "provider_id": None,
        "agent_type_id": SOME_ID,
        "steps": steps_of(JobKind.AGENT_TYPE_RESTART, moves=False, delete_old=False),
    }
)
JOBS = st.sampled_from(
    [
        job_of(moves=True),
        job_of(moves=True, delete_old=True),
        job_of(moves=False),
        RESTART,
    ]
)
KINDS = st.sampled_from(["done", "unfinished", "away", "hindered", "refused"])


def outcome(kind: str, job: Job) -> Outcome:
    match kind:
        case "done":
            return Done(job)
        case "unfinished":
            return Unfinished(job)
        case "away":
            return Away(REASON)
        case "hindered":
            return Hindered(REASON)
        case _:
            return Refused(REASON)


def taken(job: Job, kinds: Sequence[str]) -> tuple[Job, list[StepName]]:
    """Bring *job* to its end, by *kinds* and then by what is done; list the steps."""
    names: list[StepName] = []
    left = list(kinds)
    while (step := current_step(job)) is not None:
        names.append(step.name)
        kind = left.pop(0) if left else "done"
        job = after(job, outcome(kind, job), now=NOON)
    return job, list(dict.fromkeys(names))


def done(job: Job) -> set[StepName]:
    return {step.name for step in job.steps if step.status is StepStatus.DONE}


@given(JOBS, st.lists(KINDS, max_size=40))
def test_every_job_ends_and_says_when(job: Job, kinds: list[str]) -> None:
    ended, _ = taken(job, kinds)

    assert ended.status is not JobStatus.RUNNING
    assert ended.finished_at == NOON
    assert not any(step.is_open for step in ended.steps)


@given(JOBS, st.lists(KINDS, max_size=40))
def test_steps_are_taken_in_their_order_and_none_after_one_that_was_refused(
    job: Job, kinds: list[str]
) -> None:
    planned = [step.name for step in job.steps]

    ended, names = taken(job, kinds)

    forward = [name for name in names if name in planned]
    assert names[: len(forward)] == forward == planned[: len(forward)]
    assert set(forward[:-1]) <= done(ended)


@given(JOBS, st.lists(KINDS, max_size=40))
def test_a_job_that_is_completed_has_done_all_it_was_to_do(
    job: Job, kinds: list[str]
) -> None:
    ended, _ = taken(job, kinds)

    planned = {step.name for step in job.steps}
    assert (ended.status is JobStatus.COMPLETED) == (done(ended) == planned)


@given(JOBS, st.lists(KINDS, max_size=40))
def test_a_job_that_is_rolled_back_leaves_nothing_of_what_it_did(
    job: Job, kinds: list[str]
) -> None:
    ended, names = taken(job, kinds)

    if ended.status is JobStatus.ROLLED_BACK:
        begun = set(names)
        undone = {UNDOES[name] for name in begun if name in UNDOES}
        assert undone <= done(ended)
        assert not {StepName.SWITCH, StepName.DELETE} & done(ended)
        assert ended.explanation == REASON


@given(JOBS, st.lists(KINDS, max_size=40))
def test_types_come_back_before_their_agents_and_agents_find_the_old_provider(
    job: Job, kinds: list[str]
) -> None:
    _, names = taken(job, kinds)

    order = [StepName.REINSTATE, StepName.MOVE_BACK, StepName.RESTART_BACK]
    back = [name for name in names if name in order]
    assert back == [name for name in order if name in back]


def test_a_provider_that_stays_in_use_is_kept_and_takes_agents_again() -> None:
    job = job_of(moves=True, delete_old=True)

    ended, names = taken(job, ["done"] * 4 + ["refused"])

    assert ended.status is JobStatus.FAILED
    assert names[-2:] == [StepName.DELETE, StepName.REINSTATE]
    assert ended.explanation == REASON


def test_a_service_that_is_away_is_waited_for_however_long() -> None:
    job = job_of(moves=True)

    for _ in range(1000):
        job = after(job, Away(REASON), now=NOON)

    step = current_step(job)
    assert step is not None
    assert (step.name, step.attempts) == (StepName.TEST, 0)
    assert step.explanation == REASON


@pytest.mark.parametrize(("attempts", "status"), [(4, "running"), (5, "rolled_back")])
def test_a_test_that_may_pass_is_tried_five_times(attempts: int, status: str) -> None:
    job = job_of(moves=True)

    for _ in range(attempts):
        job = after(job, Hindered(REASON), now=NOON)

    assert job.status == status


def test_a_step_that_is_done_at_last_says_no_more_what_hindered_it() -> None:
    hindered = after(job_of(moves=True), Hindered(REASON), now=NOON)

    step = after(hindered, Done(hindered), now=NOON).steps[0]

    assert (step.status, step.explanation) == (StepStatus.DONE, None)


def test_pauses_grow_but_not_past_three_seconds() -> None:
    job = job_of(moves=True, delete_old=True)
    for _ in range(4):
        job = after(job, Done(job), now=NOON)
    pauses = []

    for _ in range(8):
        job = after(job, Hindered(REASON), now=NOON)
        pauses.append(pause_after(Hindered(REASON), job))

    assert pauses == sorted(pauses)
    assert pauses[-1] == timedelta(seconds=3)
