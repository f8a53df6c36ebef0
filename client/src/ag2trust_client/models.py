"""What the API takes and answers.

Made by `make generate` of docs/api/openapi.json.
"""

from __future__ import annotations

from datetime import date
from typing import Any, Literal
from uuid import UUID

from pydantic import (
    AwareDatetime,
    BaseModel,
    ConfigDict,
    Field,
    SecretStr,
    field_serializer,
)

__all__ = [
    "Actor",
    "Agent",
    "AgentLimitsInput",
    "AgentLimitsOutput",
    "AgentMessage",
    "AgentPatch",
    "AgentProgress",
    "AgentRuntime",
    "AgentStats",
    "AgentStatus",
    "AgentSubmission",
    "AgentToken",
    "AgentType",
    "AgentTypeBudget",
    "AgentTypeBudgetSubmission",
    "AgentTypePatch",
    "AgentTypeSubmission",
    "Alert",
    "AlertEvidence",
    "AlertRule",
    "AlertRuleChange",
    "AlertRuleName",
    "AlertRules",
    "AlertStatus",
    "AlertSubject",
    "AlertSubjectKind",
    "ApiKeySubmission",
    "ApiKeyView",
    "AttemptRecord",
    "AuditEntry",
    "AuditFinding",
    "AuditFlaw",
    "AuditVerification",
    "BaseUrls",
    "Budget",
    "BudgetMode",
    "BudgetPatch",
    "BudgetPeriod",
    "BudgetScopeInput",
    "BudgetScopeOutput",
    "BudgetSubmission",
    "Call",
    "CallStatus",
    "Cost",
    "CredentialDelivery",
    "CredentialState",
    "CurrentTimeToolInput",
    "CurrentTimeToolOutput",
    "DeadLetter",
    "Delivery",
    "DeliveryAttempt",
    "DeliveryStatus",
    "DesiredState",
    "ErrorShare",
    "EventName",
    "ExplainedError",
    "Explanation",
    "FallbackInput",
    "FallbackOutput",
    "Health",
    "HttpRequestToolInput",
    "HttpRequestToolOutput",
    "IamPolicy",
    "Intelligence",
    "Interval",
    "InvitedUserView",
    "Job",
    "JobAgent",
    "JobAgentType",
    "JobKind",
    "JobStatus",
    "JobStep",
    "JsonValue",
    "LastLines",
    "LimitStanding",
    "Limits",
    "LiveModel",
    "LiveModels",
    "MasterKeyState",
    "McpApproval",
    "McpServer",
    "McpServerPatch",
    "McpServerSubmission",
    "McpServerToolsInput",
    "McpServerToolsOutput",
    "McpTool",
    "McpToolDefinition",
    "McpToolShown",
    "McpToolStatus",
    "McpTools",
    "McpWithdrawal",
    "Me",
    "MessageStatus",
    "MessageSubmission",
    "MessageUsage",
    "ModelCatalogue",
    "ModelStatus",
    "ModelView",
    "NewAgent",
    "NewApiKeyView",
    "NewWebhook",
    "NewWebhookView",
    "OnAckOnly",
    "OrganizationPatch",
    "OrganizationSummary",
    "OrganizationView",
    "PageOfAgent",
    "PageOfAgentType",
    "PageOfAlert",
    "PageOfApiKeyView",
    "PageOfAuditEntry",
    "PageOfBudget",
    "PageOfCall",
    "PageOfDeadLetter",
    "PageOfDelivery",
    "PageOfExplainedError",
    "PageOfJob",
    "PageOfMcpServer",
    "PageOfProvider",
    "PageOfRunner",
    "PageOfThread",
    "PageOfToolCall",
    "PageOfUserView",
    "PageOfWebhook",
    "PasswordChange",
    "Permission",
    "PriceOverride",
    "PriceOverrideSubmission",
    "PriceQuote",
    "PriceTier",
    "Prices",
    "ProbeResult",
    "Provider",
    "ProviderFeature",
    "ProviderLimitsInput",
    "ProviderLimitsOutput",
    "ProviderPatch",
    "ProviderStatus",
    "ProviderSubmission",
    "ProviderTest",
    "ProviderTrial",
    "ProviderType",
    "Ready",
    "Replay",
    "Replayed",
    "RepriceOrder",
    "RepricedModel",
    "Repricing",
    "RepricingStatus",
    "ResidencyInput",
    "ResidencyOutput",
    "ResourcesInput",
    "ResourcesOutput",
    "Rewrap",
    "RewrapStatus",
    "Role",
    "Rotation",
    "Runner",
    "RunnerStatus",
    "ScopeKind",
    "Service",
    "Silence",
    "Speed",
    "StartedSession",
    "StepName",
    "StepStatus",
    "Table",
    "TaskId",
    "TaskView",
    "Thread",
    "ThreadHistory",
    "ThreadMessage",
    "TokenPricesInput",
    "TokenPricesOutput",
    "ToolCall",
    "ToolCallStatus",
    "UnpricedReason",
    "Usage",
    "UsageBucket",
    "UsageErrors",
    "UsageOfAgent",
    "UsageOfAgentType",
    "UsageOfLabel",
    "UsageOfModel",
    "UsageOfProvider",
    "UsageOfProviderType",
    "UsageOfStatus",
    "UsageOfUseCase",
    "UsagePageOfUsageOfAgent",
    "UsagePageOfUsageOfAgentType",
    "UsagePageOfUsageOfLabel",
    "UsagePageOfUsageOfModel",
    "UsagePageOfUsageOfProvider",
    "UsagePageOfUsageOfProviderType",
    "UsagePageOfUsageOfStatus",
    "UsagePageOfUsageOfUseCase",
    "UsageSource",
    "UsageSummary",
    "UsageTimeline",
    "UserPatch",
    "UserSubmission",
    "UserView",
    "Webhook",
    "WebhookPatch",
]


class Taken(BaseModel):
    """What the API takes; a field that it does not know is refused here already."""

    # A program uses few of them, and should not wait for the others when it starts.
    model_config = ConfigDict(
        extra="forbid", hide_input_in_errors=True, defer_build=True
    )


class Given(BaseModel):
    """What the API answers; a field that is newer than this client is kept."""

    model_config = ConfigDict(
        extra="allow", frozen=True, populate_by_name=True, defer_build=True
    )


