"""What the agent-runner hears, answers and signals."""

from datetime import timedelta
from enum import StrEnum
from typing import Annotated
from uuid import UUID

from pydantic import AwareDatetime, Field, StringConstraints

from .base import (
    AuditEntry,
    Bytes,
    Empty,
    Endpoint,
    Explanation,
    Labels,
    Message,
    Name,
    Page,
    PageQuestion,
    Patch,
    Question,
    Service,
    Signal,
)
from .limits import AgentTypeBudget, AgentTypeBudgetSubmission
from .routes import Fallback, Model, Residency
from .tools import McpServerTools, Tool, ToolSubmission

__all__ = [
    "AGENT_LOGS",
    "CREATE_AGENT",
    "CREATE_AGENT_TYPE",
    "DELETE_AGENT",
    "DELETE_AGENT_TYPE",
    "EXTERNAL_AGENT_CHANGED",
    "GET_AGENT",
    "GET_AGENT_TYPE",
    "GET_MESSAGE",
    "HOSTED_LOGS",
    "LIST_AGENTS",
    "LIST_AGENT_TYPES",
    "LIST_AUDIT",
    "MESSAGE_FINISHED",
    "MESSAGE_MAX_CHARACTERS",
    "MODELS_IN_USE",
    "PING",
    "REPLACE_TOKEN",
    "RESTART_AGENT",
    "START_AGENT",
    "STOP_AGENT",
    "SUBMIT_MESSAGE",
    "UPDATE_AGENT",
    "UPDATE_AGENT_TYPE",
    "WAKE",
    "Agent",
    "AgentLimits",
    "AgentLogs",
    "AgentMessage",
    "AgentPatch",
    "AgentQuestion",
    "AgentRuntime",
    "AgentStatus",
    "AgentType",
    "AgentTypePatch",
    "AgentTypeQuestion",
    "AgentTypeSubmission",
    "BaseUrls",
    "CreateAgent",
    "CreateAgentType",
    "CredentialDelivery",
    "DesiredState",
    "ExternalAgentChanged",
    "LogPosition",
    "LogsQuestion",
    "MessageFinished",
    "MessageQuestion",
    "MessageStatus",
    "MessageUsage",
    "ModelsInUse",
    "ModelsQuestion",
    "OnAckOnly",
    "ProviderFeature",
    "ReplaceToken",
    "Resources",
    "SubmitMessage",
    "UpdateAgent",
    "UpdateAgentType",
    "Wake",
]

MESSAGE_MAX_CHARACTERS = 10_000
_MOST_FALLBACKS = 8
_MOST_TOOLS = 20


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


class MessageStatus(StrEnum):
    QUEUED = "queued"
    RUNNING = "running"
    COMPLETED = "completed"
    ACKNOWLEDGED = "acknowledged"
    FAILED = "failed"
    CANCELLED = "cancelled"

    @property
    def is_final(self) -> bool:
        return self not in {MessageStatus.QUEUED, MessageStatus.RUNNING}


class OnAckOnly(StrEnum):
    """What becomes of messages to an agent in `ack_only`.

    They are answered with the reason, which is final, or held until it is gone.
    """

    ACKNOWLEDGE = "acknowledge"
    HOLD = "hold"


class ProviderFeature(StrEnum):
    """What an agent may not ask of its provider unless its type allows it.

    It would leave the limits that hold for tools, or cross from one agent to another.
    """

    HOSTED_TOOLS = "hosted_tools"
    """Tools that the provider runs itself, such as web search or code execution."""

    REMOTE_MCP = "remote_mcp"
    """MCP servers that the provider calls."""

    BACKGROUND = "background"
    """Answers that are made while nobody waits for them."""

    STORED_OBJECTS = "stored_objects"
    """Files, responses, conversations and the like, by their id."""


class AgentRuntime(StrEnum):
    """What an agent runs in; of processes any reads what their account can.

    An *external* agent runs wherever its owner likes, and is given a token for it.
    """

    DOCKER = "docker"
    PROCESS = "process"
    EXTERNAL = "external"


class CredentialDelivery(StrEnum):
    """Where a provider's secret is: in the agent's environment, or in the proxy alone.

    Under *sealed* delivery the agent's token stands for the secret.
    """

    ENVIRONMENT = "environment"
    SEALED = "sealed"


class Resources(Message):
    """What one agent may take of its host."""

    memory_mb: int = Field(default=256, ge=64, le=65536)
    cpus: float = Field(default=1.0, gt=0, le=64)
    pids: int = Field(default=128, ge=16, le=4096)


