"""What a job of the gateway is: its steps, its agents, and what is told in public.

A job changes the things of an organization one step after another, and outlives
whoever works at it.
"""

from enum import StrEnum
from uuid import UUID

from pydantic import AwareDatetime, Field

from .base import Actor, Event, Explanation, Message, Service, Topic
from .routes import Fallback

__all__ = [
    "JOB_ADVANCED",
    "AgentProgress",
    "Job",
    "JobAdvanced",
    "JobAgent",
    "JobAgentType",
    "JobKind",
    "JobStatus",
    "JobStep",
    "StepName",
    "StepStatus",
]


class JobKind(StrEnum):
    PROVIDER_ROTATION = "provider.rotation"
    AGENT_TYPE_RESTART = "agent_type.restart"


class JobStatus(StrEnum):
    """How a job is, or how it ended.

    *completed*: every step is done, if agents were skipped they are listed. *failed*:
    something is not done, and is not undone. *rolled_back*: all is as it was before.
    """

    RUNNING = "running"
    COMPLETED = "completed"
    FAILED = "failed"
    ROLLED_BACK = "rolled_back"


class StepName(StrEnum):
    """What jobs do, in this order; the last four undo."""

    TEST = "test"
    """The new secret, or the provider to move to, is called once."""

    SWITCH = "switch"
    """The new secret replaces the old one, which is destroyed."""

    RETIRE = "retire"
    """The old provider takes no agents that do not use it already."""

    MOVE = "move"
    """Agent types, and their fallbacks, name the other provider."""

    RESTART = "restart"
    """The agents concerned restart, a few at a time."""

    DELETE = "delete"
    """The old provider is removed."""

    MOVE_BACK = "move_back"
    RESTART_BACK = "restart_back"
    REINSTATE = "reinstate"
    DISCARD = "discard"


class StepStatus(StrEnum):
    PENDING = "pending"
    RUNNING = "running"
    DONE = "done"
    FAILED = "failed"
    LEFT_OUT = "left_out"


class JobStep(Message):
    """A step; *attempts* counts those that met something passing, *explanation* it."""

    name: StepName
    status: StepStatus = StepStatus.PENDING
    attempts: int = 0
    explanation: Explanation | None = None
    finished_at: AwareDatetime | None = None

    @property
    def is_open(self) -> bool:
        return self.status in {StepStatus.PENDING, StepStatus.RUNNING}


class AgentProgress(StrEnum):
    """*left_alone*: it was stopped or removed meanwhile, and needs no restart."""

    WAITING = "waiting"
    RESTARTING = "restarting"
    RESTARTED = "restarted"
    LEFT_ALONE = "left_alone"
    SKIPPED = "skipped"


class JobAgent(Message):
    """An agent that a job restarts. *incarnation* is the one to be replaced.

    *explanation* says why it was skipped.
    """

    id: UUID
    name: str
    incarnation: int
    started_at: AwareDatetime | None = None
    progress: AgentProgress = AgentProgress.WAITING
    asked_at: AwareDatetime | None = None
    explanation: Explanation | None = None


class JobAgentType(Message):
    """An agent type that a job moves, as it was before."""

    id: UUID
    name: str
    provider_id: UUID
    fallbacks: list[Fallback] = Field(default_factory=list)


class Job(Message):
    """A job and all that is known of it; *version* grows with every change.

    Of a rotation *to_provider_id* None means that the provider keeps its id and gets a
    new secret. *agent_types* are those it moves, and *agents* those it restarts, once
    it has found them; *model* is what a test asks for where one is needed.
    """

    id: UUID
    kind: JobKind
    status: JobStatus = JobStatus.RUNNING
    version: int = 1
    provider_id: UUID | None = None
    to_provider_id: UUID | None = None
    delete_old: bool = False
    model: str | None = None
    agent_type_id: UUID | None = None
    steps: list[JobStep]
    agent_types: list[JobAgentType] | None = None
    agents: list[JobAgent] | None = None
    explanation: Explanation | None = None
    actor: Actor
    started_at: AwareDatetime
    finished_at: AwareDatetime | None = None


class JobAdvanced(Event):
    """A job has done a step, or has ended; *step* is the one it is at, if any is left.

    The counts are of agents: those it restarts, and what became of them so far.
    """

    job_id: UUID
    kind: JobKind
    status: JobStatus
    provider_id: UUID | None = None
    agent_type_id: UUID | None = None
    step: StepName | None = None
    agents: int = Field(default=0, ge=0)
    restarted: int = Field(default=0, ge=0)
    skipped: int = Field(default=0, ge=0)


JOB_ADVANCED = Topic("job", "advanced", JobAdvanced, publisher=Service.GATEWAY)