AgentProgress = Literal["waiting", "restarting", "restarted", "left_alone", "skipped"]
AgentRuntime = Literal["docker", "process", "external"]
AgentStatus = Literal["stopped", "starting", "running", "ack_only", "stopping", "error"]
AlertRuleName = Literal[
    "token_spike",
    "error_rate",
    "slow_responses",
    "unpriced_model",
    "budget_spent",
    "credential_expiry",
    "agent_in_error",
]
AlertStatus = Literal["open", "resolved"]
AlertSubjectKind = Literal["agent", "model", "budget", "provider"]
AuditFlaw = Literal["edited", "moved", "removed", "replaced", "rewritten", "truncated"]
BudgetMode = Literal["hard", "warn"]
BudgetPeriod = Literal["day", "month"]
CallStatus = Literal["completed", "failed", "cancelled", "interrupted"]
Cost = Literal["$", "$$", "$$$"]
CredentialDelivery = Literal["environment", "sealed"]
DeliveryStatus = Literal["pending", "delivered", "failed"]
DesiredState = Literal["running", "stopped"]
EventName = Literal[
    "budget.reached",
    "alert.opened",
    "alert.resolved",
    "call.finished",
    "job.advanced",
    "limit.reached",
    "message.finished",
    "provider.credential_expired",
    "provider.credential_expiring",
    "tool_call.finished",
]
Intelligence = Literal["good", "high", "very_high"]
Interval = Literal["hour", "day"]
JobKind = Literal["provider.rotation", "agent_type.restart"]
JobStatus = Literal["running", "completed", "failed", "rolled_back"]
JsonValue = Any
McpToolStatus = Literal["new", "approved", "changed", "gone", "unusable"]
MessageStatus = Literal[
    "queued", "running", "completed", "acknowledged", "failed", "cancelled"
]
ModelStatus = Literal["current", "legacy", "retired"]
OnAckOnly = Literal["acknowledge", "hold"]
Permission = Literal[
    "self",
    "agent-types:read",
    "agent-types:write",
    "agents:read",
    "agents:write",
    "alerts:read",
    "alerts:write",
    "api-keys:read",
    "api-keys:write",
    "audit:read",
    "budgets:read",
    "budgets:write",
    "dead-letters:read",
    "dead-letters:write",
    "events:read",
    "jobs:read",
    "master-key:read",
    "master-key:write",
    "mcp-servers:read",
    "mcp-servers:write",
    "messages:read",
    "messages:write",
    "organization:read",
    "organization:write",
    "prices:read",
    "prices:write",
    "providers:read",
    "providers:write",
    "runners:read",
    "runners:write",
    "usage:read",
    "users:read",
    "users:write",
    "webhooks:read",
    "webhooks:write",
]
ProviderFeature = Literal["hosted_tools", "remote_mcp", "background", "stored_objects"]
ProviderStatus = Literal["ready", "incomplete", "expired"]
ProviderType = Literal["openai", "anthropic", "bedrock"]
RepricingStatus = Literal["running", "completed"]
RewrapStatus = Literal["running", "completed", "failed", "superseded"]
Role = Literal["owner", "admin", "operator", "viewer"]
RunnerStatus = Literal["ready", "draining", "lost"]
ScopeKind = Literal["organization", "agent_type", "agent", "provider"]
Service = Literal["credentials", "gateway", "agent_runner", "metrics"]
Speed = Literal["very_fast", "fast", "medium"]
StepName = Literal[
    "test",
    "switch",
    "retire",
    "move",
    "restart",
    "delete",
    "move_back",
    "restart_back",
    "reinstate",
    "discard",
]
StepStatus = Literal["pending", "running", "done", "failed", "left_out"]
Table = Literal["purpose", "complexity"]
TaskId = Literal[
    "high_volume",
    "general_purpose",
    "complex_reasoning",
    "code_generation",
    "cost_sensitive",
    "aws_data_residency",
    "simple_questions",
    "customer_support",
    "code_review",
    "complex_analysis",
]
ToolCallStatus = Literal["completed", "failed", "refused", "cancelled"]
UnpricedReason = Literal[
    "MODEL_UNKNOWN", "MODEL_OPAQUE", "USAGE_UNKNOWN", "NOT_PRICED_YET"
]
UsageSource = Literal["reported", "estimated", "refused", "none"]


class Actor(Given):
    """Who is behind an act, for the audit entry of its owner."""

    kind: str
    id: str


class Agent(Given):
    """One instance of an agent type.

    *restart_required*: it runs another version than the newest of its type, or
    one of the type it had before. An external agent has *base_urls* and no
    runner. *incarnation* grows with every start and restart that is asked for.
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
    is_external: bool
    base_urls: BaseUrls | None
    incarnation: int


class AgentLimitsInput(Taken):
    """What the tools of one agent may do in any 60 seconds; 0 means nothing.

    An HTTP request counts as a tool call, too.
    """

    tool_calls_per_minute: int = 5
    http_requests_per_minute: int = 3


class AgentLimitsOutput(Given):
    """What the tools of one agent may do in any 60 seconds; 0 means nothing.

    An HTTP request counts as a tool call, too.
    """

    tool_calls_per_minute: int
    http_requests_per_minute: int


class AgentMessage(Given):
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
    attempts: int


class AgentPatch(Taken):
    """Changes to an agent; another type is effective at its next restart."""

    name: str | None = None
    agent_type_id: UUID | None = None


class AgentStats(Given):
    """What an agent used and how it fared."""

    from_: AwareDatetime | None = Field(alias="from")
    to: AwareDatetime | None
    as_of: AwareDatetime
    calls: int
    errors: int
    error_rate: float | None
    cancelled_calls: int
    interrupted_calls: int
    total_tokens: int
    input_tokens: int
    cached_input_tokens: int
    cache_write_5m_tokens: int
    cache_write_1h_tokens: int
    output_tokens: int
    reasoning_tokens: int
    average_response_time_ms: float | None
    p50_response_time_ms: float | None
    p95_response_time_ms: float | None
    average_time_to_first_token_ms: float | None
    cost_usd: float | None
    unpriced_calls: int
    messages_processed: int
    message_duration_ms: float | None
    agent_id: UUID


class AgentSubmission(Taken):
    """A new agent; with *start* it is started at once, or not made at all."""

    name: str
    agent_type_id: UUID
    start: bool = False


class AgentToken(Given):
    """What an external agent shows, and where; the token before counts no more."""

    agent_token: str | None = None
    base_urls: BaseUrls | None


class AgentType(Given):
    """A version of an agent type; running agents keep the one they started with.

    But *fallbacks*, *residency*, *limits* and *budget* are the type's own, and
    hold at once.
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
    fallbacks: list[FallbackOutput]
    residency: ResidencyOutput | None
    system_prompt: str
    temperature: float | None
    max_tokens: int | None
    tools: list[CurrentTimeToolOutput | HttpRequestToolOutput | McpServerToolsOutput]
    resources: ResourcesOutput
    limits: AgentLimitsOutput
    budget: AgentTypeBudget | None
    on_ack_only: OnAckOnly
    provider_features: list[ProviderFeature]
    runtime: AgentRuntime | None
    runner_labels: dict[str, str]
    credential_delivery: CredentialDelivery
    image: str | None
    created_at: AwareDatetime
    updated_at: AwareDatetime


class AgentTypeBudget(Given):
    """The budget given with an agent type; it stands among the budgets with its use."""

    id: UUID
    name: str
    tokens: int | None
    usd: float | None
    period: BudgetPeriod
    time_zone: str
    mode: BudgetMode
    warn_at_percent: int


class AgentTypeBudgetSubmission(Taken):
    """What all agents of a type may use: at most so many *tokens* or *usd* a period.

    One of the two. A new one is called as its type is, unless it has a *name*.
    """

    tokens: int | None = None
    usd: float | str | None = None
    period: BudgetPeriod
    time_zone: str = "UTC"
    mode: BudgetMode | None = None
    warn_at_percent: int = 80
    name: str | None = None


class AgentTypePatch(Taken):
    """Changes to an agent type; *allowed_models* null is the one *model* again.

    A *budget* takes the place of the one there was, which goes on counting
    unless its measure, period or time zone is another; null removes it.
    """

    name: str | None = None
    slug: str | None = None
    use_case: str | None = None
    labels: dict[str, str] | None = None
    provider_id: UUID | None = None
    model: str | None = None
    allowed_models: list[str] | None = None
    fallbacks: list[FallbackInput] | None = None
    residency: ResidencyInput | None = None
    system_prompt: str | None = None
    temperature: float | None = None
    max_tokens: int | None = None
    tools: (
        list[
            Literal["current_time", "http_request"]
            | CurrentTimeToolInput
            | HttpRequestToolInput
            | McpServerToolsInput
        ]
        | None
    ) = None
    resources: ResourcesInput | None = None
    limits: AgentLimitsInput | None = None
    budget: AgentTypeBudgetSubmission | None = None
    on_ack_only: OnAckOnly | None = None
    provider_features: list[ProviderFeature] | None = None
    runtime: AgentRuntime | None = None
    runner_labels: dict[str, str] | None = None
    credential_delivery: CredentialDelivery | None = None
    image: str | None = None


