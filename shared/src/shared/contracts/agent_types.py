"""Agent types: the templates that agents are made of."""

from enum import StrEnum
from typing import Annotated
from uuid import UUID

from pydantic import AwareDatetime, Field, StringConstraints

from .base import (
    Empty,
    Endpoint,
    Labels,
    Message,
    Name,
    Page,
    PageQuestion,
    Patch,
    Question,
    Service,
    UseCase,
)
from .limits import AgentTypeBudget, AgentTypeBudgetSubmission
from .routes import Fallback, Model, Residency
from .tools import McpServerTools, Tool, ToolSubmission

__all__ = [
    "CREATE_AGENT_TYPE",
    "DELETE_AGENT_TYPE",
    "GET_AGENT_TYPE",
    "LIST_AGENT_TYPES",
    "MODELS_IN_USE",
    "UPDATE_AGENT_TYPE",
    "AgentLimits",
    "AgentRuntime",
    "AgentType",
    "AgentTypePatch",
    "AgentTypeQuestion",
    "AgentTypeSubmission",
    "CreateAgentType",
    "CredentialDelivery",
    "ModelsInUse",
    "ModelsQuestion",
    "OnAckOnly",
    "ProviderFeature",
    "Resources",
    "UpdateAgentType",
]

_MOST_FALLBACKS = 8
_MOST_TOOLS = 20


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


_GATEWAY = frozenset({Service.GATEWAY})

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
