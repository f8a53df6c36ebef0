"""Which step of a job comes next, and what the outcome of one makes of the job. Pure.

A job is a list of steps. Those of its kind are there from the beginning; when one is
refused, the steps that undo what was done are added. A step is done again after a
crash, so each of them must be one that may be.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TypeAlias

from shared.contracts.base import Explanation
from shared.contracts.jobs import (
    Job,
    JobKind,
    JobStatus,
    JobStep,
    StepName,
    StepStatus,
)

__all__ = [
    "Away",
    "Done",
    "Hindered",
    "Outcome",
    "Refused",
    "Unfinished",
    "after",
    "current_step",
    "pause_after",
    "steps_of",
]

_MOST_ATTEMPTS = {StepName.TEST: 5, StepName.DELETE: 30}
"""Of what may stay as it is for good; nothing else is hindered by anybody else."""

_UNDOING = {
    StepName.REINSTATE: StepName.RETIRE,
    StepName.MOVE_BACK: StepName.MOVE,
    StepName.RESTART_BACK: StepName.RESTART,
    StepName.DISCARD: StepName.TEST,
}
"""What each undoes, in the order in which that is done: agents that restart back need
their type back, and leave to use the old provider."""

_LOOK_AGAIN = timedelta(seconds=0.3)
_AWAY_PAUSE = timedelta(seconds=1)
_FIRST_PAUSE = timedelta(seconds=0.5)
_LONGEST_PAUSE = timedelta(seconds=3)
_MOST_DOUBLINGS = 3


@dataclass(frozen=True, slots=True)
class Done:
    """The step is done; *job* has what was learned."""

    job: Job


@dataclass(frozen=True, slots=True)
class Unfinished:
    """The step has come this far, and is to be taken again."""

    job: Job


@dataclass(frozen=True, slots=True)
class Away:
    """A service that the step needs does not answer; it is waited for."""

    explanation: Explanation


@dataclass(frozen=True, slots=True)
class Hindered:
    """Something that may pass kept the step from being done, or may not."""

    explanation: Explanation


@dataclass(frozen=True, slots=True)
class Refused:
    """The step will not be done, however often it is tried."""

    explanation: Explanation


Outcome: TypeAlias = Done | Unfinished | Away | Hindered | Refused


def steps_of(kind: JobKind, *, moves: bool, delete_old: bool) -> list[JobStep]:
    """Make the steps of a new job; a rotation *moves* to another provider, or not."""
    if kind is JobKind.AGENT_TYPE_RESTART:
        return _pending(StepName.RESTART)
    if not moves:
        return _pending(StepName.TEST, StepName.SWITCH, StepName.RESTART)
    return _pending(
        StepName.TEST,
        *([StepName.RETIRE] if delete_old else []),
        StepName.MOVE,
        StepName.RESTART,
        *([StepName.DELETE] if delete_old else []),
    )


def current_step(job: Job) -> JobStep | None:
    """Return the step that the job is at; None if it has ended."""
    return next((step for step in job.steps if step.is_open), None)


def after(job: Job, outcome: Outcome, *, now: datetime) -> Job:
    """Return the job as it is after its current step came out like this."""
    step = current_step(job)
    if step is None:
        return job
    match outcome:
        case Done(learned):
            return _with_step(learned, step, StepStatus.DONE, now=now)
        case Unfinished(learned):
            calm = step.model_copy(update={"explanation": None})
            return _with_step(learned, calm, StepStatus.RUNNING, now=now)
        case Away(explanation):
            again = step.model_copy(update={"explanation": explanation})
            return _with_step(job, again, StepStatus.RUNNING, now=now)
        case Hindered(explanation) if step.attempts + 1 < _attempts_for(step):
            attempts = step.attempts + 1
            again = step.model_copy(
                update={"attempts": attempts, "explanation": explanation}
            )
            return _with_step(job, again, StepStatus.RUNNING, now=now)
        case Hindered(explanation) | Refused(explanation):
            return _refused(job, step, explanation, now=now)


def pause_after(outcome: Outcome, job: Job) -> timedelta:
    """Return how long to wait before the next step is taken."""
    step = current_step(job)
    match outcome:
        case Hindered() if step is not None:
            doublings = min(step.attempts - 1, _MOST_DOUBLINGS)
            return min(_FIRST_PAUSE * 2.0**doublings, _LONGEST_PAUSE)
        case Unfinished():
            return _LOOK_AGAIN
        case Away():
            return _AWAY_PAUSE
        case _:
            return timedelta(0)


def _pending(*names: StepName) -> list[JobStep]:
    return [JobStep(name=name) for name in names]


def _attempts_for(step: JobStep) -> int:
    return _MOST_ATTEMPTS.get(step.name, 1)


def _with_step(job: Job, step: JobStep, status: StepStatus, *, now: datetime) -> Job:
    is_over = status in {StepStatus.DONE, StepStatus.FAILED}
    changed = step.model_copy(
        update={"status": status, "finished_at": now if is_over else None}
    )
    if status is StepStatus.DONE:
        changed = changed.model_copy(update={"explanation": None})
    steps = [changed if each.name is step.name else each for each in job.steps]
    return _settled(job.model_copy(update={"steps": steps}), now=now)


def _refused(
    job: Job, step: JobStep, explanation: Explanation, *, now: datetime
) -> Job:
    """Leave out what would follow, and add what undoes what was done.

    When the undoing itself is refused, what is left of it goes on.
    """
    failed = step.model_copy(update={"explanation": explanation})
    if step.name not in _UNDOING:
        undoing = _undoing(job, step)
        job = job.model_copy(
            update={
                "steps": [*map(_left_out, job.steps), *_pending(*undoing)],
                "agents": None if StepName.RESTART_BACK in undoing else job.agents,
                "explanation": explanation,
            }
        )
    return _with_step(job, failed, StepStatus.FAILED, now=now)


def _left_out(step: JobStep) -> JobStep:
    if step.status is not StepStatus.PENDING:
        return step
    return step.model_copy(update={"status": StepStatus.LEFT_OUT})


def _undoing(job: Job, refused: JobStep) -> list[StepName]:
    """Name what undoes the steps that were begun, as far as there is a way back.

    A secret that was switched is gone. What agents use cannot be deleted, but need not
    be taken from them either: only new ones may use it again.
    """
    begun = {step.name for step in job.steps if step.status is StepStatus.DONE}
    begun.add(refused.name)
    if StepName.SWITCH in begun - {refused.name} or job.provider_id is None:
        return []
    if refused.name is StepName.DELETE:
        return [StepName.REINSTATE]
    wanted = [undoing for undoing, undone in _UNDOING.items() if undone in begun]
    if job.to_provider_id is not None:
        wanted.remove(StepName.DISCARD)
    return wanted


def _settled(job: Job, *, now: datetime) -> Job:
    """Call the job ended if no step is left."""
    if current_step(job) is not None:
        return job
    return job.model_copy(update={"status": _ended_as(job.steps), "finished_at": now})


def _ended_as(steps: Sequence[JobStep]) -> JobStatus:
    failed = [step.name for step in steps if step.status is StepStatus.FAILED]
    if not failed:
        return JobStatus.COMPLETED
    is_undone = len(failed) == 1 and failed[0] is not StepName.DELETE
    has_way_back = any(step.name in _UNDOING for step in steps)
    is_untouched = failed[0] is StepName.TEST
    return (
        JobStatus.ROLLED_BACK
        if is_undone and (has_way_back or is_untouched)
        else JobStatus.FAILED
    )