class AgentTypeSubmission(Taken):
    """A template for agents. *allowed_models* defaults to the one *model*.

    Its agents run on runners that have all *runner_labels* and the *runtime*,
    whichever that is if none is named; external ones on none. An *image* runs
    in Docker; without one it is the runner's own. *credential_delivery*
    defaults to the environment, for external agents to the only one they have:
    sealed. *fallbacks* are asked in their order when the provider cannot
    answer, within the *residency*. *tools* are run by the runner; an external
    agent has none. The *budget* is made with the type, and is one of the
    budgets.
    """

    name: str
    slug: str
    use_case: str | None = None
    labels: dict[str, str] | None = None
    provider_id: UUID
    model: str
    allowed_models: list[str] | None = None
    fallbacks: list[FallbackInput] | None = None
    residency: ResidencyInput | None = None
    system_prompt: str = ""
    temperature: float | None = None
    max_tokens: int | None = None
    tools: (
        list[
            Literal["current_time", "http_request"]
            | CurrentTimeToolInput
            | HttpRequestToolInput
            | McpServerToolsInput
        ]
        | None
    ) = None
    resources: ResourcesInput | None = None
    limits: AgentLimitsInput | None = None
    budget: AgentTypeBudgetSubmission | None = None
    on_ack_only: OnAckOnly | None = None
    provider_features: list[ProviderFeature] | None = None
    runtime: AgentRuntime | None = None
    runner_labels: dict[str, str] | None = None
    credential_delivery: CredentialDelivery | None = None
    image: str | None = None


class Alert(Given):
    """One condition, from when it was seen first until it was seen no more.

    *silenced_until*: until then nobody is told of it, nor of its return.
    """

    id: UUID
    rule: AlertRuleName
    subject: AlertSubject
    status: AlertStatus
    message: str
    evidence: AlertEvidence
    opened_at: AwareDatetime
    last_seen_at: AwareDatetime
    resolved_at: AwareDatetime | None
    silenced_until: AwareDatetime | None


class AlertEvidence(Given):
    """What was seen last: *figure* from *since* to *until*, both in *unit*.

    *threshold* is what it had to reach, *baseline* what is usual of the
    subject, None without a history. *calls* is the path under which the gateway
    lists the calls.
    """

    figure: float
    threshold: float
    baseline: float | None
    unit: str
    since: AwareDatetime
    until: AwareDatetime
    calls: str


class AlertRule(Given):
    """A rule as an organization has it; *description* says when it opens an alert."""

    name: AlertRuleName
    description: str
    enabled: bool


class AlertRuleChange(Taken):
    """Which rule, and whether it is watched for."""

    name: AlertRuleName
    enabled: bool


class AlertRules(Given):
    data: list[AlertRule]


class AlertSubject(Given):
    """What the alert is about; *key* is an id, or the name of a model."""

    kind: AlertSubjectKind
    key: str


class ApiKeySubmission(Taken):
    """*scopes* narrow what the role allows; without any, it may all of it."""

    name: str
    role: Role | None = None
    scopes: list[Permission] | None = None
    expires_at: AwareDatetime | None = None


class ApiKeyView(Given):
    """A key as it may be told; the first key has no *prefix*.

    *last_used_at* is as of the minute.
    """

    id: UUID
    name: str
    role: Role
    scopes: list[Permission] | None
    prefix: str | None
    created_at: AwareDatetime
    expires_at: AwareDatetime | None
    last_used_at: AwareDatetime | None


class AttemptRecord(Given):
    """One upstream request of a call. *http_status* is None if none came."""

    attempt_id: UUID
    provider_id: UUID
    model: str
    started_at: AwareDatetime
    duration_ms: int
    http_status: int | None
    error_code: str | None


class AuditEntry(Given):
    """Who did what to which object, as the owner of the object keeps it.

    *act* is `noun.past_participle`; *service* is the owner. *position* and
    *hash* (hexadecimal) are its place in the organization's chain
    (`shared.audit_chain`), None where the owner keeps none.
    """

    id: UUID
    service: Service
    position: int | None
    at: AwareDatetime
    actor: Actor
    act: str
    object_kind: str
    object_id: UUID
    details: dict[str, JsonValue]
    request_id: str | None
    hash: str | None


class AuditFinding(Given):
    """A flaw at a position of the chain, and the entry that stands there now, if any.

    *through* is the last of several positions that are missing, *moved_from*
    where a moved entry was written, *kept_at* when the head was kept that
    disagrees.
    """

    flaw: AuditFlaw
    position: int
    through: int | None
    entry_id: UUID | None
    moved_from: int | None
    kept_at: AwareDatetime | None


class AuditVerification(Given):
    """An organization's chain as it was compared, entry by entry and with kept heads.

    It *is_whole* if nothing disagrees. *entries* were read, the last of them at
    *position* with *hash* (hexadecimal), and compared with the newest
    *kept_heads*, the last of which was kept at *head_kept_at*. *findings* tells
    the first of *flaws*. *unreadable_heads* counts lines among the heads that
    the service did not sign.
    """

    verified_at: AwareDatetime
    is_whole: bool
    entries: int
    position: int | None
    hash: str | None
    kept_heads: int
    head_kept_at: AwareDatetime | None
    flaws: int
    findings: list[AuditFinding]
    unreadable_heads: int


class BaseUrls(Given):
    """What official SDKs take as their base URL, so that an agent uses the proxy."""

    openai: str
    anthropic: str
    bedrock: str


class Budget(Given):
    """A budget, and how it stands in the period that runs now.

    *used* and *left* are in its own measure, calls under way included at the
    most they may take; *left* of one that is overspent is 0.
    """

    id: UUID
    name: str
    scope: BudgetScopeOutput
    tokens: int | None
    usd: float | None
    period: BudgetPeriod
    time_zone: str
    mode: BudgetMode
    warn_at_percent: int
    used: float
    left: float
    period_start: AwareDatetime
    period_end: AwareDatetime
    version: int
    created_at: AwareDatetime
    updated_at: AwareDatetime


class BudgetPatch(Taken):
    """Changes to a budget, which goes on counting what it has counted.

    Its amount is changed in its own measure: *tokens* or *usd*.
    """

    name: str | None = None
    tokens: int | None = None
    usd: float | str | None = None
    mode: BudgetMode | None = None
    warn_at_percent: int | None = None


class BudgetScopeInput(Taken):
    """All calls of the organization, or those of one thing, which *id* names."""

    kind: ScopeKind
    id: UUID | None = None


class BudgetScopeOutput(Given):
    """All calls of the organization, or those of one thing, which *id* names."""

    kind: ScopeKind
    id: UUID | None


class BudgetSubmission(Taken):
    """A budget of the calls in its *scope*: at most so many *tokens* or *usd* a period.

    One of the two. At *warn_at_percent* of it, and when it is spent, an event
    tells.
    """

    tokens: int | None = None
    usd: float | str | None = None
    period: BudgetPeriod
    time_zone: str = "UTC"
    mode: BudgetMode | None = None
    warn_at_percent: int = 80
    name: str
    scope: BudgetScopeInput


class Call(Given):
    """A call as it was counted, and priced by *price_version*."""

    kind: Literal["call"]
    call_id: UUID
    org_id: UUID
    agent_id: UUID
    agent_type_id: UUID
    provider_id: UUID
    provider_type: ProviderType
    use_case: str | None
    labels: dict[str, str]
    model: str
    endpoint: str
    is_streamed: bool
    message_id: UUID | None
    runner: str
    request_id: str
    status: CallStatus
    http_status: int | None
    started_at: AwareDatetime
    duration_ms: int | None
    time_to_first_token_ms: int | None
    usage: Usage
    usage_source: UsageSource
    explanation: Explanation | None
    attempts: list[AttemptRecord]
    recorded_at: AwareDatetime
    cost_usd: float | None
    price_version: str | None
    unpriced_reason: UnpricedReason | None


class CredentialState(Given):
    """What may be told of a secret: never more than its last four characters.

    *fields* names what is kept sealed, *missing* what agents need before they
    work.
    """

    version: int
    hint: str | None
    expires_at: AwareDatetime | None
    missing: list[str]
    fields: list[str]


