"""What the agent-runner answers about runners, which serve every organization."""

from enum import StrEnum
from uuid import UUID

from pydantic import AwareDatetime

from .agent_types import AgentRuntime
from .base import Endpoint, Message, Page, PageQuestion, Question, Service

__all__ = [
    "DRAIN_RUNNER",
    "GET_RUNNER",
    "LIST_RUNNERS",
    "UNDRAIN_RUNNER",
    "Runner",
    "RunnerQuestion",
    "RunnerStatus",
]


class RunnerStatus(StrEnum):
    """What a runner is to those that look for a host.

    *draining*: it takes no agents, and gives its own to others. *lost*: it has not
    renewed its tenure in time.
    """

    READY = "ready"
    DRAINING = "draining"
    LOST = "lost"


class Runner(Message):
    """One agent-runner; *agents* counts all that are to run there, whoever's they are.

    *capacity* is how many it is meant for; *labels* are what agent types may ask for.
    """

    id: UUID
    name: str
    status: RunnerStatus
    runtime: AgentRuntime
    capacity: int
    labels: dict[str, str]
    agents: int
    started_at: AwareDatetime
    renewed_at: AwareDatetime


class RunnerQuestion(Question):
    runner_id: UUID


_GATEWAY = frozenset({Service.GATEWAY})

LIST_RUNNERS = Endpoint(
    "agent_runner.v1.list_runners", PageQuestion, Page[Runner], askers=_GATEWAY
)
GET_RUNNER = Endpoint(
    "agent_runner.v1.get_runner", RunnerQuestion, Runner, askers=_GATEWAY
)
DRAIN_RUNNER = Endpoint(
    "agent_runner.v1.drain_runner", RunnerQuestion, Runner, askers=_GATEWAY
)
UNDRAIN_RUNNER = Endpoint(
    "agent_runner.v1.undrain_runner", RunnerQuestion, Runner, askers=_GATEWAY
)
