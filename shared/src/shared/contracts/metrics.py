"""What metrics hears and answers, and the records it counts."""

from datetime import timedelta
from enum import StrEnum
from typing import Annotated, Literal
from uuid import UUID

from pydantic import AwareDatetime, Field

from .base import (
    AuditEntry,
    Empty,
    Endpoint,
    Event,
    Explanation,
    Message,
    Page,
    PageQuestion,
    Question,
    Service,
    Topic,
)
from .conversations import MessageStatus
from .credentials import ProviderType
from .prices import (
    Dollars,
    PriceOverride,
    PriceQuestion,
    PriceQuote,
    PriceQuotes,
    Prices,
    PutPrice,
    QuoteQuestion,
    QuotesQuestion,
    Reprice,
    Repricing,
    RepricingQuestion,
    UnpricedReason,
)
from .usage import (
    AgentStats,
    AgentStatsQuestion,
    UsageByQuestion,
    UsageQuestion,
    UsageSummary,
    UsageTable,
    UsageTimeline,
    UsageTimelineQuestion,
)

__all__ = [
    "AGENT_STATS",
    "CALL_FINISHED",
    "DELETE_PRICE",
    "GET_CALL",
    "GET_PRICE",
    "GET_REPRICING",
    "GET_TOOL_CALL",
    "INGEST",
    "LIST_AUDIT",
    "LIST_CALLS",
    "LIST_PRICES",
    "LIST_TOOL_CALLS",
    "MESSAGE_FINISHED",
    "PING",
    "PUT_PRICE",
    "QUOTE_PRICE",
    "QUOTE_PRICES",
    "REPRICE",
    "TOOL_CALL_FINISHED",
    "USAGE_BY",
    "USAGE_SUMMARY",
    "USAGE_TIMELINE",
    "AttemptRecord",
    "Call",
    "CallFinished",
    "CallQuestion",
    "CallRecord",
    "CallStatus",
    "CallsQuestion",
    "Ingest",
    "IngestRecord",
    "Ingested",
    "MessageFinishedEvent",
    "MessageRecord",
    "Record",
    "ToolCall",
    "ToolCallFinished",
    "ToolCallQuestion",
    "ToolCallRecord",
    "ToolCallStatus",
    "ToolCallsQuestion",
    "Usage",
    "UsageSource",
]

Count = Annotated[int, Field(ge=0)]


class CallStatus(StrEnum):
    """How an admitted call ended; every one has exactly one end.

    `interrupted`: the runner died before it knew (tokens unknown);
    `cancelled`: the agent went away first.
    """

    COMPLETED = "completed"
    FAILED = "failed"
    CANCELLED = "cancelled"
    INTERRUPTED = "interrupted"


class UsageSource(StrEnum):
    """Where the figures of a call's usage come from."""

    REPORTED = "reported"

    ESTIMATED = "estimated"
    """What broke off, or nobody waited for: what was not told is estimated."""

    REFUSED = "refused"
    """The provider reported what cannot be true, so nothing is counted."""

    NONE = "none"


class Usage(Message):
    """Disjoint token counts; None is "not reported", which is not 0.

    *input_tokens* excludes those read from a cache (OpenAI reports them inside) and
    those written to one. *cache_write_5m_tokens* are writes of the shorter kind a
    provider sells (Anthropic 5 minutes, OpenAI 30), *cache_write_1h_tokens* of the
    longer (1 hour, 12 hours); writes whose kind is not told are of the shorter.
    *reasoning_tokens* is a part of *output_tokens*. *service_tier*, *speed* and
    *inference_geo* are the terms that the provider's answer names; they bear on price.
    """

    input_tokens: Count | None = None
    cached_input_tokens: Count | None = None
    cache_write_5m_tokens: Count | None = None
    cache_write_1h_tokens: Count | None = None
    output_tokens: Count | None = None
    reasoning_tokens: Count | None = None
    web_searches: Count | None = None
    service_tier: str | None = None
    speed: str | None = None
    inference_geo: str | None = None