class CurrentTimeToolInput(Taken):
    """Tells the time of day, in any time zone."""

    name: Literal["current_time"]


class CurrentTimeToolOutput(Given):
    """Tells the time of day, in any time zone."""

    name: Literal["current_time"]


class DeadLetter(Given):
    """A message that is not delivered any more, and why; *id* is the message's."""

    id: UUID
    kind: Literal["message"]
    thread_id: UUID
    agent_id: UUID
    content: str
    attempts: int
    reason: Explanation
    created_at: AwareDatetime
    dead_lettered_at: AwareDatetime


class Delivery(Given):
    """One event for one webhook; *id* is its `webhook-id`, the same in every attempt.

    *event* is an event's name, or `webhook.test`. *attempts* are the last ten.
    """

    id: UUID
    webhook_id: UUID
    event_id: str
    event: str
    status: DeliveryStatus
    attempts: list[DeliveryAttempt]
    created_at: AwareDatetime
    next_attempt_at: AwareDatetime | None


class DeliveryAttempt(Given):
    """What came of one request: a status, or the reason why there is none."""

    at: AwareDatetime
    http_status: int | None
    error: str | None
    duration_ms: int


class ErrorShare(Given):
    """How many calls failed with *code*, and their part of all that failed."""

    code: str
    errors: int
    share_of_errors: float | None


class ExplainedError(Given):
    """One row of the table.

    *provider_errors* are the source's own names, `*` standing for any text;
    without any, the row is for what else comes with one of *http_statuses*. 200
    is an error inside a stream. Of *source* `ag2trust` is what goes wrong on
    the way or with a tool, and what we refuse ourselves.
    """

    source: str
    http_statuses: list[int]
    provider_errors: list[str]
    code: str
    cause: str
    fix: str
    retryable: bool


class Explanation(Given):
    """Why something failed: one shape everywhere.

    *provider_error* is the provider's own name of the failure, None if it is
    ours.
    """

    code: str
    provider_error: str | None
    message: str
    cause: str
    fix: str
    retryable: bool


class FallbackInput(Taken):
    """Who answers when those before it cannot, and with which model."""

    provider_id: UUID
    model: str


class FallbackOutput(Given):
    """Who answers when those before it cannot, and with which model."""

    provider_id: UUID
    model: str


class Health(Given):
    status: Literal["ok"]


class HttpRequestToolInput(Taken):
    """Asks a URL that the model chooses.

    *hosts* are those it may ask: `api.example.com`, or `*.example.com` for what
    lies below; on the usual ports, or the one that is named. Without them it
    may ask any; that takes sealed delivery. *timeout_seconds* is for all of a
    request, its redirects included. A longer request is refused, a longer
    response cut short.
    """

    name: Literal["http_request"]
    methods: list[Literal["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE"]] = ["GET"]
    hosts: list[str] | None = None
    max_request_bytes: int = 65536
    max_response_bytes: int = 32768
    timeout_seconds: float = 10


class HttpRequestToolOutput(Given):
    """Asks a URL that the model chooses.

    *hosts* are those it may ask: `api.example.com`, or `*.example.com` for what
    lies below; on the usual ports, or the one that is named. Without them it
    may ask any; that takes sealed delivery. *timeout_seconds* is for all of a
    request, its redirects included. A longer request is refused, a longer
    response cut short.
    """

    name: Literal["http_request"]
    methods: list[Literal["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE"]]
    hosts: list[str] | None
    max_request_bytes: int
    max_response_bytes: int
    timeout_seconds: float


class IamPolicy(Given):
    """*policy* is the document to attach; it works without *optional_statements*."""

    policy: dict[str, Any]
    models: list[str]
    optional_statements: list[str]
    notes: list[str]


class InvitedUserView(Given):
    """A person, and the one-time link by which that one comes in within 7 days."""

    id: UUID
    email: str
    name: str | None
    role: Role
    status: Literal["invited", "active", "disabled"]
    version: int
    created_at: AwareDatetime
    updated_at: AwareDatetime
    last_login_at: AwareDatetime | None
    invitation_link: str | None = None


class Job(Given):
    """A job and all that is known of it; *version* grows with every change.

    Of a rotation *to_provider_id* None means that the provider keeps its id and
    gets a new secret. *agent_types* are those it moves, and *agents* those it
    restarts, once it has found them; *model* is what a test asks for where one
    is needed.
    """

    id: UUID
    kind: JobKind
    status: JobStatus
    version: int
    provider_id: UUID | None
    to_provider_id: UUID | None
    delete_old: bool
    model: str | None
    agent_type_id: UUID | None
    steps: list[JobStep]
    agent_types: list[JobAgentType] | None
    agents: list[JobAgent] | None
    explanation: Explanation | None
    actor: Actor
    started_at: AwareDatetime
    finished_at: AwareDatetime | None


class JobAgent(Given):
    """An agent that a job restarts. *incarnation* is the one to be replaced.

    *explanation* says why it was skipped.
    """

    id: UUID
    name: str
    incarnation: int
    started_at: AwareDatetime | None
    progress: AgentProgress
    asked_at: AwareDatetime | None
    explanation: Explanation | None


class JobAgentType(Given):
    """An agent type that a job moves, as it was before."""

    id: UUID
    name: str
    provider_id: UUID
    fallbacks: list[FallbackOutput]


class JobStep(Given):
    """A step; *attempts* counts those that met something passing, *explanation* it."""

    name: StepName
    status: StepStatus
    attempts: int
    explanation: Explanation | None
    finished_at: AwareDatetime | None


class LastLines(Given):
    """The last lines an agent wrote, secrets masked."""

    lines: list[str]


class LimitStanding(Given):
    """How a limit stands that was used lately: of a provider, or of an agent's tools.

    *used* counts the last 60 seconds, or for `concurrent` what is in use now;
    *of* says in words what it is of. *resets_at* is when all of it is free
    again, None if that cannot be told.
    """

    limit: str
    of: str
    of_id: UUID
    amount: int
    used: int
    left: int
    resets_at: AwareDatetime | None


class Limits(Given):
    data: list[LimitStanding]


class LiveModel(Given):
    """A model as its provider lists it; what that does not say is None or empty.

    *status* is the provider's own word, such as `ACTIVE` or `LEGACY`. Of
    Bedrock *is_on_demand* says whether the id itself can be called, and an
    inference profile names the *regions* in which its calls may be answered.
    """

    id: str
    name: str | None
    owner: str | None
    created_at: AwareDatetime | None
    status: str | None
    input_modalities: list[str]
    output_modalities: list[str]
    is_on_demand: bool | None
    regions: list[str]


class LiveModels(Given):
    """All models at once, in the provider's order; a list over 1 MB is cut.

    *region* is the one that Bedrock was asked in. *explanation* says why the
    inference profiles are missing, whose listing is a permission of its own.
    """

    data: list[LiveModel]
    next_cursor: str | None
    region: str | None
    explanation: Explanation | None


class MasterKeyState(Given):
    """Which key wraps now, what the data keys are under, and whether all is frozen.

    *master_key_id* is None while the key cannot be asked. *data_keys* counts
    them by the id of the master key that wrapped them: one that counts none may
    be taken out.
    """

    master_key_id: str | None
    data_keys: dict[str, int]
    frozen_at: AwareDatetime | None
    frozen_by: Actor | None
    rewrap: Rewrap | None


class McpApproval(Taken):
    """The tools that are approved, each as it was shown: all of them or none."""

    tools: list[McpToolShown]


class McpServer(Given):
    """A server that speaks MCP over streamable HTTP; its token is never told again.

    *token_hint* is the last four characters of a long one.
    """

    id: UUID
    name: str
    url: str
    has_token: bool
    token_hint: str | None
    version: int
    created_at: AwareDatetime
    updated_at: AwareDatetime


