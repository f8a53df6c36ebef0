"""Agents: what one is, what is asked of it, and what it wrote."""

from datetime import timedelta
from enum import StrEnum
from uuid import UUID

from pydantic import AwareDatetime, Field

from .base import (
    AuditEntry,
    Bytes,
    Empty,
    Endpoint,
    Explanation,
    Message,
    Name,
    Page,
    PageQuestion,
    Patch,
    Question,
    Service,
    Signal,
)

__all__ = [
    "AGENT_LOGS",
    "CREATE_AGENT",
    "DELETE_AGENT",
    "EXTERNAL_AGENT_CHANGED",
    "GET_AGENT",
    "HOSTED_LOGS",
    "LIST_AGENTS",
    "LIST_AUDIT",
    "PING",
    "REPLACE_TOKEN",
    "RESTART_AGENT",
    "START_AGENT",
    "STOP_AGENT",
    "UPDATE_AGENT",
    "WAKE",
    "Agent",
    "AgentLogs",
    "AgentPatch",
    "AgentQuestion",
    "AgentStatus",
    "BaseUrls",
    "CreateAgent",
    "DesiredState",
    "ExternalAgentChanged",
    "LogPosition",
    "LogsQuestion",
    "ReplaceToken",
    "UpdateAgent",
    "Wake",
]


class AgentStatus(StrEnum):
    """What an agent is, as far as its runner knows."""

    STOPPED = "stopped"
    STARTING = "starting"
    RUNNING = "running"
    ACK_ONLY = "ack_only"
    STOPPING = "stopping"
    ERROR = "error"


class DesiredState(StrEnum):
    """What an agent's operator wants it to be."""

    RUNNING = "running"
    STOPPED = "stopped"


class BaseUrls(Message):
    """What official SDKs take as their base URL, so that an agent uses the proxy."""

    openai: str
    anthropic: str
    bedrock: str


class Agent(Message):
    """One instance of an agent type.

    *restart_required*: it runs another version than the newest of its type, or one of
    the type it had before. An external agent has *base_urls* and no runner.
    *incarnation* grows with every start and restart that is asked for.
    """

    id: UUID
    name: str
    agent_type_id: UUID
    agent_type_version: int | None
    desired_state: DesiredState
    status: AgentStatus
    status_reason: Explanation | None
    restart_required: bool
    runner: str | None
    version: int
    created_at: AwareDatetime
    updated_at: AwareDatetime
    started_at: AwareDatetime | None
    is_external: bool = False
    base_urls: BaseUrls | None = None
    incarnation: int = 0


class AgentPatch(Patch):
    """Changes to an agent; another type is effective at its next restart."""

    name: Name | None = None
    agent_type_id: UUID | None = None


class CreateAgent(Question):
    """*token_hash* is that of the token an external agent will show: SHA-256."""

    agent_id: UUID
    name: Name
    agent_type_id: UUID
    token_hash: Bytes | None = None


class AgentQuestion(Question):
    agent_id: UUID


class UpdateAgent(Question):
    agent_id: UUID
    patch: AgentPatch
    if_version: int | None = None


class ReplaceToken(Question):
    """Let the token of this hash count for an external agent, or none."""

    agent_id: UUID
    token_hash: Bytes | None


class LogPosition(Message):
    """How far the *output* of one incarnation was read, in bytes."""

    output: UUID
    offset: int = Field(ge=0)


class LogsQuestion(AgentQuestion):
    """Ask for an agent's last lines, or go on reading *after* a position.

    Who follows gets whole lines only, and is answered when there is one: within
    *wait_seconds*, at once if nothing more will come.
    """

    is_followed: bool = False
    after: LogPosition | None = None
    wait_seconds: float = Field(default=0, ge=0, le=5)


class AgentLogs(Message):
    """Lines an agent wrote, secrets masked.

    *position* is behind them if they are followed, None for an agent that is not
    heard. *has_skipped*: lines before them were too old to be kept.
    """

    lines: list[str]
    position: LogPosition | None = None
    has_skipped: bool = False


class Wake(Message):
    """Something changed for an agent that this runner hosts, or a message came.

    *cancelled_message_id* is one that it need not answer any more.
    """

    agent_id: UUID
    has_message: bool = False
    cancelled_message_id: UUID | None = None


class ExternalAgentChanged(Message):
    """An external agent has another token, or none, or another type."""

    agent_id: UUID


_GATEWAY = frozenset({Service.GATEWAY})
_RUNNER = frozenset({Service.AGENT_RUNNER})
_STARTING = timedelta(seconds=15)
_LISTENING = timedelta(seconds=20)

PING = Endpoint("agent_runner.v1.ping", Empty, Empty, askers=_GATEWAY)
LIST_AUDIT = Endpoint(
    "agent_runner.v1.list_audit", PageQuestion, Page[AuditEntry], askers=_GATEWAY
)
CREATE_AGENT = Endpoint(
    "agent_runner.v1.create_agent",
    CreateAgent,
    Agent,
    askers=_GATEWAY,
    deadline=_STARTING,
)
UPDATE_AGENT = Endpoint(
    "agent_runner.v1.update_agent", UpdateAgent, Agent, askers=_GATEWAY
)
DELETE_AGENT = Endpoint(
    "agent_runner.v1.delete_agent",
    AgentQuestion,
    Empty,
    askers=_GATEWAY,
    deadline=timedelta(seconds=60),
)
GET_AGENT = Endpoint("agent_runner.v1.get_agent", AgentQuestion, Agent, askers=_GATEWAY)
LIST_AGENTS = Endpoint(
    "agent_runner.v1.list_agents",
    PageQuestion,
    Page[Agent],
    askers=_GATEWAY | {Service.METRICS},
)
START_AGENT = Endpoint(
    "agent_runner.v1.start_agent",
    AgentQuestion,
    Agent,
    askers=_GATEWAY,
    deadline=_STARTING,
)
STOP_AGENT = Endpoint(
    "agent_runner.v1.stop_agent", AgentQuestion, Agent, askers=_GATEWAY
)
RESTART_AGENT = Endpoint(
    "agent_runner.v1.restart_agent",
    AgentQuestion,
    Agent,
    askers=_GATEWAY,
    deadline=_STARTING,
)
REPLACE_TOKEN = Endpoint(
    "agent_runner.v1.replace_token", ReplaceToken, Agent, askers=_GATEWAY
)
AGENT_LOGS = Endpoint(
    "agent_runner.v1.agent_logs",
    LogsQuestion,
    AgentLogs,
    askers=_GATEWAY,
    deadline=_LISTENING,
)
HOSTED_LOGS = Endpoint(
    "agent_runner.v1.runner.{runner}.hosted_logs",
    LogsQuestion,
    AgentLogs,
    askers=_RUNNER,
    deadline=_LISTENING,
)
WAKE = Signal(
    "agent_runner.v1.signals.wake.{key}",
    Wake,
    sender=Service.AGENT_RUNNER,
    hearers=_RUNNER,
)
EXTERNAL_AGENT_CHANGED = Signal(
    "agent_runner.v1.signals.external_agent_changed.{key}",
    ExternalAgentChanged,
    sender=Service.AGENT_RUNNER,
    hearers=_RUNNER,
)