class AttemptRecord(Message):
    """One upstream request of a call. *http_status* is None if none came."""

    attempt_id: UUID
    provider_id: UUID
    model: str
    started_at: AwareDatetime
    duration_ms: int
    http_status: int | None = None
    error_code: str | None = None


class CallRecord(Message):
    """One admitted model call, as the runner's spool settled it.

    *provider_id*, *provider_type* and *model* are of the attempt that ended it, whose
    *usage* it is. *labels* are the provider's, the agent type's and the call's own.
    *duration_ms* is from the request's arrival to the last byte released, None
    where it was not measured; *time_to_first_token_ms* of streams only.
    """

    kind: Literal["call"] = "call"
    call_id: UUID
    org_id: UUID
    agent_id: UUID
    agent_type_id: UUID
    provider_id: UUID
    provider_type: ProviderType
    use_case: str | None = None
    labels: dict[str, str] = Field(default_factory=dict)
    model: str
    endpoint: str
    is_streamed: bool
    message_id: UUID | None = None
    runner: str
    request_id: str
    status: CallStatus
    http_status: int | None = None
    started_at: AwareDatetime
    duration_ms: int | None = None
    time_to_first_token_ms: int | None = None
    usage: Usage = Usage()
    usage_source: UsageSource = UsageSource.NONE
    explanation: Explanation | None = None
    attempts: list[AttemptRecord] = Field(default_factory=list)


class MessageRecord(Message):
    """One message that has become final; never its content."""

    kind: Literal["message"] = "message"
    message_id: UUID
    org_id: UUID
    agent_id: UUID
    agent_type_id: UUID
    status: MessageStatus
    finished_at: AwareDatetime
    duration_ms: int | None = None


class ToolCallStatus(StrEnum):
    """How a tool call ended that the limits let through.

    `refused`: it led where no tool may go, which only its connection or a redirect
    told; `cancelled`: the agent went away first.
    """

    COMPLETED = "completed"
    FAILED = "failed"
    REFUSED = "refused"
    CANCELLED = "cancelled"


class ToolCallRecord(Message):
    """One tool call of an agent; never what was asked or given.

    *code* says what it failed of, or was refused for.
    """

    kind: Literal["tool_call"] = "tool_call"
    tool_call_id: UUID
    org_id: UUID
    agent_id: UUID
    agent_type_id: UUID
    message_id: UUID
    tool: str
    status: ToolCallStatus
    code: str | None = None
    started_at: AwareDatetime
    duration_ms: int


Record = Annotated[
    CallRecord | MessageRecord | ToolCallRecord, Field(discriminator="kind")
]


class IngestRecord(Message):
    """One record with its place in the source.

    *payload* is the JSON of a `Record`; a string, so that one that cannot be read
    becomes a dead letter and does not spoil its neighbours.
    """

    sequence: int = Field(ge=1)
    payload: str


class Ingest(Message):
    """Consecutive records of one source (a spool or an outbox), oldest first.

    Without records it only asks how far the source has been applied.
    """

    source: UUID
    records: list[IngestRecord] = Field(default_factory=list, max_length=1000)


class Ingested(Message):
    """Everything up to *applied_through* is counted, once; send what follows."""

    applied_through: int


class CallsQuestion(PageQuestion):
    """Calls, those started last first; of each filter that is given."""

    agent_id: UUID | None = None
    agent_type_id: UUID | None = None
    provider_id: UUID | None = None
    model: str | None = None
    status: CallStatus | None = None
    code: str | None = None
    request_id: str | None = None
    since: AwareDatetime | None = None
    until: AwareDatetime | None = None


class CallQuestion(Question):
    call_id: UUID


class Call(CallRecord):
    """A call as it was counted, and priced by *price_version*."""

    recorded_at: AwareDatetime
    cost_usd: Dollars | None = None
    price_version: str | None = None
    unpriced_reason: UnpricedReason | None = None


class ToolCallsQuestion(PageQuestion):
    """Tool calls, those started last first; of each filter that is given."""

    agent_id: UUID | None = None
    agent_type_id: UUID | None = None
    message_id: UUID | None = None
    tool: str | None = None
    status: ToolCallStatus | None = None
    code: str | None = None
    since: AwareDatetime | None = None
    until: AwareDatetime | None = None