class McpServerPatch(Taken):
    """A new token, or none any more; crosses the bus only sealed."""

    token: SecretStr | None = None

    @field_serializer("token", when_used="json-unless-none")
    def _sent(self, secret: SecretStr) -> str:
        return secret.get_secret_value()


class McpServerSubmission(Taken):
    """A new server as its operator gives it; crosses the bus only sealed.

    *token* is sent as `Authorization: Bearer`. Another URL or name is another
    server: no token goes to an address that it was not given for, and no tool
    changes its name.
    """

    name: str
    url: str
    token: SecretStr | None = None

    @field_serializer("token", when_used="json-unless-none")
    def _sent(self, secret: SecretStr) -> str:
        return secret.get_secret_value()


class McpServerToolsInput(Taken):
    """The approved tools of an MCP server, or those of them that *tools* names.

    *timeout_seconds* is for all of a call. A longer answer is cut short.
    """

    name: Literal["mcp"]
    server_id: UUID
    tools: list[str] | None = None
    max_response_bytes: int = 32768
    timeout_seconds: float = 30


class McpServerToolsOutput(Given):
    """The approved tools of an MCP server, or those of them that *tools* names.

    *timeout_seconds* is for all of a call. A longer answer is cut short.
    """

    name: Literal["mcp"]
    server_id: UUID
    tools: list[str] | None
    max_response_bytes: int
    timeout_seconds: float


class McpTool(Given):
    """A tool, as its server describes it now; if it does not, as it was approved.

    Models know it as *told_as*. *fingerprint* is that of *definition*, and what
    an approval names. *diff* has the lines of a unified diff, from what was
    approved to what the server says now. *problem* says why it is `unusable`.
    """

    name: str
    told_as: str
    status: McpToolStatus
    definition: McpToolDefinition | None
    fingerprint: str | None
    diff: list[str]
    problem: str | None
    approved_at: AwareDatetime | None


class McpToolDefinition(Given):
    """All that a model is told of a tool, but for its name."""

    description: str
    input_schema: dict[str, JsonValue]


class McpToolShown(Taken):
    """A tool as somebody has seen it, and approves it."""

    name: str
    fingerprint: str


class McpTools(Given):
    """All tools of a server at once.

    *explanation* says why the server could not be asked; what is listed then
    are those that were approved.
    """

    data: list[McpTool]
    next_cursor: str | None
    explanation: Explanation | None


class McpWithdrawal(Taken):
    """Whose approval is taken back."""

    tools: list[str]


class Me(Given):
    """Who asks, and what that one may. *user* and *csrf_token* are of people only."""

    kind: Literal["api_key", "user"]
    id: UUID
    role: Role
    permissions: list[Permission]
    organization: OrganizationSummary
    user: UserView | None
    csrf_token: str | None


class MessageSubmission(Taken):
    """A message; *wait* for its answer as long as *timeout_seconds*.

    With *stream* the answer comes as server-sent events.
    """

    content: str
    thread_id: UUID | None = None
    stream: bool = False
    wait: bool = True
    timeout_seconds: float = 120


class MessageUsage(Given):
    """Tokens of all model calls made for one message; None if none was reported."""

    calls: int
    input_tokens: int | None
    output_tokens: int | None
    total_tokens: int | None


class ModelCatalogue(Given):
    """All models at once, those of today first; *priced_at* is None without prices."""

    data: list[ModelView]
    next_cursor: None
    tasks: list[TaskView]
    priced_at: AwareDatetime | None


class ModelView(Given):
    """A model with what it costs now.

    *id* is what to name in an agent type. *speed*, *intelligence* and *cost*
    are ranks, None where nobody ranked it. Dollars are of a million tokens;
    None with *unpriced_reason*, or while nobody can be asked. *replaced_by* is
    the model that its provider, or we, would take instead.
    """

    id: str
    provider_type: ProviderType
    name: str
    family: str
    speed: Speed | None
    intelligence: Intelligence | None
    cost: Cost | None
    use_case: str | None
    best_for: str | None
    tasks: list[TaskId]
    regions: list[str] | None
    context_window: int | None
    max_output_tokens: int | None
    status: ModelStatus
    retires_on: date | None
    replaced_by: str | None
    usd_per_million_tokens: TokenPricesOutput | None
    price_tiers: list[PriceTier]
    unpriced_reason: UnpricedReason | None


class NewAgent(Given):
    """An agent as it was made; an external one with its token."""

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
    is_external: bool
    base_urls: BaseUrls | None
    incarnation: int
    agent_token: str | None = None


class NewApiKeyView(Given):
    """The one answer that holds the key itself."""

    id: UUID
    name: str
    role: Role
    scopes: list[Permission] | None
    prefix: str | None
    created_at: AwareDatetime
    expires_at: AwareDatetime | None
    last_used_at: AwareDatetime | None
    key: str | None = None


class NewWebhook(Taken):
    """*url* may hold a token: it is kept sealed, and only its origin is told again."""

    name: str
    url: SecretStr
    events: list[EventName]
    enabled: bool = True

    @field_serializer("url", when_used="json-unless-none")
    def _sent(self, secret: SecretStr) -> str:
        return secret.get_secret_value()


class NewWebhookView(Given):
    """The one answer that holds the secret that deliveries are signed with."""

    id: UUID
    name: str
    origin: str
    events: list[EventName]
    enabled: bool
    disabled_reason: str | None
    waiting: int
    version: int
    created_at: AwareDatetime
    updated_at: AwareDatetime
    secret: str | None = None


class OrganizationPatch(Taken):
    name: str | None = None


class OrganizationSummary(Given):
    id: UUID
    name: str


class OrganizationView(Given):
    id: UUID
    name: str
    version: int
    created_at: AwareDatetime


class PageOfAgent(Given):
    data: list[Agent]
    next_cursor: str | None


class PageOfAgentType(Given):
    data: list[AgentType]
    next_cursor: str | None


class PageOfAlert(Given):
    data: list[Alert]
    next_cursor: str | None


class PageOfApiKeyView(Given):
    data: list[ApiKeyView]
    next_cursor: str | None


class PageOfAuditEntry(Given):
    data: list[AuditEntry]
    next_cursor: str | None


class PageOfBudget(Given):
    data: list[Budget]
    next_cursor: str | None


class PageOfCall(Given):
    data: list[Call]
    next_cursor: str | None


class PageOfDeadLetter(Given):
    data: list[DeadLetter]
    next_cursor: str | None


class PageOfDelivery(Given):
    data: list[Delivery]
    next_cursor: str | None


class PageOfExplainedError(Given):
    data: list[ExplainedError]
    next_cursor: str | None


class PageOfJob(Given):
    data: list[Job]
    next_cursor: str | None


class PageOfMcpServer(Given):
    data: list[McpServer]
    next_cursor: str | None


class PageOfProvider(Given):
    data: list[Provider]
    next_cursor: str | None


class PageOfRunner(Given):
    data: list[Runner]
    next_cursor: str | None


class PageOfThread(Given):
    data: list[Thread]
    next_cursor: str | None


class PageOfToolCall(Given):
    data: list[ToolCall]
    next_cursor: str | None


class PageOfUserView(Given):
    data: list[UserView]
    next_cursor: str | None


class PageOfWebhook(Given):
    data: list[Webhook]
    next_cursor: str | None


class PasswordChange(Taken):
    current_password: SecretStr
    new_password: SecretStr

    @field_serializer("current_password", "new_password", when_used="json-unless-none")
    def _sent(self, secret: SecretStr) -> str:
        return secret.get_secret_value()


class PriceOverride(Given):
    provider_type: ProviderType
    model: str
    provider_id: UUID | None
    effective_from: AwareDatetime
    effective_to: AwareDatetime | None
    usd_per_million_tokens: TokenPricesOutput
    id: UUID
    version: int
    created_at: AwareDatetime
    updated_at: AwareDatetime