class AgentLimits(Message):
    """What the tools of one agent may do in any 60 seconds; 0 means nothing.

    An HTTP request counts as a tool call, too.
    """

    tool_calls_per_minute: int = Field(default=5, ge=0, le=1_000_000)
    http_requests_per_minute: int = Field(default=3, ge=0, le=1_000_000)


Slug = Annotated[str, StringConstraints(pattern=r"^[a-z0-9][a-z0-9-]{0,62}$")]
SystemPrompt = Annotated[str, StringConstraints(max_length=100_000)]
Image = Annotated[
    str, StringConstraints(strip_whitespace=True, min_length=1, max_length=255)
]
UseCase = Annotated[str, StringConstraints(strip_whitespace=True, max_length=200)]


class AgentTypeSubmission(Message):
    """A template for agents. *allowed_models* defaults to the one *model*.

    Its agents run on runners that have all *runner_labels* and the *runtime*, whichever
    that is if none is named; external ones on none. An *image* runs in Docker; without
    one it is the runner's own. *credential_delivery* defaults to the environment, for
    external agents to the only one they have: sealed. *fallbacks* are asked in their
    order when the provider cannot answer, within the *residency*. *tools* are run by
    the runner; an external agent has none. The *budget* is made with the type, and is
    one of the budgets.
    """

    name: Name
    slug: Slug
    use_case: UseCase | None = None
    labels: Labels = Field(default_factory=dict)
    provider_id: UUID
    model: Model
    allowed_models: list[Model] | None = Field(default=None, max_length=200)
    fallbacks: list[Fallback] = Field(default_factory=list, max_length=_MOST_FALLBACKS)
    residency: Residency | None = None
    system_prompt: SystemPrompt = ""
    temperature: float | None = Field(default=None, ge=0, le=2)
    max_tokens: int | None = Field(default=None, ge=1, le=10_000_000)
    tools: list[ToolSubmission] = Field(default_factory=list, max_length=_MOST_TOOLS)
    resources: Resources = Resources()
    limits: AgentLimits = Field(default_factory=AgentLimits)
    budget: AgentTypeBudgetSubmission | None = None
    on_ack_only: OnAckOnly = OnAckOnly.ACKNOWLEDGE
    provider_features: list[ProviderFeature] = Field(
        default_factory=list, max_length=20
    )
    runtime: AgentRuntime | None = None
    runner_labels: Labels = Field(default_factory=dict)
    credential_delivery: CredentialDelivery | None = None
    image: Image | None = None


class AgentTypePatch(Patch):
    """Changes to an agent type; *allowed_models* null is the one *model* again.

    A *budget* takes the place of the one there was, which goes on counting unless its
    measure, period or time zone is another; null removes it.
    """

    clearable = frozenset(
        {
            "use_case",
            "allowed_models",
            "residency",
            "temperature",
            "max_tokens",
            "runtime",
            "image",
            "budget",
        }
    )

    name: Name | None = None
    slug: Slug | None = None
    use_case: UseCase | None = None
    labels: Labels | None = None
    provider_id: UUID | None = None
    model: Model | None = None
    allowed_models: list[Model] | None = Field(default=None, max_length=200)
    fallbacks: list[Fallback] | None = Field(default=None, max_length=_MOST_FALLBACKS)
    residency: Residency | None = None
    system_prompt: SystemPrompt | None = None
    temperature: float | None = Field(default=None, ge=0, le=2)
    max_tokens: int | None = Field(default=None, ge=1, le=10_000_000)
    tools: list[ToolSubmission] | None = Field(default=None, max_length=_MOST_TOOLS)
    resources: Resources | None = None
    limits: AgentLimits | None = None
    budget: AgentTypeBudgetSubmission | None = None
    on_ack_only: OnAckOnly | None = None
    provider_features: list[ProviderFeature] | None = Field(default=None, max_length=20)
    runtime: AgentRuntime | None = None
    runner_labels: Labels | None = None
    credential_delivery: CredentialDelivery | None = None
    image: Image | None = None