class ToolCallQuestion(Question):
    tool_call_id: UUID


class ToolCall(ToolCallRecord):
    """A tool call as it was counted; *explanation* says what its *code* means."""

    recorded_at: AwareDatetime
    explanation: Explanation | None = None


class CallFinished(Event):
    """A call was counted; the event's id is the call's."""

    call: CallRecord


class MessageFinishedEvent(Event):
    """A message was counted; the event's id is the message's."""

    message: MessageRecord


class ToolCallFinished(Event):
    """A tool call was counted; the event's id is the tool call's."""

    tool_call: ToolCallRecord


_GATEWAY = frozenset({Service.GATEWAY})

PING = Endpoint("metrics.v1.ping", Empty, Empty, askers=_GATEWAY)
INGEST = Endpoint(
    "metrics.v1.ingest",
    Ingest,
    Ingested,
    askers=frozenset({Service.AGENT_RUNNER}),
    deadline=timedelta(seconds=10),
)
AGENT_STATS = Endpoint(
    "metrics.v1.agent_stats", AgentStatsQuestion, AgentStats, askers=_GATEWAY
)
LIST_AUDIT = Endpoint(
    "metrics.v1.list_audit", PageQuestion, Page[AuditEntry], askers=_GATEWAY
)
LIST_CALLS = Endpoint(
    "metrics.v1.list_calls", CallsQuestion, Page[Call], askers=_GATEWAY
)
GET_CALL = Endpoint("metrics.v1.get_call", CallQuestion, Call, askers=_GATEWAY)
LIST_TOOL_CALLS = Endpoint(
    "metrics.v1.list_tool_calls", ToolCallsQuestion, Page[ToolCall], askers=_GATEWAY
)
GET_TOOL_CALL = Endpoint(
    "metrics.v1.get_tool_call", ToolCallQuestion, ToolCall, askers=_GATEWAY
)
USAGE_SUMMARY = Endpoint(
    "metrics.v1.usage_summary", UsageQuestion, UsageSummary, askers=_GATEWAY
)
USAGE_BY = Endpoint("metrics.v1.usage_by", UsageByQuestion, UsageTable, askers=_GATEWAY)
USAGE_TIMELINE = Endpoint(
    "metrics.v1.usage_timeline", UsageTimelineQuestion, UsageTimeline, askers=_GATEWAY
)
LIST_PRICES = Endpoint("metrics.v1.list_prices", PageQuestion, Prices, askers=_GATEWAY)
GET_PRICE = Endpoint(
    "metrics.v1.get_price", PriceQuestion, PriceOverride, askers=_GATEWAY
)
PUT_PRICE = Endpoint("metrics.v1.put_price", PutPrice, PriceOverride, askers=_GATEWAY)
DELETE_PRICE = Endpoint(
    "metrics.v1.delete_price", PriceQuestion, Empty, askers=_GATEWAY
)
QUOTE_PRICE = Endpoint(
    "metrics.v1.quote_price",
    QuoteQuestion,
    PriceQuote,
    askers=_GATEWAY | {Service.AGENT_RUNNER},
)
QUOTE_PRICES = Endpoint(
    "metrics.v1.quote_prices", QuotesQuestion, PriceQuotes, askers=_GATEWAY
)
REPRICE = Endpoint("metrics.v1.reprice", Reprice, Repricing, askers=_GATEWAY)
GET_REPRICING = Endpoint(
    "metrics.v1.get_repricing", RepricingQuestion, Repricing, askers=_GATEWAY
)

CALL_FINISHED = Topic("call", "finished", CallFinished, publisher=Service.METRICS)
MESSAGE_FINISHED = Topic(
    "message", "finished", MessageFinishedEvent, publisher=Service.METRICS
)
TOOL_CALL_FINISHED = Topic(
    "tool_call", "finished", ToolCallFinished, publisher=Service.METRICS
)