class PriceOverrideSubmission(Taken):
    """What *model* of *provider_type* costs, instead of what the price book says.

    Of one provider, or of all if *provider_id* is None; for calls that start
    from *effective_from* up to, without, *effective_to*. The narrower one
    counts: that of the provider, then that of the model, then the one that took
    effect last.
    """

    provider_type: ProviderType
    model: str
    provider_id: UUID | None = None
    effective_from: AwareDatetime
    effective_to: AwareDatetime | None = None
    usd_per_million_tokens: TokenPricesInput


class PriceQuote(Given):
    """The prices of a model, or why it has none.

    *context_window* counts the tokens of a call, None if the price book does
    not know.
    """

    provider_type: ProviderType
    model: str
    provider_id: UUID | None
    at: AwareDatetime
    price_version: str
    usd_per_million_tokens: TokenPricesOutput | None
    tiers: list[PriceTier]
    unpriced_reason: UnpricedReason | None
    context_window: int | None


class PriceTier(Given):
    """Prices of calls with more input tokens, of all kinds, than *above*."""

    above_input_tokens: int
    usd_per_million_tokens: TokenPricesOutput


class Prices(Given):
    """Overrides, newest first, and the version of the price book beneath them."""

    data: list[PriceOverride]
    next_cursor: str | None
    book_version: str


class ProbeResult(Given):
    """How the call went; *latency_ms* is None if there was none to make."""

    ok: bool
    latency_ms: int | None
    explanation: Explanation | None


class Provider(Given):
    """A named configuration of one provider type, without its secret.

    *version* counts changes of the row and becomes its ETag;
    `credential.version` counts secrets. *base_url* is None as long as an
    incomplete Bedrock provider has neither one nor a region. *aws_external_id*
    is what the trust policy of a role must ask of us (`sts:ExternalId`): one
    for each organization. One that *is_retiring* takes no agents but those that
    use it already.
    """

    id: UUID
    name: str
    type: ProviderType
    use_case: str | None
    labels: dict[str, str]
    base_url: str | None
    aws_region: str | None
    aws_role_arn: str | None
    aws_external_id: str | None
    limits: ProviderLimitsOutput
    enabled: bool
    is_retiring: bool
    status: ProviderStatus
    credential: CredentialState
    version: int
    created_at: AwareDatetime
    updated_at: AwareDatetime


class ProviderLimitsInput(Taken):
    """Limits towards one provider; None means unlimited."""

    requests_per_minute: int | None = None
    tokens_per_minute: int | None = None
    concurrent: int | None = None


class ProviderLimitsOutput(Given):
    """Limits towards one provider; None means unlimited."""

    requests_per_minute: int | None
    tokens_per_minute: int | None
    concurrent: int | None


class ProviderPatch(Taken):
    """Changes to a provider; crosses the bus only sealed.

    *base_url* null is the provider type's own again; a null secret is removed.
    Secrets that are not named stay. *allow_incomplete* lets a change take away
    what is needed.
    """

    name: str | None = None
    use_case: str | None = None
    labels: dict[str, str] | None = None
    base_url: str | None = None
    api_key: SecretStr | None = None
    aws_region: str | None = None
    aws_role_arn: str | None = None
    aws_access_key_id: SecretStr | None = None
    aws_secret_access_key: SecretStr | None = None
    aws_session_token: SecretStr | None = None
    aws_session_expires_at: AwareDatetime | None = None
    limits: ProviderLimitsInput | None = None
    enabled: bool | None = None
    allow_incomplete: bool = False

    @field_serializer(
        "api_key",
        "aws_access_key_id",
        "aws_secret_access_key",
        "aws_session_token",
        when_used="json-unless-none",
    )
    def _sent(self, secret: SecretStr) -> str:
        return secret.get_secret_value()


class ProviderSubmission(Taken):
    """A new provider as its operator gives it; crosses the bus only sealed.

    *base_url* is what the official SDK takes: OpenAI with `/v1`, Anthropic
    without, Bedrock the runtime's `endpoint_url`. A Bedrock provider has a
    region and one of: a key pair (with a session token if it is temporary), an
    *api_key* (bearer), or an *aws_role_arn*, which a key pair may stand beside
    as the one that assumes it.
    """

    name: str
    type: ProviderType
    use_case: str | None = None
    labels: dict[str, str] | None = None
    base_url: str | None = None
    api_key: SecretStr | None = None
    aws_region: str | None = None
    aws_role_arn: str | None = None
    aws_access_key_id: SecretStr | None = None
    aws_secret_access_key: SecretStr | None = None
    aws_session_token: SecretStr | None = None
    aws_session_expires_at: AwareDatetime | None = None
    limits: ProviderLimitsInput | None = None
    enabled: bool = True
    allow_incomplete: bool = False

    @field_serializer(
        "api_key",
        "aws_access_key_id",
        "aws_secret_access_key",
        "aws_session_token",
        when_used="json-unless-none",
    )
    def _sent(self, secret: SecretStr) -> str:
        return secret.get_secret_value()


class ProviderTest(Taken):
    """Which model is asked for a few tokens; without one, a list is read.

    Bedrock needs a model: given, or allowed by an agent type.
    """

    model: str | None = None


class ProviderTrial(Taken):
    """A provider as it would be created, which need not have a name yet."""

    name: str = "a provider on trial"
    type: ProviderType
    use_case: str | None = None
    labels: dict[str, str] | None = None
    base_url: str | None = None
    api_key: SecretStr | None = None
    aws_region: str | None = None
    aws_role_arn: str | None = None
    aws_access_key_id: SecretStr | None = None
    aws_secret_access_key: SecretStr | None = None
    aws_session_token: SecretStr | None = None
    aws_session_expires_at: AwareDatetime | None = None
    limits: ProviderLimitsInput | None = None
    enabled: bool = True
    allow_incomplete: bool = False
    model: str | None = None

    @field_serializer(
        "api_key",
        "aws_access_key_id",
        "aws_secret_access_key",
        "aws_session_token",
        when_used="json-unless-none",
    )
    def _sent(self, secret: SecretStr) -> str:
        return secret.get_secret_value()


class Ready(Given):
    status: Literal["ready"]


class Replay(Taken):
    """Which deliveries are made again: these, or those that failed since then."""

    delivery_ids: list[UUID] | None = None
    failed_since: AwareDatetime | None = None


class Replayed(Given):
    """How many deliveries are under way again."""

    replayed: int


class RepriceOrder(Taken):
    """The period whose calls are priced anew."""

    from_: AwareDatetime = Field(alias="from")
    to: AwareDatetime


class RepricedModel(Given):
    """What changed for the calls of one model; dollars are of the changed calls."""

    provider_type: ProviderType
    model: str
    calls_changed: int
    newly_priced: int
    newly_unpriced: int
    cost_usd_before: float
    cost_usd_after: float


class Repricing(Given):
    """How far a repricing has come, and what it has changed so far.

    A call that already has this price and version is not changed, so that a
    second repricing of the same period changes nothing.
    """

    id: UUID
    kind: Literal["prices.reprice"]
    status: RepricingStatus
    from_: AwareDatetime = Field(alias="from")
    to: AwareDatetime
    price_version: str
    calls_examined: int
    calls_changed: int
    cost_usd_before: float
    cost_usd_after: float
    models: list[RepricedModel]
    requested_at: AwareDatetime
    finished_at: AwareDatetime | None


class ResidencyInput(Taken):
    """Where data may go; None is anywhere, and one of the two must be named.

    *regions* are AWS regions (`eu-central-1`), geographies (`eu`, `global`),
    and host names of base URLs whose place is known from their owner alone.
    """

    provider_types: list[ProviderType] | None = None
    regions: list[str] | None = None


class ResidencyOutput(Given):
    """Where data may go; None is anywhere, and one of the two must be named.

    *regions* are AWS regions (`eu-central-1`), geographies (`eu`, `global`),
    and host names of base URLs whose place is known from their owner alone.
    """

    provider_types: list[ProviderType] | None
    regions: list[str] | None