class AgentType(Message):
    """A version of an agent type; running agents keep the one they started with.

    But *fallbacks*, *residency*, *limits* and *budget* are the type's own, and hold at
    once.
    """

    id: UUID
    version: int
    name: str
    slug: str
    use_case: str | None
    labels: dict[str, str]
    provider_id: UUID
    model: str
    allowed_models: list[str]
    fallbacks: list[Fallback] = Field(default_factory=list)
    residency: Residency | None = None
    system_prompt: str
    temperature: float | None
    max_tokens: int | None
    tools: list[Tool] = Field(default_factory=list)
    resources: Resources
    limits: AgentLimits = Field(default_factory=AgentLimits)
    budget: AgentTypeBudget | None = None
    on_ack_only: OnAckOnly = OnAckOnly.ACKNOWLEDGE
    provider_features: list[ProviderFeature] = Field(default_factory=list)
    runtime: AgentRuntime | None = None
    runner_labels: dict[str, str] = Field(default_factory=dict)
    credential_delivery: CredentialDelivery = CredentialDelivery.ENVIRONMENT
    image: str | None = None
    created_at: AwareDatetime
    updated_at: AwareDatetime

    @property
    def provider_ids(self) -> frozenset[UUID]:
        """Whom its agents may ask: the provider, and those of the fallbacks."""
        return frozenset(
            {self.provider_id, *(each.provider_id for each in self.fallbacks)}
        )

    @property
    def mcp_server_ids(self) -> frozenset[UUID]:
        """Of which MCP servers its agents may have tools."""
        return frozenset(
            each.server_id for each in self.tools if isinstance(each, McpServerTools)
        )


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


class MessageUsage(Message):
    """Tokens of all model calls made for one message; None if none was reported."""

    calls: int = 0
    input_tokens: int | None = None
    output_tokens: int | None = None
    total_tokens: int | None = None


class AgentMessage(Message):
    """A message to an agent and, once final, its one stored answer.

    *attempts* counts its deliveries to the agent.
    """

    message_id: UUID
    thread_id: UUID
    agent_id: UUID
    status: MessageStatus
    content: str | None
    usage: MessageUsage
    duration_ms: int | None
    explanation: Explanation | None
    created_at: AwareDatetime
    finished_at: AwareDatetime | None
    attempts: int = 0


class CreateAgentType(Question):
    agent_type_id: UUID
    submission: AgentTypeSubmission


class UpdateAgentType(Question):
    agent_type_id: UUID
    patch: AgentTypePatch
    if_version: int | None = None


class AgentTypeQuestion(Question):
    agent_type_id: UUID


class ModelsQuestion(Question):
    """Ask which models agents use of *provider_id*."""

    provider_id: UUID


class ModelsInUse(Message):
    """The models that types allow, newest versions and those that run; sorted."""

    models: list[str]


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


class SubmitMessage(Question):
    """A row is written before the answer; *thread_id* None opens a new thread.

    Of one that *is_streamed* the reply is signalled as it is made.
    """

    message_id: UUID
    agent_id: UUID
    thread_id: UUID | None = None
    content: str
    is_streamed: bool = False


class MessageQuestion(Question):
    message_id: UUID


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


class MessageFinished(Message):
    """A message has become final; the record has its answer."""

    message_id: UUID


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
CREATE_AGENT_TYPE = Endpoint(
    "agent_runner.v1.create_agent_type", CreateAgentType, AgentType, askers=_GATEWAY
)
UPDATE_AGENT_TYPE = Endpoint(
    "agent_runner.v1.update_agent_type", UpdateAgentType, AgentType, askers=_GATEWAY
)
DELETE_AGENT_TYPE = Endpoint(
    "agent_runner.v1.delete_agent_type", AgentTypeQuestion, Empty, askers=_GATEWAY
)
GET_AGENT_TYPE = Endpoint(
    "agent_runner.v1.get_agent_type", AgentTypeQuestion, AgentType, askers=_GATEWAY
)
LIST_AGENT_TYPES = Endpoint(
    "agent_runner.v1.list_agent_types", PageQuestion, Page[AgentType], askers=_GATEWAY
)
MODELS_IN_USE = Endpoint(
    "agent_runner.v1.models_in_use", ModelsQuestion, ModelsInUse, askers=_GATEWAY
)
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
SUBMIT_MESSAGE = Endpoint(
    "agent_runner.v1.submit_message", SubmitMessage, AgentMessage, askers=_GATEWAY
)
GET_MESSAGE = Endpoint(
    "agent_runner.v1.get_message", MessageQuestion, AgentMessage, askers=_GATEWAY
)
MESSAGE_FINISHED = Signal(
    "agent_runner.v1.signals.message_finished.{key}",
    MessageFinished,
    sender=Service.AGENT_RUNNER,
    hearers=_GATEWAY,
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