class ResourcesInput(Taken):
    """What one agent may take of its host."""

    memory_mb: int = 256
    cpus: float = 1.0
    pids: int = 128


class ResourcesOutput(Given):
    """What one agent may take of its host."""

    memory_mb: int
    cpus: float
    pids: int


class Rewrap(Given):
    """A job that brings every data key under the master key *master_key_id*.

    Of *total* data keys that were under others when it began, *rewrapped* are
    done and *unreadable* could not be; *remaining* counts what is under others
    now.
    """

    id: UUID
    kind: Literal["master_key.rewrap"]
    status: RewrapStatus
    master_key_id: str
    total: int
    rewrapped: int
    unreadable: int
    remaining: int
    started_at: AwareDatetime
    finished_at: AwareDatetime | None


class Rotation(Taken):
    """Either new secrets, which replace all that the provider has, or another provider.

    *delete_old* removes the old provider at the end. Bedrock is tested with
    *model*: if none is named, with one that agent types use.
    """

    to_provider_id: UUID | None = None
    delete_old: bool = False
    model: str | None = None
    api_key: SecretStr | None = None
    aws_access_key_id: SecretStr | None = None
    aws_secret_access_key: SecretStr | None = None
    aws_session_token: SecretStr | None = None
    aws_session_expires_at: AwareDatetime | None = None

    @field_serializer(
        "api_key",
        "aws_access_key_id",
        "aws_secret_access_key",
        "aws_session_token",
        when_used="json-unless-none",
    )
    def _sent(self, secret: SecretStr) -> str:
        return secret.get_secret_value()


class Runner(Given):
    """One agent-runner; *agents* counts all that are to run there, whoever's they are.

    *capacity* is how many it is meant for; *labels* are what agent types may
    ask for.
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


class Silence(Taken):
    """How long nobody is told of the alert; null ends a silence."""

    until: AwareDatetime | None


class StartedSession(Given):
    """A session has begun; its secret is in the cookie alone.

    Each change it asks for needs *csrf_token* in `X-CSRF-Token`.
    """

    id: UUID
    user: UserView
    csrf_token: str
    expires_at: AwareDatetime


class TaskView(Given):
    """A task of one of the two tables, with the *models* to take for it, best first.

    *first_models* are what the tables first named, also those that have ended.
    """

    id: TaskId
    table: Table
    title: str
    models: list[str]
    first_models: list[str]


class Thread(Given):
    """A conversation with an agent; *messages* counts what is still kept of it."""

    id: UUID
    agent_id: UUID
    messages: int
    created_at: AwareDatetime
    updated_at: AwareDatetime


class ThreadHistory(Given):
    """A thread with a page of its messages, newest first."""

    id: UUID
    agent_id: UUID
    created_at: AwareDatetime
    updated_at: AwareDatetime
    messages: list[ThreadMessage]
    next_cursor: str | None


class ThreadMessage(Given):
    """What was asked at one position of a thread, and what came of it."""

    message_id: UUID
    position: int
    agent_id: UUID
    status: MessageStatus
    content: str
    reply: str | None
    usage: MessageUsage
    attempts: int
    duration_ms: int | None
    explanation: Explanation | None
    created_at: AwareDatetime
    finished_at: AwareDatetime | None


class TokenPricesInput(Taken):
    """Dollars for a million tokens of each kind.

    What is None costs what stands here: cached input as input, cache writes of
    the shorter kind as input, of the longer as the shorter.
    """

    input: float | str
    output: float | str
    cached_input: float | str | None = None
    cache_write_5m: float | str | None = None
    cache_write_1h: float | str | None = None


class TokenPricesOutput(Given):
    """Dollars for a million tokens of each kind.

    What is None costs what stands here: cached input as input, cache writes of
    the shorter kind as input, of the longer as the shorter.
    """

    input: float
    output: float
    cached_input: float | None
    cache_write_5m: float | None
    cache_write_1h: float | None


class ToolCall(Given):
    """A tool call as it was counted; *explanation* says what its *code* means."""

    kind: Literal["tool_call"]
    tool_call_id: UUID
    org_id: UUID
    agent_id: UUID
    agent_type_id: UUID
    message_id: UUID
    tool: str
    status: ToolCallStatus
    code: str | None
    started_at: AwareDatetime
    duration_ms: int
    recorded_at: AwareDatetime
    explanation: Explanation | None


class Usage(Given):
    """Disjoint token counts; None is "not reported", which is not 0.

    *input_tokens* excludes those read from a cache (OpenAI reports them inside)
    and those written to one. *cache_write_5m_tokens* are writes of the shorter
    kind a provider sells (Anthropic 5 minutes, OpenAI 30),
    *cache_write_1h_tokens* of the longer (1 hour, 12 hours); writes whose kind
    is not told are of the shorter. *reasoning_tokens* is a part of
    *output_tokens*. *service_tier*, *speed* and *inference_geo* are the terms
    that the provider's answer names; they bear on price.
    """

    input_tokens: int | None
    cached_input_tokens: int | None
    cache_write_5m_tokens: int | None
    cache_write_1h_tokens: int | None
    output_tokens: int | None
    reasoning_tokens: int | None
    web_searches: int | None
    service_tier: str | None
    speed: str | None
    inference_geo: str | None


class UsageBucket(Given):
    """One hour or day on the clock of the zone, cut where the period begins or ends.

    An hour that a change of the clock repeats is two; one that it skips is
    none.
    """

    calls: int
    errors: int
    error_rate: float | None
    cancelled_calls: int
    interrupted_calls: int
    total_tokens: int
    input_tokens: int
    cached_input_tokens: int
    cache_write_5m_tokens: int
    cache_write_1h_tokens: int
    output_tokens: int
    reasoning_tokens: int
    average_response_time_ms: float | None
    p50_response_time_ms: float | None
    p95_response_time_ms: float | None
    average_time_to_first_token_ms: float | None
    cost_usd: float | None
    unpriced_calls: int
    messages_processed: int
    message_duration_ms: float | None
    starts_at: AwareDatetime
    ends_at: AwareDatetime


class UsageErrors(Given):
    """How many calls failed, and by which codes, the commonest first."""

    from_: AwareDatetime | None = Field(alias="from")
    to: AwareDatetime | None
    as_of: AwareDatetime
    data: list[ErrorShare]
    calls: int
    errors: int
    error_rate: float | None


class UsageOfAgent(Given):
    calls: int
    errors: int
    error_rate: float | None
    cancelled_calls: int
    interrupted_calls: int
    total_tokens: int
    input_tokens: int
    cached_input_tokens: int
    cache_write_5m_tokens: int
    cache_write_1h_tokens: int
    output_tokens: int
    reasoning_tokens: int
    average_response_time_ms: float | None
    p50_response_time_ms: float | None
    p95_response_time_ms: float | None
    average_time_to_first_token_ms: float | None
    cost_usd: float | None
    unpriced_calls: int
    messages_processed: int
    message_duration_ms: float | None
    agent_id: str


class UsageOfAgentType(Given):
    calls: int
    errors: int
    error_rate: float | None
    cancelled_calls: int
    interrupted_calls: int
    total_tokens: int
    input_tokens: int
    cached_input_tokens: int
    cache_write_5m_tokens: int
    cache_write_1h_tokens: int
    output_tokens: int
    reasoning_tokens: int
    average_response_time_ms: float | None
    p50_response_time_ms: float | None
    p95_response_time_ms: float | None
    average_time_to_first_token_ms: float | None
    cost_usd: float | None
    unpriced_calls: int
    messages_processed: int
    message_duration_ms: float | None
    agent_type_id: str


class UsageOfLabel(Given):
    calls: int
    errors: int
    error_rate: float | None
    cancelled_calls: int
    interrupted_calls: int
    total_tokens: int
    input_tokens: int
    cached_input_tokens: int
    cache_write_5m_tokens: int
    cache_write_1h_tokens: int
    output_tokens: int
    reasoning_tokens: int
    average_response_time_ms: float | None
    p50_response_time_ms: float | None
    p95_response_time_ms: float | None
    average_time_to_first_token_ms: float | None
    cost_usd: float | None
    unpriced_calls: int
    messages_processed: int
    message_duration_ms: float | None
    label: str


class UsageOfModel(Given):
    calls: int
    errors: int
    error_rate: float | None
    cancelled_calls: int
    interrupted_calls: int
    total_tokens: int
    input_tokens: int
    cached_input_tokens: int
    cache_write_5m_tokens: int
    cache_write_1h_tokens: int
    output_tokens: int
    reasoning_tokens: int
    average_response_time_ms: float | None
    p50_response_time_ms: float | None
    p95_response_time_ms: float | None
    average_time_to_first_token_ms: float | None
    cost_usd: float | None
    unpriced_calls: int
    messages_processed: int
    message_duration_ms: float | None
    model: str


class UsageOfProvider(Given):
    calls: int
    errors: int
    error_rate: float | None
    cancelled_calls: int
    interrupted_calls: int
    total_tokens: int
    input_tokens: int
    cached_input_tokens: int
    cache_write_5m_tokens: int
    cache_write_1h_tokens: int
    output_tokens: int
    reasoning_tokens: int
    average_response_time_ms: float | None
    p50_response_time_ms: float | None
    p95_response_time_ms: float | None
    average_time_to_first_token_ms: float | None
    cost_usd: float | None
    unpriced_calls: int
    messages_processed: int
    message_duration_ms: float | None
    provider_id: str


class UsageOfProviderType(Given):
    calls: int
    errors: int
    error_rate: float | None
    cancelled_calls: int
    interrupted_calls: int
    total_tokens: int
    input_tokens: int
    cached_input_tokens: int
    cache_write_5m_tokens: int
    cache_write_1h_tokens: int
    output_tokens: int
    reasoning_tokens: int
    average_response_time_ms: float | None
    p50_response_time_ms: float | None
    p95_response_time_ms: float | None
    average_time_to_first_token_ms: float | None
    cost_usd: float | None
    unpriced_calls: int
    messages_processed: int
    message_duration_ms: float | None
    provider_type: str


class UsageOfStatus(Given):
    calls: int
    errors: int
    error_rate: float | None
    cancelled_calls: int
    interrupted_calls: int
    total_tokens: int
    input_tokens: int
    cached_input_tokens: int
    cache_write_5m_tokens: int
    cache_write_1h_tokens: int
    output_tokens: int
    reasoning_tokens: int
    average_response_time_ms: float | None
    p50_response_time_ms: float | None
    p95_response_time_ms: float | None
    average_time_to_first_token_ms: float | None
    cost_usd: float | None
    unpriced_calls: int
    messages_processed: int
    message_duration_ms: float | None
    status: str


class UsageOfUseCase(Given):
    """What calls of a use case used; null is that of calls without one."""

    calls: int
    errors: int
    error_rate: float | None
    cancelled_calls: int
    interrupted_calls: int
    total_tokens: int
    input_tokens: int
    cached_input_tokens: int
    cache_write_5m_tokens: int
    cache_write_1h_tokens: int
    output_tokens: int
    reasoning_tokens: int
    average_response_time_ms: float | None
    p50_response_time_ms: float | None
    p95_response_time_ms: float | None
    average_time_to_first_token_ms: float | None
    cost_usd: float | None
    unpriced_calls: int
    messages_processed: int
    message_duration_ms: float | None
    use_case: str | None


class UsagePageOfUsageOfAgent(Given):
    from_: AwareDatetime | None = Field(alias="from")
    to: AwareDatetime | None
    as_of: AwareDatetime
    data: list[UsageOfAgent]
    next_cursor: str | None


class UsagePageOfUsageOfAgentType(Given):
    from_: AwareDatetime | None = Field(alias="from")
    to: AwareDatetime | None
    as_of: AwareDatetime
    data: list[UsageOfAgentType]
    next_cursor: str | None


class UsagePageOfUsageOfLabel(Given):
    from_: AwareDatetime | None = Field(alias="from")
    to: AwareDatetime | None
    as_of: AwareDatetime
    data: list[UsageOfLabel]
    next_cursor: str | None


class UsagePageOfUsageOfModel(Given):
    from_: AwareDatetime | None = Field(alias="from")
    to: AwareDatetime | None
    as_of: AwareDatetime
    data: list[UsageOfModel]
    next_cursor: str | None


class UsagePageOfUsageOfProvider(Given):
    from_: AwareDatetime | None = Field(alias="from")
    to: AwareDatetime | None
    as_of: AwareDatetime
    data: list[UsageOfProvider]
    next_cursor: str | None


class UsagePageOfUsageOfProviderType(Given):
    from_: AwareDatetime | None = Field(alias="from")
    to: AwareDatetime | None
    as_of: AwareDatetime
    data: list[UsageOfProviderType]
    next_cursor: str | None


class UsagePageOfUsageOfStatus(Given):
    from_: AwareDatetime | None = Field(alias="from")
    to: AwareDatetime | None
    as_of: AwareDatetime
    data: list[UsageOfStatus]
    next_cursor: str | None


class UsagePageOfUsageOfUseCase(Given):
    from_: AwareDatetime | None = Field(alias="from")
    to: AwareDatetime | None
    as_of: AwareDatetime
    data: list[UsageOfUseCase]
    next_cursor: str | None


class UsageSummary(Given):
    """What an organization used and how its calls fared."""

    from_: AwareDatetime | None = Field(alias="from")
    to: AwareDatetime | None
    as_of: AwareDatetime
    calls: int
    errors: int
    error_rate: float | None
    cancelled_calls: int
    interrupted_calls: int
    total_tokens: int
    input_tokens: int
    cached_input_tokens: int
    cache_write_5m_tokens: int
    cache_write_1h_tokens: int
    output_tokens: int
    reasoning_tokens: int
    average_response_time_ms: float | None
    p50_response_time_ms: float | None
    p95_response_time_ms: float | None
    average_time_to_first_token_ms: float | None
    cost_usd: float | None
    unpriced_calls: int
    messages_processed: int
    message_duration_ms: float | None


class UsageTimeline(Given):
    """Buckets without a gap, oldest first; *resumes_at*: ask for the rest from there.

    Each bucket is there, also one without calls.
    """

    from_: AwareDatetime | None = Field(alias="from")
    to: AwareDatetime | None
    as_of: AwareDatetime
    interval: Interval
    tz: str
    data: list[UsageBucket]
    resumes_at: AwareDatetime | None


class UserPatch(Taken):
    """Changes to a person; who loses rights, or gets others, logs in anew."""

    name: str | None = None
    role: Role | None = None
    is_enabled: bool | None = None


class UserSubmission(Taken):
    email: str
    name: str | None = None
    role: Role | None = None


class UserView(Given):
    """A person; `invited` until that one has come in."""

    id: UUID
    email: str
    name: str | None
    role: Role
    status: Literal["invited", "active", "disabled"]
    version: int
    created_at: AwareDatetime
    updated_at: AwareDatetime
    last_login_at: AwareDatetime | None


class Webhook(Given):
    """A server that is told of *events*; of its URL no more than the *origin* is told.

    *disabled_reason* says why it was switched off, if nobody did it by hand.
    *waiting* deliveries are yet to be made.
    """

    id: UUID
    name: str
    origin: str
    events: list[EventName]
    enabled: bool
    disabled_reason: str | None
    waiting: int
    version: int
    created_at: AwareDatetime
    updated_at: AwareDatetime


class WebhookPatch(Taken):
    """Changes to a webhook; another URL or secret is another webhook."""

    name: str | None = None
    events: list[EventName] | None = None
    enabled: bool | None = None
